"""Feedback pages, as `nbgrader generate_feedback` makes them."""

from importlib.metadata import version
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grading.release import SETTINGS, quiet

VERSIONS = " ".join(version(package) for package in ("nbgrader", "nbconvert"))


def shown(comment):
    """Return the text of a comment of nbgrader's: what was written by hand, then what the checks say."""
    return "\n\n".join(text for text in (comment.manual_comment, comment.auto_comment) if text)


class Feedback:
    """Makes the pages of one assignment. nbgrader's command spends most of its time on what is done here once."""

    def __init__(self, out, name):
        settings = Config(SETTINGS)
        course = CourseDirectory(config=settings, root=str(out), assignment_id=name, notebook_id=name)
        self._converter = GenerateFeedback(coursedir=course, config=settings, log=quiet)
        self._converter.exporter = self._converter.exporter_class(parent=self._converter, config=self._converter.config)
        for preprocessor in self._converter.preprocessors:
            self._converter.exporter.register_preprocessor(preprocessor)

    def make(self, notebook):
        """Return the page of a student's notebook in the folder `autograded`."""
        resources = self._converter.init_single_notebook_resources(str(notebook))
        page, _ = self._converter.exporter.from_filename(str(notebook), resources=resources)
        return page
