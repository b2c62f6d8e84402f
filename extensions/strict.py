"""Sphinx extension: what Jupyter Book overlooks and this book does not.

- An error among a notebook's outputs is a warning, which a strict build turns into a failure.
- After a build with warnings nothing of it is reused. Otherwise the same build, run again, would not read the faulty
  pages anew and would pass.
- A change of a style sheet, a script or another file that the site only serves is built, too.
"""

import json
from hashlib import sha256
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


def notice_served_files(app, env, added, changed, removed):
    """Read the first page anew if a served file has changed, since Sphinx builds nothing when all pages are as they were."""
    folders = [Path(app.confdir, folder) for folder in (*app.config.html_static_path, *app.config.html_extra_path)]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    served = sha256(b"".join(str(path).encode() + sha256(path.read_bytes()).digest() for path in files)).hexdigest()
    before, env.served_files = getattr(env, "served_files", served), served
    return [app.config.root_doc] if before != served else []


def setup(app):
    """Connect all three."""
    app.connect("source-read", warn_of_error_outputs)
    app.connect("build-finished", forget_a_faulty_build)
    app.connect("env-get-outdated", notice_served_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
