"""Processes that work side by side: what goes wrong in one costs its job, and only that."""

import os
import signal
import time

import pytest

from grading.shared.workers import Lost, Workers, apart


class Unreadable(Exception):
    """Can be sent, and not be made again of what was sent."""

    def __init__(self, one, two):
        super().__init__(one)


def work(job):
    if job == "raise":
        raise ValueError("no")
    if job == "unreadable":
        raise Unreadable(1, 2)
    if job == "end":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "unsendable":
        return lambda: 0
    return job, os.getpid()


def results(workers, *jobs):
    for job in jobs:
        workers.give(job)
    found = {}
    while workers.busy:
        found |= {job: error or result for job, result, error in workers.take(1)}
    return found


@pytest.mark.parametrize("job, error", [("raise", ValueError), ("unreadable", Lost), ("end", Lost), ("unsendable", Lost)])
def test_what_goes_wrong_costs_its_own_job(job, error):
    with Workers(2, work) as workers:
        found = results(workers, "a", job, "b", "c")
        assert isinstance(found[job], error) and [found[other][0] for other in "abc"] == ["a", "b", "c"]


def test_a_worker_that_ends_while_it_waits_costs_nothing():
    with Workers(1, work) as workers:
        _, number = results(workers, "a")["a"]
        os.kill(number, signal.SIGKILL)
        time.sleep(0.2)
        job, other = results(workers, "b")["b"]
        assert job == "b" and other != number


def test_what_takes_too_long_or_too_much_is_ended():
    with Workers(2, lambda job: time.sleep(600) if job == "long" else bytearray(10**10) if job == "much" else job, seconds=1) as workers:
        found = results(workers, "long", "much", "b")
    assert isinstance(found["long"], Lost) and "more than 1 s" in str(found["long"])
    assert isinstance(found["much"], MemoryError) and found["b"] == "b"


def test_what_is_urgent_comes_first():
    with Workers(1, lambda job: time.sleep(0.1)) as workers:
        for job in ("first", "last"):
            workers.give(job)
        workers.give("urgent", at_once=True)
        order = []
        while workers.busy:
            order += [job for job, _, _ in workers.take(60)]
    assert order == ["first", "urgent", "last"]


def test_what_is_done_apart_leaves_nothing_here():
    assert apart(lambda: os.getpid()) != os.getpid()
    with pytest.raises(ValueError, match="no"):
        apart(work, "raise")
