"""Grade submissions with the solution notebook.

    python -m grading NAME [--submitted DIR] [--out DIR]

reads DIR/STUDENT/NAME/NAME.ipynb and writes OUT/NAME/grades.csv, a feedback page per student in OUT/feedback, and nbgrader's
gradebook. Run it again at any time: only what changed is graded again, and manual marks reach the table and the pages.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import os
import secrets
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from html import escape
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grading import preflight, source
from grading.checks import NOT_ATTEMPTED
from grading.feedback import Unshowable
from grading.gradebook import Gradebook
from grading.marking import Exam, Failed, fingerprint, mark, prepare
from grading.preflight import Refused
from grading.release import Problem, write
from grading.sanitize import harmless, text
from grading.source import SOLUTIONS, SourceError

COLUMNS = ("student", "task", "points", "max_points", "status", "message")
GRADED, NEEDS_MARKING, FAILED = "graded", "needs-marking", "failed"
NO_SUBMISSION = "no submission"
MOST_NAMED = 5
NO_FEEDBACK = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{name}</title></head>
<body style="font: 1rem/1.5 sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem">
<h1>{name}</h1>
<p>This submission could not be graded, so it has no points yet, not even zero.</p>
<p><strong>{reason}</strong></p>
</body>
</html>
"""


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
        if set("?%") & set(str(out.absolute())):
            raise Problem(f"The gradebook cannot lie in {out}: choose a folder without ? and % in its path.")
        self.origin = source.read(name)
        self.students = preflight.students(submitted, name)
        self.gradebook = Gradebook(out, name, SOLUTIONS)
        self.entered = self.gradebook.students()
        self.folder = out / name
        (self.folder / "results").mkdir(parents=True, exist_ok=True)
        self.seed = self.kept_seed(seed)
        self.rules = digest(self.origin.path, *self.origin.modules, *Path(__file__).parent.glob("*.py")) + f" {self.seed} {seconds:g}"

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
        changed = {name: folder for name, folder in folders.items() if not self.is_known(name, folder)}
        if changed:
            self.grade(changed)
        rows = []
        for student in self.students:
            if student.folder:
                rows += self.rows(student.name, self.result(student.name))
            elif not student.reason.startswith(NO_SUBMISSION):
                rows += self.rows(student.name, {"status": FAILED, "reason": student.reason})
        self.write_table(rows)
        self.summary(rows, len(changed))

    def is_known(self, student, folder):
        result = self.result(student)
        try:
            return result is not None and result["status"] == GRADED and student in self.entered and result["key"] == self.key(folder)
        except OSError:
            return False

    def key(self, folder):
        return f"{fingerprint(folder)} {self.rules}"

    def result(self, student):
        path = self.folder / "results" / f"{student}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

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
            page = self.out / "feedback" / student / self.name / f"{self.name}.html"
            write(page, NO_FEEDBACK.format(name=self.name, reason=escape(result["reason"])).encode())
        write(self.folder / "results" / f"{student}.json", json.dumps(result, indent=1).encode())

    def rows(self, student, result):
        """Return a student's rows of the table as things stand, and bring the feedback page there too."""
        if result["status"] == FAILED:
            return [(student, task.name, "", task.points, FAILED, result["reason"]) for task in self.origin.tasks]
        self.gradebook.feedback(student)
        marks = self.gradebook.marks(student)
        return [self.row(student, task, marks[task.check], result) for task in self.origin.tasks]

    def row(self, student, task, mark, result):
        if mark.needs_marking:
            return student, task.name, "", task.points, NEEDS_MARKING, ""
        message = mark.comment if task.written else result["messages"][task.name]
        if task.written and not message and not mark.points:
            message = NOT_ATTEMPTED.summary
        return student, task.name, f"{mark.points:g}", task.points, GRADED, message

    def write_table(self, rows):
        """Write grades.csv in one step. A text that a spreadsheet would compute begins with an apostrophe."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as table:
            writer = csv.writer(table)
            writer.writerow(COLUMNS)
            writer.writerows([harmless_to_spreadsheets(value) for value in row] for row in rows)
            table.seek(0)
            write(self.folder / "grades.csv", table.read().encode())

    def summary(self, rows, graded_now):
        """Print what an instructor wants to know first."""
        statuses = {student: {row[4] for row in rows if row[0] == student} for student in dict.fromkeys(row[0] for row in rows)}
        failed = {row[0]: row[5] for row in rows if row[4] == FAILED}
        waiting = [student for student, status in statuses.items() if NEEDS_MARKING in status]
        self.say(f"{self.name}: {len(statuses)} submissions, {graded_now} of them graded now, {len(failed)} failed, {len(waiting)} with answers to mark by hand.")
        for task in self.origin.functions:
            points = [row[2] for row in rows if row[1] == task.name and row[4] == GRADED]
            self.say(f"  {task.name:24}right: {sum(float(point) == task.points for point in points)} of {len(points)}")
            mistakes = Counter(self.result(student)["mistakes"].get(task.name) for student in statuses if student not in failed)
            for mistake, times in mistakes.most_common(4):
                if mistake and times > 1:
                    self.say(f"      {times} times: {mistake}")
        for student, reason in failed.items():
            self.say(f"  failed: {student}: {reason}")
        notes = {}
        for student in statuses:
            for note in () if student in failed else self.result(student)["notes"]:
                notes.setdefault(note, []).append(student)
        for note, students in notes.items():
            more = f" and {len(students) - MOST_NAMED} more" if len(students) > MOST_NAMED else ""
            self.say(f"  note: {', '.join(students[:MOST_NAMED])}{more}: {note}")
        gone = sorted(self.gradebook.students() - {student.name for student in self.students if student.folder})
        if gone:
            self.say(f"  in the gradebook, but no longer in the folder of submissions: {', '.join(gone)}")
        for student in self.students:
            if not student.folder and student.name not in failed:
                self.say(f"  {student.name}: {student.reason}")
        self.say(f"Grades: {self.folder / 'grades.csv'}")
        self.say(f"Feedback: {self.out / 'feedback'}")
        if waiting:
            self.say(f"Marking by hand: start jupyter lab in {self.out}, menu Nbgrader, Formgrader; then run this command again.")

    def say(self, line):
        self.console.print(line, highlight=False, soft_wrap=True)


def harmless_to_spreadsheets(value):
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def digest(*paths):
    """Return what changes when the name or the content of one of our own files does."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


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
