"""Sphinx extension: in a table, a long name in code may break between its words, as in BCEWith|Logits|Loss, and only there.

Breaks are added to the finished page, so that search still knows the name as one word and copying gives it whole.
"""

import re

TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
CODE = re.compile(r'(?<=<span class="pre">)[^<]+')
BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[_(.=])(?=\w)")


def let_names_break(app, pagename, templatename, context, doctree):
    """Offer a break between the words of each name."""
    if body := context.get("body"):
        context["body"] = TABLE.sub(lambda table: CODE.sub(with_breaks, table[0]), body)


def with_breaks(code):
    return BETWEEN_WORDS.sub("<wbr>", code[0])


def setup(app):
    """Work on every page."""
    app.connect("html-page-context", let_names_break)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
