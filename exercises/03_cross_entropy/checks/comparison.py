"""Are two outcomes the same? And if not, in which respect?"""

import numpy as np

from .outcomes import EXCEPTION, Other, article, count, decode, is_tensor

TOLERANCE = (1e-12, 1e-9)  # absolute, and relative to the truth
SINGLE = 1e-5  # relative to the truth: what float32 may lose

# The respects in which an outcome can be wrong. What a case asks is one of the first three; any value may be wrong in the last two.
ORDINARY, EDGE, REFUSAL, KEPT, WARNING = RESPECTS = "ordinary", "edge", "refusal", "kept", "warning"


def difference(got, expected, tolerance=TOLERANCE, without_warning=False, parameters=(), results=()):
    """Return what distinguishes an outcome from the expected one, in words; None when they agree."""
    found = differences(got, expected, tolerance, without_warning, parameters, results)
    return next((found[respect] for respect in RESPECTS if respect in found), None)


def differences(got, expected, tolerance=TOLERANCE, without_warning=False, parameters=(), results=()):
    """Return what distinguishes an outcome from the expected one, in words, by respect; a value, of whatever case, is in ORDINARY.

    parameters: the names of the arguments. results: those of the parts of the result.
    """
    got, expected = opened(got), opened(expected)
    if "raised" in expected:
        said = unlike_refusal(got, expected["raised"][0])
        return {REFUSAL: said} if said else {}
    if "raised" in got:
        return {ORDINARY: raised(got)}
    found = {ORDINARY: unlike(got["value"], expected["value"], tolerance, names=results)}
    right = "The result is right, but" if not found[ORDINARY] else "And"
    now, then = got.get("modified", {}), expected.get("modified", {})
    if now.keys() != then.keys() or any(unlike(now[position], then[position], tolerance) for position in now):
        found[KEPT] = f"{right} the function changes its {arguments_of(now, parameters)}: it should work on a copy."
    if without_warning and got.get("warned") and not expected.get("warned"):
        found[WARNING] = f"{right} it comes with a warning: {got['warned']}."
    return {respect: said for respect, said in found.items() if said}


def arguments_of(positions, parameters):
    changed = [parameters[position] for position in sorted(positions) if position < len(parameters)]
    return f"argument{'s' if len(changed) > 1 else ''} {' and '.join(changed)}"


def unlike_refusal(got, wanted):
    if "raised" in got:
        return None if wanted in got["raised"] else f"It should raise a {wanted} here. {raised(got)}"
    value = got["value"]
    if isinstance(value, Other) and value.what.startswith(EXCEPTION):
        return f"It should raise a {wanted} here, and returns one."
    warned = " A warning is not enough." if got.get("warned") else ""
    return f"It should raise a {wanted} here, and does not.{warned}"


class Opened(dict):
    """An outcome with its values decoded; "modified" is a dict."""


def opened(outcome):
    """Decode an outcome's values, unless that was done. Raises what `decode` does."""
    if isinstance(outcome, Opened):
        return outcome
    values = {name: decode(outcome[name]) for name in ("value", "part") if name in outcome}
    if "modified" in outcome:
        values["modified"] = {position: decode(now) for position, now in outcome["modified"]}
    return Opened(outcome | values)


def raised(outcome):
    if outcome.get("too_long"):
        return f"It was {outcome['message']}, and was stopped.\n    {outcome['where']}"
    message = f": {outcome['message']}" if outcome["message"] else ""
    where = f"\n    {outcome['where']}" if outcome.get("where") else ""
    return f"It raises {outcome['raised'][0]}{message}{where}"


