"""Markdown on the pages of formgrader and feedback: formulas need no script and no other host, and what a student wrote cannot become one.

A student's notebook is made harmless before it gets here (`grading.report.sanitize`); this is the second lock on the same door.
"""

import atexit
import os
import re
from contextlib import suppress
from functools import cache
from html import escape

from nbconvert.exporters.html import contextfilter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from grading.report.latex import LONGEST_FORMULA, Unreadable, readable


@contextfilter
def markdown2html(context, source):
    """Turn Markdown into HTML, for nbconvert. HTML in it counts in the exercise's own cells only."""
    cell = context.get("cell", {})
    ours = cell.get("cell_type") == "markdown" and cell.metadata.get("nbgrader", {}).get("locked") and source == cell.source
    renderer = Renderer(escape=not ours, attachments=cell.get("attachments", {}), exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(source)


class Renderer(IPythonRenderer):
    """nbconvert's, without headings' ids (a heading named like a task would take formgrader's fields for the marks of that task)."""

    def inline_math(self, body):
        """Render $…$."""
        return formula(body, display=False)

    def block_math(self, body):
        """Render $$…$$."""
        return formula(body, display=True)

    def latex_environment(self, name, body):
        r"""Render \begin{…}…\end{…}."""
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def link(self, text, url, title=None):
        """Render a link that leads to a web page or to a place on this one; of any other, the text."""
        return super().link(text, url, title) if url.lower().startswith(("https://", "http://", "#")) else text

    def image(self, text, url, title=None):
        """Render an attached image; of any other, which would be loaded from elsewhere, the text."""
        attached = self.attachments.get(url.removeprefix("attachment:")) if url.startswith("attachment:") else None
        return super().image(text, url, title) if attached else escape(text)


@cache
def katex():
    from extensions.katex_stdio import Renderer

    renderer = Renderer()
    atexit.register(renderer.close)
    os.register_at_fork(before=renderer.close)  # else several processes would talk to the same one; it starts again when it is needed
    return renderer


def formula(latex, display):
    """Return MathML, which browsers show by themselves; for what KaTeX cannot read, the source."""
    try:
        return mathml(latex, display, {"strict": "error"})
    except ValueError:  # KaTeX cannot read it as it stands
        for tags in (True, False):
            with suppress(Exception):
                return mathml(readable(latex, display, tags), display, {"strict": "ignore"})
    except Exception:  # also without node: a page with the source of its formulas is better than none
        pass
    return f"<code>{escape(latex)}</code>"


def mathml(latex, display, settings):
    if len(latex) > LONGEST_FORMULA:
        raise Unreadable("too long")
    return re.search(r"<math.*</math>", katex().render(latex, display, "mathml", **settings), re.DOTALL)[0]
