"""Feedback pages, as `nbgrader generate_feedback` makes them. What makes them is loaded when the first is made."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from pathlib import Path

import nbformat

from grading.report.markup import Odd
from grading.report.model_answers import with_models
from grading.shared.files import write

# What a page depends on besides its notebook and marks.
HERE = Path(__file__).parent
CODE = [HERE / f"{name}.py" for name in ("comments", "exporter", "feedback", "latex", "markup", "model_answers", "pages", "settings")]
CODE += [path for folder in ("classic", "feedback") for path in sorted(HERE.glob(f"templates/{folder}/*"))]
MAKERS = b"".join(path.read_bytes() for path in CODE)
MAKERS += " ".join(version(package) for package in ("nbgrader", "nbconvert", "beautifulsoup4")).encode()

MOST_KEPT, LONGEST_KEPT = 500, 4000  # cells of which the HTML is kept, and characters of one

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


class Unshowable(Exception):
    """Why nbconvert cannot make a page of a notebook."""


@dataclass(frozen=True)
class Job:
    """A page to be made: of the notebook in a file, with these marks; it ends with `last`, which changes with all that a page depends on."""

    student: str
    notebook: Path
    page: Path
    marks: dict
    last: str

    def done(self):
        """Say whether the page is as it should be."""
        last = self.last.encode()
        if not self.page.exists() or self.page.stat().st_size < len(last):
            return False
        with open(self.page, "rb") as page:
            page.seek(-len(last), os.SEEK_END)
            return page.read() == last


class Feedback:
    """Makes the pages of one assignment. What they have in common is made at once, so that processes forked later have it.

    models: what `model_answers` returns, for pages with model answers. Nothing of them gets into a stored notebook.
    """

    def __init__(self, name, release, models=None):
        from grading.report.exporter import Exporter
        from grading.report.sanitize import harmless

        sample = json.loads(nbformat.writes(harmless(release)))
        nothing = {"comment": "", "score": 0.0, "points": 0.0}
        total = {"score": 0.0, "max_score": 0.0, "waiting": 0.0, "late_penalty": 0}
        for about in marked(sample):
            about |= nothing
        self._models = models or {}
        sample["cells"] = with_models(sample["cells"], self._models)
        self._exporter = Exporter(name, sample, total)
        self._common, self._recent = {}, {}
        try:
            self._common = dict(zip(map(json.dumps, sample["cells"]), self._exporter.parts(sample["cells"]), strict=True))
            self._has_parts = self._put_together(sample["cells"], total) == self._exporter.page
        except Odd:
            self._has_parts = False

    def make(self, notebook, marks):
        """Return the page of a student's notebook, which is given as NotebookNode or text. Raises Unshowable.

        `marks` are plain data, as `comments.marks_on_page` returns them.
        """
        try:
            notebook = json.loads(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
            for about in marked(notebook):
                about |= marks["cells"][about["grade_id"]]
            notebook["cells"] = with_models(notebook["cells"], self._models)
            return self._page(notebook, marks["total"])
        except Exception as error:  # whatever a notebook brings about in nbconvert
            raise Unshowable(f"no page could be made of it: {type(error).__name__} {str(error)[:200]}") from error

    def write(self, job):
        """Make the page of a Job. Raises Unshowable."""
        write(job.page, (self.make(job.notebook.read_text(encoding="utf-8"), job.marks) + job.last).encode())

    def _page(self, notebook, total):
        if self._has_parts and self._exporter.takes_apart(notebook):
            with suppress(Odd):
                return self._put_together(notebook["cells"], total)
        return self._exporter.whole(notebook, total)

    def _put_together(self, cells, total):
        return self._exporter.together(cells, self._parts(cells), total)

    def _parts(self, cells):
        """Return the HTML of each cell, of which most was made before."""
        keys = [json.dumps(cell) for cell in cells]
        new = {key: cell for key, cell in zip(keys, cells, strict=True) if key not in self._common and key not in self._recent}
        made = dict(zip(new, self._exporter.parts(list(new.values())), strict=True)) if new else {}
        made |= {key: self._recent.pop(key) for key in keys if key in self._recent}
        self._recent |= {key: part for key, part in made.items() if len(key) <= LONGEST_KEPT}
        for key in list(self._recent)[:-MOST_KEPT]:
            del self._recent[key]
        return [made[key] if key in made else self._common[key] for key in keys]


def marked(notebook):
    """Return what nbgrader's metadata say of the cells that have a mark or a comment."""
    said = [cell["metadata"].get("nbgrader") for cell in notebook["cells"]]
    return [about for about in said if about and (about.get("grade") or about.get("solution") or about.get("task"))]