def unlike(got, expected, tolerance, place="", names=()):
    """Return how plain data differs from the expected, in words that do not tell the expected; None when it does not.

    place: where in a result these data are, for instance "history[0]". names: of the parts of a result.
    """
    returns = f"It returns, at {place}," if place else "It returns"
    if isinstance(got, Other) and got.what.startswith(EXCEPTION) and not (isinstance(expected, Other) and got == expected):
        return f"{returns} {got.what}: write raise in place of return."
    if isinstance(expected, list):
        if isinstance(got, np.ndarray) and got.ndim == 1:
            got = list(got)
        if not isinstance(got, list | tuple):
            return f"{returns} {article(got)}, where a list is asked."
        if len(got) != len(expected):
            return f"{returns} a list of {count(len(got), 'entry', 'entries')}, not of {len(expected)}."
        return first_unlike(got, expected, tolerance, place)
    if isinstance(expected, tuple):
        asked = f"{len(expected)} things are asked: {', '.join(names[:-1])} and {names[-1]}" if names else f"a tuple of {len(expected)} is asked"
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return f"{returns} {article(got)}, where {asked}."
        return first_unlike(got, expected, tolerance, place, names=names)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            return f"{returns} {article(got)}, with other keys than it should have."
        wrong = next((key for key in expected if unlike(got[key], expected[key], tolerance)), None)
        return None if wrong is None else f"What it returns is not right: {wrong}: {format(got[wrong], '.6g') if isinstance(got[wrong], float) else got[wrong]}."
    if expected is None or isinstance(expected, str | Other):
        return None if type(got) is type(expected) and got == expected else f"{returns} {article(got)}, which is not right."
    if is_tensor(expected):
        return unlike(got.numpy(), expected.numpy(), tolerance, place) if is_tensor(got) else f"{returns} {article(got)}, where a torch tensor is asked."
    return unlike_number(got, np.asarray(expected), tolerance, place)


def first_unlike(got, expected, tolerance, place, names=()):
    places = names or [f"{place}[{index}]" for index in range(len(expected))]
    found = (unlike(got[index], expected[index], tolerance, where) for index, where in enumerate(places))
    return next(filter(None, found), None)


KINDS = {
    "b": ("a bool", "true or false"),
    "i": ("a whole number", "whole numbers"),
    "u": ("a whole number", "whole numbers"),
    "f": ("a float", "floats"),
    "c": ("a complex number", "complex numbers"),
    "U": ("a string", "strings"),
}


def unlike_number(got, expected, tolerance, place):
    returns, what = (f"It returns, at {place},", f"What it returns at {place}") if place else ("It returns", "What it returns")
    one, many = KINDS[expected.dtype.kind]
    single = expected.ndim == 0
    asked = one if single else f"an array of shape {expected.shape}"
    if got is None:
        return f"{returns} None: is the return missing?"
    if is_tensor(got):
        return f"{returns} a torch tensor, where {asked} is asked: .item() or .numpy() turns it into one."
    if not isinstance(got, np.ndarray | bool | int | float):
        return f"{returns} {article(got)}, where {asked} is asked."
    if not single and not isinstance(got, np.ndarray):
        return f"{returns} a single number, where {asked} is asked."
    try:
        got = np.asarray(got)
    except OverflowError:
        return f"{returns} a whole number that no array can hold."
    if got.shape != expected.shape:
        return f"{returns} an array of shape {got.shape}, where {asked} is asked."
    whole = single and expected.dtype.kind == "f" and got.dtype.kind in "iu"  # 0 for 0.0
    hint = ": is there a 0 that should be 0.0?" if got.dtype.kind in "iu" and expected.dtype.kind == "f" else ""
    found = KINDS.get(got.dtype.kind, ("", "objects"))[1]
    if found != many and not whole:
        return f"{returns} {found}, where {many} are asked (dtype {got.dtype}){hint or '.'}"
    if got.dtype == expected.dtype and got.tobytes() == expected.tobytes():  # which is quick, and often so
        return None
    if expected.dtype.kind in "biuU":
        return None if np.array_equal(got, expected) else f"{what} is not right."
    with np.errstate(all="ignore"):
        absolute, relative = tolerance
        off = np.abs(got - expected)
        near = np.where(np.isfinite(expected), off <= absolute + relative * np.abs(expected), (got == expected) | (np.isnan(got) & np.isnan(expected)))
    if np.all(near):
        return None
    nan = np.isnan(got) & ~np.isnan(expected)
    if np.any(nan):
        return f"{returns} NaN, where {'infinity' if np.all(np.isinf(expected[nan])) else 'a number'} is expected."
    if np.any(np.isinf(got) & np.isfinite(expected)):
        return f"{returns} an infinite value, where a finite one is expected."
    if np.any(np.isfinite(got) & np.isinf(expected)):
        return f"{returns} a finite value, where an infinite one is expected."
    if np.all(np.isfinite(off[~near])) and np.all(off[~near] <= max(SINGLE, 10 * relative) * np.abs(expected)[~near]):
        single_precision = got.dtype.kind == "f" and got.dtype.itemsize < 8
        reason = "single precision is not enough, compute in float64" if single_precision else "is something approximated or rounded, or a small number added?"
        return f"{what} is nearly right: {reason}"
    return f"{what} is not right."


