"""nbgrader's gradebook of one assignment: marks that were decided elsewhere go in, those given by hand in formgrader come out."""

import copy
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbgrader import api, utils
from sqlalchemy.exc import SQLAlchemyError

from grading.feedback import VERSIONS, Feedback, shown
from grading.nbgrader_settings import configuration
from grading.release import Problem, generate, write

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
        url = f"sqlite:///{self.out / 'gradebook.db'}"
        source = os.path.relpath(Path(solutions).absolute(), self.out)
        self._book = None
        with self._told():
            self.out.mkdir(parents=True, exist_ok=True)
            write(self.out / "nbgrader_config.py", configuration(source).encode())
            generate(self.out, name, source, "release", url)
            self.release = nbformat.read(self.out / "release" / name / f"{name}.ipynb", as_version=4)
            self._book = api.Gradebook(url)
        self._cells = {cell.metadata.nbgrader.grade_id: cell for cell in self.release.cells if "nbgrader" in cell.metadata}
        self._answer_of = answers_of(self._cells)
        self._pages = Feedback(self.out, name)

    def close(self):
        """Close the database."""
        self._book.close()

    def enter(self, student, notebook, scores, comments, timestamp=None):
        """Enter a submission that was run.

        `notebook` is harmless to show and has the release's graded cells; `scores` are points by check cell, `comments` texts by answer
        cell. What was given by hand is kept; where the answer has changed since, it waits to be looked at again.
        """
        path = self._autograded(student)
        notebook = with_metadata_of(self._cells, notebook)
        now = sources(notebook)
        with self._told():
            kept = self._kept(student)
            before = kept["answers"] if kept else sources(nbformat.read(path, as_version=4)) if path.exists() else {}
            self._book.update_or_create_student(student)
            when = {} if timestamp is None else {"timestamp": timestamp}
            with self._book.db.no_autoflush:  # else SQLAlchemy warns
                self._book.update_or_create_submission(self.name, student, **when)
            submission = self._submission(student)
            for comment in submission.comments:
                comment.auto_comment = comments.get(comment.name)
                comment.manual_comment = kept["comments"].get(comment.name) if kept else comment.manual_comment
            for grade in submission.grades:
                if kept:
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
                    self._book.remove_student(student)
            for path in (self._autograded(student), self._feedback(student)):
                shutil.rmtree(path.parent, ignore_errors=True)
                if path.parent.parent.exists() and not any(path.parent.parent.iterdir()):
                    path.parent.parent.rmdir()

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
        """Return the student's page, as `nbgrader generate_feedback` makes it; it is made when marks or notebook changed since."""
        page, notebook = self._feedback(student), self._autograded(student)
        with self._told():
            marks = {name: asdict(mark) for name, mark in self.marks(student).items()}
            of = hashlib.sha256(json.dumps(marks).encode() + notebook.read_bytes() + VERSIONS.encode()).hexdigest()
            last = f"<!-- {of} -->\n".encode()
            if not page.exists() or not page.read_bytes().endswith(last):
                write(page, self._pages.make(notebook).encode() + last)
        return page

    @contextmanager
    def _told(self):
        """Turn what goes wrong with files and database into a Problem; nothing half done stays in the session."""
        try:
            if self._book is not None:
                self._book.db.rollback()  # and read anew what formgrader has written
            yield
        except OSError as error:
            raise Problem(f"The grades in {self.out} cannot be written or read: {error}.") from error
        except (SQLAlchemyError, api.InvalidEntry) as error:
            raise Problem(f"The gradebook {self.out / 'gradebook.db'} does not answer: {error}.") from error

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
        comments = {comment.name: comment.manual_comment for comment in submission.comments if comment.manual_comment}
        marks = {grade.name: (grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade) for grade in submission.grades}
        if comments or any(by_hand is not None for _, *both, _ in marks.values() for by_hand in both):
            path = self._autograded(student)
            answers = sources(nbformat.read(path, as_version=4)) if path.exists() else {}
            kept = {"answers": answers, "marks": marks, "comments": comments}
            write(self._kept_path(student), json.dumps(kept).encode())

    def _kept(self, student):
        path = self._kept_path(student)
        return json.loads(path.read_bytes()) if path.exists() else None

    def _kept_path(self, student):
        return self.out / self.name / "kept" / f"{student}.json"


def answers_of(cells):
    """Say, by grade id, in which cell lies the answer that a graded cell is about: in itself, or in the last answer cell before it."""
    found, answer = {}, None
    for name, cell in cells.items():
        answer = name if utils.is_solution(cell) else answer
        if utils.is_grade(cell):
            found[name] = answer or name
    return found


def sources(notebook):
    """Return the sources of the cells that nbgrader knows, by grade id."""
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in notebook.cells if "nbgrader" in cell.metadata}


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
