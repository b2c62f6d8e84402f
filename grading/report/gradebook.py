"""nbgrader's gradebook of one assignment: marks that were decided elsewhere go in, those given by hand in formgrader come out."""

import copy
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbgrader import api, utils
from sqlalchemy.exc import SQLAlchemyError

from grading.author.release import Problem, generate, make_tables
from grading.report.feedback import MAKERS, Feedback, page_of_a_failure, shown
from grading.report.settings import configuration
from grading.shared.files import write


@dataclass(frozen=True)
class Mark:
    """What a task has earned as things stand: by hand if somebody marked it, else from the checks."""

    points: float
    max_points: float
    needs_marking: bool
    comment: str


class Gradebook:
    """The gradebook of the assignment `name` in the course folder `out`, made from `solutions`/NAME/NAME.ipynb.

    Every method raises Problem when the folder or the database does not let it work; the marks in it then stay as they were.
    """

    def __init__(self, out, name, solutions):
        self.out, self.name = Path(out).absolute(), name
        self._file = self.out / "gradebook.db"
        if set("?%") & set(str(self._file)):  # which have a meaning in the database's address
            raise Problem(f"The gradebook cannot lie in {out}: choose a folder without ? and % in its path.")
        self._book = None
        solutions = Path(solutions).absolute()
        source = os.path.relpath(solutions, self.out)  # nbgrader reads an absolute one as a pattern
        url = f"sqlite:///{self._file}"
        with self._told():
            self.out.mkdir(parents=True, exist_ok=True)
            write(self.out / "nbgrader_config.py", configuration(source).encode())
            with tempfile.TemporaryDirectory() as folder:
                self.release = nbformat.read(generate(solutions.parent, name, solutions.name, folder), as_version=4)
            self._cells = by_grade_id(self.release)
            self._answer_of = answers_of(self._cells)
            make_tables(url)
            self._book = api.Gradebook(url)
            try:
                self._make_room()
                generate(solutions.parent, name, solutions.name, self.out / "release", url)
            except BaseException:
                self.close()
                raise
        self._pages = Feedback(self.out, name)

    def close(self):
        """Close the database."""
        self._book.close()

    def _make_room(self):
        """Let nbgrader take the cells of a source that has changed: with submissions it refuses any other set of cells, also where no marks are concerned."""
        try:
            known = self._book.find_notebook(self.name, self.name)
        except api.MissingEntry:
            return
        if not known.submissions:
            return
        marked = {cell.name for cell in known.grade_cells + known.solution_cells}
        now = {name for name, cell in self._cells.items() if utils.is_grade(cell) or utils.is_solution(cell)}
        if marked != now:
            raise Problem(
                f"The tasks of {self.name} are no longer those that {self._file} has marks for ({', '.join(sorted(marked ^ now))}). "
                "Grade into another folder (--out), or bring the old solution notebook back. Nothing in this one was changed."
            )
        for cell in known.source_cells:
            if cell.name not in self._cells:
                self._book.db.delete(cell)
        for name in self._cells.keys() - {cell.name for cell in known.source_cells}:
            self._book.add_source_cell(name, self.name, self.name, cell_type=self._cells[name].cell_type)
        self._book.db.commit()

    def enter(self, student, notebook, scores, comments):
        """Enter a submission that was run.

        `notebook` is harmless to show and has the release's graded cells; `scores` are points by check cell, `comments` texts by answer
        cell. What was given by hand is kept; where the answer has changed since, it waits to be looked at again.
        """
        path = self._autograded(student)
        notebook = with_metadata_of(self._cells, notebook)
        now = sources(notebook)
        with self._told():
            kept = self._kept(student) if self._submission(student) is None else {}
            before = kept["answers"] if kept else sources_in(path)
            self._book.update_or_create_student(student, **kept.get("student", {}))
            with self._book.db.no_autoflush:  # else SQLAlchemy warns
                self._book.update_or_create_submission(self.name, student)
            submission = self._submission(student)
            for comment in submission.comments:
                comment.auto_comment = comments.get(comment.name)
                comment.manual_comment = kept["comments"].get(comment.name) if kept else comment.manual_comment
            for grade in submission.grades:
                if kept and grade.name in kept["marks"]:
                    grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade = kept["marks"][grade.name]
                answer = self._answer_of[grade.name]
                if utils.is_solution(self._cells[grade.name]):
                    score = None if self._attempted(answer, now[answer]) else 0.0
                else:
                    score = float(scores[grade.name])
                if grade.manual_score is None:
                    grade.needs_manual_grade = score is None
                elif before.get(answer) != now[answer] or grade.auto_score != score:
                    grade.needs_manual_grade = True
                grade.auto_score = score
            self._book.db.commit()
            # Last, because the answers in it tell the next call what has changed: after an interruption that asks too often, not too rarely.
            write(path, (nbformat.writes(notebook) + "\n").encode())
            self._kept_path(student).unlink(missing_ok=True)

    def withdraw(self, student):
        """Take out a submission that could not be graded: no marks, no page of it. What was given by hand waits for the next `enter`."""
        with self._told():
            submission = self._submission(student)
            if submission is not None:
                self._keep(student, submission)
                self._book.remove_submission(self.name, student)
                if not self._book.find_student(student).submissions:
                    self._book.remove_student(student)  # whom nbgrader's export would give a 0
            for path in (self._autograded(student), self._feedback(student)):
                if path.parent.exists():
                    shutil.rmtree(path.parent)
                    if not any(path.parent.parent.iterdir()):
                        path.parent.parent.rmdir()

    def explain(self, student, reason):
        """Put the reason why a submission has no marks on the student's page; return it."""
        page = self._feedback(student)
        with self._told():
            write(page, page_of_a_failure(self.name, reason).encode())
        return page

    def students(self):
        """Return the names of the students whose submission was entered."""
        with self._told():
            return {submission.student.id for submission in self._book.assignment_submissions(self.name)}

    def marks(self, student):
        """Return a Mark for each task of the student, by the grade id of its graded cell; nothing for a student without a submission."""
        with self._told():
            submission = self._submission(student)
            if submission is None:
                return {}
            comments = {comment.name: shown(comment) for comment in submission.comments}
            return {
                grade.name: Mark(grade.score, grade.max_score, grade.needs_manual_grade, comments.get(self._answer_of[grade.name], ""))
                for grade in submission.grades
            }

    def feedback(self, student):
        """Return the student's page, as `nbgrader generate_feedback` makes it; it is made when marks or notebook changed since.

        Raises Unshowable, too.
        """
        page, notebook = self._feedback(student), self._autograded(student)
        with self._told():
            marks = {name: asdict(mark) for name, mark in self.marks(student).items()}
            of = hashlib.sha256(json.dumps(marks).encode() + notebook.read_bytes() + MAKERS).hexdigest()
            last = f"<!-- {of} -->\n".encode()
            if not page.exists() or not page.read_bytes().endswith(last):
                write(page, self._pages.make(notebook).encode() + last)
        return page

    @contextmanager
    def _told(self):
        """Turn what goes wrong with files and database into a Problem; nothing half done stays in the session."""
        try:
            yield
        except OSError as error:
            raise Problem(f"{error.filename or self.out}: {error.strerror or error}. Make {self.out} writable, or name another folder with --out.") from error
        except (SQLAlchemyError, api.InvalidEntry) as error:
            raise Problem(f"The gradebook {self._file} cannot be used. {what_helps(error)}") from error
        finally:
            if self._book is not None:
                self._book.db.remove()  # the next session reads anew what formgrader has written

    def _submission(self, student):
        try:
            return self._book.find_submission_notebook(self.name, self.name, student)
        except api.MissingEntry:
            return None

    def _autograded(self, student):
        return self.out / "autograded" / student / self.name / f"{self.name}.ipynb"

    def _feedback(self, student):
        return self.out / "feedback" / student / self.name / f"{self.name}.html"

    def _attempted(self, answer, source):
        return source.strip() not in ("", self._cells[answer].source.strip())

    def _keep(self, student, submission):
        """Put aside what was given by hand, and the answers it was given for."""
        person = self._book.find_student(student)
        kept = {
            "student": {name: getattr(person, name) for name in ("first_name", "last_name", "email", "lms_user_id")},
            "answers": sources_in(self._autograded(student)),
            "marks": {grade.name: (grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade) for grade in submission.grades},
            "comments": {comment.name: comment.manual_comment for comment in submission.comments},
        }
        write(self._kept_path(student), json.dumps(kept).encode())

    def _kept(self, student):
        path = self._kept_path(student)
        return json.loads(path.read_bytes()) if path.exists() else {}

    def _kept_path(self, student):
        return self.out / self.name / "kept" / f"{student}.json"


