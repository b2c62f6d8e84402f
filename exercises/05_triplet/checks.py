"""The checks of an exercise: they call your function, compare what it returns, and say what went wrong.

The numbers that they compare with lie beside this file, in expected.json. The answers do not.
"""

import base64
import contextlib
import copy
import functools
import inspect
import io
import json
import linecache
import math
import sys
import textwrap
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TOLERANCE = (1e-12, 1e-9)  # absolute, and relative to the truth
LARGEST_RESULT, LARGEST_CHANGE = 4_000_000, 100_000  # bytes of an array
MOST_PAIRS = 1000  # of a dict


# What the notebook calls.


def check(name):
    """Say whether your function `name` is right, and what is likely wrong if not. Returns the points."""
    names, task = notebook(), stored(name)
    missing = [helper for helper in task["helpers"] if helper not in names]
    if name not in names:
        verdict = Verdict(False, f"There is no function {name}: run its cell first, and mend the error if it shows one.")
    elif not callable(names[name]):
        verdict = Verdict(False, f"{name} is {article(names[name])} now, no function: run its cell again, and give the other thing another name.")
    elif missing:
        verdict = Verdict(False, f"Run the cells above first: {missing[0]} is not defined yet.")
    else:
        verdict = check_training(task, names) if "bar" in task else check_cases(task, names)
    verdicts[name] = verdict
    print(verdict.text())
    return Score(task["points"] * verdict.solved, task["points"], name)


def case(name, number):
    """Return the arguments of a case of the check of `name`, numbered from 1, to try your function on."""
    cases = stored(name).get("cases", [])
    if number not in range(1, len(cases) + 1):
        raise ValueError(f"the check of {name} has {len(cases)} cases, numbered from 1; there is no case {number}")
    return tuple(map(built, (decode(argument, notebook()) for argument in cases[number - 1])))


def score():
    """Print the points of every check that was run in this session. Returns their sum."""
    for name, task in tasks().items():
        print(score_line(name, task["points"], verdicts.get(name)))
    print("Written answers are marked by your instructor.")
    reached = sum(tasks()[name]["points"] for name, verdict in verdicts.items() if verdict.solved)
    return Score(reached, sum(task["points"] for task in tasks().values()), "Checked tasks")


def score_line(name, points, verdict):
    return f"{name:28}" + (f"{points * verdict.solved:g} of {points:g}" if verdict else "not checked yet")


class Score(float):
    """Points: a number to nbgrader, a sentence to a reader."""

    def __new__(cls, points, of, title):
        score = super().__new__(cls, points)
        score.of, score.title = of, title
        return score

    def __repr__(self):
        return f"{float(self):g}"

    def _repr_html_(self):
        return f"<strong>{self.title}: {float(self):g} of {count(self.of, 'point', 'points')}</strong>"


verdicts = {}


def notebook():
    """Return what the notebook has defined, by name."""
    import __main__

    return vars(__main__)


@functools.cache
def tasks():
    """Return the tasks of this exercise by name, from expected.json."""
    listed = json.loads(Path(__file__).with_name("expected.json").read_text(encoding="utf-8"))
    return {task["name"]: task for task in listed}


def stored(name):
    if name not in tasks():
        raise ValueError(f"there is no task {name!r}; there are {', '.join(tasks())}")
    return tasks()[name]


def check_cases(task, names):
    name = task["name"]
    got = [call(names[name], [decode(argument, names) for argument in case], names.get(f"{name}_view")) for case in task["cases"]]
    verdict = judge(task, got)
    if verdict.case:
        used = [other for other in names_in(getattr(names[name], "__code__", None)) if other in verdicts and not verdicts[other].solved]
        advice = [f"It uses {other}, whose own check does not pass yet." for other in sorted(used)]
        verdict.advice = "\n".join([*advice, f'To try it on these arguments: {name}(*case("{name}", {verdict.case}))'])
    return verdict


def names_in(code):
    """Return the names that a function's code uses, with those of functions inside it."""
    inner = [constant for constant in getattr(code, "co_consts", ()) if inspect.iscode(constant)]
    return set(getattr(code, "co_names", ())).union(*map(names_in, inner))


