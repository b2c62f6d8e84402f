"""What a check says of attempts that nobody wrote with its sentences in mind: never what is false, nearly always what is wrong."""

from functools import cache

import pytest

from grading.author import source
from tools import attempts

NAMES = source.assignments()
each = pytest.mark.parametrize("name", NAMES)


@cache
def outcomes(name):
    """Return the attempts at an assignment, each with what its check said in the exercise's folder and a real kernel."""
    with attempts.student(name) as run:
        return [(attempt, run(attempt)) for attempt in attempts.read(name)]


@each
def test_no_right_attempt_fails_and_no_wrong_one_passes(name):
    for attempt, said in outcomes(name):
        assert said.solved == attempt.right, f"{attempt.task}: {attempt.fault}\n{said.text}"
        assert ("✓ passed" if attempt.right else "✗ not yet") in said.html, said.html


@each
def test_nothing_false_is_said(name):
    for attempt, said in outcomes(name):
        false = [found for found in said.names if found not in attempt.may_say]
        assert not false, f"{attempt.task}: {attempt.fault}\nsaid, and not in what is true of it: {false}\n{said.text}"


def test_nine_in_ten_are_told_what_is_wrong_or_what_came_back():
    wrong = [(attempt, said) for name in NAMES for attempt, said in outcomes(name) if not attempt.right]
    untold = [f"{attempt.task}: {attempt.fault}" for attempt, said in wrong if said.how == "case"]
    assert len(wrong) >= 150 and len(untold) <= 0.1 * len(wrong), "\n".join(untold)
