"""nbgrader's gradebook of one assignment: marks that were decided elsewhere go in, those given by hand in formgrader come out."""

import copy
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import nbformat

from grading.author import release, settings, source
from grading.author.release import Problem, exercise, make_tables, save_cells
from grading.report import database
from grading.report.answers import answers_of, fingerprints, written_answers
from grading.report.comments import marks_on_page, overruled, shown
from grading.report.database import by_name
from grading.report.feedback import MAKERS, Feedback, Job, page_of_a_failure
from grading.report.model_answers import model_answers
from grading.report.settings import configuration
from grading.shared.cells import about, by_grade_id, source_of
from grading.shared.files import write
from grading.shared.links import without_addresses

# What an exercise depends on besides its source.
RELEASERS = b"".join(Path(module.__file__).read_bytes() for module in (release, settings, source))
RELEASERS += " ".join(version(package) for package in ("nbgrader", "nbconvert", "nbformat")).encode()
OF_PERSON = ("first_name", "last_name", "email", "lms_user_id")
BY_HAND = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")


@dataclass(frozen=True)
class Mark:
    """What a task has earned as things stand: by hand if somebody marked it, else from the checks; `remark` is what that person wrote."""

    points: float
    max_points: float
    needs_marking: bool
    comment: str
    by_hand: bool = field(default=False, compare=False)
    overruled: bool = field(default=False, compare=False)
    remark: str = field(default="", compare=False)


