"""Sphinx extension: in each chapter, the first use of a term of the glossary is a link to it.

Only running prose is looked at: no headings, tables, captions and boxes, no code, formulas and links. A term that the page
prints in bold or in italics is introduced there, and not linked. An entry such as "bias of a layer" keeps a word of many
meanings out. What folds comes last: who leaves it out is to find the link, too.
"""

import re

from detours import is_detour
from docutils import nodes

PAGE = "chapters/glossary"
PROSE = (nodes.paragraph, nodes.list_item, nodes.bullet_list, nodes.enumerated_list, nodes.block_quote, nodes.section, nodes.document)
INTRODUCES = (nodes.strong, nodes.emphasis)
# A verb on every page; degrees, and a price, on one.
OTHER_MEANINGS = {"costs": "", "temperature": "chapters/01_mse", "cost": "chapters/03_cross_entropy"}


def link_terms(app, doctree, docname):
    """Link what a notebook says first of each entry of the glossary."""
    if PAGE not in app.env.found_docs or not app.env.doc2path(docname).endswith(".ipynb"):
        return
    entries = app.env.get_doctree(PAGE).findall(nodes.definition_list_item)
    terms = [(number, term) for number, entry in enumerate(entries) for term in entry.findall(nodes.term)]
    forms = {form: (number, term["ids"][0]) for number, term in terms for form in inflected(term.astext().lower())}
    forms = {form: found for form, found in forms.items() if not docname.startswith(OTHER_MEANINGS.get(form, "nowhere"))}
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})(?![\w-])", re.IGNORECASE)

    marked = (node.astext().lower().strip(" .:") for kind in INTRODUCES for node in doctree.findall(kind))
    done = {forms[mark][0] for mark in marked if mark in forms}
    address = app.builder.get_relative_uri(docname, PAGE)
    for text in sorted(doctree.findall(nodes.Text), key=folds):
        pieces, end = [], 0
        for match in pattern.finditer(text) if is_prose(text) else ():
            number, anchor = forms[match[0].lower()]
            if number not in done:
                done.add(number)
                link = nodes.reference("", match[0], refuri=f"{address}#{anchor}", internal=True, classes=["term"])
                pieces += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


def inflected(name):
    """Return a term and its plural."""
    return {name, f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith(("s", "x")) else f"{name}s"}


def folds(node):
    """Say whether a node is in a section that folds."""
    while node is not None and not is_detour(node):
        node = node.parent
    return node is not None


def is_prose(text):
    """Say whether a text stands in a paragraph of its page, in nothing that is marked."""
    node = text.parent
    if not isinstance(node, nodes.paragraph):
        return False
    while node is not None and isinstance(node, PROSE):
        node = node.parent
    return node is None


def read_all(app, env, added, changed, removed):
    """Let all pages be made anew when the glossary has changed."""
    return env.found_docs if PAGE in changed else []


def setup(app):
    """Link when a page is written, as all terms are known then."""
    app.connect("env-get-outdated", read_all)
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