def check_training(task, names):
    fit, trial, measure, signs = (names[task["name"] + ending] for ending in ("", "_trial", "_score", "_signs"))
    arguments, unseen, truth = trial(np.random.default_rng(0))
    started, used = time.perf_counter(), time.process_time()
    got = train(fit, arguments, unseen)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    verdict = judge_training(task, measure, signs, truth, got, seconds)
    if verdict.solved and used > task["seconds"]:
        verdict.advice = f"It took {used:.0f} s of processor time, on several cores. The grader has one and allows {task['seconds']} s and a half more."
    return verdict


# The verdict on a task.


@dataclass
class Verdict:
    """Whether a task is solved, and what there is to say about it.

    summary: how many cases are right. problem: what is wrong with the first that is not; details: that case, over several
    lines; case: its number, from 1. mistake: the sentence of the mistake that was recognised, if any. advice: more lines.
    """

    solved: bool
    summary: str
    problem: str = ""
    details: str = ""
    case: int = 0
    mistake: str = ""
    advice: str = ""
    attempted: bool = True

    def text(self):
        mistake = f"\n{textwrap.fill(self.mistake, 80, initial_indent='→ ', subsequent_indent='  ', break_on_hyphens=False)}\n" if self.mistake else ""
        return "\n".join(filter(None, [self.summary, self.details or self.problem, mistake, self.advice])).strip("\n")

    def message(self):
        return " ".join(" ".join(filter(None, [self.summary, self.mistake or self.problem])).split())


NOT_ATTEMPTED = Verdict(False, "not attempted yet", attempted=False)


def judge(task, got):
    """Compare the outcomes of all cases with the expected ones.

    task: a dict with "parameters" (the arguments' names), "tolerance", "without_warning", "cases" (the encoded arguments),
    "expected" (an outcome per case) and "mistakes" (dicts of "sentence" and "outcomes"). got: what `call` returned.
    """
    if got and all(outcome.get("stub") for outcome in got):
        return NOT_ATTEMPTED
    got = [opened(outcome) for outcome in got]
    rule = {"tolerance": tuple(task["tolerance"]), "without_warning": task["without_warning"], "parameters": task["parameters"]}
    cases = task["cases"]
    differences = [difference(one, other, **rule) for one, other in zip(got, task["expected"], strict=True)]
    wrong = [number for number, found in enumerate(differences) if found]
    if not wrong:
        return Verdict(True, f"All {len(cases)} cases are right.")
    first = wrong[0]
    which = f"case {first + 1}" if first < task.get("visible", len(cases)) else "a new one"
    details = [f"The first that is not, {which}:", *shown(cases[first], task["parameters"])]
    if "value" in got[first] and not isinstance(got[first]["value"], dict | Other | None):
        details.append(f"  returned: {short(got[first]['value'])}")
    details.append(f"  {differences[first]}")
    if got[first].get("printed"):
        details.append(f"  It printed: {got[first]['printed'][:300].strip()}")
    right = len(cases) - len(wrong)
    summary = f"{right} of {len(cases)} cases {'is' if right == 1 else 'are'} right." if right else f"None of the {len(cases)} cases is right."
    return Verdict(False, summary, differences[first], "\n".join(details), first + 1, recognised(task["mistakes"], got, wrong, rule))


def recognised(mistakes, got, wrong, rule):
    """Return the sentence of the first mistake that gives the same outcomes in all cases, else in all that are wrong."""
    for numbers in (range(len(got)), wrong):
        for mistake in mistakes:
            same = all(not difference(got[number], mistake["outcomes"][number], **rule) for number in numbers)
            if same and (len(numbers) == len(got) or any("value" in got[number] for number in numbers)):
                return mistake["sentence"]
    return ""


