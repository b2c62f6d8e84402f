"""What the notebook calls."""

import functools
import importlib
import json
import time
from pathlib import Path

import numpy as np

from . import accidents
from .outcomes import built, call, count, decode, told, train
from .verdicts import FAILED, NOT_ATTEMPTED, PASSED, WAITING, Verdict, judge, judge_training

HERE = Path(__file__).parent
SECONDS = 20  # for one case; the grader allows more for all of them
PATIENCE = 2  # a training may take so many times what is allowed before it is stopped
COLOURS = {PASSED: "#1a7f37", FAILED: "#b42318", WAITING: "#57606a"}
WORDS = {PASSED: "passed", FAILED: "not yet", WAITING: "open"}


def check(name):
    """Say whether your function `name` is right, and what is likely wrong if not. Returns the points."""
    task, names = stored(name), notebook()
    verdict = accidents.before(name, names, tasks())
    if not verdict:
        try:
            verdict = check_training(task, names) if "bar" in task else check_cases(task, names)
        except KeyboardInterrupt as stop:
            verdict = Verdict(False, f"You stopped the check: {told(stop, names[name])['where'] or 'it had not come to your function'}.")
    if not verdict.attempted:
        bar = f" ({task['bar']:.2f} will be asked)" if "bar" in task else ""
        verdict = Verdict(False, f"not attempted yet{bar}: write the function in the cell above and run that cell.", attempted=False)
    else:
        verdict.advice = "\n".join(filter(None, [verdict.advice, "renamed" not in verdict.names and accidents.run_later(name, names, tasks())]))
    verdicts[name] = verdict
    print(verdict.text(book()))
    return Score(task["points"] * verdict.solved, task["points"], name, sign_of(verdict))


def case(name, number):
    """Return the arguments of a case of the check of `name`, numbered from 1, to try your function on."""
    task = stored(name)
    cases = task.get("cases", [])
    if number not in range(1, len(cases) + 1):
        raise ValueError(f"the check of {name} has {len(cases)} cases, numbered from 1; there is no case {number}")
    return tuple(map(built, (decode(argument, helpers(task)) for argument in cases[number - 1])))


def score():
    """Print the points of every check that was run in this session, and what else to do before handing in. Returns their sum."""
    for name, task in tasks().items():
        print(score_line(name, task["points"], verdicts.get(name)))
    print(accidents.written_answers(written(), any(verdict.attempted for verdict in verdicts.values())))
    reached = sum(tasks()[name]["points"] for name, verdict in verdicts.items() if verdict.solved)
    return Score(reached, sum(task["points"] for task in tasks().values()), "Checked tasks")


def score_line(name, points, verdict):
    sign = sign_of(verdict)
    return f"{sign} {name:28}" + (f"{points * verdict.solved:g} of {points:g}   {WORDS[sign]}" if verdict else "not checked yet")


def sign_of(verdict):
    return PASSED if verdict and verdict.solved else FAILED if verdict and verdict.attempted else WAITING


class Score(float):
    """Points: a number to nbgrader, a sentence to a reader, after a sign whose colours fit a light page and a dark one."""

    def __new__(cls, points, of, title, sign=""):
        score = super().__new__(cls, points)
        score.of, score.title, score.sign = of, title, sign
        return score

    def __repr__(self):
        return f"{float(self):g}"

    def _repr_html_(self):
        style = f"background: {COLOURS.get(self.sign)}; color: #fff; padding: 0.1em 0.5em; border-radius: 0.25em"
        mark = f'<span style="{style}">{self.sign} {WORDS[self.sign]}</span> ' if self.sign else ""
        return f"{mark}<strong>{self.title}: {float(self):g} of {count(self.of, 'point', 'points')}</strong>"


verdicts, examples = {}, {}


def notebook():
    """Return what the notebook has defined, by name."""
    import __main__

    return vars(__main__)


@functools.cache
def listed():
    return json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


@functools.cache
def tasks():
    """Return the tasks of this exercise that are checked, by name."""
    return {task["name"]: task for task in listed() if "written" not in task}


def written():
    """Return the points of the written answers, by name."""
    return {task["name"]: task["points"] for task in listed() if "written" in task}


@functools.cache
def book():
    """Return the address of the book that this exercise came from, if it has one."""
    file = HERE / "book.txt"
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def stored(name):
    if name not in tasks():
        raise ValueError(f"there is no task {name!r}; there are {', '.join(tasks())}")
    return tasks()[name]


def helpers(task):
    """Return what the arguments of a task are made of, by name; it is imported when it is needed."""
    return vars(importlib.import_module(f".helpers.{task['name']}", __package__)) if task["helpers"] else {}


def check_cases(task, names):
    name, function = task["name"], names[task["name"]]
    if accidents.untouched(function):
        return NOT_ATTEMPTED
    made = helpers(task)
    got = []
    for arguments in task["cases"]:
        stopped = got and got[-1].get("too_long")
        got.append(got[-1] | {"not_called": True} if stopped else call(function, [decode(argument, made) for argument in arguments], made.get(f"{name}_view"), seconds=SECONDS))
    verdict = judge(task, got, examples.get(name))
    if verdict.faults:
        if verdict.example:
            examples.setdefault(name, verdict.example)
        wrong = [other for other, earlier in verdicts.items() if other != name and not earlier.solved and callable(names.get(other))]
        called = accidents.called(function, [decode(argument, made) for argument in task["cases"][verdict.case - 1]], {other: names[other] for other in wrong})
        advice = [f"It uses {other}, whose own check does not pass yet." for other in called]
        verdict.advice = "\n".join([*advice, *accidents.names_missing(got, tasks(), names), f'To try it on these arguments: {name}(*case("{name}", {verdict.case}))'])
    return verdict


def check_training(task, names):
    fit = names[task["name"]]
    if accidents.untouched(fit):
        return NOT_ATTEMPTED
    made = helpers(task)
    trial, measure, signs = (made[task["name"] + ending] for ending in ("_trial", "_score", "_signs"))
    arguments, unseen, truth = trial(np.random.default_rng(0))
    started, used = time.perf_counter(), time.process_time()
    got = train(fit, arguments, unseen, PATIENCE * task["seconds"])
    seconds, used = time.perf_counter() - started, time.process_time() - used
    verdict = judge_training(task, measure, signs, truth, got, seconds)
    if verdict.solved and used > task["seconds"]:
        verdict.advice = f"It took {used:.0f} s of processor time, on several cores. The grader has one and allows {task['seconds']} s and a half more."
    return verdict
