"""Sphinx extension: a section that one may leave out folds.

A line `{.detour}` directly above a heading makes its section, up to the next heading of its level or a higher one, an HTML `<details>`
with the heading as its summary. What an address names stands inside, also the place of the heading itself, since a browser opens what
it is led into. `{.detour}` anywhere else, or above the title of a page, is a warning: it would do nothing, or be read as text.
"""

import json
import re

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

CLASS = "detour"
MARK = "{.detour}"
BEFORE = re.compile(r"\s*|#.*|\(.*\)=")  # of a paragraph the mark would be a part
AFTER = re.compile(r"##+ ")


def is_detour(node):
    """Say whether a node is a section that folds."""
    return isinstance(node, nodes.section) and CLASS in node["classes"]


def warn_of_misplaced_marks(app, docname, source):
    """Warn of each mark that does not stand between nothing and a heading."""
    is_notebook = app.env.doc2path(docname).endswith(".ipynb")
    cells = json.loads(source[0])["cells"] if is_notebook else [{"cell_type": "markdown", "source": source[0]}]
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] != "markdown":
            continue
        lines = ["", *"".join(cell["source"]).split("\n"), ""]
        for before, line, after in zip(lines, lines[1:], lines[2:]):
            if MARK in line and not (line.rstrip() == MARK and BEFORE.fullmatch(before) and AFTER.match(after)):
                logger.warning("cell %d: %s belongs directly above a heading below the title, not above %r", number, MARK, after, location=docname)


def warn_of_other_headings(app, doctree):
    """Warn of each mark above the heading of no section, which is one inside a box."""
    for heading in doctree.findall(nodes.rubric):
        if CLASS in heading["classes"]:
            logger.warning("%s stands above a heading inside a box, which does not fold", MARK, location=heading)


def visit_section(self, node):
    """Begin a section; one that folds has no address of its own."""
    if is_detour(node):
        self.section_level += 1
        self.body.append(f'<section class="{CLASS}"><details>')
    else:
        type(self).visit_section(self, node)


def depart_section(self, node):
    """End it."""
    if is_detour(node):
        self.body.append("</details>")
    type(self).depart_section(self, node)


def visit_title(self, node):
    """Begin a heading."""
    if is_detour(node.parent):
        self.body.append("<summary>")
    type(self).visit_title(self, node)


def depart_title(self, node):
    """End it; what the address of a section that folds leads to is the first thing inside."""
    type(self).depart_title(self, node)
    if is_detour(node.parent):
        start = nodes.inline(ids=node.parent["ids"], classes=[f"{CLASS}-start"])
        self.body.append(f"</summary>{self.starttag(start, 'span', '')}</span>")


def setup(app):
    """Warn when a page is read, fold when it is written."""
    app.connect("source-read", warn_of_misplaced_marks)
    app.connect("doctree-read", warn_of_other_headings)
    app.add_node(nodes.section, override=True, html=(visit_section, depart_section))
    app.add_node(nodes.title, override=True, html=(visit_title, depart_title))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
