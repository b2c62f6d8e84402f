"""Sphinx extension: a figure becomes an explorer, an interactive figure, where scripts run.

A code cell with the tag `explorer:NAME` draws a figure with a caption. Its page gets a place for the explorer
`explorers/NAME.js` within that figure; _static/book.js fetches the module when the place comes near the screen. Until
then, on paper and without scripts, the figure stands.
"""

import shutil
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

TAG = "explorer:"
FOLDER = "explorers"
PLACE = '<div class="explorer" id="explorer" data-explorer="{}"></div>'


def make_places(app, doctree):
    """Put the place of its explorer before the caption of each tagged figure."""
    for cell in doctree.findall(nodes.container):
        for tag in cell.get("cell_metadata", {}).get("tags", []):
            if not tag.startswith(TAG):
                continue
            name = tag.removeprefix(TAG)
            caption = next(iter(cell.findall(nodes.caption)), None)
            if caption is None:
                logger.warning("the cell of the explorer %r draws no figure with a caption", name, location=cell)
            elif not Path(app.srcdir, FOLDER, f"{name}.js").is_file():
                logger.warning("there is no explorer %s/%s.js", FOLDER, name, location=cell)
            else:
                caption.parent.insert(caption.parent.index(caption), nodes.raw("", PLACE.format(name), format="html"))


def copy_modules(app, exception):
    """Put the explorers' modules into the built site."""
    source, site = Path(app.srcdir, FOLDER), Path(app.outdir, FOLDER)
    if exception is None and app.builder.format == "html" and source.is_dir():
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(source, site)


def setup(app):
    """Connect both: places when a page is read, modules when the build is done."""
    app.connect("doctree-read", make_places)
    app.connect("build-finished", copy_modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
