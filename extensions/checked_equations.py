"""Sphinx extension: an equation that claims something is checked by a code cell of its page, and shows it.

A label `eq-NAME` makes a claim; a code cell with the tag `verifies:eq-NAME` checks it. Labels `def-NAME` are
definitions, which claim nothing. Equation and cell link to each other; one without the other is a warning.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

TAG = "verifies:"


def link_equations_and_cells(app, doctree):
    """Join each claim of a page with the first cell that checks it, and each checking cell with its claims."""
    equations = {node["label"]: node for node in doctree.findall(nodes.math_block) if node.get("label")}

    for cell in doctree.findall(nodes.container):
        labels = [tag.removeprefix(TAG) for tag in cell.get("cell_metadata", {}).get("tags", []) if tag.startswith(TAG)]
        for label in labels:
            if label not in equations:
                logger.warning("a cell verifies %r, which is no equation of this page", label, location=cell)
            elif "checked_by" not in equations[label]:
                equations[label]["checked_by"] = nodes.make_id(f"check-{label}")
                cell["ids"].append(equations[label]["checked_by"])
        if known := [label for label in labels if label in equations]:
            cell.insert(0, back_links(known, app.env.docname))

    for label, equation in equations.items():
        if not label.startswith(("eq-", "def-")):
            logger.warning("equation label %r: begin with eq- (a claim) or def- (a definition)", label, location=equation)
        if label.startswith("eq-") and "checked_by" not in equation:
            logger.warning("no code cell of this page has the tag %s%s", TAG, label, location=equation)


def back_links(labels, docname):
    """Return the line "checks equations (1.2) and (1.3)" that stands above a checking cell."""
    line = nodes.paragraph("", "checks equation" + "s" * (len(labels) > 1), classes=["checks"])
    for index, label in enumerate(labels):
        line += nodes.Text(" " if index == 0 else " and " if index == len(labels) - 1 else ", ")
        reference = addnodes.pending_xref(
            "", refdomain="math", reftype="eq", reftarget=label, refdoc=docname, refexplicit=False, refwarn=True
        )
        reference += nodes.literal("", label)
        line += reference
    return line


def setup(app):
    """Do it as soon as a page is read, so that it is kept with the page between builds."""
    app.connect("doctree-read", link_equations_and_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
