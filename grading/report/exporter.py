"""nbgrader's exporter of feedback pages, whole or in parts: the cells, one by one, and what is round them."""

import json

import nbformat
from nbconvert.exporters.templateexporter import TemplateExporter
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import GetGrades

from grading.author.settings import config_of
from grading.report.comments import marks_on_page
from grading.report.markup import joined, rewritten
from grading.report.settings import SETTINGS

PLACE = "<wbr/>"  # of the cells
BODY = '{% extends "page.html.j2" %}{% block header %}{% endblock %}{% block body_loop %}<wbr/>{% endblock %}{% block footer %}{% endblock %}'
CELLS = '{% extends "page.html.j2" %}{% block header %}{% endblock %}{% block body %}{{ self.body_loop() }}{% endblock %}{% block footer %}{% endblock %}'


class GetMarks(GetGrades):
    """nbgrader's step that puts marks and comments into a page; by itself it shows old marks as if they were new, and drops what the checks say."""

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as book:
            marks = marks_on_page(book.find_submission_notebook(about["notebook"], about["assignment"], about["student"]))
        for cell in nb.cells:
            said = cell.metadata.get("nbgrader", {})
            said.update(marks["cells"].get(said.get("grade_id"), {}))
        about.update(marks["total"])
        return nb, resources


class Exporter:
    """Makes HTML of notebooks of one assignment, which are plain data with marks and comments in them. `total` holds the points of all tasks.

    Parts can be made of notebooks that differ from `sample` in nothing but their cells; `page` is that one's.
    """

    def __init__(self, name, sample, total):
        config = config_of(SETTINGS)
        converter = GenerateFeedback(coursedir=CourseDirectory(config=config), config=config)
        self._exporter = converter.exporter_class(parent=converter, config=converter.config)
        for preprocessor in converter.preprocessors[1:]:  # all but GetMarks, which asks the database
            self._exporter.register_preprocessor(preprocessor)
        self._name, self._frame = name, without_cells(sample)
        self._body, self._cells = map(self._exporter.environment.from_string, (BODY, CELLS))
        self.page, self._resources = self._export(sample, total)
        self._before, self._after = self.page[: self.page.index("<body>")], self.page[self.page.rindex("</body>") + len("</body>") :]

    def _export(self, notebook, total):
        resources = {"metadata": {"name": self._name, "path": ""}, "nbgrader": {"notebook": self._name} | total}
        return self._exporter.from_notebook_node(nbformat.reads(json.dumps(notebook), as_version=4), resources)

    def whole(self, notebook, total):
        """Return the page of any notebook."""
        return self._export(notebook, total)[0]

    def takes_apart(self, notebook):
        """Say whether the page of a notebook can be put together from its parts."""
        names = {cell.get("id") for cell in notebook["cells"]}
        return without_cells(notebook) == self._frame and len(names - {None}) == len(notebook["cells"])

    def parts(self, cells):
        """Return the HTML of each cell. Raises Odd."""
        notebook = nbformat.v4.to_notebook(self._frame | {"cells": cells})
        ready, _ = super(TemplateExporter, self._exporter).from_notebook_node(notebook, self._resources)
        return [rewritten(self._cells.render(nb={"cells": [cell]}, resources=self._resources)) for cell in ready.cells]

    def together(self, cells, parts, total):
        """Return the page of these cells, whose HTML is given. Raises Odd."""
        body = self._body.render(nb={"cells": cells}, resources=self._resources | {"nbgrader": {"notebook": self._name} | total})
        opening, closing = rewritten(body.strip()).split(PLACE)
        return self._before + joined([opening, *parts, closing]) + self._after


def without_cells(notebook):
    return notebook | {"cells": []}