class Gradebook:
    """The gradebook of the assignment `name` in the course folder `out`, made from `solutions`/NAME/NAME.ipynb.

    answers: whether the feedback pages show the model answers and what earned points.

    Every method raises Problem when the folder or the database does not let it work; the marks in it then stay as they were.
    """

    def __init__(self, out, name, solutions, answers=False):
        self.out, self.name = Path(out).absolute(), name
        self._file = self.out / "gradebook.db"
        self._url = f"sqlite:///{self._file}"
        if set("?%") & set(str(self._file)):  # which have a meaning in the database's address
            raise Problem(f"The gradebook cannot lie in {out}: choose a folder without ? and % in its path.")
        solutions = Path(solutions).absolute()
        with self._told():
            self.out.mkdir(parents=True, exist_ok=True)
            write(self.out / "nbgrader_config.py", configuration(os.path.relpath(solutions, self.out)).encode())  # nbgrader reads an absolute path as a pattern
            self._text = self._released(solutions)
        self._models = model_answers(name, solutions) if answers else {}
        self._cells = by_grade_id(json.loads(self._text))
        self._answer_of = answers_of(self._cells)

    @cached_property
    def release(self):
        """The notebook that students got."""
        return nbformat.reads(self._text, as_version=4)

    @cached_property
    def pages(self):
        """What makes the feedback pages. Processes that are to make some are forked after the first use."""
        return Feedback(self.name, self.release, self._models)

    def _released(self, solutions):
        """Return the text of the exercise. It is made only if something has changed on which it, or what the database knows of its cells, depends."""
        path, last = self.out / "release" / self.name / f"{self.name}.ipynb", self.out / self.name / "release"
        if last.exists() and path.exists() and self._file.exists() and last.read_text() == self._state(solutions, path):
            return path.read_text(encoding="utf-8")
        text = exercise(solutions.parent, self.name, solutions.name)
        notebook = nbformat.reads(text, as_version=4)
        make_tables(self._url)
        self._make_room(by_grade_id(notebook))
        save_cells(notebook, self.name, self._url)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write(path, text.encode())
        write(last, self._state(solutions, path).encode())
        return text

    def _state(self, solutions, path):
        solution = solutions / self.name / f"{self.name}.ipynb"
        with database.opened(self._url) as session:
            known = repr(database.cells(session, self.name)).encode()
        return hashlib.sha256(RELEASERS + b"".join(part.read_bytes() for part in (solution, path) if part.exists()) + known).hexdigest()

    def _make_room(self, cells):
        """Let nbgrader take the cells of a source that has changed: with submissions it refuses any other set of cells, also where no marks are concerned."""
        from nbgrader import api

        with api.Gradebook(self._url) as book:
            try:
                known = book.find_notebook(self.name, self.name)
            except api.MissingEntry:
                return
            if not known.submissions:
                return
            marked = {cell.name for cell in known.grade_cells + known.solution_cells}
            now = {name for name, cell in cells.items() if about(cell).get("grade") or about(cell).get("solution")}
            if marked != now:
                raise Problem(
                    f"The tasks of {self.name} are no longer those that {self._file} has marks for ({', '.join(sorted(marked ^ now))}). "
                    "Grade into another folder (--out), or bring the old solution notebook back. Nothing in this one was changed."
                )
            for cell in known.source_cells:
                if cell.name not in cells:
                    book.db.delete(cell)
            for name in cells.keys() - {cell.name for cell in known.source_cells}:
                book.add_source_cell(name, self.name, self.name, cell_type=cells[name].cell_type)
            book.db.commit()

    def enter(self, student, notebook, scores, comments):
        """Enter one submission, as `enter_all` does."""
        self.enter_all([(student, notebook, scores, comments)])

    def enter_all(self, entries):
        """Enter submissions that were run, all or none: tuples (student, notebook, scores, comments).

        A notebook is harmless to show and has the release's graded cells, or it is what `text_of` makes of one; `scores` are points by check
        cell, `comments` texts by answer cell. What was given by hand is kept; where the answer has changed since, it waits to be looked at again.
        """
        texts = [(student, notebook if isinstance(notebook, str) else self.text_of(notebook), *said) for student, notebook, *said in entries]
        with self._told():
            with database.opened(self._url, writing=True) as session:
                submissions = database.submissions(session, self.name, [student for student, *_ in texts])
                kept = {student: self._kept(student) for student, *_ in texts if student not in submissions}
                submissions |= database.submit(session, self.name, {student: each.get("student", {}) for student, each in kept.items()})
                entered = {}
                for student, text, scores, comments in texts:
                    entered[student] = self._enter(student, submissions[student], kept.pop(student, {}), text, scores, comments)
            # Last, because they tell the next call what has changed: after an interruption that asks too often, not too rarely.
            for student, text, _, _ in texts:
                self._tidy(student)
                write(self._autograded(student), text.encode())
                write(self._entered_path(student), json.dumps(entered[student]).encode())
                self._kept_path(student).unlink(missing_ok=True)

    def text_of(self, notebook):
        """Return the file that is kept of a notebook; the work can be done in another process."""
        return nbformat.writes(with_metadata_of(self._cells, notebook)) + "\n"

    def _enter(self, student, submission, kept, text, scores, comments):
        """Enter the notebook in a text, and return what is kept of it: by it, what changes afterwards is noticed."""
        entered = {} if kept else self._entered(student)
        before = (kept or entered).get("answers") or fingerprints_in(self._cells, self._autograded(student))
        notebook = json.loads(text)
        answers = written_answers(self._cells, notebook)
        now = fingerprints(notebook, answers)
        if entered and self._is_foreign(student, submission, entered):
            restore(submission, entered)
        for name, comment in by_name(submission.comments).items():
            comment.auto_comment = comments.get(name)
            if kept:
                comment.manual_comment = kept["comments"].get(name)
        marks = {}
        for name, grade in by_name(submission.grades).items():
            if kept and name in kept["marks"]:
                for column, value in zip(BY_HAND, kept["marks"][name], strict=True):
                    setattr(grade, column, value)
            answer = self._answer_of[name]
            if name in answers:
                score = None if answers[name].attempted else 0.0
            else:
                score = float(scores[name])
            if grade.manual_score is None:
                grade.needs_manual_grade = score is None
            elif before.get(answer) != now[answer] or grade.auto_score != score:
                grade.needs_manual_grade = True
            grade.auto_score = score
            marks[name] = [score, grade.manual_score, grade.needs_manual_grade]
        said = {comment.name: comment.auto_comment for comment in submission.comments}
        return {"notebook": hashlib.sha256(text.encode()).hexdigest(), "answers": now, "marks": marks, "comments": said}

    def _is_foreign(self, student, submission, entered):
        """Say whether another program than formgrader has changed what was entered, as nbgrader's own autograde does."""
        path = self._autograded(student)
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest(), [name for name in os.listdir(path.parent) if not name.startswith(".")]
        except OSError:
            return True
        scores = {name: grade.auto_score for name, grade in by_name(submission.grades).items()}
        comments = {name: comment.auto_comment for name, comment in by_name(submission.comments).items()}
        known = {name: mark[0] for name, mark in entered["marks"].items()}
        return found != (entered["notebook"], [path.name]) or scores != known or comments != entered["comments"]

    def _tidy(self, student):
        """Remove what another program has put beside a student's notebook and page: files that were handed in, for instance."""
        for ours in (self._autograded(student), self._feedback(student)):
            for path in ours.parent.iterdir() if ours.parent.exists() else ():
                if path != ours and not path.name.startswith("."):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def withdraw(self, student):
        """Take out a submission that could not be graded: no marks, no page of it. What was given by hand waits for the next `enter`."""
        with self._told():
            with database.opened(self._url, writing=True) as session:
                for submission in database.submissions(session, self.name, [student]).values():
                    entered = self._entered(student)
                    if entered and self._is_foreign(student, submission, entered):
                        restore(submission, entered)
                    self._keep(student, submission, entered)
                    database.remove(session, submission)
            for path in (self._autograded(student), self._feedback(student)):
                if path.parent.exists():
                    shutil.rmtree(path.parent)
                    if not any(path.parent.parent.iterdir()):
                        path.parent.parent.rmdir()
            self._entered_path(student).unlink(missing_ok=True)

    def explain(self, student, reason):
        """Put the reason why a submission has no marks on the student's page; return it."""
        page = self._feedback(student)
        with self._told():
            write(page, page_of_a_failure(self.name, reason).encode())
        return page

    def date(self, due, handed_in):
        """Let nbgrader know when the assignment is due, an aware time or None, and when students handed in, by student; None where nobody knows."""
        with self._told(), database.opened(self._url, writing=True) as session:
            database.date(session, self.name, due, handed_in)

    def students(self):
        """Return the names of the students whose submission was entered."""
        return self.marks_of_all().keys()

    def states(self):
        """Say of each student whose submission was entered whether it still is as it was entered, but for what was marked by hand."""
        with self._told():
            found = [(student, submission, self._entered(student)) for student, submission in self._submissions().items()]
            return {student: not entered or not self._is_foreign(student, submission, entered) for student, submission, entered in found}

    def marks(self, student):
        """Return a Mark for each task of the student, by the grade id of its graded cell; nothing for a student without a submission."""
        return self.marks_of_all(student).get(student, {})

    def marks_of_all(self, student=None):
        """Return the marks of all students whose submission was entered (or of one), as `marks` does, by student."""
        with self._told():
            submissions = self._submissions(None if student is None else [student])
        return {student: self._marks(submission) for student, submission in submissions.items()}

    def _marks(self, submission):
        comments, marks = by_name(submission.comments), {}
        for name, grade in by_name(submission.grades).items():
            comment = comments.get(self._answer_of[name])
            said, remark = (shown(comment.manual_comment, comment.auto_comment), comment.manual_comment or "") if comment else ("", "")
            by_hand = grade.manual_score is not None
            marks[name] = Mark(grade.score, grade.max_score, grade.needs_manual_grade, said, by_hand, overruled(grade), remark)
        return marks

    def feedback(self, student):
        """Return the student's page, as `nbgrader generate_feedback` makes it; it is made when marks or notebook changed since.

        Raises Unshowable, too.
        """
        with self._told():
            for job in self._due(self._submissions([student])):
                self.pages.write(job)
        return self._feedback(student)

    def due(self, students):
        """Return a Job for each of these students whose page does not show how marks and notebook are now; `pages.write` does it, in any process.

        None for those whose notebook or marks another program has changed: what a student wrote is shown as it was entered, or not at all.
        """
        with self._told():
            return self._due(self._submissions(students))

    def _due(self, submissions):
        entered = {student: self._entered(student) for student in submissions}
        ours = {student: one for student, one in submissions.items() if not entered[student] or not self._is_foreign(student, one, entered[student])}
        jobs = [self._job(student, submission, entered[student].get("notebook")) for student, submission in ours.items()]
        return [job for job in jobs if not job.done()]

    def _job(self, student, submission, digest):
        notebook, marks = self._autograded(student), marks_on_page(submission)
        digest = digest or hashlib.sha256(notebook.read_bytes()).hexdigest()
        shown = json.dumps([marks, self._models] if self._models else marks)
        last = hashlib.sha256(shown.encode() + digest.encode() + MAKERS).hexdigest()
        return Job(student, notebook, self._feedback(student), marks, f"<!-- {last} -->\n")

    @contextmanager
    def _told(self):
        """Turn what goes wrong with files and database into a Problem."""
        try:
            yield
        except OSError as error:
            raise Problem(f"{error.filename or self.out}: {error.strerror or error}. Make {self.out} writable, or name another folder with --out.") from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("sqlalchemy", "nbgrader"):  # which are loaded only when needed
                raise
            raise Problem(f"The gradebook {self._file} cannot be used. {what_helps(error)}") from error

    def _submissions(self, students=None):
        with database.opened(self._url) as session:
            return database.submissions(session, self.name, students)

    def _autograded(self, student):
        return self.out / "autograded" / student / self.name / f"{self.name}.ipynb"

    def _feedback(self, student):
        return self.out / "feedback" / student / self.name / f"{self.name}.html"

    def _entered(self, student):
        return read(self._entered_path(student))

    def _entered_path(self, student):
        return self.out / self.name / "entered" / f"{student}.json"

    def _keep(self, student, submission, entered):
        """Put aside what was given by hand, and the answers it was given for."""
        kept = {
            "student": {column: getattr(submission.assignment.student, column) for column in OF_PERSON},
            "answers": entered.get("answers") or fingerprints_in(self._cells, self._autograded(student)),
            "marks": {name: [getattr(grade, column) for column in BY_HAND] for name, grade in by_name(submission.grades).items()},
            "comments": {name: comment.manual_comment for name, comment in by_name(submission.comments).items()},
        }
        write(self._kept_path(student), json.dumps(kept).encode())

    def _kept(self, student):
        return read(self._kept_path(student))

    def _kept_path(self, student):
        return self.out / self.name / "kept" / f"{student}.json"