def judge_training(task, measure, signs, truth, got, seconds):
    """Judge the outputs of a trained module on unseen inputs.

    task: a dict with "bar", "seconds", "shape", that of one output (None, there or in place of a size: any), and
    "mistakes", a dict of sentences. measure: maps outputs and truth to a number. signs: maps them to the names of the
    mistakes that they show, the most telling first. got: what `train` returned. seconds: how long that took.
    """
    got = opened(got)
    fault = unmeasured(task, truth, got)
    if fault:
        return fault
    outputs = got["value"]
    reached = float(measure(outputs, truth))
    what = inspect.getdoc(measure).splitlines()[0].rstrip(".")
    safely = max(task["bar"], math.floor(reached * 10) / 10)  # the same on another processor
    summary = f"{what}: at least {safely:.2f} ({task['bar']:.2f} is asked)."
    if reached < task["bar"]:
        summary = f"{what}: {math.floor(reached * 1000) / 1000:.3f} ({task['bar']:.2f} is asked)."
        shown = [task["mistakes"][name] for name in signs(outputs, truth) if name in task["mistakes"]]
        return Verdict(False, summary, mistake=shown[0] if shown else "")
    if seconds > task["seconds"]:
        return Verdict(False, f"{summary} But it took {seconds:.0f} s, and {task['seconds']:g} are allowed.")
    return Verdict(True, summary)


def unmeasured(task, truth, got):
    """Return the verdict on outputs of which nothing can be measured; None for others."""
    if got.get("stub"):
        return NOT_ATTEMPTED
    if "raised" in got:
        return Verdict(False, f"It raises {raised(got)}")
    if got.get("modified"):
        changed = " and ".join(task["parameters"][position] for position in got["modified"])
        return Verdict(False, f"It changes its argument {changed}: it should work on a copy.")
    outputs = got["value"]
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f":
        return Verdict(False, f"The module should give floats, and gives {article(outputs)}.")
    asked = [len(truth), *(outputs.shape[1:] if task["shape"] is None else task["shape"])]
    if outputs.ndim != len(asked) or any(wanted not in (None, size) for wanted, size in zip(asked, outputs.shape)):
        shape = ", ".join("any" if wanted is None else str(wanted) for wanted in asked)
        return Verdict(False, f"For {len(truth)} unseen inputs the module gives outputs of shape {outputs.shape}, where ({shape}) is asked.")
    if not np.all(np.isfinite(outputs)):
        return Verdict(False, "The module gives NaN or infinite values: did the training diverge?")
    return None


def shown(case, parameters):
    """Return a line for each argument of a case."""
    return [f"  {name} = {described(code)}" for name, code in zip(parameters, case)]


def described(code):
    """Write an encoded argument as one would in Python, shortened."""
    if isinstance(code, dict) and "function" in code:
        return code["function"]
    if isinstance(code, dict) and "make" in code:
        keywords = [f"{decode(key)}={short(decode(value))}" for key, value in code["and"]["dict"]]
        return f"{code['make']}({', '.join([*(short(value) for value in decode(code['with'])), *keywords])})"
    return short(decode(code))


def short(value):
    if isinstance(value, list | tuple):
        start, end = "[]" if isinstance(value, list) else "()"
        return start + ", ".join(short(item) for item in value[:4]) + (f", …{end}" if len(value) > 4 else end)
    if isinstance(value, np.ndarray) and value.ndim:
        text = np.array2string(value, precision=4, threshold=30, edgeitems=2, separator=", ", max_line_width=10_000)
        return " ".join(text.split()) + ("" if value.size <= 30 else f", shape {value.shape}")
    if is_tensor(value):
        return f"tensor({short(value.numpy())})"
    if isinstance(value, float | np.ndarray):
        return f"{float(value):.6g}" if np.asarray(value).dtype.kind == "f" else str(value)
    return repr(value)


# Are two outcomes the same?


def difference(got, expected, tolerance=TOLERANCE, without_warning=False, parameters=()):
    """Return what distinguishes an outcome from the expected one, in words; None when they agree.

    parameters: the names of the arguments.
    """
    got, expected = opened(got), opened(expected)
    if "raised" in expected:
        wanted = expected["raised"][0]
        if "raised" not in got:
            return f"It should raise a {wanted} here, and does not."
        return None if wanted in got["raised"] else f"It should raise a {wanted} here. It raises {raised(got)}"
    if "raised" in got:
        return f"It raises {raised(got)}"
    found = unlike(got["value"], expected["value"], tolerance)
    if found:
        return found
    now, then = got.get("modified", {}), expected.get("modified", {})
    if now.keys() != then.keys() or any(unlike(now[position], then[position], tolerance) for position in now):
        changed = " and ".join(parameters[position] for position in sorted(now) if position < len(parameters))
        return f"The result is right, but the function changes its argument {changed}: it should work on a copy."
    if without_warning and got.get("warned") and not expected.get("warned"):
        return f"The result is right, but it comes with a warning: {got['warned']}."
    return None


