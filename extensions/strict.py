"""Sphinx extension: what Jupyter Book lets through and this book does not.

- An error among a notebook's outputs is a warning, which a strict build turns into a failure.
- After a build with warnings nothing of it is reused. Otherwise the same build, run again, would not read the faulty
  pages anew and would pass.
"""

import json
from pathlib import Path

from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.util import logging

logger = logging.getLogger(__name__)


def warn_of_error_outputs(app, docname, source):
    """Warn of each code cell whose outputs contain an error."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    for index, cell in enumerate(json.loads(source[0])["cells"]):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                logger.warning("cell %d ended with %s: %s", index + 1, output["ename"], output["evalue"], location=docname)


def forget_a_faulty_build(app, exception):
    """Make the next build start from nothing if this one had warnings."""
    if app._warncount:
        Path(app.doctreedir, ENV_PICKLE_FILENAME).unlink(missing_ok=True)


def setup(app):
    """Connect both."""
    app.connect("source-read", warn_of_error_outputs)
    app.connect("build-finished", forget_a_faulty_build)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
