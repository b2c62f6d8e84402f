"""What all tasks share: mistakes that results show by themselves, beside the right ones.

A detector turns right results into wrong ones, and speaks only if these are the student's in every case. It says what the
numbers say; where it wonders about the cause, it asks.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from .comparison import plain
from .outcomes import decode, is_tensor

CLOSE = 1e-8  # relative
TINY = 1e-12
LARGEST_AMOUNT = 0.02  # that somebody adds inside a logarithm
CONSTANTS = {"2": 2.0, "½": 0.5, "4": 4.0, "¼": 0.25, "ln 2": math.log(2), "1/ln 2": 1 / math.log(2), "1/ln 10": 1 / math.log(10)}


class Pair(NamedTuple):
    """A result beside the right one, in one kind of thing.

    arguments: encoded, by name. number: the case's, from 0. raw: the result as it came. tolerance: the task's, absolute and
    relative to the truth.
    """

    got: object
    expected: object
    arguments: dict
    number: int
    raw: object = None
    tolerance: tuple = (TINY, CLOSE)

    @property
    def right(self):
        return same(self.got, self.expected, *self.tolerance[::-1])

    @property
    def closeness(self):
        """What counts as the same, relative to the truth, in a search for what somebody did."""
        return max(CLOSE, self.tolerance[1])

    @property
    def smallest(self):
        """The same in absolute terms."""
        return min(TINY, self.tolerance[0])


class Pairs(list):
    """The Pairs of several cases, and what their arguments count or are."""

    @property
    def closeness(self):
        return self[0].closeness

    @functools.cached_property
    def counts(self):
        """By name what the arguments of each case count or are, as far as it differs from case to case."""
        found = {}
        for pair in self:
            for name, value in measures(pair).items():
                found.setdefault(name, []).append(value)
        unique = {}
        for name, values in found.items():
            values = np.array(values, float)
            if len(values) == len(self) and np.all(values != 0) and np.ptp(values) and not any(np.array_equal(values, other) for other in unique.values()):
                unique[name] = values
        return unique

    @functools.cached_property
    def factors(self):
        """The known factors of each case by name: constants, and what its arguments count or are."""
        options = {name: np.full(len(self), value) for name, value in CONSTANTS.items()}
        for name, values in self.counts.items():
            options |= {name: values, f"1/{name}": 1 / values}
        return options

    @functools.cached_property
    def singles(self):
        """The names of the known factors, each in a tuple, and a row of each."""
        return [(name,) for name in self.factors], np.array(list(self.factors.values()))

    @functools.cached_property
    def products(self):
        """The same for the products of two."""
        names, table = self.singles
        one, other = np.triu_indices(len(names))
        return [names[left] + names[right] for left, right in zip(one, other)], table[one] * table[other]

    @functools.cached_property
    def enough(self):
        """Whether there are two numbers or more that are wrong: one alone proves little."""
        return sum(int(np.sum(wrong_entries(pair))) for pair in self) > 1


def detect(task, pairs, mistakes, whole=True):
    """Return (name, sentence) of what explains these results, or empty ones.

    mistakes: those known about the task's values, each with a function that maps a Pair to what it gives in that case. whole:
    whether these are all values, not only those of one kind.
    """
    if not pairs:
        return "", ""
    found = one_of_several(pairs) or of_all_parts(pairs, mistakes)
    if found:
        return found
    for place, part in parts(pairs, task["results"]):
        if all(pair.right for pair in part):
            continue
        found = of_part(task, part, mistakes if not place else [], whole)
        if found:
            name, sentence = found
            return name, f"In {place}: {sentence.replace('Everything else is right.', 'All else in it is right.')}" if place else sentence
    return exchanged_parts(pairs, task["results"])


def of_part(task, pairs, mistakes, whole):
    """Return (name, sentence) of what explains one part of the results, or None."""
    if not all(isinstance(pair.got, np.ndarray) and isinstance(pair.expected, np.ndarray) for pair in pairs):
        return None
    fits = all(pair.got.shape == pair.expected.shape for pair in pairs)
    if all(same(pair.got, pair.expected, pair.closeness, pair.smallest) for pair in pairs):
        return nearly(pairs)  # whatever changes nothing would seem to explain what is wrong
    numeric = all(pair.got.dtype.kind in "iuf" and pair.expected.dtype.kind in "iuf" for pair in pairs)
    searches = (IN_SHAPE if numeric else OF_LABELS) if fits else OUT_OF_SHAPE
    found = next(filter(None, (search(pairs) for search in searches)), None)
    if not found and fits and numeric:
        found = (two_terms(task, pairs, mistakes) if whole else None) or besides(pairs, mistakes)
    if not found and fits:
        found = some_entries(pairs, whole)
    if not found and not fits:
        found = transposed(pairs, mistakes)
    return found


# Results in parts.


def parts(pairs, names):
    """Yield (place, pairs) for each part of the results: one, without a place, where a result is one thing."""
    first = pairs[0].expected
    if isinstance(first, tuple) or (isinstance(first, list) and not plain(first)):
        size = len(first)
        if all(isinstance(pair.got, tuple | list) and len(pair.got) == len(pair.expected) == size for pair in pairs):
            for index in range(size):
                part = (pair._replace(got=array(pair.got[index]), expected=array(pair.expected[index]), raw=pair.raw[index]) for pair in pairs)
                yield names[index] if names else f"[{index}]", Pairs(part)
    else:
        yield "", Pairs(pair._replace(got=array(pair.got), expected=array(pair.expected)) for pair in pairs)


def of_all_parts(pairs, mistakes):
    """Return what explains several parts of the results at once, or None."""
    wrong = [place for place, part in parts(pairs, ()) if not all(pair.right for pair in part)]
    if len(wrong) < 2:
        return None
    rows = [(together(pair.got), together(pair.expected)) for pair in pairs]
    if any(got is None or expected is None or got.shape != expected.shape for got, expected in rows):
        return None
    whole = Pairs(pair._replace(got=got, expected=expected) for pair, (got, expected) in zip(pairs, rows))
    found = next(filter(None, (search(whole) for search in (factor, digits_cancelled, nearly))), None)
    if found and not found[0].startswith("factor of"):
        return found
    return besides(whole, [(mistake, lambda pair, value=value: together(value(pair))) for mistake, value in mistakes]) or found


def together(value):
    """Return the numbers of all parts of a result in one row; None where a part is no array of numbers."""
    each = [array(part) for part in value] if isinstance(value, tuple | list) else []
    return np.concatenate([part.ravel() for part in each]) if each and all(isinstance(part, np.ndarray) and part.dtype.kind in "iuf" for part in each) else None


def array(value):
    """Return numbers or strings as an array, whatever holds them; anything else as it is."""
    value = value.numpy() if is_tensor(value) else value
    if isinstance(value, list | tuple) and not plain(value):
        return value
    return np.asarray(value) if isinstance(value, np.ndarray | list | tuple | bool | int | float | str) else value


def exchanged_parts(pairs, names):
    """The parts of the result in another order, or one of them alone."""
    if not all(isinstance(pair.expected, tuple) for pair in pairs):
        return "", ""
    size = len(pairs[0].expected)
    called = list(names) or [f"number {index + 1}" for index in range(size)]
    for order in list(itertools.permutations(range(size)))[1:]:
        if all(isinstance(pair.got, tuple | list) and len(pair.got) == size for pair in pairs) and all(
            same(array(pair.got[place]), array(pair.expected[which])) for pair in pairs for place, which in enumerate(order)
        ):
            return "results_exchanged", f"All parts are right, but their order is not: you return {', '.join(called[which] for which in order)}. Asked are {', '.join(called)}."
    for which in range(size):
        if all(same(array(pair.got), array(pair.expected[which])) for pair in pairs):
            return "one_part_only", f"You return {called[which]} alone, and that is right. {size} things are asked: return {', '.join(called)}."
    return "", ""


def one_of_several(pairs):
    """Several things where one is asked, and one of these is it."""
    if isinstance(pairs[0].expected, tuple | dict) or not all(isinstance(pair.raw, tuple | list) and not plain(pair.raw) or isinstance(pair.raw, tuple) for pair in pairs):
        return None
    sizes = {len(pair.raw) for pair in pairs}
    if len(sizes) != 1:
        return None
    for index in range(sizes.pop()):
        if all(same(array(pair.raw[index]), array(pair.expected), *pair.tolerance[::-1]) for pair in pairs):
            return "more_than_asked", f"You return {len(pairs[0].raw)} things; number {index + 1} of them is what is asked. Return it alone."
    return None


def same(got, expected, closeness=CLOSE, smallest=TINY):
    """Say whether two arrays are the same to rounding."""
    if not isinstance(got, np.ndarray) or not isinstance(expected, np.ndarray) or got.shape != expected.shape:
        return False
    if got.dtype.kind not in "biuf" or expected.dtype.kind not in "biuf":
        return got.dtype.kind == expected.dtype.kind and np.array_equal(got, expected)
    return bool(np.all(near(got, expected, closeness, smallest)))


def near(got, expected, closeness=CLOSE, smallest=TINY):
    got, expected = got.astype(float), expected.astype(float)
    with np.errstate(all="ignore"):
        close = np.isfinite(expected) & (np.abs(got - expected) <= smallest + closeness * np.abs(expected))
    return close | (got == expected) | (np.isnan(got) & np.isnan(expected))


def explains(pairs, wrong):
    """Say whether `wrong`, a function of a Pair, gives what was returned in all cases, one with something in it at least."""
    return any(pair.expected.size and not pair.right for pair in pairs) and all(same(pair.got, np.asarray(wrong(pair)), pair.closeness, pair.smallest) for pair in pairs)


def wrong_entries(pair):
    return ~near(pair.got, pair.expected, *pair.tolerance[::-1])


# A factor.


def factor(pairs):
    ratios = factors_of(pairs)
    if ratios is None or not pairs.enough:
        return None
    known = known_factor(ratios, pairs)
    if known:
        return f"factor {known.name}", f"What you return is {known.words} what is right{known.question}"
    given = ratios[~np.isnan(ratios)]
    if len(given) > 1 and np.ptp(given) <= pairs.closeness * abs(given[0]) and given[0] != 0:
        return "factor", f"What you return is {given[0]:.6g} times what is right, in every case: which factor is that?"
    off = [ratio for pair, ratio in zip(pairs, ratios) if pair.expected.size > 1 and not math.isnan(ratio) and not pair.right]
    if len(off) > 1 and np.all(given != 0):
        return "factor of each case", f"In every case that is wrong all entries are off by one and the same factor ({off[0]:.6g} in the first): something common to the whole result is wrong, such as what it is divided by."
    return None


def factors_of(pairs, right=None):
    """Return for each case the one factor between its results and the right ones, NaN where all are 0; None if there is none."""
    found = []
    for pair in pairs:
        wanted = pair.expected if right is None else right(pair)
        if not isinstance(wanted, np.ndarray) or wanted.dtype.kind not in "iuf":
            return None
        if pair.got.ndim or wanted.ndim:
            ratio = factor_of(pair.got.astype(float), wanted.astype(float), pair.closeness, pair.smallest)
        else:
            ratio = factor_of_numbers(float(pair.got), float(wanted), pair.smallest)
        if ratio is None:
            return None
        found.append(ratio)
    found = np.array(found)
    return None if np.all(np.isnan(found)) or np.all(np.isnan(found) | (np.abs(found - 1) <= pairs.closeness)) else found


def factor_of_numbers(got, expected, smallest):
    """The same as `factor_of` of two numbers, which costs a tenth of it."""
    if math.isfinite(got) != math.isfinite(expected):
        return None
    if not expected or not math.isfinite(expected):
        return math.nan if not math.isfinite(got) or abs(got) <= smallest else None
    return got / expected


def factor_of(got, expected, closeness=CLOSE, smallest=TINY):
    if got.shape != expected.shape:
        return None
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(got), finite):
        return None
    sizes = np.abs(np.where(finite, expected, 0))
    if not sizes.any():
        return math.nan if not np.any(np.abs(got[finite]) > smallest) else None
    at = np.unravel_index(np.argmax(sizes), sizes.shape)
    ratio = got[at] / expected[at]
    with np.errstate(all="ignore"):
        fits = np.abs(got - ratio * expected) <= smallest + closeness * np.abs(ratio * expected)
    ends = got == expected * np.sign(ratio) if ratio else finite
    return ratio if np.all(np.where(finite, fits, ends)) else None


class Known(NamedTuple):
    """A product of known factors. words: how it stands before "what is right"; question: what it makes one ask."""

    name: str
    words: str
    question: str


def known_factor(ratios, pairs):
    """Return the product of one or two known factors, or of a sign and these, that is each case's ratio; or None."""
    given = ~np.isnan(ratios)
    ratios = ratios[given]
    if len(ratios) == 0 or not (np.all(ratios > 0) or np.all(ratios < 0)):
        return None
    minus, ratios = ratios[0] < 0, np.abs(ratios)
    if np.allclose(ratios, 1, pairs.closeness, 0):
        return Known("−1", "exactly minus", ": a sign is the wrong way round.") if minus else None
    for names, table in (pairs.singles, pairs.products)[: 2 if len(ratios) > 1 else 1]:
        hits = np.flatnonzero(np.all(np.abs(table[:, given] - ratios) <= pairs.closeness * ratios, axis=1))
        if len(hits):
            return worded(names[hits[0]], minus)
    return None


