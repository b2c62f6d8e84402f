"""One grading of a class: what was handed in is run and judged where it has changed, then table and pages say how things stand."""

import dataclasses
import inspect
import secrets
from pathlib import Path
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grading.author import source
from grading.author.release import Problem
from grading.author.source import SOLUTIONS
from grading.collect import handed_in, preflight
from grading.collect.handed_in import Refused, fingerprint
from grading.judge.exam import Exam
from grading.judge.marking import ANSWER, Failed, beside, mark
from grading.report.feedback import Unshowable
from grading.report.gradebook import Gradebook
from grading.report.results import FAILED, GRADED, Results
from grading.report.sanitize import harmless
from grading.report.summary import summary
from grading.report.table import NEEDS_MARKING, rows, write_table
from grading.run.proof import prove
from grading.run.wall import NoNesting, NoWall, Wall
from grading.shared import checks
from grading.shared.files import ROOT, write
from grading.shared.text import text
from grading.shared.workers import Workers

NO_SUBMISSION = "no submission"
BATCH = 1.0  # seconds between two writes to the gradebook


class Grading:
    """One run: an assignment, a folder of submissions, and where the results go."""

    def __init__(self, name, submitted, out, jobs, seconds, seed, unsafe, console, interrupts):
        self.name, self.out, self.jobs, self.seconds, self.unsafe = name, out, jobs, seconds, unsafe
        self.console, self.interrupts, self.broken = console, interrupts, ""
        self.origin = source.outline(name)
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
        """Grade what changed, then write the table and the feedback pages of all who have a result."""
        folders = {student.name: student.folder for student in self.students if student.folder}
        entered = self.gradebook.students()
        changed = {name: folder for name, folder in folders.items() if name not in entered or not self.is_known(name, folder)}
        graded = self.grade(changed) if changed else 0
        for student in self.students:
            if not student.folder and not student.reason.startswith(NO_SUBMISSION):
                self.results[student.name] = {"status": FAILED, "reason": student.reason}
        table = [row for student in self.students if self.results.get(student.name) for row in self.rows(student.name)]
        write_table(self.folder / "grades.csv", table)
        self.report(table, graded)
        if self.broken:
            raise Problem(f"The wall broke: {self.broken}. What was graded is kept; the same command goes on.")
        self.interrupts.check()

    def is_known(self, student, folder):
        result = self.results[student]
        try:
            return result is not None and result["status"] == GRADED and result["key"] == self.key(folder)
        except OSError:
            return False

    def key(self, folder):
        return f"{fingerprint(handed_in.files(folder), folder)} {self.rules}"

    def grade(self, folders):
        """Grade these submissions; return how many were. After an interrupt that is fewer."""
        with self.wall() as wall:  # it starts while the exam is made
            exam = Exam.kept(self.origin, self.seed, self.folder / "exam")
            wall = self.proven(wall)
            self.interrupts.hold()
            with Workers(min(self.jobs, len(folders)), lambda student: self.marked(folders[student], exam, wall)) as workers:
                return self.gather(folders, workers)

    def wall(self, **options):
        return Wall(source.needed(self.origin), [ANSWER, inspect.getsource(checks)], self.seed, unsafe=self.unsafe, **options)

    def proven(self, wall):
        """Return the wall, or another that stands here. Raises NoWall."""
        wall.ready()
        if not self.unsafe:
            hidden = [SOLUTIONS, self.out, Path.home(), *(student.folder for student in self.students if student.folder)][:4]
            try:
                prove(wall, hidden)
            except NoNesting as refused:
                wall.__exit__()
                self.say(f"This system refuses namespaces within bubblewrap ({refused}): each submission gets one of its own, which takes longer.")
                wall = self.wall(alone=True)
                prove(wall, hidden)
        return wall

    def gather(self, folders, workers):
        """Have all marked and enter what comes of it, in batches."""
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            auto_refresh=False,  # which would be a thread
        )
        for student in folders:
            workers.give(student)
        finished, graded, last = [], 0, monotonic()
        with progress:
            bar = progress.add_task(f"Grading {self.name}", total=len(folders))
            while workers.busy and not self.stopped:
                finished += workers.take(BATCH, [self.interrupts])
                if finished and (monotonic() > last + BATCH or not workers.busy or self.stopped):
                    graded += self.keep(finished)
                    finished, last = [], monotonic()
                    progress.update(bar, completed=graded, refresh=True)
        return graded

    @property
    def stopped(self):
        return self.interrupts.came or self.broken

    def marked(self, folder, exam, wall):
        """Mark a submission, in a worker; return the key it is known by from now on, and what came of it."""
        key = self.key(folder)
        submission = preflight.read(folder, self.name, self.gradebook.release)
        found = mark(submission, beside(folder, exam), exam, wall, self.seconds)
        return key, dataclasses.replace(found, notebook=harmless(found.notebook))

    def keep(self, finished):
        """Enter what came of submissions into the gradebook; return of how many. What one could not be graded for is a reason, not a mark."""
        self.broken = next((str(error) for _, _, error in finished if isinstance(error, NoWall | NoNesting)), "")
        finished = [found for found in finished if not isinstance(found[2], NoWall | NoNesting)]
        for student, result, error in finished:
            try:
                if error:
                    raise error
                key, marked = result
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
        return len(finished)

    def rows(self, student):
        """Return a student's rows of the table as things stand, and bring the feedback page there too."""
        result = self.results[student]
        if result["status"] == GRADED:
            self.gradebook.feedback(student)
        return rows(student, self.origin.tasks, result, self.gradebook.marks(student))

    def report(self, table, graded_now):
        """Print what an instructor wants to know first."""
        results = {student: result for student, result in self.results.items() if result}
        for line in summary(self.name, self.origin.functions, results, table, graded_now):
            self.say(line)
        gone = sorted(self.gradebook.students() - self.results.keys())
        if gone:
            self.say(f"  in the gradebook, but no longer in the folder of submissions: {', '.join(gone)}")
        for student in self.students:
            if student.name not in self.results:
                self.say(f"  {student.name}: {student.reason}")
        self.say(f"Grades: {self.folder / 'grades.csv'}")
        self.say(f"Feedback: {self.out / 'feedback'}")
        if any(row.status == NEEDS_MARKING for row in table):
            self.say(f"Marking by hand: start jupyter lab in {self.out}, menu Nbgrader, Formgrader; then run this command again.")

    def say(self, line):
        self.console.print(line, highlight=False, soft_wrap=True)
