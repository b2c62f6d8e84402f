"""nbgrader's settings for the pages of formgrader and feedback, and all settings for formgrader and nbgrader's commands in a graded folder."""

from importlib.util import find_spec
from pathlib import Path

from grading.author import settings as author
from grading.shared.files import ROOT

NBGRADER = Path(find_spec("nbgrader").origin).parent  # which is not loaded here: that takes most of a second

SETTINGS = {
    "GenerateFeedback.preprocessors": ["grading.report.exporter.GetMarks", "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"],
    "HTMLExporter.filters": {"markdown2html": "grading.report.pages.markdown2html"},
    "HTMLExporter.template_file": "page.html.j2",  # ours, which extends nbgrader's
    "HTMLExporter.extra_template_basedirs": [str(Path(__file__).with_name("templates")), str(NBGRADER / "server_extensions" / "formgrader" / "templates")],
}

CONFIGURATION = """\
# Written by `python -m grading` at every run: in this folder, formgrader and nbgrader's commands know the course.
import sys
from pathlib import Path

sys.path.append({project!r})
import grading.report.formgrader

c = get_config()
c.CourseDirectory.root = str(Path(__file__).absolute().parent)
c.CourseDirectory.source_directory = {source!r}
{settings}
"""


def configuration(source_directory):
    """Return the text of an nbgrader_config.py for a folder whose assignments come from there."""
    lines = [f"c.{name} = {value!r}" for name, value in (author.SETTINGS | SETTINGS).items()]
    return CONFIGURATION.format(project=str(ROOT), source=source_directory, settings="\n".join(lines))
