"""Grade submissions with the solution notebook, and bring them from a learning management system (LMS) and back.

    python -m grading collect NAME DOWNLOAD    puts what an LMS gives in order: SUBMITTED/STUDENT/NAME/NAME.ipynb
    python -m grading NAME                     grades them
    python -m grading export NAME              brings points and feedback pages into the form that the LMS takes
    python -m grading totals                   sums up the course

Grading writes OUT/NAME/grades.csv, OUT/NAME/report.html, a feedback page per student in OUT/feedback, and nbgrader's gradebook. Run it
again at any time: only what changed is graded again, and manual marks reach the table and the pages.
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
OTHERS = """other commands, each with its own --help:
  python -m grading collect NAME DOWNLOAD    put what Moodle, Canvas or Gradescope gives in order
  python -m grading export NAME              bring points and feedback into the form that Moodle or Canvas takes
  python -m grading totals                   sum up all assignments of the course"""
DUE = "when the assignment is due, for instance 2026-12-01T23:59+01:00 (kept in SUBMITTED/due.csv)"


def of_grade():
    parser = argparse.ArgumentParser(
        prog="python -m grading",
        description="Grade submissions with the solution notebook.",
        epilog=OTHERS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_places(parser)
    parser.add_argument("--jobs", type=whole(1), default=os.cpu_count(), metavar="N", help="submissions graded at the same time (default: one per core)")
    parser.add_argument("--seconds", type=positive, default=120, metavar="N", help="a cell, or the calls of a function, may take (default: 120)")
    parser.add_argument("--seed", type=whole(0), metavar="N", help="of the fresh cases (default: drawn once, then kept in OUT/NAME/seed)")
    parser.add_argument("--due", type=time, metavar="TIME", help=DUE)
    parser.add_argument("--answers", action="store_true", help="show model answers and the marking scheme on the feedback pages: after the deadline")
    parser.add_argument("--unsafe", action="store_true", help=UNSAFE)
    return parser


def of_collect():
    parser = argparse.ArgumentParser(prog="python -m grading collect", description="Put what an LMS gives in order, one folder per student.")
    parser.add_argument("name", metavar="NAME", help="the assignment, for instance 01_mse")
    download = "a zip of Moodle, Canvas or Gradescope, or any with one file or folder a student; or its folder"
    parser.add_argument("source", type=Path, metavar="DOWNLOAD", help=download)
    parser.add_argument("--submitted", type=Path, default=Path("submitted"), metavar="DIR", help="where the students' folders go (default: submitted)")
    parser.add_argument("--due", type=time, metavar="TIME", help=DUE)
    parser.add_argument("--sheet", type=Path, metavar="SHEET", help="the LMS's own sheet: who is in the class, and in Moodle when they handed in")
    return parser


def of_export():
    parser = argparse.ArgumentParser(
        prog="python -m grading export",
        description="Write OUT/NAME/feedback.zip, with the pages under the LMS's names; and with the LMS's own sheet that sheet with the points in it.",
    )
    add_places(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--moodle", type=Path, metavar="SHEET", help="Moodle's grading worksheet of this assignment")
    which.add_argument("--canvas", type=Path, metavar="SHEET", help="Canvas's gradebook, exported")
    parser.add_argument("--column", metavar="HEADER", help="the column for the points, where it is not found by itself")
    return parser


def of_totals():
    parser = argparse.ArgumentParser(prog="python -m grading totals", description="Write OUT/totals.csv: a row per student, over all assignments.")
    add_places(parser, name=False)
    return parser


def add_places(parser, name=True):
    if name:
        parser.add_argument("name", metavar="NAME", help="the assignment, for instance 01_mse")
    parser.add_argument("--submitted", type=Path, default=Path("submitted"), metavar="DIR", help="where STUDENT/NAME/NAME.ipynb lie (default: submitted)")
    parser.add_argument("--out", type=Path, default=Path("graded"), metavar="DIR", help="where marks, feedback and gradebook go (default: graded)")


def time(text):
    from grading.collect.times import parse_due

    try:
        return parse_due(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


def grade(**chosen):
    """Grade as chosen; raises what ends it."""
    if sys.platform != "linux":
        return "Grading needs Linux: on Windows run it in WSL, on a Mac in a virtual machine."
    with Interrupts() as interrupts:
        try:
            # These imports take a second, in which an interrupt is heard already.
            from rich.console import Console

            from grading.grade import Grading

            Grading(**chosen, console=Console(markup=False), interrupts=interrupts).run()
            interrupts.check()
        except KeyboardInterrupt:
            return "Interrupted. What was graded is kept; the same command goes on."


def collect(**chosen):
    from grading.collect.collecting import collect

    return tell(collect(**chosen))


def export(**chosen):
    from grading.report.export import export

    return tell(export(**chosen))


def totals(**chosen):
    from grading.report.totals import totals

    return tell(totals(**chosen))


def tell(lines):
    for line in lines:
        print(line, flush=True)


COMMANDS = {"collect": (of_collect, collect), "export": (of_export, export), "totals": (of_totals, totals)}


def main(arguments=None):
    """Do what is asked for; return what went wrong, None if nothing did."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options, command = COMMANDS.get(arguments[0] if arguments else "", (of_grade, grade))
    chosen = vars(options().parse_args(arguments[1:] if command is not grade else arguments))
    from grading.shared.text import text
    from grading.shared.trouble import Trouble

    try:
        return command(**chosen)
    except Trouble as reason:
        return str(reason)
    except OSError as error:
        if not error.filename:
            raise
        return f"{text(str(error.filename))} cannot be read or written: {error.strerror}. Close it elsewhere, or see whether it is yours to read and write."
    except KeyboardInterrupt:
        return "Interrupted. What was done so far is kept; the same command goes on."


if __name__ == "__main__":
    sys.exit(main())
