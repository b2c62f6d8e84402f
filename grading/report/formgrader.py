"""Imported by a graded folder's nbgrader_config.py: what nbgrader and its formgrader do otherwise here.

Formgrader shows marks as they are (by itself, what it once read for as long as Jupyter runs), students by their names, how many handed in, and
the marking scheme beside each written answer. And a student is called what the folder is called, whatever that means to an address, to HTML or to a pattern.
"""

import fnmatch
import glob
import json
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import nbformat
from jinja2 import Environment, FileSystemLoader, PrefixLoader
from jinja2.loaders import ChoiceLoader
from markupsafe import escape
from nbgrader.api import Student, SubmittedAssignment
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import base as converters
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import apihandlers, handlers
from nbgrader.server_extensions.formgrader.base import BaseHandler

from grading.report.answers import written_answers
from grading.report.model_answers import rubrics
from grading.shared.cells import about, by_grade_id

THEIRS, OURS = FileSystemLoader(handlers.template_path), FileSystemLoader(Path(__file__).parent / "templates" / "lists")
LISTS = Environment(loader=ChoiceLoader([OURS, THEIRS, PrefixLoader({"nbgrader": THEIRS})]), autoescape=True)


def forget(handler):
    """End the database session of a request."""
    gradebook = handler.settings.get("nbgrader_gradebook")
    if gradebook is not None:
        gradebook.db.remove()


def render(_, name, **known):
    """Return a page of lists. The pages use the name of a student in addresses."""
    if "student_id" in known:
        known["student_id"] = quote(known["student_id"], safe="")
    return LISTS.get_template(name).render(**known)


class Page:
    """Makes the page of one submission as nbgrader's exporter does, with what a marker should see beside the written answers."""

    def __init__(self, exporter, coursedir):
        self.exporter, self.coursedir = exporter, coursedir

    def from_filename(self, filename, resources):
        name, notebook = resources["assignment_id"], nbformat.read(filename, as_version=4)
        released = nbformat.read(self._path(self.coursedir.release_directory, name), as_version=4)
        for cell in notebook.cells:
            cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("nbgrader", "grading", "tags") if key in cell.metadata})
        for answer in written_answers(by_grade_id(released), notebook).values():
            task = about(answer.cell)
            for number, cell in enumerate(answer.near, start=1):
                cell.metadata.setdefault("anchors", []).append(f"near-{task.grade_id}-{number}")
            answer.cell.metadata["near"] = [f"near-{task.grade_id}-{number}" for number in range(1, len(answer.near) + 1)]
        texts = ("student", "last_name", "first_name", "notebook_path")
        shown = {key: value and str(escape(value)) if key in texts else value for key, value in resources.items()}
        schemes = rubrics(self._path(self.coursedir.source_directory, name))
        return self.exporter.from_notebook_node(notebook, shown | {"metadata": {"name": name, "path": ""}, "schemes": schemes})

    def _path(self, step, name):
        return Path(self.coursedir.format_path(step, ".", name), f"{name}.ipynb")


def assignment(api, assignment_id, released=None, theirs=NbGraderAPI.get_assignment):
    """Return what is known of an assignment; as handed in count those who were entered, too: nbgrader looks for the folder `submitted` alone."""
    found = theirs(api, assignment_id, released)
    if found:
        with api.gradebook as book:
            entered = book.db.query(Student.id).join(SubmittedAssignment).filter(SubmittedAssignment.name == assignment_id)
            found["num_submissions"] = len(api.get_submitted_students(assignment_id) | {student for (student,) in entered})
    return found


def paths(pattern):
    """Return the paths that match one of nbgrader's patterns, which it makes of names of folders without escaping them."""
    folder, last = os.path.split(pattern)
    if os.path.isdir(folder):
        return [os.path.join(folder, name) for name in os.listdir(folder) if name == last or fnmatch.fnmatchcase(name, last)]
    return glob.glob(pattern)


@handlers.web.authenticated
@handlers.check_xsrf
@handlers.check_notebook_dir
def rename(handler, student_id):
    """Put down what a student is called. nbgrader's handler strips the id, and so invents another student."""
    known = handler.get_json_body()
    handler.gradebook.update_or_create_student(student_id, **{key: known.get(key) for key in ("last_name", "first_name", "email")})
    handler.write(json.dumps(handler.api.get_student(student_id)))


BaseHandler.on_finish = forget
BaseHandler.render = render
BaseHandler.exporter = property(lambda handler: Page(handler.settings["nbgrader_exporter"], handler.coursedir))
NbGraderAPI.get_assignment = assignment
apihandlers.StudentHandler.put = rename
converters.glob = SimpleNamespace(glob=paths)
CourseDirectory._validate_student_id.func = lambda _, proposal: proposal["value"]  # nbgrader's strips it
