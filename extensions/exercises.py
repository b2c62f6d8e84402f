"""Sphinx extension: a link to an exercise's notebook downloads the exercise.

A page links to `exercises/NAME/NAME.ipynb` in plain Markdown, which JupyterLab opens. On the site that link leads to
`exercises/NAME.zip`, made with every build: the folder NAME, with requirements.txt added, is all that a student needs.
A link to an exercise that does not exist is a warning.
"""

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


def pack(folder, requirements, target):
    """Write an exercise's folder as the zip `target`: no caches, no checkpoints."""
    files = {f"{folder.name}/{requirements.name}": requirements}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in inside.parts):
            files[f"{folder.name}/{inside.as_posix()}"] = path
    write_zip(target, files)


def pack_all(app, exception):
    """Put a zip of each exercise into the built site."""
    if exception is not None or app.builder.format != "html":
        return
    source, site = Path(app.srcdir), Path(app.outdir, EXERCISES)
    shutil.rmtree(site, ignore_errors=True)
    for notebook in filter(is_exercise, source.glob(f"{EXERCISES}/*/*.ipynb")):
        pack(notebook.parent, source / REQUIREMENTS, site / f"{notebook.stem}.zip")


def setup(app):
    """Connect both: links when a page is read, zips when the build is done."""
    app.connect("doctree-read", link_to_zips)
    app.connect("build-finished", pack_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
