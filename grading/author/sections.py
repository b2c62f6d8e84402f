"""The sections of the book, so that a task and a mistake can send a student to one."""

import functools
import re

import nbformat
import yaml
from docutils.nodes import make_id

from grading.shared.files import ROOT

CHAPTERS = ROOT / "chapters"


def section(place):
    """Return what a check says of the section that `place` names: its title, its chapter's, and its address below the book's.

    place: "PAGE#ANCHOR", as in "03_cross_entropy#surprise". Raises LookupError when there is no such section.
    """
    page, _, anchor = place.partition("#")
    titles = headings(page)
    if anchor not in titles:
        raise LookupError(f"there is no section {place}; the chapter has {', '.join(titles) or 'none'}")
    return {"chapter": next(iter(titles.values())), "title": titles[anchor], "page": f"chapters/{page}.html#{anchor}"}


@functools.cache
def headings(page):
    """Return the titles of a page's sections by their anchors, in order."""
    path = CHAPTERS / f"{page}.ipynb"
    if not path.is_file():
        return {}
    lines = [line for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown" for line in [*cell.source.splitlines(), ""]]
    found, label = {}, None
    for line in lines:
        heading, target = re.match(r"#+ (.+)", line), re.match(r"\((\S+)\)=$", line)
        if heading:
            title = " ".join(re.sub(r"[*`]|\{\w+\}", "", heading[1]).split())
            found[make_id(title)] = title
            if label:
                found[make_id(label)] = title
        label = target[1] if target else label if line.startswith("{") else None
    return found


def address():
    """Return where the book is published, as _config.yml says; "" if it does not."""
    html = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8")).get("html") or {}
    return (html.get("baseurl") or "").rstrip("/")