class Opened(dict):
    """An outcome with its values decoded; "modified" is a dict."""


def opened(outcome):
    """Decode an outcome's values, unless that was done. Raises what `decode` does."""
    if isinstance(outcome, Opened):
        return outcome
    values = {"value": decode(outcome["value"])} if "value" in outcome else {}
    if "modified" in outcome:
        values["modified"] = {position: decode(now) for position, now in outcome["modified"]}
    return Opened(outcome | values)


def raised(outcome):
    message = f": {outcome['message']}" if outcome["message"] else ""
    where = f"\n    {outcome['where']}" if outcome.get("where") else ""
    return f"{outcome['raised'][0]}{message}{where}"


def unlike(got, expected, tolerance, place=""):
    """Return how plain data differs from the expected, in words that do not tell the expected; None when it does not.

    place: where in a result these data are, for instance "[1][0]".
    """
    returns = f"It returns, at {place}," if place else "It returns"
    if isinstance(expected, list):
        if isinstance(got, np.ndarray) and got.ndim == 1:
            got = list(got)
        if not isinstance(got, list | tuple):
            return f"{returns} {article(got)}, where a list is asked."
        if len(got) != len(expected):
            return f"{returns} a list of {count(len(got), 'entry', 'entries')}, not of {len(expected)}."
        return first_unlike(got, expected, tolerance, place)
    if isinstance(expected, tuple):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return f"{returns} {article(got)}, where a tuple of {len(expected)} is asked."
        return first_unlike(got, expected, tolerance, place)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            return f"{returns} {article(got)}, with other keys than it should have."
        return first_unlike(got, expected, tolerance, place, list(expected))
    if expected is None or isinstance(expected, str | Other):
        return None if type(got) is type(expected) and got == expected else f"{returns} {article(got)}, which is not right."
    if is_tensor(expected):
        return unlike(got.numpy(), expected.numpy(), tolerance, place) if is_tensor(got) else f"{returns} {article(got)}, where a torch tensor is asked."
    return unlike_number(got, np.asarray(expected), tolerance, place)


def first_unlike(got, expected, tolerance, place, keys=None):
    found = (unlike(got[key], expected[key], tolerance, f"{place}[{key!r}]") for key in keys or range(len(expected)))
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
    if np.any(np.isnan(got) & ~np.isnan(expected)):
        return f"{returns} NaN, where a number is expected."
    if np.any(np.isinf(got) & np.isfinite(expected)):
        return f"{returns} an infinite value, where a finite one is expected."
    if np.any(np.isfinite(got) & np.isinf(expected)):
        return f"{returns} a finite value, where an infinite one is expected."
    if np.all(np.isfinite(off)) and np.all(off[~near] <= max(1e-5, 10 * relative) * np.abs(expected)[~near]):
        single_precision = got.dtype.kind == "f" and got.dtype.itemsize < 8
        reason = "single precision is not enough, compute in float64" if single_precision else "is something approximated or rounded, or a small number added?"
        return f"{what} is nearly right: {reason}"
    return f"{what} is not right."


def article(value):
    """Name what a value is, for a sentence."""
    if value is None:
        return "None"
    if isinstance(value, Other):
        return value.what
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    if is_tensor(value):
        return "a torch tensor"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return f"{'an' if isinstance(value, int) else 'a'} {type(value).__name__}"


def count(number, one, many):
    return f"{number} {one if number == 1 else many}"


# One call of a function, and what came of it.


