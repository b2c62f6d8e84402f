"""Mistakes that need no words of a task: the model answer, called with arguments that somebody has confused."""

import functools
import itertools

import numpy as np

from grading.shared.checks.comparison import alike, opened
from grading.shared.checks.outcomes import decode

WITHOUT = "lam"  # what the penalty of a cost is multiplied by


def variants(task, cases, expected):
    """Return mistakes that are a confusion of arguments, as dicts of "name", "sentence" and "outcomes".

    task: the Task. cases: the encoded arguments. expected: what the model answer makes of them.
    """
    parameters = list(task.signature.parameters)
    kinds = {name: [kind_of(case[place]) for case in cases if place < len(case)] for place, name in enumerate(parameters)}
    complete = [name for name in parameters if len(kinds[name]) == len(cases)]
    arrays = [name for name in complete if all(kind[0] == "array" for kind in kinds[name])]
    numbers = [name for name in complete if all(kind == ("number",) for kind in kinds[name])]
    found = []
    for one, other in itertools.combinations(arrays, 2):
        if kinds[one] == kinds[other]:
            sentence = f"These are the results for exchanged arguments: {other} in the place of {one}, and {one} in that of {other}. Which is which?"
            found.append((f"{one}_and_{other}_exchanged", sentence, {one: lambda named, other=other: named[other], other: lambda named, one=one: named[one]}))
    for name in arrays:
        values = [np.asarray(decode(case[parameters.index(name)])) for case in cases]
        if all(np.isin(value, (0, 1)).all() and value.dtype.kind == "f" for value in values):
            found.append((f"{name}_exchanged_for_1_less", f"These are the results for 1 − {name} in the place of {name}: which of the two values means yes?", {name: lambda named, name=name: 1 - named[name]}))
        elif all(value.dtype.kind == "f" for value in values):
            found.append((f"minus_{name}", f"These are the results for −{name} in the place of {name}: a sign is the wrong way round.", {name: lambda named, name=name: -named[name]}))
    for name in numbers:
        for label, words, change in CHANGES:
            found.append((f"{name}_{label}", words.format(name=name), {name: lambda named, name=name, change=change: change(named[name])}))
    made = ({"name": name, "sentence": sentence, "outcomes": outcomes(task, cases, parameters, changes)} for name, sentence, changes in found)
    return [variant for variant in made if telling(variant["outcomes"], expected)]


CHANGES = [
    ("ignored", "These are the results for {name} = 0: is {name} used?", lambda value: type(value)(0)),
    ("negative", "These are the results for −{name} in the place of {name}: a sign is the wrong way round.", lambda value: -value if isinstance(value, float) else value),
    ("doubled", "These are the results for twice the {name} that was given.", lambda value: 2 * value if isinstance(value, float) else value),
    ("halved", "These are the results for half the {name} that was given.", lambda value: value / 2 if isinstance(value, float) else value),
    ("squared", "These are the results for the square of {name} in the place of {name}.", lambda value: value**2 if isinstance(value, float) else value),
    ("inverted", "These are the results for 1/{name} in the place of {name}.", lambda value: 1 / value if isinstance(value, float) and value else value),
]


def kind_of(code):
    value = decode(code) if not isinstance(code, dict) or code.keys() & {"array"} else None
    if isinstance(value, np.ndarray):
        return "array", value.dtype.kind, value.shape
    return ("number",) if isinstance(value, int | float) and not isinstance(value, bool) else ("other",)


def outcomes(task, cases, parameters, changes):
    changed = []
    for case in cases:
        named = dict(zip(parameters, (decode(code, task.names) for code in case)))
        named |= {name: change(named) for name, change in changes.items()}
        changed.append(list(named.values()))
    return task.called(task.function, changed)


def telling(given, expected):
    """Say whether outcomes are those of a mistake: a value wherever one is asked, and not always the right one."""
    pairs = [(opened(one), opened(other)) for one, other in zip(given, expected) if "value" in other]
    return all("value" in one for one, _ in pairs) and not all(alike(one["value"], other["value"], (1e-12, 1e-9)) for one, other in pairs)


def without_penalty(task, cases, expected):
    """Return what the model answer gives for lam = 0, of a cost or gradient with a penalty; None for other tasks."""
    parameters = list(task.signature.parameters)
    if WITHOUT not in parameters or not all(isinstance(outcome.get("value"), int | float | dict) for outcome in expected):
        return None
    found = outcomes(task, cases, parameters, {WITHOUT: lambda named: 0.0})
    arrays = (opened(outcome)["value"] for outcome in found)
    return [outcome["value"] for outcome in found] if all(isinstance(value, float | np.ndarray) for value in arrays) else None


def in_terms(task, mistake, outcomes, cases, expected, without):
    """Return in which of two terms a mistake is: {"penalty": whether in that alone, "data": whether in that alone}."""
    found = [opened(outcome).get("value") for outcome in outcomes_of(task, mistake, cases)]
    given, right = ([opened(outcome).get("value") for outcome in each] for each in (outcomes, expected))
    without = list(map(decode, without))
    if not all(isinstance(value, float | np.ndarray) for value in [*found, *given]) or any(map(differ_in_shape, found, right)) or any(map(differ_in_shape, given, right)):
        return {"penalty": False, "data": False}
    near = functools.partial(np.allclose, rtol=1e-9, atol=1e-12)
    return {"penalty": all(map(near, found, without)), "data": all(near(one - other, truth - term) for one, other, truth, term in zip(given, found, right, without))}


def differ_in_shape(one, other):
    return np.shape(one) != np.shape(other)


def outcomes_of(task, function, cases):
    parameters = list(task.signature.parameters)
    place = parameters.index(WITHOUT)
    changed = [[0.0 if number == place else decode(code, task.names) for number, code in enumerate(case)] for case in cases]
    return task.called(function, changed)
