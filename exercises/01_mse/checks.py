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
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TOLERANCE = (1e-12, 1e-9)  # absolute, and relative to the truth
LARGEST_RESULT = 4_000_000  # bytes
NEARER = 0.25  # a mistake is named when its outputs are this many times nearer to yours than to the truth


# Plain data as JSON, exact to the last bit, and back.


def encode(value, largest=math.inf):
    """Turn plain data into what JSON can hold; of anything else, and of arrays of more bytes than `largest`, only a description."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.float64 | np.bool_ | np.int64):
        return value.item()
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            return {"other": f"an array of dtype {array.dtype}"}
        if array.nbytes > largest:
            return {"other": f"an array of shape {array.shape}, which is far too large"}
        return {"array": base64.b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, list | tuple):
        return {type_name(value, (tuple, list)): [encode(item, largest) for item in value]}
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
    """Undo `encode`. Functions, and makers of arguments, are looked up in `names`.

    Raises ValueError, TypeError or KeyError for what `encode` cannot have written.
    """
    if not isinstance(code, dict):
        return code
    if "array" in code:
        dtype = np.dtype(str(code["dtype"]))
        if dtype.kind not in "biufc":
            raise ValueError(f"an array of dtype {dtype}")
        return np.frombuffer(base64.b64decode(code["array"]), dtype).reshape(code["shape"]).copy()
    if "list" in code:
        return [decode(item, names) for item in code["list"]]
    if "tuple" in code:
        return tuple(decode(item, names) for item in code["tuple"])
    if "dict" in code:
        return {decode(key): decode(item, names) for key, item in code["dict"]}
    if "tensor" in code:
        import torch

        return torch.from_numpy(np.asarray(decode(code["tensor"])))
    if "make" in code:
        return functools.partial(names[code["make"]], *decode(code["with"]), **decode(code["and"]))
    if "function" in code:
        return names[code["function"]]
    return Other(str(code["other"]))


@dataclass(frozen=True)
class Other:
    """Something that is not plain data."""

    what: str


def is_tensor(value):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def type_name(value, types):
    return next(kind.__name__ for kind in types if isinstance(value, kind))


# One call of a function, and what came of it.


def call(function, arguments, view=None):
    """Call `function` and return what came of it, as plain data.

    arguments: the arguments; a functools.partial among them is called first and its result passed on.
    view: turns a result into plain data, given the result and the arguments.

    Returns a dict with "value", or with "raised" (the names of the exception's classes), "message", "where" (the line in
    a notebook's cell) and "stub" (nobody has written the function yet); and, where there is any, with "modified" (the
    positions of arguments that were changed), "warned" (the first warning) and "printed".
    """
    arguments = [argument() if isinstance(argument, functools.partial) else copy.deepcopy(argument) for argument in arguments]
    before = [encode(argument) for argument in arguments]
    outcome = {}
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as warned, np.errstate(all="warn", under="ignore"), contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            result = function(*arguments)
            outcome["value"] = encode(view(result, *arguments) if view else result, LARGEST_RESULT)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            outcome |= told(error, function)
    modified = [position for position, argument in enumerate(arguments) if encode(argument) != before[position]]
    warning = f"{warned[0].category.__name__}: {str(warned[0].message)[:200]}" if warned else ""
    said = {"modified": modified, "warned": warning, "printed": printed.getvalue()[:1000]}
    return outcome | {name: value for name, value in said.items() if value}


def told(error, function):
    """Return an exception as plain data."""
    frames = []
    traceback = error.__traceback__
    while traceback:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    in_cells = [(frame.f_code.co_filename, line) for frame, line in frames if frame.f_globals.get("__name__") == "__main__"]
    where = ""
    if in_cells:
        file, line = in_cells[-1]
        where = f"line {line} of the cell: {linecache.getline(file, line).strip()[:200]}"
    stub = isinstance(error, NotImplementedError) and frames[-1][0].f_code is getattr(function, "__code__", None)
    try:
        message = str(error)[:300]
    except Exception:
        message = ""
    return {"raised": [kind.__name__ for kind in type(error).__mro__], "message": message, "where": where, "stub": stub}


def train(function, arguments, unseen):
    """Call a function that trains a torch module, then the module on unseen inputs. Returns what `call` returns, of the outputs."""

    def outputs(model, *_):
        import torch

        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"a torch.nn.Module is asked, not {article(model)}")
        model.eval()
        with torch.no_grad():
            return np.asarray(model(torch.as_tensor(unseen)).detach().cpu())

    return call(function, arguments, outputs)


# Are two outcomes the same?


def difference(got, expected, tolerance=TOLERANCE, without_warning=False, parameters=()):
    """Return what distinguishes an outcome from the expected one, in words; None when they agree.

    parameters: the names of the arguments.
    """
    if "raised" in expected:
        wanted = expected["raised"][0]
        if "raised" not in got:
            return f"It should raise a {wanted} here, and does not."
        return None if wanted in got["raised"] else f"It should raise a {wanted} here. It raises {raised(got)}"
    if "raised" in got:
        return f"It raises {raised(got)}"
    found = unlike(decode(got["value"]), decode(expected["value"]), tolerance)
    if found:
        return found
    if got.get("modified") != expected.get("modified"):
        changed = ", ".join(parameters[position] for position in got.get("modified", ()) if position < len(parameters))
        return f"The result is right, but the function changes its argument {changed}: it should work on a copy."
    if without_warning and got.get("warned") and not expected.get("warned"):
        return f"The result is right, but it comes with a warning, {got['warned']}"
    return None


def raised(outcome):
    message = f": {outcome['message']}" if outcome["message"] else ""
    where = f"\n    {outcome['where']}" if outcome.get("where") else ""
    return f"{outcome['raised'][0]}{message}{where}"


def unlike(got, expected, tolerance):
    """Return how plain data differs from the expected, in words that do not tell the expected; None when it does not."""
    if isinstance(expected, list):
        if isinstance(got, np.ndarray) and got.ndim == 1:
            got = list(got)
        if not isinstance(got, list | tuple):
            return f"It returns {article(got)}, where a list is asked."
        if len(got) != len(expected):
            return f"It returns {count(len(got), 'entry', 'entries')}, not {len(expected)}."
        return first_unlike(got, expected, tolerance)
    if isinstance(expected, tuple):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return f"It returns {article(got)}, where a tuple of {len(expected)} is asked."
        return first_unlike(got, expected, tolerance)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            return f"It returns {article(got)}, with other keys than it should."
        return first_unlike([got[key] for key in expected], list(expected.values()), tolerance, [f"'{key}'" for key in expected])
    if expected is None or isinstance(expected, str | Other):
        return None if type(got) is type(expected) and got == expected else f"It returns {article(got)}, which is wrong."
    if is_tensor(expected):
        return unlike(got.numpy(), expected.numpy(), tolerance) if is_tensor(got) else f"It returns {article(got)}, where a torch tensor is asked."
    return unlike_number(got, np.asarray(expected), tolerance)


def first_unlike(got, expected, tolerance, places=None):
    places = places or [f"{position}" for position in range(len(expected))]
    for place, one, other in zip(places, got, expected):
        found = unlike(one, other, tolerance)
        if found:
            return f"At [{place}] of what it returns: {found[0].lower()}{found[1:]}"
    return None


def unlike_number(got, expected, tolerance):
    kinds = {"b": "true or false", "i": "whole numbers", "u": "whole numbers", "f": "floats", "c": "complex numbers"}
    single = expected.ndim == 0
    asked = {"b": "a bool", "i": "a whole number", "u": "a whole number", "f": "a float"}[expected.dtype.kind] if single else f"an array of shape {expected.shape}"
    if got is None:
        return "It returns None: is the return missing?"
    if is_tensor(got):
        return f"It returns a torch tensor, where {asked} of NumPy is asked: .item() or .numpy() turns it into one."
    if not isinstance(got, np.ndarray | bool | int | float):
        return f"It returns {article(got)}, where {asked} is asked."
    if not single and not isinstance(got, np.ndarray):
        return f"It returns a single number, where {asked} is asked."
    try:
        got = np.asarray(got)
    except OverflowError:
        return "It returns a whole number that no array can hold."
    if got.shape != expected.shape:
        return f"It returns an array of shape {got.shape}, where {asked} is asked."
    if kinds.get(got.dtype.kind) != kinds[expected.dtype.kind]:
        return f"It returns {kinds.get(got.dtype.kind, 'objects')}, where {kinds[expected.dtype.kind]} are asked (dtype {got.dtype})."
    if expected.dtype.kind in "bui":
        return None if np.array_equal(got, expected) else "What it returns is not right."
    with np.errstate(all="ignore"):
        absolute, relative = tolerance
        near = np.abs(got - expected) <= absolute + relative * np.abs(expected)
        near |= (got == expected) | (np.isnan(got) & np.isnan(expected))
    if np.all(near):
        return None
    if np.any(np.isnan(got) & ~np.isnan(expected)):
        return "It returns NaN, where a number is expected."
    if np.any(np.isinf(got) & np.isfinite(expected)):
        return "It returns an infinite value, where a finite one is expected."
    if np.all(np.abs(got - expected)[~near] <= 1e-5 * np.abs(expected)[~near]):
        single = got.dtype.kind == "f" and got.dtype.itemsize < 8
        reason = "single precision is not enough, compute in float64" if single else "not to the precision asked; is something approximated or rounded?"
        return f"What it returns is nearly right: {reason}."
    return "What it returns is not right."


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
    return f"{'an' if isinstance(value, int) else 'a'} {type(value).__name__}"


def count(number, one, many):
    return f"{number} {one if number == 1 else many}"


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
        return "\n".join(filter(None, [self.summary, self.details or self.problem, self.mistake, self.advice]))

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
    rule = {"tolerance": tuple(task["tolerance"]), "without_warning": task["without_warning"], "parameters": task["parameters"]}
    cases = task["cases"]
    differences = [difference(one, other, **rule) for one, other in zip(got, task["expected"], strict=True)]
    wrong = [number for number, found in enumerate(differences) if found]
    if not wrong:
        return Verdict(True, f"All {len(cases)} cases are right.")
    first = wrong[0]
    details = [f"The first that is not, case {first + 1}:", *shown(cases[first], task["parameters"])]
    value = got[first].get("value")
    if isinstance(value, int | float) or (isinstance(value, dict) and "array" in value):
        details.append(f"  returned: {short(decode(value))}")
    details.append(f"  {differences[first]}")
    if got[first].get("printed"):
        details.append(f"  It printed: {got[first]['printed'][:300].strip()}")
    right = len(cases) - len(wrong)
    summary = f"{right} of {len(cases)} cases are right." if right else f"None of the {len(cases)} cases is right."
    return Verdict(False, summary, differences[first], "\n".join(details), first + 1, recognised(task["mistakes"], got, wrong, rule))


def recognised(mistakes, got, wrong, rule):
    """Return the sentence of the first mistake that gives the same outcomes in all cases, else in all that are wrong."""
    for numbers in (range(len(got)), wrong):
        for mistake in mistakes:
            if all(not difference(got[number], mistake["outcomes"][number], **rule) for number in numbers):
                return mistake["sentence"]
    return ""


def judge_trained(task, score, truth, got, seconds, mistakes):
    """Judge the outputs of a trained module on unseen inputs.

    task: a dict with "bar" and "seconds". score: maps outputs and truth to a number. got: what `train` returned. seconds: how
    long that took. mistakes: a function that returns dicts of "sentence" and "outputs"; called only if they are needed.
    """
    if got.get("stub"):
        return NOT_ATTEMPTED
    if "raised" in got:
        return Verdict(False, f"It raises {raised(got)}")
    outputs = decode(got["value"])
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f":
        return Verdict(False, f"The module should give floats, and gives {article(outputs)}.")
    if len(outputs) != len(truth) or outputs.ndim != np.ndim(truth):
        return Verdict(False, f"For {len(truth)} unseen inputs the module gives outputs of shape {outputs.shape}, where {np.shape(truth)} is asked.")
    if not np.all(np.isfinite(outputs)):
        return Verdict(False, "The module gives NaN or infinite values: did the training diverge?")
    reached = float(score(outputs, truth))
    what = inspect.getdoc(score).splitlines()[0].rstrip(".")
    summary = f"{what}: at least {math.floor(reached * 20) / 20:.2f} ({task['bar']:.2f} is asked)."
    if reached < task["bar"]:
        return Verdict(False, summary, mistake=nearest(mistakes(), outputs, truth))
    if seconds > task["seconds"]:
        return Verdict(False, f"{summary} But it took {seconds:.0f} s, and {task['seconds']} are allowed.")
    return Verdict(True, summary)


def nearest(mistakes, outputs, truth):
    """Return the sentence of the mistake whose outputs are nearest, if they are much nearer than the truth is to them."""
    sentences = []
    for mistake in mistakes:
        theirs = decode(mistake["outputs"])
        if np.shape(theirs) == outputs.shape == np.shape(truth):
            ratio = np.linalg.norm(outputs - theirs) / max(np.linalg.norm(truth - theirs), 1e-300)
            sentences.append((ratio, mistake["sentence"]))
    ratio, sentence = min(sentences, default=(math.inf, ""))
    return sentence if ratio < NEARER else ""


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
    if isinstance(value, list):
        return "[" + ", ".join(short(item) for item in value[:4]) + (", …]" if len(value) > 4 else "]")
    if isinstance(value, np.ndarray) and value.ndim:
        text = np.array2string(value, precision=4, threshold=30, edgeitems=2, separator=", ", max_line_width=10_000)
        return " ".join(text.split()) + ("" if value.size <= 30 else f", shape {value.shape}")
    if isinstance(value, float | np.ndarray):
        return f"{float(value):.6g}" if np.asarray(value).dtype.kind == "f" else str(value)
    return repr(value)


# What the notebook calls.


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


@functools.cache
def expected():
    """Return the tasks of this exercise by name, from expected.json."""
    tasks = json.loads(Path(__file__).with_name("expected.json").read_text(encoding="utf-8"))
    return {task["name"]: task for task in tasks}


verdicts = {}


def check(name):
    """Say whether your function `name` is right, and what is likely wrong if not. Returns the points."""
    import __main__

    names = vars(__main__)
    task = expected()[name]
    if not callable(names.get(name)):
        verdict = Verdict(False, f"There is no function {name}: run its cell first, and mend the error if it shows one.")
    else:
        try:
            verdict = check_trained(task, names) if "bar" in task else check_cases(task, names)
        except KeyError as missing:
            verdict = Verdict(False, f"Run the cells above first: {missing.args[0]} is not defined yet.")
    verdicts[name] = verdict
    print(verdict.text())
    return Score(task["points"] * verdict.solved, task["points"], name)


def case(name, number):
    """Return the arguments of a case of the check of `name`, numbered from 1, to try your function on."""
    import __main__

    arguments = [decode(argument, vars(__main__)) for argument in expected()[name]["cases"][number - 1]]
    return tuple(argument() if isinstance(argument, functools.partial) else argument for argument in arguments)


def check_cases(task, names):
    function, view = names[task["name"]], names.get(f"{task['name']}_view")
    got = [call(function, [decode(argument, names) for argument in case], view) for case in task["cases"]]
    verdict = judge(task, got)
    if verdict.case:
        code = getattr(function, "__code__", None)
        used = [other for other in getattr(code, "co_names", ()) if other in verdicts and not verdicts[other].solved]
        advice = [f"It uses {other}, whose own check does not pass yet." for other in used]
        verdict.advice = "\n".join([*advice, f'To try it on these arguments: {task["name"]}(*case("{task["name"]}", {verdict.case}))'])
    return verdict


def check_trained(task, names):
    function, trial, score = (names[task["name"] + ending] for ending in ("", "_trial", "_score"))
    arguments, unseen, truth = trial(np.random.default_rng(0))
    started = time.perf_counter()
    got = train(function, arguments, unseen)
    return judge_trained(task, score, truth, got, time.perf_counter() - started, lambda: task["mistakes"])


def score():
    """Print the points of every check that was run in this session. Returns their sum."""
    tasks = expected().values()
    for task in tasks:
        verdict = verdicts.get(task["name"])
        points = f"{task['points'] * verdict.solved:g} of {task['points']:g}" if verdict else "not checked yet"
        print(f"{task['name']:24}{points}")
    reached = sum(task["points"] * verdicts[task["name"]].solved for task in tasks if task["name"] in verdicts)
    print("Written answers are marked by your instructor.")
    return Score(reached, sum(task["points"] for task in tasks), "Checked tasks")


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
            arguments = [decode(argument) for argument in request["arguments"]]
            return {"outcomes": [train(function, arguments, decode(request["unseen"]))]}
        view = helpers.get(f"{request['name']}_view")
        return {"outcomes": [call(function, [decode(argument, helpers) for argument in case], view) for case in request["cases"]]}
    finally:
        names.clear()
        names.update(own)