def call(function, arguments, view=None, quiet=True):
    """Call `function` and return what came of it, as plain data.

    arguments: the arguments; a functools.partial among them is called first and its result passed on.
    view: turns a result into plain data, given the result and the arguments. quiet: keep what is printed to itself.

    Returns a dict with "value", or with "raised" (the names of the exception's classes), "message", "where" (the line in
    a notebook's cell) and "stub" (nobody has written the function yet); and, where there is any, with "modified" (the
    arguments that were changed: their positions, and what they are now), "warned" (the first RuntimeWarning) and "printed".
    """
    arguments = [built(copy.deepcopy(argument)) for argument in arguments]
    before = [state(argument) for argument in arguments]
    outcome, printed = {}, io.StringIO()
    with warnings.catch_warnings(record=True) as warned, np.errstate(all="warn", under="ignore"), contextlib.ExitStack() as output:
        warnings.simplefilter("always")
        if quiet:
            output.enter_context(contextlib.redirect_stdout(printed))
        try:
            result = function(*arguments)
            outcome["value"] = encode(view(result, *arguments) if view else result, LARGEST_RESULT)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            outcome |= told(error, function)
    changed = [position for position, argument in enumerate(arguments) if state(argument) != before[position]]
    modified = [[position, encode(arguments[position], LARGEST_CHANGE)] for position in changed]
    warning = next((str(warning.message)[:200] for warning in warned if issubclass(warning.category, RuntimeWarning)), "")
    said = {"modified": modified, "warned": warning, "printed": printed.getvalue()[:1000]}
    return outcome | {name: value for name, value in said.items() if value}


def built(argument):
    """Make an argument that has to be made (a torch module, say), always the same."""
    if not isinstance(argument, functools.partial):
        return argument
    if "torch" not in sys.modules:
        return argument()
    random = sys.modules["torch"].random
    with random.fork_rng(devices=[]):
        random.default_generator.manual_seed(0)
        return argument()


def state(argument):
    """Return an argument as plain data that tells whether it was changed."""
    return encode(argument.state_dict() if hasattr(argument, "state_dict") else argument)


def told(error, function):
    """Return an exception as plain data."""
    frames = []
    traceback = error.__traceback__
    while traceback:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    in_cells = [(frame.f_code, line) for frame, line in frames if frame.f_globals.get("__name__") == "__main__"]
    where = ""
    if in_cells and not in_cells[-1][0].co_name.endswith("_view"):
        place, line = in_cells[-1]
        where = f"in {place.co_name}, line {line} of its cell: {linecache.getline(place.co_filename, line).strip()[:200]}"
    code = getattr(function, "__code__", None)
    stub = isinstance(error, NotImplementedError) and frames[-1][0].f_code is code and code.co_names == ("NotImplementedError",)
    try:
        message = str(error)[:300]
    except Exception:
        message = ""
    return {"raised": [kind.__name__ for kind in type(error).__mro__], "message": message, "where": where, "stub": stub}


def train(function, arguments, unseen):
    """Call a function that trains a torch module, then the module on unseen inputs. Returns what `call` returns, of the outputs."""

    asked = []

    def outputs(model, *_):
        import torch

        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"a torch.nn.Module is asked, not {article(model)}")
        asked.append(unseen)
        model.eval()
        with torch.no_grad():
            return np.asarray(model(torch.as_tensor(unseen)).detach().cpu())

    outcome = call(function, arguments, outputs, quiet=False)
    if "raised" in outcome and asked:
        outcome["message"] = f"when the trained module is called with inputs of {np.asarray(unseen).dtype}: {outcome['message']}"
    return outcome


# Plain data as JSON, exact to the last bit, and back.


