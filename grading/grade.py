"""One grading of a class: what was handed in is run and judged where it has changed, then tables and pages say how things stand."""

import dataclasses
import secrets
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grading.author import source
from grading.author.release import Problem
from grading.author.source import SOLUTIONS
from grading.collect import handed_in, preflight
from grading.collect.handed_in import Refused, fingerprint
from grading.judge.exam import Exam
from grading.judge.marking import Failed, mark, prepare
from grading.report.feedback import Unshowable
from grading.report.gradebook import Gradebook
from grading.report.results import FAILED, GRADED, Results
from grading.report.sanitize import harmless
from grading.report.summary import summary
from grading.report.table import NEEDS_MARKING, rows, write_table
from grading.shared.files import ROOT, write
from grading.shared.text import text

NO_SUBMISSION = "no submission"


class Grading:
    """One run: an assignment, a folder of submissions, and where the results go."""

    def __init__(self, name, submitted, out, jobs, seconds, seed, console):
        self.name, self.out, self.jobs, self.seconds, self.console = name, out, jobs, seconds, console
        self.origin = source.read(name)
        self.students = handed_in.students(submitted, name)
        self.gradebook = Gradebook(out, name, SOLUTIONS)
        self.folder = out / name
        self.store = Results(self.folder / "results")
        self.results = {student.name: self.store.read(student.name) for student in self.students if student.folder}
        self.seed = self.kept_seed(seed)
        ours = sorted([self.origin.path, *self.origin.modules, *Path(__file__).parent.rglob("*.py")])
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
        graded = {name for name, result in self.results.items() if result["status"] == GRADED}
        for job in self.gradebook.due(graded):
            self.gradebook.pages.write(job)
        marks = self.gradebook.marks_of_all()
        names = [student.name for student in self.students if student.name in self.results]
        table = [row for name in names for row in rows(name, self.origin.tasks, self.results[name], marks.get(name, {}))]
        write_table(self.folder / "grades.csv", table)
        self.report(table, len(changed))

    def is_known(self, student, folder):
        result = self.results[student]
        try:
            return result is not None and result["status"] == GRADED and result["key"] == self.key(folder)
        except OSError:
            return False

    def key(self, folder):
        return f"{fingerprint(handed_in.files(folder), folder)} {self.rules}"

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
        self.store.keep(student, result)
        self.results[student] = result

    def report(self, rows, graded_now):
        """Print what an instructor wants to know first."""
        for line in summary(self.name, self.origin.functions, self.results, rows, graded_now):
            self.say(line)
        gone = sorted(self.gradebook.students() - self.results.keys())
        if gone:
            self.say(f"  in the gradebook, but no longer in the folder of submissions: {', '.join(gone)}")
        for student in self.students:
            if student.name not in self.results:
                self.say(f"  {student.name}: {student.reason}")
        self.say(f"Grades: {self.folder / 'grades.csv'}")
        self.say(f"Feedback: {self.out / 'feedback'}")
        if any(row.status == NEEDS_MARKING for row in rows):
            self.say(f"Marking by hand: start jupyter lab in {self.out}, menu Nbgrader, Formgrader; then run this command again.")

    def say(self, line):
        self.console.print(line, highlight=False, soft_wrap=True)
