"""Grade submissions with the solution notebook.

    python -m grading NAME [--submitted DIR] [--out DIR]

reads DIR/STUDENT/NAME/NAME.ipynb and writes OUT/NAME/grades.csv, a feedback page per student in OUT/feedback, and nbgrader's
gradebook. Run it again at any time: only what changed is graded again, and manual marks reach the table and the pages.
"""

import argparse
import os
import sys
from pathlib import Path

from grading.shared.interrupts import Interrupts

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the work is shared out among processes

UNSAFE = (
    "run submissions without the wall, as you: they can then read your files and the solutions, reach the network, end the grading, "
    "interfere with others and leave programs running. Only for a machine that nothing can happen to"
)


def options(arguments):
    parser = argparse.ArgumentParser(prog="python -m grading", description="Grade submissions with the solution notebook.")
    parser.add_argument("name", help="the assignment, for instance 01_mse")
    parser.add_argument("--submitted", type=Path, default=Path("submitted"), metavar="DIR", help="where STUDENT/NAME/NAME.ipynb lie (default: submitted)")
    parser.add_argument("--out", type=Path, default=Path("graded"), metavar="DIR", help="where marks, feedback and gradebook go (default: graded)")
    parser.add_argument("--jobs", type=whole(1), default=os.cpu_count(), metavar="N", help="submissions graded at the same time (default: one per core)")
    parser.add_argument("--seconds", type=positive, default=120, metavar="N", help="a cell, or the calls of a function, may take (default: 120)")
    parser.add_argument("--seed", type=whole(0), metavar="N", help="of the fresh cases (default: drawn once, then kept in OUT/NAME/seed)")
    parser.add_argument("--unsafe", action="store_true", help=UNSAFE)
    return parser.parse_args(arguments)


def positive(text):
    number = float(text) if "." in text else int(text)
    if number <= 0:
        raise ValueError
    return number


def whole(least):
    def number(text):
        if int(text) < least:
            raise ValueError
        return int(text)

    return number


def main(arguments=None):
    chosen = options(arguments)
    if sys.platform != "linux":
        return "Grading needs Linux: on Windows run it in WSL, on a Mac in a virtual machine."
    with Interrupts() as interrupts:
        try:
            return grade(chosen, interrupts)
        except KeyboardInterrupt:
            return "Interrupted. What was graded is kept; the same command goes on."


def grade(chosen, interrupts):
    """Grade as chosen; return what went wrong. The imports take a second, in which an interrupt is heard already."""
    from rich.console import Console

    from grading.author.release import Problem
    from grading.author.source import SourceError
    from grading.collect.handed_in import Refused
    from grading.grade import Grading
    from grading.run.wall import NoWall

    try:
        Grading(**vars(chosen), console=Console(markup=False), interrupts=interrupts).run()
        interrupts.check()
    except (SourceError, Problem, Refused, NoWall) as reason:
        return f"{reason}"


if __name__ == "__main__":
    sys.exit(main())
