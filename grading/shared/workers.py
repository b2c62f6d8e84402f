"""Processes that work side by side for this one. What goes wrong in one of them costs the job that it was at."""

import ctypes
import multiprocessing
import os
import resource
import signal
from collections import deque
from math import inf
from multiprocessing.connection import wait
from time import monotonic

PR_SET_PDEATHSIG = 1
MEMORY = 2_000_000_000  # bytes of one process


class Lost(Exception):
    """The process that was at a job has ended."""


class Workers:
    """`number` forks of this process: `with Workers(2, work) as workers`, then give jobs and take what `work(job)` returned or raised.

    seconds: that a job may take; a process that is longer at one is ended. One that asks for more than MEMORY gets a MemoryError.
    """

    def __init__(self, number, work, seconds=inf):
        self._work, self._number, self._seconds = work, number, seconds
        self._waiting, self._at, self._since, self._processes = deque(), {}, {}, {}

    def __enter__(self):
        for _ in range(self._number):
            self._start()
        return self

    def __exit__(self, *_):
        for process in self._processes.values():
            process.kill()
        for ours, process in self._processes.items():
            process.join()
            ours.close()

    @property
    def busy(self):
        return bool(self._waiting or self._at)

    def give(self, job, at_once=False):
        """Have a job done: after all that were given before, or before those that have not begun."""
        self._waiting.appendleft(job) if at_once else self._waiting.append(job)
        self._hand_out()

    def take(self, seconds=None, beside=()):
        """Wait, at most so many seconds or until one of the files `beside` can be read; return (job, result, exception) of each job that is done."""
        done = []
        late = {ours for ours in self._at if monotonic() > self._since[ours] + self._seconds}
        for ours in late:
            self._processes[ours].kill()
        for ours in wait([*self._processes, *beside], seconds):
            if ours not in self._processes:
                continue
            job = self._at.pop(ours, None)
            try:
                result, error = ours.recv()
            except (EOFError, OSError):
                result, error = None, Lost(f"it took more than {self._seconds:g} s" if ours in late else "the process that was at it has ended")
                self._replace(ours)
            except Exception as reason:  # what was sent cannot be read
                result, error = None, Lost(f"{type(reason).__name__}: {reason}")
            done.append((job, result, error))
        self._hand_out()
        return [found for found in done if found[0] is not None]

    def _hand_out(self):
        for ours in list(self._processes):
            if self._waiting and ours not in self._at:
                try:
                    ours.send(self._waiting[0])
                except OSError:  # it has ended meanwhile
                    self._replace(ours)
                else:
                    self._at[ours], self._since[ours] = self._waiting.popleft(), monotonic()

    def _replace(self, ours):
        self._processes.pop(ours).join()
        ours.close()
        self._start()

    def _start(self):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=self._serve, args=(theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process

    def _serve(self, theirs, parent):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while os.getppid() == parent:
            job = theirs.recv()
            try:
                answer = self._work(job), None
            except Exception as error:
                answer = None, error
            try:
                theirs.send(answer)
            except Exception as error:  # what cannot be sent
                theirs.send((None, Lost(f"{type(error).__name__}: {error}")))


def apart(function, *arguments, meanwhile=None):
    """Return what a function returns in a fork of this process, which keeps nothing of the work and calls `meanwhile` while it waits."""
    with Workers(1, lambda _: function(*arguments)) as workers:
        workers.give("this")
        if meanwhile:
            meanwhile()
        while not (done := workers.take()):
            pass
    _, result, error = done[0]
    if error:
        raise error
    return result
