"""What a grading asks of every submission, and the verdict on what comes back."""

import functools
import inspect
import json
import operator

import numpy as np

from grading.shared import checks
from grading.shared.checks import Verdict, decode, encode, judge, judge_training

SLOWER = 1.5  # the grader's machine may be this much slower than the student's before a training counts as too long
FRESH_DRAWS = 3
UNJUDGED = "What it gives back could not be judged"


class Exam:
    """What this grading asks: for each function the visible cases and fresh ones, for each training task fresh data.

    origin: the Source. seed: of the fresh cases; every submission gets the same.
    """

    def __init__(self, origin, seed):
        self.origin = origin
        self.by_check = {task.check: task for task in origin.functions}
        expected = origin.expected()
        self.expected = json.dumps(expected)
        self.asked, self.trials = {}, {}
        for place, (task, visible) in enumerate(zip(origin.functions, expected, strict=True)):
            rngs = [np.random.default_rng([seed, place, draw]) for draw in range(FRESH_DRAWS)]
            if task.bar is None:
                self.asked[task.name] = functools.reduce(joined, [task.numbers(rng) for rng in rngs], visible) | {"visible": len(visible["cases"])}
            else:
                self.trials[task.name] = task.trial(rngs[0])
                self.asked[task.name] = visible | {"seconds": SLOWER * task.settings["seconds"]}
        self.source_of_checks = inspect.getsource(checks)
        self.request = functools.cache(self.request)  # the same for every submission, and megabytes
        self.support = origin.support() | {"expected.json": self.expected.encode()}

    def request(self, name, instead=()):
        """Return what the kernel is asked, as bytes. With `instead`, model answers are in it, of tasks before this one only."""
        helpers = self.origin.with_answers(name) if instead else self.origin.helpers
        request = {"name": name, "checks": self.source_of_checks, "helpers": helpers, "instead": instead}
        if name in self.trials:
            arguments, unseen, _ = self.trials[name]
            request |= {"arguments": [encode(argument) for argument in arguments], "unseen": encode(unseen)}
        else:
            request |= {"cases": self.asked[name]["cases"]}
        return json.dumps(request).encode()

    def verdict(self, task, reply, seconds):
        """Judge what the kernel replied, which may be anything."""
        try:
            reply = json.loads(reply)
            if reply.get("missing"):
                return Verdict(False, f"There is no function {task.name} when its check is reached.")
            asked = self.asked[task.name]
            outcomes = [understood(outcome) for outcome, _ in zip(reply["outcomes"], asked.get("cases", [None]), strict=True)]
        except Exception:
            return Verdict(False, "What it gives back could not be read.")
        try:
            if task.name in self.trials:
                return judge_training(asked, task.score, task.signs, self.trials[task.name][2], outcomes[0], seconds)
            return judge(asked, outcomes)
        except Exception as error:
            return Verdict(False, f"{UNJUDGED} ({type(error).__name__}: {error}).")


def understood(outcome):
    """Return an outcome if it is one. Raises whatever comes of it if it is not."""
    if "value" in outcome:
        decode(outcome["value"])
    else:
        outcome["raised"][0], outcome["message"], outcome["where"]
    for position, now in outcome.get("modified", []):
        operator.index(position), decode(now)
    texts = [*outcome.get("raised", []), *(outcome.get(name, "") for name in ("message", "where", "warned", "printed"))]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return outcome


def joined(one, other):
    """Join the cases of two draws, and what the model answer and the mistakes make of them."""
    mistakes = [
        {"sentence": first["sentence"], "outcomes": first["outcomes"] + second["outcomes"]}
        for first, second in zip(one["mistakes"], other["mistakes"], strict=True)
    ]
    return one | {"cases": one["cases"] + other["cases"], "expected": one["expected"] + other["expected"], "mistakes": mistakes}
