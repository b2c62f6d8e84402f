"""One grading of a class: what was handed in is run and judged where it has changed, then table and pages say how things stand.

This process holds the gradebook and hands out work; it and what it reads is as it was if a worker, or a submission, ends badly.
"""

import fcntl
import inspect
import secrets
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grading.author import source
from grading.author.release import Problem
from grading.author.source import SOLUTIONS
from grading.collect import folders, preflight, times
from grading.collect.folders import NO_SUBMISSION, fingerprint
from grading.collect.handed_in import Refused
from grading.collect.people import People
from grading.judge.exam import Exam
from grading.judge.marking import ANSWER, MOST_SECONDS, Failed, beside, mark
from grading.report import classroom
from grading.report.feedback import Unshowable
from grading.report.gradebook import Gradebook
from grading.report.results import FAILED, GRADED, Results
from grading.report.sanitize import harmless
from grading.report.standing import CHANGED, standings
from grading.report.summary import summary
from grading.report.table import NEEDS_MARKING, rows, write_table
from grading.run.pictures import Shrinker
from grading.run.proof import prove
from grading.run.wall import NoNesting, NoPlace, Wall
from grading.shared.checks import outcomes
from grading.shared.checks.outcomes import count
from grading.shared.files import ROOT, write
from grading.shared.text import text
from grading.shared.workers import Lost, Workers

BATCH = 1.0  # seconds between two writes to the gradebook
LONGEST = MOST_SECONDS + 300  # seconds for all that is done about a submission
PATIENCE = 3.0  # seconds for another grading to end that was just killed


class Outcome(NamedTuple):
    """What came of a submission: the `key` it is known by from now on, the text of its harmless notebook, points by check cell, and texts by task.

    causes: what others may share of what went wrong, as it goes on after "they". seconds: that it ran.
    """

    key: str
    notebook: str
    scores: dict
    messages: dict
    mistakes: dict
    notes: list
    causes: list
    seconds: float