def by_grade_id(notebook):
    """Return the cells that nbgrader knows."""
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def sources(notebook):
    """Return the sources of the cells that nbgrader knows, by grade id."""
    return {name: cell.source for name, cell in by_grade_id(notebook).items()}


def sources_in(path):
    """Return the same of a notebook's file; nothing if there is none that can be read."""
    try:
        return sources(nbformat.read(path, as_version=4))
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return {}


def answers_of(cells):
    """Say, by grade id, in which cell lies the answer that a graded cell is about: in itself, or in the last answer cell before it."""
    found, answer = {}, None
    for name, cell in cells.items():
        answer = name if utils.is_solution(cell) else answer
        if utils.is_grade(cell):
            found[name] = answer or name
    return found


def with_metadata_of(cells, notebook):
    """Return a copy in which nbgrader reads what the release says of a cell, and nothing that a student wrote; locked cells are the release's."""
    notebook, left = copy.deepcopy(notebook), dict(cells)
    for cell in notebook.cells:
        said = cell.metadata.pop("nbgrader", {})
        ours = left.pop(said.get("grade_id"), None) if isinstance(said, dict) else None
        if ours is not None:
            cell.metadata["nbgrader"] = copy.deepcopy(ours.metadata.nbgrader)
            if utils.is_locked(ours):
                cell.source = ours.source
    return notebook


def what_helps(error):
    """Say in a sentence or two what the database said, and what to do."""
    said = str(getattr(error, "orig", None) or error).splitlines()[0]
    if "locked" in said:
        return "Another program is writing to it; when that has ended, run this again."
    if "readonly" in said or "unable to open" in said:
        return f"Make it and its folder writable, or name another folder with --out ({said})."
    return f"Move it away to begin anew, or bring back a copy of it ({said})."