def measures(pair):
    """Return what the arguments of a case count or are, by name."""
    found = {}
    for name, code in pair.arguments.items():
        if isinstance(code, dict) and code.keys() & {"function", "make", "other", "strings", "dict"}:
            continue
        value = decode(code)
        value = value.numpy() if is_tensor(value) else value
        if isinstance(value, np.ndarray) and value.ndim == 1:
            found[f"the length of {name}"] = value.size
        elif isinstance(value, np.ndarray) and value.ndim == 2:
            found |= {f"the number of rows of {name}": len(value), f"the number of columns of {name}": value.shape[1], f"the number of entries of {name}": value.size}
        elif isinstance(value, list):
            found[f"the length of {name}"] = len(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = value
    return found


def worded(hit, minus):
    name = " · ".join((["−1"] if minus else []) + list(hit))
    if hit == ("2",) and not minus:
        return Known(name, "exactly twice", ": is a ½ missing, or a 2 too many?")
    if hit == ("½",) and not minus:
        return Known(name, "exactly half of", ": is a ½ too many, or a 2 missing?")
    if len(hit) == 1 and hit[0] in ("1/ln 2", "1/ln 10"):
        return Known(name, f"{'minus ' if minus else ''}1/ln {hit[0][5:]} times", f": is the logarithm one to the base {hit[0][5:]}?")
    if len(hit) == 1 and hit[0] not in CONSTANTS and not minus:
        if hit[0].startswith("1/"):
            return Known(name, f"1/({hit[0][2:]}) times", ": is something divided by it once too often?")
        return Known(name, f"exactly {hit[0]} times", ": is a division by it missing?")
    product = " · ".join(one if one in CONSTANTS else f"1/({one[2:]})" if one.startswith("1/") else f"({one})" for one in hit)
    return Known(name, f"exactly {'−' if minus else ''}{product} times", ": which factors are missing, or too many?")


# A difference.


def shift(pairs):
    """The same amount added everywhere, or in every case."""
    found = []
    for pair in pairs:
        got, expected = pair.got.astype(float), pair.expected.astype(float)
        finite = np.isfinite(expected)
        if not np.array_equal(np.isfinite(got), finite) or np.any(got[~finite] != expected[~finite]):
            return None
        gaps = got[finite] - expected[finite]
        allowed = pair.smallest + pair.closeness * np.abs(expected[finite]).max(initial=0)
        if gaps.size and np.ptp(gaps) > allowed:
            return None
        told = gaps.size and (abs(gaps.flat[0]) > 10 * allowed or pair.right)  # else large numbers may have swallowed it
        found.append(gaps.flat[0] if told else math.nan)
    amounts, given = np.array(found), ~np.isnan(found)
    gaps = amounts[given]
    if not pairs.enough or not np.any(np.abs(gaps) > pairs[0].smallest):
        return None
    size = np.abs(gaps)
    largest = max(np.abs(pair.expected[np.isfinite(pair.expected)]).max(initial=0) for pair, told in zip(pairs, given) if told)
    if np.all(gaps > 0) or np.all(gaps < 0):
        which = "larger" if gaps[0] > 0 else "smaller"
        if np.ptp(size) <= max(CLOSE * size[0], 1e-13 * largest) and len(gaps) > 1:
            return f"shift {which}", f"What you return is {which} by {amount(size[0])} than what is right, in every case."
        for name, values in pairs.counts.items():
            for words, value in ((name, values), (f"1/({name})", 1 / values), (f"ln({name})", np.log(np.abs(values)))):
                if len(gaps) > 1 and np.allclose(size, np.abs(value[given]), CLOSE, TINY):
                    return f"shift {words}", f"What you return is {which} by {words} than what is right, in every case."
    if sum(pair.expected.size > 1 and not pair.right for pair in pairs) > 1:
        return "shift of each case", f"In every case that is wrong all entries are off by one and the same amount ({gaps[np.argmax(size)]:.6g} in one of them): something common to the whole result is too much or missing."
    return None


def amount(value):
    return next((name for name, known in {"½": 0.5, "ln 2": math.log(2)}.items() if math.isclose(value, known, rel_tol=CLOSE)), f"{value:.6g}")


# Something done to the right result.

DONE = {
    "absolute": (lambda pair: np.abs(pair.expected), "What you return is the absolute value of what is right: a sign is lost."),
    "squared": (lambda pair: pair.expected**2, "What you return is the square of what is right."),
    "root": (lambda pair: np.sqrt(pair.expected), "What you return is the square root of what is right."),
    "exponential": (lambda pair: np.exp(pair.expected), "What you return is e to the power of what is right: is a logarithm missing at the end?"),
    "logarithm": (lambda pair: np.log(pair.expected), "What you return is the logarithm of what is right."),
    "minus logarithm": (lambda pair: -np.log(pair.expected), "What you return is minus the logarithm of what is right."),
    "minus exponential": (lambda pair: np.exp(-pair.expected), "What you return is e to the power of minus what is right."),
    "reciprocal": (lambda pair: 1 / pair.expected, "What you return is 1 divided by what is right."),
    "complement": (lambda pair: 1 - pair.expected, "What you return is 1 less what is right."),
    "minus one": (lambda pair: pair.expected - 1, "What you return is smaller by 1 than what is right."),
    "cut at zero": (lambda pair: np.maximum(pair.expected, 0), "What you return is never negative: what is right is, and you have 0 there."),
    "cumulative": (lambda pair: np.cumsum(pair.expected), "What you return is the running sum of what is right."),
    "reversed": (lambda pair: pair.expected[::-1], "What you return is right, but in the opposite order."),
    "sorted": (lambda pair: np.sort(pair.expected, axis=0), "What you return is right, but sorted."),
    "transposed": (lambda pair: pair.expected.T, "What you return is the transpose of what is right: rows and columns are exchanged."),
    "whole": (lambda pair: np.trunc(pair.expected), "What you return is what is right, cut to whole numbers."),
    "zeros": (lambda pair: np.zeros(pair.expected.shape), "You return 0 everywhere."),
    "averaged": (lambda pair: np.full(pair.expected.shape, np.mean(pair.expected)), "Every entry that you return is the mean of the right ones."),
}


def done(pairs):
    if not pairs.enough:
        return None
    for name, (wrong, sentence) in DONE.items():
        if explains(pairs, functools.partial(shaped, wrong)):
            return name, sentence
    for argument in pairs[0].arguments:
        if explains(pairs, functools.partial(of_argument, argument)):
            return f"argument {argument}", f"What you return is the argument {argument}, as it came."
    return None


def shaped(wrong, pair):
    result = np.asarray(wrong(pair)) if pair.expected.ndim or wrong not in (DONE["reversed"][0], DONE["sorted"][0]) else np.asarray(pair.expected)
    return result.reshape(pair.expected.shape) if result.size == pair.expected.size and result.ndim != pair.expected.ndim else result


def of_argument(name, pair):
    value = array(decode(pair.arguments[name]))
    return value if isinstance(value, np.ndarray) else np.array("")


def rounded(pairs):
    if any(getattr(array(pair.raw), "dtype", np.dtype(float)).kind == "b" for pair in pairs) or not any(np.any(pair.got) for pair in pairs):
        return None
    for places in range(11):
        if pairs.enough and explains(pairs, lambda pair: np.round(pair.expected, places)) and all(np.array_equal(np.round(pair.got, places), pair.got, equal_nan=True) for pair in pairs):
            return "rounded", f"What you return is what is right, rounded to {places} places. Return it as it is."
    return None


def nearly(pairs):
    """Close everywhere, for the size of the numbers beside, infinities among the values or not."""
    if not all(same(pair.got, pair.expected, 1e-5, pair.smallest) or close_beside(pair) for pair in pairs):
        return None
    if all(np.array_equal(pair.got.astype(np.float32).astype(float), pair.got.astype(float), equal_nan=True) for pair in pairs):
        return "single", "All numbers are nearly right, and each is one that single precision can hold: is something on the way float32? Compute in float64 throughout."
    return "nearly", "All numbers are nearly right: is something rounded, approximated, as a difference quotient is, in single precision on the way, or is a small number added?"


def close_beside(pair):
    """Say whether all errors are small beside the largest number of the result."""
    finite = np.isfinite(pair.expected)
    if pair.expected.size < 2 or pair.tolerance[0] < TINY or not np.array_equal(finite, np.isfinite(pair.got)) or np.any(pair.got[~finite] != pair.expected[~finite]):
        return False
    return bool(np.all(np.abs(pair.got - pair.expected)[finite] <= 1e-5 * np.abs(pair.expected[finite]).max(initial=0)))


def digits_cancelled(pairs):
    """Right where large; where small beside that, off by what rounding leaves of the large ones."""
    most, rests, values = 0, [], []
    for pair in pairs:
        if not (np.all(np.isfinite(pair.got)) and np.all(np.isfinite(pair.expected))):
            return None
        off, size = np.abs(pair.got - pair.expected), np.abs(pair.expected)
        wrong, largest = off > CLOSE * size, size.max(initial=0)
        if np.any(off[wrong] > 1e-12 * largest) or np.any(size[wrong] > 1e-6 * largest) or np.any(off[wrong] < 1e-18 * largest):
            return None
        most = max(most, off[wrong].max(initial=0))
        rests += list((pair.got - pair.expected)[size <= 1e-6 * largest])
        values += list(pair.got[wrong])
    if not most or not any(values) or not pairs.enough or np.ptp(rests) <= 1e-3 * most or np.ptp(values) <= 1e-3 * most:
        return None  # the same everywhere: that was added, or cut off
    return "digits cancelled", f"Large numbers are right; some that are small beside them, or 0, are off, by up to {most:.1g}. That is what rounding leaves when large numbers are subtracted: is a square multiplied out, as |a|² − 2ab + |b|²? Subtract first, and square the difference."


def small_ones_zero(pairs):
    """0 wherever the right value is below some size, and only there."""
    wrong = [wrong_entries(pair) for pair in pairs]
    got, expected = (np.concatenate([side[each].ravel() for side, each in zip(sides, wrong)]) for sides in ([pair.got for pair in pairs], [pair.expected for pair in pairs]))
    kept = np.concatenate([np.abs(pair.expected[~each & (pair.expected != 0)]).ravel() for pair, each in zip(pairs, wrong)])
    if not pairs.enough or np.any(got) or not kept.size or np.abs(expected).max() > min(1e-2, kept.min()):
        return None
    return "small ones zero", f"Where the right value is small, such as {np.abs(expected).max():.2g}, you return 0, and all larger ones are right. Is something set to 0, or rounded, that is only small?"


def nearby(pairs):
    """Within 15 % of what is right, in a task that allows some error."""
    if pairs.closeness <= 1e-6 or not pairs.enough:
        return None
    for name, turned, words in (("nearby", lambda value: value, "near what is right"), ("nearby reciprocal", lambda value: 1 / value, "near 1 divided by what is right")):
        with np.errstate(all="ignore"):
            errors = [np.max(np.abs(pair.got / turned(pair.expected) - 1), initial=0) for pair in pairs]
        if np.all(np.isfinite(errors)) and max(errors) <= 0.15:
            return name, f"What you return is {words}, within {100 * max(errors):.2g} % in every case; {100 * pairs.closeness:.2g} % is allowed. Is the search too coarse, or stopped too early?"
    return None


# Something small, added or cut off.


def in_one_row(pairs):
    """Return the numbers of all cases in a row: those that came back, and the right ones."""
    return (np.concatenate([np.ravel(each).astype(float) for each in side]) for side in zip(*((pair.got, pair.expected) for pair in pairs)))


def small_amount(pairs):
    """−ln(p + amount) in place of −ln p, or its negative: the right result says what p was."""
    for sign in (1, -1):
        got, expected = (sign * side for side in in_one_row(pairs))
        infinite = np.isposinf(expected)
        if infinite.any():
            heights, where = got[infinite], "Where an infinity is right"
        else:
            far = np.isfinite(expected) & (expected - got > 20)  # there p is nothing beside the amount
            heights, where = got[far], "Where far more is right"
        if not heights.size or not np.all(np.isfinite(heights)) or np.ptp(heights) > 1e-6 * abs(heights[0]) or not 0 < heights[0] < 700:
            continue
        size = math.exp(-heights[0])
        if size > LARGEST_AMOUNT or heights.size < 2 or not any(pair.expected.ndim for pair in pairs):  # a mean of losses proves nothing
            continue
        words = f"{where if sign > 0 or not infinite.any() else 'Where minus infinity is right'} you return {sign * heights[0]:.4g}, which is {'−' if sign > 0 else ''}ln({size:.2g})"
        made_up = " The loss is infinite there, and a number made up hides it." if infinite.any() else " It hides how wrong an answer is."
        if explains(pairs, lambda pair: sign * -np.log(np.exp(-sign * pair.expected) + size)):
            return "small amount added", f"{words}: {size:.2g} is added inside the logarithm.{made_up}"
        if explains(pairs, lambda pair: sign * np.minimum(sign * pair.expected, heights[0])):
            return "small amount cut", f"{words}: probabilities are cut off at {size:.2g}.{made_up}"
        if infinite.any() and sum(int(np.sum(wrong_entries(pair))) for pair in pairs) == heights.size:
            return "small amount", f"{words}, and all other values are right.{made_up}"
    return None


def capped(pairs):
    """No loss above −ln of a round small number, however large the right one is."""
    got, expected = in_one_row(pairs)
    short = got < expected - 1e-6 * (1 + np.abs(got))
    if not np.all(np.isfinite(got)) or np.any(got < -1e-3) or not short.any() or not any(pair.expected.size > 1 for pair in pairs):
        return None
    top = got[short].max()
    size = math.exp(-top) if 3 < top < 700 else 0.0
    round_number = size > 0 and (abs(float(f"{size:.0e}") / size - 1) < 1e-6 or abs(size * 2.0**52 - 1) < 1e-6)
    if not round_number or size > LARGEST_AMOUNT or np.any(got > top + 1e-6 * top) or not np.any(expected > 1.01 * top):
        return None
    return "capped", f"No result of yours is larger than {top:.4g}, which is −ln({size:.2g}), however large the right one is: is a probability clipped at {size:.2g}, or that much added inside the logarithm? It hides the worst mistakes."


def cut_off(pairs):
    """min and max of the right result and two numbers."""
    low, high = [], []
    for pair in pairs:
        wrong = wrong_entries(pair)
        got, expected = pair.got[wrong], pair.expected[wrong]
        low, high = [*low, *got[got > expected]], [*high, *got[got < expected]]
    if any(not np.all(np.isfinite(ends)) or (len(ends) and np.ptp(ends) > 1e-6 * max(abs(ends[0]), TINY)) for ends in (low, high)) or not pairs.enough:
        return None
    if 1 in (len(low), len(high)) and not any(pair.expected.ndim for pair in pairs):
        return None  # a mean of what was cut off is no end itself
    least, most = (low[0] if low else -math.inf), (high[0] if high else math.inf)
    if (low or high) and explains(pairs, lambda pair: np.clip(pair.expected, least, most)) and right_in_part(pairs):
        ends = [f"below {least:.10g}"] * bool(low) + [f"above {most:.10g}"] * bool(high)
        return "cut off", f"What you return is right, but never {' or '.join(ends)}: it is cut off there."
    return None


def right_in_part(pairs):
    """Say whether some entries are right."""
    return any(not np.all(wrong_entries(pair)) for pair in pairs)


# Where numbers fail.


def unstable(pairs):
    """NaN or infinity where something finite is right, and everything else right."""
    wrong = [(pair.got[where], pair.expected[where]) for pair in pairs for where in [wrong_entries(pair)]]
    got, expected = (np.concatenate([each[place].ravel().astype(float) for each in wrong]) for place in (0, 1))
    if not got.size or not (right_in_part(pairs) or any(pair.right for pair in pairs)):
        return None
    if np.all(~np.isfinite(got)) and np.all(np.isfinite(expected)):
        what = "NaN" if np.all(np.isnan(got)) else "infinite" if np.all(np.isinf(got)) else "NaN or infinite"
        return "unstable", f"Wherever you return a finite number it is right. Elsewhere it is {what}, where a finite number is right: on the way something overflows, as exp does from 710 on, or ln 0 or 0 · ∞ or 0/0 is computed. Another form of the formula avoids it, or the case wants its own rule."
    if np.all(np.isnan(got)):
        return "nan", "Wherever you return a number it is right. Elsewhere it is NaN, which comes from 0 · ∞, ∞ − ∞ or 0/0: such cases want a rule of their own."
    ends = np.isinf(expected)
    slight = np.abs(got - expected) <= 1e-5 * (1 + np.abs(expected))
    short = (expected > 3) & (got > 0) & (got < expected)
    if ends.any() and not ends.all() and np.all(np.isfinite(got)) and np.all(got[ends] > -1e-3) and np.all(expected[ends] > 0) and np.all((slight | short)[~ends]):
        return "finite for infinite", f"Where an infinity is right you return a finite number ({got[ends][0]:.4g}), and where you are off elsewhere it is too little, or nearly right: is a probability cut off at a small number, or a small number added inside a logarithm? It hides what is infinitely wrong."
    if np.all(np.isinf(expected)) and np.all(np.isfinite(got)):
        return "finite for infinite", f"All finite values are right. Where an infinity is right you return a finite number ({got[0]:.4g}): is something cut off, or are infinities replaced?"
    if np.all((np.abs(expected) < 1e-6) & (np.abs(got - expected) < 1e-13)) and np.all(np.isfinite(got)):
        said = "0" if not np.any(got) else "not exact to enough digits"
        return "digits lost", f"Very small values are lost: where the right one is as small as {np.abs(expected[np.argmax(np.abs(expected))]):.2g}, yours is {said}, and all larger ones are right. A difference of nearly equal numbers, such as 1 − σ, loses what is small."
    return None


# Results of another shape.


def other_shape(pairs):
    pairs = as_they_came(pairs)
    for name, wrong, sentence in RESHAPED:
        if explains(pairs, functools.partial(attempted, wrong)) and enough_shapes(pairs):
            if name == "flat" and any(isinstance(pair.raw, list | tuple) for pair in pairs):
                sentence = "The numbers are right, but always in one flat list: an array is asked, of the shape that belongs to each case."
            return name, sentence
    for axis, what in ((0, "row"), (1, "column")):
        found = one_more_or_less(pairs, axis, what)
        if found:
            return found
    wide = [pair for pair in pairs if pair.expected.size > 1]
    if wide and all(pair.expected.ndim == 1 and pair.got.shape == pair.expected.shape * 2 and same(np.diagonal(pair.got), pair.expected) for pair in wide):
        return "broadcast", "What you return is a square table, and what is asked is its diagonal: a column (m, 1) meets a row (m,) somewhere, and NumPy makes a table of all pairs."
    return other_axis(pairs) or turned(pairs)


def as_they_came(pairs):
    """Return the Pairs with the shapes that were returned: an axis of length 1 tells a row from a column."""
    return Pairs(pair._replace(got=array(pair.raw)) if isinstance(array(pair.raw), np.ndarray) else pair for pair in pairs)


def turned(pairs):
    """The transpose, times a known factor."""
    if not all(pair.got.ndim == 2 and pair.got.T.shape == pair.expected.shape for pair in pairs):
        return None
    back = Pairs(pair._replace(got=pair.got.T) for pair in pairs)
    found = factor(back)
    return found and (f"transposed · {found[0]}", f"Rows and columns are exchanged, and besides: {found[1][0].lower()}{found[1][1:]}")


RESHAPED = [
    ("transposed", lambda pair: pair.expected.T, "What you return is the transpose of what is right: rows and columns are exchanged."),
    ("mean", lambda pair: np.mean(pair.expected), "You return one number, the mean of the entries that are asked."),
    ("sum", lambda pair: np.sum(pair.expected), "You return one number, the sum of the entries that are asked."),
    ("first entry", lambda pair: pair.expected.flat[0], "You return the first entry only: is a return inside the loop?"),
    ("last entry", lambda pair: pair.expected.flat[-1], "You return the last entry only: does a loop overwrite the others?"),
    ("first row", lambda pair: pair.expected[0], "You return the first row only."),
    ("mean over rows", lambda pair: np.mean(pair.expected, axis=0), "You return the mean over the rows of what is asked: no mean is to be taken there."),
    ("mean over columns", lambda pair: np.mean(pair.expected, axis=1), "You return the mean over the columns of what is asked: no mean is to be taken there."),
    ("sum over rows", lambda pair: np.sum(pair.expected, axis=0), "You return the sum over the rows of what is asked: no sum is to be taken there."),
    ("sum over columns", lambda pair: np.sum(pair.expected, axis=1), "You return the sum over the columns of what is asked: no sum is to be taken there."),
    ("flat", lambda pair: pair.expected.ravel(), "The numbers are right, but in one long row: the shape is lost."),
]


def attempted(wrong, pair):
    try:
        return wrong(pair)
    except (IndexError, ValueError):
        return np.array("")


def off_shape(pairs):
    return [pair for pair in pairs if pair.got.shape != pair.expected.shape]


def enough_shapes(pairs):
    return len(off_shape(pairs)) > 1


def one_more_or_less(pairs, axis, what):
    what = "entry" if all(pair.expected.ndim == 1 for pair in pairs) else what
    if not all(pair.got.ndim == pair.expected.ndim > axis for pair in pairs) or not enough_shapes(pairs):
        return None
    for place, cut in (("first", slice(1, None)), ("last", slice(None, -1))):
        part = (slice(None),) * axis + (cut,)
        if all(same(pair.got, pair.expected[part]) for pair in pairs):
            return f"{place} {what} missing", f"The {place} {what} is missing; all others are right."
        if all(same(pair.got[part], pair.expected) for pair in pairs):
            more = "before the first" if place == "first" else "after the last"
            return f"one {what} too many", f"There is one {what} too many, {more}; all others are right."
    return None


def other_axis(pairs):
    """As many results as an argument has columns, where one for each row is asked, or the other way round."""
    for name in pairs[0].arguments:
        shapes = [getattr(array(decode(pair.arguments[name])), "shape", ()) if not names_something(pair.arguments[name]) else () for pair in pairs]
        for asked, came, words in ((0, 1, ("row", "column")), (1, 0, ("column", "row"))):
            if enough_shapes(pairs) and all(
                len(shape) == 2 and pair.expected.shape == (shape[asked],) and pair.got.shape == (shape[came],) for shape, pair in zip(shapes, pairs)
            ):
                return "other axis", f"You return a number for each {words[1]} of {name}; asked is one for each {words[0]}. Look at the axis of your sum, mean or maximum."
    if enough_shapes(pairs) and all(pair.expected.ndim == 0 for pair in pairs):
        for what, combine in (("mean", np.mean), ("sum", np.sum)):
            if all(pair.got.size and same(np.asarray(combine(pair.got)), pair.expected) for pair in pairs):
                return f"{what} to be taken", f"You return several numbers where one is asked: their {what}. Take it."
        return "several for one", "You return several numbers where one is asked, and neither their mean nor their sum is it."
    return None


def names_something(code):
    return isinstance(code, dict) and bool(code.keys() & {"function", "make", "other"})


# Labels and truth values.


def confused(pairs):
    """Which label is returned where another is right."""
    seen = {}
    for pair in pairs:
        for got, expected in zip(pair.got.ravel().tolist(), pair.expected.ravel().tolist()):
            seen.setdefault(expected, set()).add(got)
    wrong = {(expected, got) for expected, given in seen.items() for got in given if got != expected}
    returned = set().union(*seen.values())
    if wrong and len(returned) == 1 and len(seen) > 1:
        return "always the same", f"You return {returned.pop()!r} everywhere."
    if not wrong or len(wrong) > 2 or not all(pair.got.dtype.kind == pair.expected.dtype.kind for pair in pairs):
        return None
    if len(wrong) == 2 and len(seen) == 2 and not all(seen[expected] == {got} for expected, got in wrong):
        return None  # now and then this for that and that for this: no more than "not right"
    if len(seen) > 1 and all(given == {not expected} for expected, given in seen.items() if isinstance(expected, bool)) and isinstance(next(iter(seen)), bool):
        return "opposite", "You return the opposite truth value, everywhere."
    where = [f"{'always' if seen[expected] == {got} else 'sometimes'} return {got!r} where {expected!r} is right" for expected, got in sorted(wrong, key=str)]
    cut = any(isinstance(expected, str) and got and expected.startswith(got) for expected, got in wrong)
    room = " Is a word cut off? An array of strings has room for the longest word that it was made with." if cut else ""
    return f"confused {sorted(wrong, key=str)}", f"You {' and '.join(where)}. Everything else is right.{room}"


# Two things at once.


def besides(pairs, mistakes):
    """A known mistake, and a factor besides."""
    if not pairs.enough or any(pair.got.size == 0 for pair in pairs):
        return None
    for mistake, value in mistakes:
        ratios = factors_of(pairs, lambda pair: array(value(pair)))
        known = known_factor(ratios, pairs) if ratios is not None else None
        if known and not (known.name == "−1" and "sign" in mistake["sentence"]):  # which is another mistake of signs
            return f"{mistake['name']} · factor {known.name}", f"{mistake['sentence']} And besides, what you return is {known.words} what that would give{known.question}"
    return None


def transposed(pairs, mistakes):
    """A known mistake, and its transpose returned."""
    pairs = as_they_came(pairs)
    if not enough_shapes(pairs) or not any(pair.got.size for pair in off_shape(pairs)):
        return None
    for mistake, value in mistakes:
        if all(getattr(turned, "ndim", 0) == 2 and same(pair.got, turned.T, pair.closeness) for pair in pairs for turned in [array(value(pair))]):
            return f"{mistake['name']} · transposed", f"{mistake['sentence']} And besides, what you return is the transpose of that: rows and columns are exchanged."
    return None


def two_terms(task, pairs, mistakes):
    """A cost or gradient of two terms, of data and of a penalty: factors for each."""
    if "without_penalty" not in task:
        return None
    data = [array(decode(task["without_penalty"][pair.number])) for pair in pairs]
    if not any(map(np.any, data)):  # nothing but a penalty
        return None
    ones = np.ones(len(pairs))
    options = {"1": ones, "−1": -ones, "0": 0 * ones, **pairs.factors, **{f"−1 · {name}": -values for name, values in pairs.factors.items()}}
    products = {" · ".join(both): values for both, values in zip(*pairs.products)}
    pure = [pair.expected - term for pair, term in zip(pairs, data)]
    found = factors_of_two(pairs, data, pure, options, options | products) or factors_of_two(pairs, data, pure, products, options)
    if found:
        return two_worded(None, *found)
    in_penalty = [(mistake, values) for mistake, value in mistakes if mistake.get("penalty") for values in [given(pairs, value)] if values]
    for mistake, values in in_penalty:
        found = factors_of_two(pairs, data, [value - term for value, term in zip(values, data)], options, options)
        if found:
            return two_worded(mistake, *found)
    in_data = [(mistake, values) for mistake, value in mistakes if mistake.get("data") for values in [given(pairs, value)] if values]
    for one, ones in in_data:
        for other, others in in_penalty:
            if all(same(pair.got, np.asarray(left + right - pair.expected), pair.closeness) for pair, left, right in zip(pairs, ones, others)):
                return f"{one['name']} and {other['name']}", f"{one['sentence']} And besides: {other['sentence']}"
    return None


def given(pairs, value):
    """Return what a mistake gives in all cases, as arrays of the right shape; None where it does not."""
    values = [array(value(pair)) for pair in pairs]
    return values if all(isinstance(each, np.ndarray) and each.shape == pair.expected.shape for each, pair in zip(values, pairs)) else None


def factors_of_two(pairs, data, penalty, firsts, seconds):
    """Return the names of the factors, one of `firsts` and one of `seconds` or "0", with which two terms give the results; None without."""
    case = np.concatenate([np.full(pair.got.size, number) for number, pair in enumerate(pairs)])
    got, data, penalty = (np.concatenate([np.ravel(each).astype(float) for each in term]) for term in ([pair.got for pair in pairs], data, penalty))
    if not np.all(np.isfinite(got)):
        return None
    rests = got - np.array(list(firsts.values()))[:, case] * data
    scale = TINY + 1e-9 * np.abs(got)
    names, paid = list(firsts), penalty != 0
    for row in np.flatnonzero(np.all(np.abs(rests) <= scale, axis=1)):
        return names[row], "0"
    left = np.flatnonzero(np.all(np.abs(rests[:, ~paid]) <= scale[~paid], axis=1))
    wanted = np.array(list(seconds.values()))[:, case[paid]] * penalty[paid]
    places = np.argwhere(np.all(np.abs(rests[left][:, None, paid] - wanted) <= scale[paid], axis=-1)) if len(np.unique(case[paid])) > 1 else []
    return next(((names[left[row]], list(seconds)[column]) for row, column in places), None)


def two_worded(mistake, data, penalty):
    if data == "0" and penalty == "0":
        return None
    if data == "1" and penalty == "1":
        return (mistake["name"], mistake["sentence"]) if mistake else None
    told = {"1": "is right", "0": "is missing"}
    parts = [f"The part without lam {told.get(data, f'is {spoken(data)} what it should be')}", f"the penalty {told.get(penalty, f'is {spoken(penalty)} what it should be')}"]
    if mistake:
        first = "" if data == "1" else f" And the part without lam is {spoken(data)} what it should be."
        second = "" if penalty == "1" else f" And the penalty is {spoken(penalty)} what that would give."
        return f"{mistake['name']} · data {data}, penalty {penalty}", mistake["sentence"] + first + second
    return f"data {data}, penalty {penalty}", f"{parts[0]}, {parts[1]}: look at the factors of each."


def spoken(name):
    """Say a product of known factors, as it stands before "what is right"."""
    hit = [part for part in name.split(" · ") if part != "−1"]
    return worded(tuple(hit), name.startswith("−1")).words if hit else "minus"


# Right in part.


def some_entries(pairs, whole):
    """All but some entries right, and these in a place that can be named."""
    wrong = [np.asarray(pair.got != pair.expected) if pair.got.dtype.kind not in "iuf" else wrong_entries(pair) for pair in pairs]
    if not any(np.any(~each) for each in wrong) or sum(bool(each.any()) for each in wrong) < 2:
        return None
    for name, mask in PLACES if whole and all(pair.expected.ndim for pair in pairs) else []:
        places = [mask(each.shape) for each in wrong]
        if all(place is not None and (not each.any() or np.array_equal(each, place) and not place.all()) for place, each in zip(places, wrong)):
            return f"only {name}", f"All entries are right but those in {name}."
    found = by_argument(pairs, wrong) if whole else None
    if found:
        return found
    numeric = all(pair.expected.dtype.kind in "iuf" for pair in pairs)
    for name, where in SIGNS if numeric else []:
        places = [where(pair.expected) for pair in pairs]
        opposite = any(np.any(~place & (pair.expected != 0)) for place, pair in zip(places, pairs))
        if opposite and all(np.array_equal(place, each) for place, each in zip(places, wrong)) and sum(int(each.sum()) for each in wrong) > 1:
            return f"only where {name}", f"All entries are right but those where the right value is {name}."
    return None


def by_argument(pairs, wrong):
    """The wrong entries are those where an argument of the same shape is 0, 1, between, positive or negative."""
    for name, code in pairs[0].arguments.items():
        if isinstance(code, dict) and not code.keys() & {"array"}:
            continue
        values = [array(decode(pair.arguments[name])) for pair in pairs]
        if not all(isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape == pair.expected.shape for value, pair in zip(values, pairs)):
            continue
        for words, where in WHERE:
            places = [where(value) for value in values]
            inside, failing, outside = (sum(int(each.sum()) for each in masks) for masks in (places, wrong, [~place for place in places]))
            if failing > 1 and outside > 1 and failing > 0.7 * inside and not any(np.any(each & ~place) for place, each in zip(places, wrong)):
                return f"only where {name} is {words}", f"All entries are right but those where {name} is {words}{'' if failing == inside else ', and most of these are wrong'}."
    return None


def along(axis, index):
    def mask(shape):
        if len(shape) <= axis or (len(shape) != 2 and axis) or len(shape) > 2:
            return None
        found = np.zeros(shape, bool)
        if shape[axis]:
            found[(slice(None),) * axis + (index,)] = True
        return found

    return mask


def square(make):
    return lambda shape: make(shape[0]) if len(shape) == 2 and shape[0] == shape[1] else None


PLACES = [
    ("the first row or entry", along(0, 0)),
    ("the last row or entry", along(0, -1)),
    ("the first column", along(1, 0)),
    ("the last column", along(1, -1)),
    ("the diagonal", square(lambda size: np.eye(size, dtype=bool))),
    ("the upper triangle", square(lambda size: np.triu(np.ones((size, size), bool), 1))),
    ("the lower triangle", square(lambda size: np.tril(np.ones((size, size), bool), -1))),
]
WHERE = [
    ("0", lambda value: value == 0),
    ("1", lambda value: value == 1),
    ("neither 0 nor 1", lambda value: (value != 0) & (value != 1)),
    ("positive", lambda value: value > 0),
    ("negative", lambda value: value < 0),
]
SIGNS = [("0", lambda value: value == 0), ("positive", lambda value: value > 0), ("negative", lambda value: value < 0), ("infinite", np.isinf)]

IN_SHAPE = [factor, digits_cancelled, shift, rounded, small_amount, done, cut_off, capped, unstable, small_ones_zero, nearly, nearby]
OF_LABELS = [confused]
OUT_OF_SHAPE = [other_shape]
