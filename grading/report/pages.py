"""Markdown on the pages of formgrader and feedback: formulas need no script and no other host, and what a student wrote cannot become one.

A student's notebook is made harmless before it gets here (`grading.report.sanitize`); this is the second lock on the same door.
"""

import atexit
import os
import re
import unicodedata
from contextlib import suppress
from functools import cache
from html import escape

from nbconvert.exporters.html import contextfilter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from grading.report.latex import LONGEST_FORMULA, Unreadable, readable

OF_NUMBERS = re.compile(r'<mtd class ?="(?:mtr-glue|mml-eqn-num)"></mtd>')
HOLDS_ELEMENTS = re.compile(r"<m[oi]\b[^<>]*><m")
VARIANT = re.compile(r'<(m[in]|mtext) mathvariant="(double-struck|script|fraktur)">([A-Za-z0-9]+)</\1>')
PLACE_OF_ROWS = re.compile(r"(\\begin\{(?:aligned|gathered|split)\})\s*\[[tbc]\]")  # which KaTeX takes for content


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
    latex = PLACE_OF_ROWS.sub(r"\1", latex)
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
    """Return KaTeX's MathML, in which rows have no empty cells for numbers. Raises ValueError, and Unreadable."""
    if len(latex) > LONGEST_FORMULA:
        raise Unreadable("too long")
    found = re.search(r"<math.*</math>", katex().render(latex, display, "mathml", **settings), re.DOTALL)[0]
    without = OF_NUMBERS.sub("", found)
    if len(without) < len(found) and r"\tag" in latex:  # of which nothing is in these cells
        raise ValueError("tags of rows")
    without = with_groups(without) if HOLDS_ELEMENTS.search(without) else without
    return VARIANT.sub(lambda match: f"<{match[1]}>{''.join(map(letter, match[3], [match[2]] * len(match[3])))}</{match[1]}>", without)


@cache
def letter(plain, kind):
    """Return the letter of an alphabet, which browsers do not choose by MathML's mathvariant."""
    name = unicodedata.name(plain, "").replace("LATIN ", "").replace(" LETTER", "")
    with suppress(KeyError):
        return unicodedata.lookup(f"MATHEMATICAL {kind.upper()} {name}")
    with suppress(KeyError):
        return unicodedata.lookup(f"{'BLACK-LETTER' if kind == 'fraktur' else kind.upper()} {name}")
    return plain


def with_groups(found):
    """Return MathML in which an element for text that holds elements, as KaTeX writes what stands over a sign, is a group: browsers show it as one line."""
    pieces, opened = re.split(r"(<[^<>]*>)", found), []
    for place in range(1, len(pieces), 2):
        name = re.match(r"</?(\w+)", pieces[place])[1]
        if pieces[place].startswith("</"):
            pieces[place] = opened.pop()
        elif not pieces[place].endswith("/>"):
            group = name in ("mo", "mi") and not pieces[place + 1] and pieces[place + 2].startswith("<m")
            pieces[place] = "<mrow>" if group else pieces[place]
            opened.append("</mrow>" if group else f"</{name}>")
    return "".join(pieces)