# What the numbers say when the kind of thing is another.


def numbers(got, expected):
    """Return `got` as the kind of thing that `expected` is, if it is that but for its kind; otherwise as it is.

    A list for an array, a torch tensor, single precision, whole numbers, an axis of length 1 too many: the numbers can be
    looked at all the same.
    """
    if isinstance(expected, tuple) or (isinstance(expected, list) and not plain(expected)):
        same = isinstance(got, list | tuple) and len(got) == len(expected)
        return tuple(numbers(one, other) for one, other in zip(got, expected)) if same else got
    if isinstance(expected, dict) or expected is None or isinstance(expected, str | Other):
        return got
    if is_tensor(got):
        got = got.numpy()
    if not isinstance(got, np.ndarray | list | tuple | bool | int | float):
        return got
    wanted = np.asarray(expected.numpy() if is_tensor(expected) else expected)
    try:
        array = np.asarray([one.numpy() if is_tensor(one) else one for one in got] if isinstance(got, list | tuple) else got)
    except (ValueError, OverflowError):
        return got
    if wanted.dtype.kind not in "biuf" or array.dtype.kind not in "biuf":
        return array if array.dtype.kind == wanted.dtype.kind else got
    kind = wanted.dtype if wanted.dtype.kind == "f" or np.all(array == np.round(array)) else array.dtype
    array = array.astype(kind if wanted.dtype.kind != "b" or np.isin(array, (0, 1)).all() else array.dtype)
    if array.shape != wanted.shape and axes(array) == axes(wanted):
        array = array.reshape(wanted.shape)
    return array


def axes(array):
    return [size for size in array.shape if size != 1]


def plain(values):
    """Say whether a list holds numbers only: then it is as good as an array."""
    return all(isinstance(value, bool | int | float) or (isinstance(value, np.ndarray) and value.ndim == 0) for value in values)


def another_kind(got, expected):
    """Say whether a result is of another kind or shape than asked, whatever its numbers."""
    said = unlike(got, expected, (1e300, 0.0))
    return bool(said) and not any(words in said for words in ("NaN", "infinite", "not right"))


def single_precision(got):
    """Say whether something in a result is held in less than double precision."""
    if isinstance(got, list | tuple):
        return any(map(single_precision, got))
    array = got.numpy() if is_tensor(got) else got
    return isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.dtype.itemsize < 8


def alike(got, expected, tolerance, exact=True):
    """Say whether two results are the same; where not `exact`, a thing of another kind with the same numbers is."""
    if not unlike(got, expected, tolerance):
        return True
    if exact:
        return False
    loose = (tolerance[0], max(tolerance[1], SINGLE)) if single_precision(got) else tolerance
    return not unlike(numbers(got, expected), expected, loose)
