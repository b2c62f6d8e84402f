"""Sphinx extension: the site offers its PDF, made by `make pdf`, as long as it says what the site says.

A build leaves a note of the files it was made from, as one hash, and `make pdf` names the PDF by it. So a PDF of an older book
is not found, and not offered.
"""

import shutil
from hashlib import sha256
from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)

FOLDERS = ("chapters", "extensions", "_static", "_templates", "vendor")
SOURCES = ("_config.yml", "_toc.yml", "intro.md", "references.bib", "requirements.txt", "tools/paper.*", *(f"{folder}/**/*.*" for folder in FOLDERS))
CACHES = {"__pycache__", ".ipynb_checkpoints"}
PDF = "loss-functions.pdf"


def look_for_pdf(app, config):
    """Tell the templates of a PDF that was made from the same files."""
    app.paper = Path(app.outdir).parent / "paper" / f"{digest(Path(app.srcdir))}.pdf"
    if app.paper.exists():
        config.html_context["paper"] = PDF


def digest(book):
    """Return the hash of all files that the pages are made from."""
    files = sorted({path for pattern in SOURCES for path in book.glob(pattern) if path.is_file() and not CACHES & set(path.parts)})
    contents = (f"{path.relative_to(book).as_posix()} {sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    return sha256("".join(contents).encode()).hexdigest()[:16]


def offer(app, exception):
    """Put the PDF into the site, or take an old one out of it; leave the note."""
    if exception is not None or app.builder.format != "html":
        return
    folder = app.paper.parent
    folder.mkdir(exist_ok=True)
    (folder / "name").write_text(app.paper.name, encoding="utf-8")
    offered = Path(app.outdir, PDF)
    offered.unlink(missing_ok=True)
    if app.paper.exists():
        shutil.copyfile(app.paper, offered)
    elif list(folder.glob("*.pdf")):
        logger.info("the PDF of the book is older than the book and not offered: make pdf")


def setup(app):
    """Look before pages are written, copy when they are."""
    app.connect("config-inited", look_for_pdf)
    app.connect("build-finished", offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