def encode(value, largest=math.inf):
    """Turn plain data into what JSON can hold; of anything else, and of arrays of more bytes than `largest`, only a description."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.float64 | np.bool_ | np.int64 | np.str_):
        return value.item()
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind == "O" and array.size and all(isinstance(item, str) for item in array.flat):
            array = array.astype(str)
        if array.dtype.kind == "U" and array.nbytes <= largest:
            return {"strings": array.tolist()}
        if array.dtype.kind not in "biufc":
            return {"other": f"an array of dtype {array.dtype}"}
        if array.nbytes > largest:
            return {"other": f"an array of shape {array.shape}, which is far too large"}
        return {"array": base64.b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [encode(item, largest) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item, largest)] for key, item in value.items()]}
    if isinstance(value, functools.partial):
        return {"make": value.func.__name__, "with": encode(value.args), "and": encode(value.keywords)}
    if inspect.isfunction(value):
        return {"function": value.__name__}
    if is_tensor(value):
        return {"tensor": encode(value.detach().cpu().numpy(), largest)}
    return {"other": f"an object of type {type(value).__name__}"}


def decode(code, names=None):
    """Undo `encode`. Functions, and makers of arguments, are looked up in `names`; without these, a tensor is a Tensor, only to look at.

    Raises ValueError, TypeError or KeyError for what `encode` cannot have written.
    """
    if not isinstance(code, dict):
        return code
    if "array" in code:
        dtype = np.dtype(str(code["dtype"]))
        if dtype.kind not in "biufc":
            raise ValueError(f"an array of dtype {dtype}")
        return np.frombuffer(base64.b64decode(code["array"]), dtype).reshape(code["shape"]).copy()
    if "strings" in code:
        return strings(code["strings"])
    if "list" in code:
        return [decode(item, names) for item in code["list"]]
    if "tuple" in code:
        return tuple(decode(item, names) for item in code["tuple"])
    if "dict" in code:
        if len(code["dict"]) > MOST_PAIRS:  # whose keys may all have the same hash
            raise ValueError("a dict that is too large")
        return {decode(key, names): decode(item, names) for key, item in code["dict"]}
    if "tensor" in code:
        tensor = Tensor(np.asarray(decode(code["tensor"])))
        return tensor if names is None else tensor.of_torch()
    if "make" in code:
        return functools.partial(names[code["make"]], *decode(code["with"], names), **decode(code["and"], names))
    if "function" in code:
        return names[code["function"]]
    return Other(str(code["other"]))


def strings(nested):
    """Return nested lists of strings as an array, where each takes as much as the longest. Raises ValueError when that is too much."""
    items, shape = [nested], []
    while items and all(isinstance(item, list) for item in items):
        shape.append(len(items[0]))
        items = [inner for item in items for inner in item]
    if not all(isinstance(item, str) for item in items):
        raise ValueError("an array of strings and other things")
    if 4 * len(items) * max(map(len, items), default=0) > LARGEST_RESULT:
        raise ValueError("an array of strings that is far too large")
    return np.array(items, dtype=str).reshape(shape)


@dataclass(frozen=True)
class Other:
    """Something that is not plain data."""

    what: str


class Tensor:
    """The values of a torch tensor, which can be looked at without importing torch."""

    def __init__(self, values):
        if values.dtype.kind not in "biufc":
            raise TypeError(f"a tensor of dtype {values.dtype}")
        self.values = values

    def numpy(self):
        return self.values

    def of_torch(self):
        import torch

        return torch.from_numpy(self.values)

    def __repr__(self):
        return repr(self.of_torch())


def is_tensor(value):
    torch = sys.modules.get("torch")
    return isinstance(value, Tensor) or (torch is not None and isinstance(value, torch.Tensor))


# What the grader asks of a submission's kernel. The verdict is not decided there.


def answer(request, names):
    """Call the functions of `names` as the grader asks. Returns plain data.

    request: a dict with "name"; "helpers", the source of what arguments are made of; and either "cases", a list of encoded
    arguments, or "arguments" and "unseen" of a trained task. "instead" lists the functions that "helpers" defines too, to be
    used in place of the submission's own.
    """
    function = names.get(request["name"])
    if not callable(function):
        return {"missing": True}
    helpers = {"__name__": "helpers"}
    exec(request["helpers"], helpers)
    own = dict(names)
    names.update({other: helpers[other] for other in request.get("instead", ())})
    try:
        if "cases" not in request:
            arguments = [decode(argument, helpers) for argument in request["arguments"]]
            return {"outcomes": [train(function, arguments, decode(request["unseen"], helpers))]}
        view = helpers.get(f"{request['name']}_view")
        return {"outcomes": [call(function, [decode(argument, helpers) for argument in case], view) for case in request["cases"]]}
    finally:
        names.clear()
        names.update(own)