def read(path):
    """Return what was kept in a file; nothing if there is none."""
    return json.loads(path.read_bytes()) if path.exists() else {}


def fingerprints_in(cells, path):
    """Return the fingerprints of the answers in a notebook's file; nothing if it is none that can be read."""
    try:
        notebook = json.loads(path.read_bytes())
        return fingerprints(notebook, written_answers(cells, notebook))
    except (OSError, ValueError, AttributeError, TypeError, LookupError):
        return {}


def restore(submission, entered):
    """Put marks back as they were before another program changed them; what was marked by hand since it was entered stays marked."""
    for name, grade in by_name(submission.grades).items():
        if name in entered["marks"]:
            grade.auto_score, manual, waited = entered["marks"][name]
            grade.needs_manual_grade = waited and grade.manual_score == manual


def with_metadata_of(cells, notebook):
    """Return a copy in which nbgrader reads what the release says of a cell, and nothing that a student wrote; locked cells are the release's."""
    notebook, left = copy.deepcopy(notebook), dict(cells)
    for cell in notebook.cells:
        said = cell.metadata.pop("nbgrader", {})
        ours = left.pop(said.get("grade_id"), None) if isinstance(said, dict) else None
        if ours is not None:
            cell.metadata["nbgrader"] = nbformat.from_dict(about(ours))
            if not about(ours).get("solution") and (about(ours).get("grade") or about(ours).get("locked")):
                cell.source = without_addresses(source_of(ours))
    return notebook


def what_helps(error):
    """Say in a sentence or two what the database said, and what to do."""
    said = str(getattr(error, "orig", None) or error).splitlines()[0]
    if "locked" in said:
        return "Another program is writing to it; when that has ended, run this again."
    if "readonly" in said or "unable to open" in said:
        return f"Make it and its folder writable, or name another folder with --out ({said})."
    return f"Move it away to begin anew, or bring back a copy of it ({said})."
