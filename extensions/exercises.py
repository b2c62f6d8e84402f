"""Sphinx extension: a link to an exercise's notebook downloads the exercise.

A page links to `exercises/NAME/NAME.ipynb` in plain Markdown, which JupyterLab opens. On the site that link leads to
`exercises/NAME.zip`, made with every build: the folder NAME, with requirements.txt added, is all that a student needs.
A link to an exercise that does not exist is a warning.

An exercise links to sections of the book, as in `[The push](../../chapters/02_regression_vs_classification.ipynb#the-push)`, where no
chapter lies beside a zip. With the site's address in _config.yml (`html.baseurl`) these links lead to the site, and the checks
find the address in `checks/book.txt`; without it the title alone is left.
"""

import json
import re
import shutil
from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.osutil import relative_uri
from zips import write_zip

logger = logging.getLogger(__name__)

EXERCISES = "exercises"
REQUIREMENTS = "requirements.txt"
BOOK = "checks/book.txt"
# In the text of a notebook's file: a title holds no quote that would end a string of JSON.
SECTION = re.compile(r"""\[((?:[^\[\]"\\\n]|\\.)+)\]\(\.\./\.\./(chapters/[\w-]+)\.ipynb(#[\w-]+)\)""")


def link_to_zips(app, doctree):
    """Make each link of a page to the notebook of an exercise one to its zip."""
    for link in list(doctree.findall(addnodes.pending_xref)):
        if not (notebook := linked_notebook(app.env, link)):
            continue
        app.env.note_dependency(str(notebook))  # the page is read again when the notebook changes or goes
        if is_exercise(Path(app.srcdir, notebook)):
            address = relative_uri(app.builder.get_target_uri(app.env.docname), f"{notebook.parent}.zip")
            link.replace_self(nodes.reference("", "", *link.children, refuri=address, internal=True, classes=["download"]))
        else:
            logger.warning("a link to the exercise %s, which does not exist", notebook, location=link)
            link.replace_self(link.children)


def linked_notebook(env, link):
    """Return the notebook below exercises/ that a Markdown link leads to, seen from the book's folder, or None."""
    if link.get("reftype") != "myst":
        return None
    # MyST has already turned a link to an existing notebook into the name of a document.
    target = f"/{link['reftarget']}.ipynb" if link["refdomain"] == "doc" else link["reftarget"]
    notebook = PurePosixPath(env.relfn2path(target)[0])
    return notebook if notebook.parts[:1] == (EXERCISES,) and notebook.suffix == ".ipynb" else None


def is_exercise(notebook):
    """Say whether this is the notebook of an exercise: it exists and its folder has its name."""
    return notebook.is_file() and notebook.stem == notebook.parent.name


def pack(folder, requirements, book, target):
    """Write an exercise's folder as the zip `target`: no caches, no checkpoints; `book` is the site's address, or empty."""
    files = {requirements.name: requirements.read_bytes()}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in inside.parts):
            files[inside.as_posix()] = path.read_bytes()
    notebook = f"{folder.name}.ipynb"
    files[notebook] = leading_to(book, files[notebook].decode()).encode()
    if book:
        files[BOOK] = book.encode()
    write_zip(target, {f"{folder.name}/{name}": content for name, content in files.items()})


def leading_to(book, notebook):
    """Return a notebook's file, its text, with links to sections that lead to the book's address, or with their titles alone."""
    if not book:
        return SECTION.sub(r"*\1*", notebook)
    address = json.dumps(book, ensure_ascii=False)[1:-1]
    return SECTION.sub(lambda link: f"[{link[1]}]({address}{link[2]}.html{link[3]})", notebook)


def pack_all(app, exception):
    """Put a zip of each exercise into the built site."""
    if exception is not None or app.builder.format != "html":
        return
    source, site = Path(app.srcdir), Path(app.outdir, EXERCISES)
    book = app.config.html_baseurl and app.config.html_baseurl.rstrip("/") + "/"
    shutil.rmtree(site, ignore_errors=True)
    for notebook in filter(is_exercise, source.glob(f"{EXERCISES}/*/*.ipynb")):
        pack(notebook.parent, source / REQUIREMENTS, book, site / f"{notebook.stem}.zip")


def setup(app):
    """Connect both: links when a page is read, zips when the build is done."""
    app.connect("doctree-read", link_to_zips)
    app.connect("build-finished", pack_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
