"""What a grading asks of every submission, and the verdict on what comes back."""

import contextlib
import functools
import hashlib
import inspect
import json
import sys
from importlib.metadata import version

import numpy as np

from grading.author.source import EXPECTED
from grading.shared.checks import outcomes
from grading.shared.checks.comparison import opened
from grading.shared.checks.outcomes import decode, encode
from grading.shared.checks.verdicts import Verdict, judge, judge_training, unmeasured
from grading.shared.files import ROOT, write
from grading.shared.workers import apart

SLOWER = 1.5  # the grader's machine may be this much slower than the student's before a training counts as too long
FRESH_DRAWS = 3
MOST_ARGUMENTS = 100  # that a function can have changed
UNJUDGED = "What it gives back could not be judged"
NO_FUNCTION = "There is no function {} when its check is reached."
COUNTED_ON = ("numpy", "torch", "scikit-learn", "scipy")


class Exam:
    """What this grading asks: for each function the visible cases and fresh ones, for each training task fresh data.

    origin: the Source, which is run where that is needed. seed: of the fresh cases; every submission gets the same.
    drawn: what `draw` returned for them.
    """

    def __init__(self, origin, seed, drawn=None):
        self.origin = origin
        self.by_check = {task.check: task for task in origin.functions}
        drawn = json.loads(drawn or draw(origin, seed))
        self.expected = json.dumps(drawn["expected"])
        self.asked, self.trials = {}, {}
        for visible in drawn["expected"]:
            if "written" in visible:
                continue
            name = visible["name"]
            if name in drawn["trials"]:
                arguments, unseen, truth = drawn["trials"][name]
                self.trials[name] = arguments, decode(unseen), decode(truth)
                self.asked[name] = visible | {"seconds": SLOWER * visible["seconds"]}
            else:
                self.asked[name] = ready(joined(visible, drawn["fresh"][name])) | {"visible": len(visible["cases"])}
        self.source_of_checks = inspect.getsource(outcomes)
        self.support = origin.support() | {EXPECTED: self.expected.encode()}
        self.requests = {name: self._request(name) for name in self.asked}  # the same for every submission, and megabytes

    @classmethod
    def kept(cls, origin, seed, path, meanwhile=None):
        """Return the exam as the file `path` keeps it; where nothing there was made of the same by the same, it is made, with `meanwhile` called, and kept."""
        key = key_of(origin, seed)
        with contextlib.suppress(OSError, ValueError):
            first, drawn = path.read_bytes().split(b"\n", 1)
            if first == seal(key, drawn):
                return cls(origin, seed, drawn)
        drawn = apart(draw, origin, seed, meanwhile=meanwhile)
        with contextlib.suppress(OSError):
            write(path, seal(key, drawn) + b"\n" + drawn)
        return cls(origin, seed, drawn)

    def request(self, name, instead=()):
        """Return what the student's Python is asked, as bytes. With `instead`, model answers are in it, of tasks before this one only."""
        return self._request(name, instead) if instead else self.requests[name]

    def _request(self, name, instead=()):
        helpers = self.origin.with_answers(name) if instead else self.origin.helpers
        request = {"name": name, "checks": self.source_of_checks, "helpers": helpers, "instead": instead}
        if name in self.trials:
            arguments, unseen, _ = self.trials[name]
            request |= {"arguments": arguments, "unseen": encode(unseen)}
        else:
            request |= {"cases": self.asked[name]["cases"]}
        return json.dumps(request).encode()

    def sentences(self, task):
        """Return the sentences of the mistakes that are known of a task: nothing of a submission is in them."""
        mistakes = self.asked[task.name]["mistakes"]
        return set(mistakes.values()) if isinstance(mistakes, dict) else {mistake["sentence"] for mistake in mistakes}

    def verdict(self, task, reply, seconds):
        """Judge what the kernel replied, which may be anything."""
        try:
            reply = json.loads(reply.decode())  # of bytes, json would guess the encoding
            if reply.get("missing"):
                return Verdict(False, NO_FUNCTION.format(task.name))
            asked = self.asked[task.name]
            outcomes = [understood(outcome) for outcome, _ in zip(reply["outcomes"], asked.get("cases", [None]), strict=True)]
        except Exception:
            return Verdict(False, "What it gives back could not be read.")
        try:
            return self.measured(task, outcomes[0], seconds) if task.name in self.trials else judge(asked, outcomes)
        except Exception as error:
            return Verdict(False, f"{UNJUDGED} ({type(error).__name__}: {error}).")

    def measured(self, task, outcome, seconds):
        asked, truth = self.asked[task.name], self.trials[task.name][2]
        fault = unmeasured(asked, truth, outcome)
        if fault:
            return fault
        self.origin.run()
        return judge_training(asked, task.score, task.signs, truth, outcome, seconds)


def key_of(origin, seed):
    """Return what changes when anything does that the cases, or what is made of them, depend on."""
    files = [origin.path, *origin.modules, *sorted((ROOT / "grading").rglob("*.py"))]
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return repr([seed, contents, sys.version, *map(version, COUNTED_ON)]).encode()


def seal(key, drawn):
    return hashlib.sha256(key + drawn).hexdigest().encode()


def draw(origin, seed):
    """Return as JSON the visible cases, and for each function fresh ones, or a trial, with all that is expected of them. Raises SourceError."""
    origin.run()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # of several, on small tensors, most would wait
    fresh, trials = {}, {}
    for place, task in enumerate(origin.functions):
        rngs = [np.random.default_rng([seed, place, draw]) for draw in range(FRESH_DRAWS)]
        if task.bar is None:
            fresh[task.name] = functools.reduce(joined, map(task.numbers, rngs))
        else:
            arguments, unseen, truth = task.trial(rngs[0])
            trials[task.name] = [[encode(argument) for argument in arguments], encode(unseen), encode(truth)]
    return json.dumps({"expected": origin.expected(), "fresh": fresh, "trials": trials}).encode()


def ready(asked):
    """Return what is asked with all outcomes decoded, once for all submissions."""
    mistakes = [mistake | {"outcomes": list(map(opened, mistake["outcomes"]))} for mistake in asked["mistakes"]]
    return asked | {"expected": list(map(opened, asked["expected"])), "mistakes": mistakes}


def understood(outcome):
    """Return an outcome, decoded, if it is one. Raises whatever comes of it if it is not."""
    if "value" not in outcome:
        outcome["raised"][0], outcome["message"], outcome["where"]
    for position, _ in outcome.get("modified", []):
        if type(position) is not int or not 0 <= position < MOST_ARGUMENTS:
            raise ValueError
    texts = [*outcome.get("raised", []), *(outcome.get(name, "") for name in ("message", "where", "warned", "printed"))]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return opened(outcome)


def joined(one, other):
    """Join the cases of two draws, and what the model answer and the mistakes that both know make of them."""
    later, number = {mistake["name"]: mistake for mistake in other["mistakes"]}, len(one["cases"])
    mistakes = [
        first
        | {"outcomes": first["outcomes"] + second["outcomes"], "about": list(dict.fromkeys(first["about"] + second["about"]))}
        | {term: first[term] and second[term] for term in ("penalty", "data") if term in first}
        for first in one["mistakes"]
        if (second := later.get(first["name"]))
    ]
    lists = {name: one[name] + other[name] for name in ("cases", "expected", "without_penalty") if name in one}
    return one | lists | {"edges": one["edges"] + [number + edge for edge in other["edges"]], "mistakes": mistakes}
