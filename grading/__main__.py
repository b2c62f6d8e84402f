"""Grade submissions with the solution notebook.

    python -m grading NAME [--submitted DIR] [--out DIR]

reads DIR/STUDENT/NAME/NAME.ipynb and writes OUT/NAME/grades.csv, a feedback page per student in OUT/feedback, and nbgrader's
gradebook. Run it again at any time: only what changed is graded again, and manual marks reach the table and the pages.
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from grading.author.release import Problem
from grading.author.source import SourceError
from grading.collect.handed_in import Refused
from grading.grade import Grading


def options(arguments):
    parser = argparse.ArgumentParser(prog="python -m grading", description="Grade submissions with the solution notebook.")
    parser.add_argument("name", help="the assignment, for instance 01_mse")
    parser.add_argument("--submitted", type=Path, default=Path("submitted"), metavar="DIR", help="where STUDENT/NAME/NAME.ipynb lie (default: submitted)")
    parser.add_argument("--out", type=Path, default=Path("graded"), metavar="DIR", help="where marks, feedback and gradebook go (default: graded)")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count(), metavar="N", help="submissions graded at the same time (default: one per core)")
    parser.add_argument("--seconds", type=positive, default=120, metavar="N", help="that a cell, or the calls of one function, may take (default: 120); training has its own limit")
    parser.add_argument("--seed", type=int, metavar="N", help="of the fresh cases (default: drawn once, then kept in OUT/NAME/seed)")
    return parser.parse_args(arguments)


def positive(text):
    number = float(text) if "." in text else int(text)
    if number <= 0:
        raise ValueError
    return number


def main(arguments=None):
    console = Console(markup=False)
    if os.name != "posix":
        return "Grading needs Linux or macOS; on Windows run it in WSL."
    try:
        Grading(**vars(options(arguments)), console=console).run()
    except (SourceError, Problem, Refused) as reason:
        return f"{reason}"
    except KeyboardInterrupt:
        return "Interrupted. What was graded is kept; the same command goes on."


if __name__ == "__main__":
    sys.exit(main())