class Grading:
    """One run: an assignment, a folder of submissions, and where the results go."""

    def __init__(self, name, submitted, out, jobs, seconds, seed, unsafe, console, interrupts, due=None, answers=False):
        self.name, self.submitted, self.out, self.jobs, self.seconds, self.unsafe = name, submitted, out, jobs, seconds, unsafe
        self.console, self.interrupts, self.broken, self.answers = console, interrupts, "", answers
        self.origin = source.outline(name)
        self.students = folders.students(submitted, name)
        self.names = {person.folder: person.name for person in People.read(submitted)}
        self.alone = locked(out)
        if due:
            times.set_due(submitted, name, due)
        times.due(submitted, name), times.collected(submitted, name)  # a damaged table is named now, not after an hour of grading
        self.folders = {student.name: student.folders for student in self.students if student.folders}
        self.gradebook = Gradebook(out, name, SOLUTIONS, answers)
        self.folder = out / name
        self.store = Results(self.folder / "results")
        self.results = {name: result for name in self.folders if (result := self.store.read(name))}
        self.seed = self.kept_seed(seed)
        ours = sorted([self.origin.path, *self.origin.modules, *Path(__file__).parent.rglob("*.py")])
        self.rules = f"{fingerprint(ours, ROOT)} {self.seed} {seconds:g}"

    def kept_seed(self, seed):
        path = self.folder / "seed"
        if seed is None:
            kept = path.read_text() if path.exists() else str(secrets.randbelow(2**64))
            if not kept.strip().isdecimal():
                raise Problem(f"{path} should hold a number, the seed of the fresh cases: give one with --seed.")
            seed = int(kept)
        write(path, f"{seed}\n".encode())
        return seed

    def run(self):
        """Grade what changed, then write the table and the feedback pages of all who have a result."""
        changed, foreign, graded = [], [], 0
        try:
            as_entered = self.gradebook.states()
            foreign = [name for name in self.folders if as_entered.get(name) is False]
            changed = [name for name in self.folders if not as_entered.get(name) or not self.is_known(name)]
            graded = self.grade(changed) if changed else 0
        except KeyboardInterrupt:
            pass  # it says how things stand, then ends
        self.interrupts.hold()
        self.show()
        for student in self.students:
            if not student.folders and not student.reason.startswith(NO_SUBMISSION):
                self.results[student.name] = {"status": FAILED, "reason": student.reason}
        marks = self.gradebook.marks_of_all()
        self.results = {name: result for name, result in self.results.items() if result["status"] == FAILED or name in marks}
        names = [student.name for student in self.students if student.name in self.results]
        table = [row for name in names for row in rows(name, self.origin.tasks, self.results[name], marks.get(name, {}))]
        write_table(self.folder / "grades.csv", table)
        self.write_report()
        self.report(table, graded)
        if foreign and graded == len(changed):
            self.say(f"  graded again, because another program had changed marks or notebook (nbgrader's own autograde?): {', '.join(foreign)}")
        if graded < len(changed):
            left = count(len(changed) - graded, "submission is", "submissions are")
            self.say(f"  {left} new or changed and not graded yet: earlier marks of them stay in the table.")
        if self.broken:
            raise Problem(f"The wall broke: {self.broken}. What was graded is kept; the same command goes on.")

    def is_known(self, student):
        result = self.results.get(student)
        try:
            return result is not None and result["status"] == GRADED and result["key"] == self.key(student)
        except OSError:
            return False

    def key(self, student):
        return " ".join([*(fingerprint(folders.files(folder), folder) for folder in self.folders[student]), self.rules])

    def grade(self, students):
        """Grade these students' submissions; return how many were. After an interrupt that is fewer."""
        with self.wall() as wall:  # it starts while the exam is made
            exam = Exam.kept(self.origin, self.seed, self.folder / "exam", meanwhile=lambda: self.gradebook.pages)
            work = Work(self, exam, self.proven(wall), self.gradebook.pages)
            self.interrupts.hold()
            with Workers(min(self.jobs, len(students)), work, LONGEST) as workers:
                return self.gather(students, workers)

    def wall(self, alone=False):
        return Wall(source.needed(self.origin), [ANSWER, inspect.getsource(outcomes)], alone=alone, unsafe=self.unsafe)

    def proven(self, wall):
        """Return the wall, or another that stands here. Raises NoWall."""
        wall.ready()
        if self.unsafe:
            return wall
        hidden = [SOLUTIONS, self.out, Path("~").expanduser(), next(iter(self.folders.values()))[0]]
        try:
            prove(wall, hidden)
        except NoNesting as refused:
            self.say(f"This system refuses namespaces within bubblewrap ({refused}): each submission gets a bubblewrap of its own, which takes longer.")
            wall.stop()
            wall = self.wall(alone=True)
            prove(wall, hidden)
        return wall

    def gather(self, students, workers):
        """Have all marked, enter in batches what comes of it, and have their pages made; return how many were entered."""
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            auto_refresh=False,  # which would be a thread
        )
        for student in students:
            workers.give(student)
        finished, graded, last = [], 0, monotonic()

        def take(seconds):
            for job, outcome, error in workers.take(seconds, [self.interrupts]):
                if not isinstance(job, str):
                    self.shown(job, error)
                elif isinstance(error, NoPlace):
                    self.broken = str(error)
                else:
                    finished.append((job, outcome, error))

        with progress:
            bar = progress.add_task(f"Grading {self.name}", total=len(students))
            while workers.busy and not (self.interrupts.came or self.broken):
                take(BATCH)
                if finished and (monotonic() > last + BATCH or not workers.busy):
                    graded += self.keep(finished, workers)
                    finished.clear()
                    last = monotonic()
                    progress.update(bar, completed=graded, refresh=True)
            take(0)
        return graded + self.keep(finished)

    def keep(self, finished, workers=None):
        """Enter what came of submissions; return of how many. What one could not be graded for is a reason, not a mark."""
        self.enter([(student, outcome) for student, outcome, error in finished if not error])
        for student, _, error in finished:
            if error:
                self.fail(student, error)
        for job in self.gradebook.due([student for student, _, _ in finished]) if workers else ():
            workers.give(job, at_once=True)
        return len(finished)

    def enter(self, outcomes):
        """Enter outcomes into the gradebook, all at once if that can be."""
        try:
            self.gradebook.enter_all([(student, outcome.notebook, outcome.scores, outcome.messages) for student, outcome in outcomes])
        except Problem:
            raise
        except Exception as error:
            if len(outcomes) == 1:
                return self.fail(outcomes[0][0], error)
            for one in outcomes:
                self.enter([one])
            return
        for student, outcome in outcomes:
            told = {"messages": outcome.messages, "mistakes": outcome.mistakes, "notes": outcome.notes, "causes": outcome.causes}
            told["seconds"] = round(outcome.seconds, 1)
            self.known(student, {"status": GRADED, "key": outcome.key} | told)

    def fail(self, student, error):
        """Put down why a submission could not be graded."""
        reason = text(why(error))
        self.gradebook.withdraw(student)
        self.gradebook.explain(student, reason)
        try:
            key = {"key": self.key(student)}  # by which one sees that it was handed in again
        except OSError:
            key = {}
        self.known(student, {"status": FAILED, "reason": reason} | key)

    def known(self, student, result):
        self.store.keep(student, result)
        self.results[student] = result

    def show(self):
        """Have the pages made that do not show how things stand."""
        due = self.gradebook.due([student for student, result in self.results.items() if result["status"] == GRADED])
        if due:
            with Workers(min(self.jobs, len(due)), self.gradebook.pages.write, LONGEST) as workers:
                for job in due:
                    workers.give(job)
                while workers.busy:
                    for job, _, error in workers.take(BATCH):
                        self.shown(job, error)

    def shown(self, job, error):
        """Take note of how the making of a page ended."""
        if isinstance(error, OSError):
            raise Problem(f"{error.filename or self.out}: {error.strerror or error}. Make {self.out} writable, or name another folder with --out.")
        if isinstance(error, Unshowable):
            self.fail(job.student, error)
        elif error:  # no fault of the submission's
            self.say(f"  The page of {job.student} could not be made, run this again: {error}")

    def report(self, table, graded_now):
        """Print what an instructor wants to know first."""
        for line in summary(self.name, self.origin.functions, self.results, table, graded_now):
            self.say(line)
        gone = sorted(self.gradebook.students() - self.folders.keys())
        if gone:
            self.say(f"  in the gradebook, but no longer in the folder of submissions: {', '.join(gone)}")
        for student in self.students:
            if student.name not in self.results:
                self.say(f"  {student.name}: {student.reason or 'not graded yet'}")
        self.say(f"Grades: {self.folder / 'grades.csv'}")
        self.say(f"Report: {self.folder / 'report.html'}")
        due = times.due(self.submitted, self.name)
        early = f". It is due only on {due:%Y-%m-%d %H:%M}: do not give these pages back before" if due and due > datetime.now(due.tzinfo) else ""
        self.say(f"Feedback: {self.out / 'feedback'}" + (f", with model answers{early}" if self.answers else ""))
        if any(row.status == NEEDS_MARKING for row in table):
            self.say(f"Marking by hand: start jupyter lab in {self.out}, menu Nbgrader, Formgrader; then run this command again.")

    def write_report(self):
        """Write the page about the class, and let nbgrader know of its times."""
        found, due = standings(self.name, self.submitted, self.out, self.gradebook), times.due(self.submitted, self.name)
        self.gradebook.date(due, {one.student: one.handed_in for one in found if one.status != CHANGED})
        classroom.write(self.folder / "report.html", self.name, found, self.origin, self.names, due)

    def say(self, line):
        self.console.print(line, highlight=False, soft_wrap=True)


