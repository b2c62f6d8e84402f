"""Feedback pages, as `nbgrader generate_feedback` makes them."""

from html import escape
from importlib.metadata import version
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import GetGrades

from grading.author.settings import config_of
from grading.report.settings import SETTINGS

# What a page depends on besides its notebook and marks.
MAKERS = b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in ("feedback", "pages", "settings"))
MAKERS += " ".join(version(package) for package in ("nbgrader", "nbconvert")).encode()


FAILURE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{name}</title></head>
<body style="font: 1rem/1.5 sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem">
<h1>{name}</h1>
<p>This submission could not be graded, so it has no points yet, not even zero.</p>
<p><strong>{reason}</strong></p>
</body>
</html>
"""


def page_of_a_failure(name, reason):
    """Return the page for a student whose submission has no marks."""
    return FAILURE.format(name=name, reason=escape(reason))


def shown(comment):
    """Return what a student reads of a comment in the gradebook: what was written by hand, then what the checks say."""
    return "\n\n".join(text for text in (comment.manual_comment, comment.auto_comment) if text)


class Unshowable(Exception):
    """Why nbconvert cannot make a page of a notebook."""


class GetMarks(GetGrades):
    """nbgrader's step that puts marks and comments into a page; by itself it drops what the checks say once somebody has written a comment."""

    def _get_comment(self, cell, resources):
        name = cell.metadata.nbgrader["grade_id"]
        cell.metadata.nbgrader["comment"] = shown(self.gradebook.find_comment(name, self.notebook_id, self.assignment_id, self.student_id))


class Feedback:
    """Makes the pages of one assignment. nbgrader's command spends most of its time on what is done here once."""

    def __init__(self, out, name):
        config = config_of(SETTINGS)
        course = CourseDirectory(config=config, root=str(out), assignment_id=name, notebook_id=name)
        self._converter = GenerateFeedback(coursedir=course, config=config)
        self._exporter = self._converter.exporter_class(parent=self._converter, config=self._converter.config)
        for preprocessor in self._converter.preprocessors:
            self._exporter.register_preprocessor(preprocessor)

    def make(self, notebook):
        """Return the page of a student's notebook in the folder `autograded`. Raises Unshowable."""
        resources = self._converter.init_single_notebook_resources(str(notebook))
        try:
            return self._exporter.from_filename(str(notebook), resources=resources)[0]
        except Exception as error:  # whatever a notebook brings about in nbconvert
            raise Unshowable(f"no page could be made of it: {type(error).__name__} {str(error)[:200]}") from error
