"""Grade submissions with the solution notebook.

    python -m grading NAME [--submitted DIR] [--out DIR]

reads DIR/STUDENT/NAME/NAME.ipynb and writes OUT/NAME/grades.csv, a feedback page per student in OUT/feedback, and nbgrader's
gradebook. Run it again at any time: only what changed is graded again, and manual marks reach the table and the pages.
"""

import argparse
import csv
import dataclasses
import json
import os
import secrets
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grading import handed_in, preflight, source
from grading.checks import NOT_ATTEMPTED, count
from grading.feedback import Unshowable
from grading.gradebook import Gradebook
from grading.handed_in import Refused, fingerprint
from grading.marking import Exam, Failed, mark, prepare
from grading.release import Problem
from grading.sanitize import harmless, text
from grading.source import ROOT, SOLUTIONS, SourceError
from tools.files import write

GRADED, NEEDS_MARKING, FAILED = "graded", "needs-marking", "failed"
NO_SUBMISSION = "no submission"
MOST_NAMED, MOST_MISTAKES = 5, 3


class Row(NamedTuple):
    """A row of grades.csv."""

    student: str
    task: str
    points: str
    max_points: float
    status: str
    message: str


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


class Grading:
    """One run: an assignment, a folder of submissions, and where the results go."""

    def __init__(self, name, submitted, out, jobs, seconds, seed, console):
        self.name, self.out, self.jobs, self.seconds, self.console = name, out, jobs, seconds, console
        self.origin = source.read(name)
        self.students = handed_in.students(submitted, name)
        self.gradebook = Gradebook(out, name, SOLUTIONS)
        self.folder = out / name
        self.results = {student.name: self.stored(student.name) for student in self.students if student.folder}
        self.seed = self.kept_seed(seed)
        ours = sorted([self.origin.path, *self.origin.modules, *Path(__file__).parent.glob("*.py")])
        self.rules = f"{fingerprint(ours, ROOT)} {self.seed} {seconds:g}"

    def kept_seed(self, seed):
        path = self.folder / "seed"
        if seed is None:
            kept = path.read_text() if path.exists() else str(secrets.randbelow(2**32))
            if not kept.strip().isdecimal():
                raise Problem(f"{path} should hold a number, the seed of the fresh cases: give one with --seed.")
            seed = int(kept)
        write(path, f"{seed}\n".encode())
        return seed

    def run(self):
        """Grade what changed, then write the table and the feedback pages of all."""
        folders = {student.name: student.folder for student in self.students if student.folder}
        entered = self.gradebook.students()
        changed = {name: folder for name, folder in folders.items() if name not in entered or not self.is_known(name, folder)}
        if changed:
            self.grade(changed)
        for student in self.students:
            if not student.folder and not student.reason.startswith(NO_SUBMISSION):
                self.results[student.name] = {"status": FAILED, "reason": student.reason}
        rows = [row for student in self.students if student.name in self.results for row in self.rows(student.name)]
        self.write_table(rows)
        self.summary(rows, len(changed))

    def is_known(self, student, folder):
        result = self.results[student]
        try:
            return result is not None and result["status"] == GRADED and result["key"] == self.key(folder)
        except OSError:
            return False

    def key(self, folder):
        return f"{fingerprint(handed_in.files(folder), folder)} {self.rules}"

    def stored(self, student):
        """Return what an earlier run found out about a student's submission, or None."""
        path = self.result_path(student)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def result_path(self, student):
        return self.folder / "results" / f"{student}.json"

    def grade(self, folders):
        exam = Exam(self.origin, self.seed)
        progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=self.console, disable=not self.console.is_terminal
        )
        with progress, ThreadPoolExecutor(self.jobs) as pool:
            bar = progress.add_task(f"Grading {self.name}", total=len(folders))
            waiting = {pool.submit(self.marked, folder, exam): student for student, folder in folders.items()}
            try:
                for done in as_completed(waiting):
                    self.keep(waiting[done], done)
                    progress.advance(bar)
            except BaseException:
                exam.stop()
                pool.shutdown(cancel_futures=True)
                raise

    def marked(self, folder, exam):
        key = self.key(folder)
        submission = preflight.read(folder, self.name, self.gradebook.release)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            prepare(folder, exam, scratch)
            marked = mark(submission, exam, Path(scratch), self.seconds)
        return key, dataclasses.replace(marked, notebook=harmless(marked.notebook))

    def keep(self, student, done):
        """Enter what came of a submission into the gradebook; what it could not be graded for is a reason, not a mark."""
        try:
            key, marked = done.result()
            messages = {name: text(verdict.message()) for name, verdict in marked.verdicts.items()}
            scores = {task.check: task.points * marked.verdicts[task.name].solved for task in self.origin.functions}
            self.gradebook.enter(student, marked.notebook, scores, messages)
            self.gradebook.feedback(student)
            mistakes = {name: text(verdict.mistake) for name, verdict in marked.verdicts.items() if verdict.mistake}
            notes = [text(note) for note in marked.notes]
            result = {"status": GRADED, "key": key, "messages": messages, "mistakes": mistakes, "notes": notes}
        except (Refused, Failed, Unshowable) as reason:
            result = {"status": FAILED, "reason": text(str(reason))}
        except Problem:
            raise
        except OSError as error:
            result = {"status": FAILED, "reason": text(f"Its files cannot be read or copied: {error.strerror}.")}
        except Exception as error:
            result = {"status": FAILED, "reason": text(f"The grader itself failed, please tell its authors: {type(error).__name__}: {error}")}
        if result["status"] == FAILED:
            self.gradebook.withdraw(student)
            self.gradebook.explain(student, result["reason"])
        write(self.result_path(student), json.dumps(result, indent=1).encode())
        self.results[student] = result

    def rows(self, student):
        """Return a student's rows of the table as things stand, and bring the feedback page there too."""
        result = self.results[student]
        if result["status"] == FAILED:
            return [Row(student, task.name, "", task.points, FAILED, result["reason"]) for task in self.origin.tasks]
        self.gradebook.feedback(student)
        marks = self.gradebook.marks(student)
        return [self.row(student, task, marks[task.check], result) for task in self.origin.tasks]

    def row(self, student, task, mark, result):
        if mark.needs_marking:
            return Row(student, task.name, "", task.points, NEEDS_MARKING, "")
        message = mark.comment if task.written else result["messages"][task.name]
        if task.written and not message and not mark.points:
            message = NOT_ATTEMPTED.summary
        return Row(student, task.name, f"{mark.points:g}", task.points, GRADED, message)

    def write_table(self, rows):
        """Write grades.csv in one step. A text that a spreadsheet would compute begins with an apostrophe."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as table:
            writer = csv.writer(table)
            writer.writerow(Row._fields)
            writer.writerows([harmless_to_spreadsheets(value) for value in row] for row in rows)
            table.seek(0)
            write(self.folder / "grades.csv", table.read().encode())

    def summary(self, rows, graded_now):
        """Print what an instructor wants to know first."""
        graded = {student: result for student, result in self.results.items() if result["status"] == GRADED}
        failed = {student: result for student, result in self.results.items() if result["status"] == FAILED}
        waiting = {row.student for row in rows if row.status == NEEDS_MARKING}
        total = count(len(self.results), "submission", "submissions")
        self.say(f"{self.name}: {total}, {graded_now} of them graded now, {len(failed)} failed, {len(waiting)} with answers to mark by hand.")
        for task in self.origin.functions:
            right = [float(row.points) == task.points for row in rows if row.task == task.name and row.status == GRADED]
            self.say(f"  {task.name:28}right: {sum(right)} of {len(right)}")
            mistakes = Counter(result["mistakes"][task.name] for result in graded.values() if task.name in result["mistakes"])
            for mistake, times in mistakes.most_common(MOST_MISTAKES):
                if times > 1:
                    self.say(f"      {times} times: {mistake}")
        for student, result in failed.items():
            self.say(f"  failed: {student}: {result['reason']}")
        notes = {}
        for student, result in graded.items():
            for note in result["notes"]:
                notes.setdefault(note, []).append(student)
        for note, students in notes.items():
            more = f" and {len(students) - MOST_NAMED} more" if len(students) > MOST_NAMED else ""
            self.say(f"  note: {', '.join(students[:MOST_NAMED])}{more}: {note}")
        gone = sorted(self.gradebook.students() - self.results.keys())
        if gone:
            self.say(f"  in the gradebook, but no longer in the folder of submissions: {', '.join(gone)}")
        for student in self.students:
            if student.name not in self.results:
                self.say(f"  {student.name}: {student.reason}")
        self.say(f"Grades: {self.folder / 'grades.csv'}")
        self.say(f"Feedback: {self.out / 'feedback'}")
        if waiting:
            self.say(f"Marking by hand: start jupyter lab in {self.out}, menu Nbgrader, Formgrader; then run this command again.")

    def say(self, line):
        self.console.print(line, highlight=False, soft_wrap=True)


def harmless_to_spreadsheets(value):
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


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