def locked(out):
    """Return an open file that nobody else who grades into this folder has. Raises Problem."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = open(out / ".lock", "w")
    except OSError as error:
        raise Problem(f"{error.filename or out}: {error.strerror}. Make {out} writable, or name another folder with --out.") from None
    until = monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if monotonic() > until:
                raise Problem(f"Another grading writes to {out}: wait until it has ended, or name another folder with --out.") from None
            sleep(0.05)


class Work:
    """What a worker does: it marks the submission of a student, whose name is given, or makes a page, whose Job is given."""

    def __init__(self, grading, exam, wall, pages):
        self.grading, self.exam, self.wall, self.pages = grading, exam, wall, pages

    def __call__(self, job):
        return self.outcome(job) if isinstance(job, str) else self.pages.write(job)

    def outcome(self, student):
        """Return the Outcome of a student's submission. Raises Refused, Failed, OSError, and what a wall raises."""
        grading, key = self.grading, self.grading.key(student)
        submission = preflight.read(grading.folders[student], grading.name, grading.gradebook.release)
        files, started = beside(submission.files, self.exam), monotonic()
        marked = mark(submission, files, self.exam, self.wall, grading.seconds)
        seconds = monotonic() - started
        with Shrinker(self.wall) as shrink:
            notebook = harmless(marked.notebook, files, shrink, marked.notes)
        return Outcome(
            key,
            grading.gradebook.text_of(notebook),
            {task.check: task.points * marked.verdicts[task.name].solved for task in grading.origin.functions},
            {name: text(verdict.message()) for name, verdict in marked.verdicts.items()},
            {name: list(map(text, verdict.sentences)) for name, verdict in marked.verdicts.items() if verdict.sentences},
            [text(note) for note in marked.notes],
            list(map(text, marked.shared_causes)),
            seconds,
        )


def why(error):
    """Return the reason why a submission could not be graded."""
    if isinstance(error, Refused | Failed | Unshowable):
        return str(error)
    if isinstance(error, OSError):
        return f"Its files cannot be read or copied: {error.strerror}."
    if isinstance(error, Lost):
        return f"It could not be judged: {error}."
    return f"The grader itself failed, please tell its authors: {type(error).__name__}: {error}"
