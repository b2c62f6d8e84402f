"""nbgrader's settings, in one place: for `make exercises`, for grading, and for formgrader and nbgrader's commands in a graded folder."""

from pathlib import Path

import nbgrader.server_extensions.formgrader.handlers as formgrader
from traitlets.config import Config

from grading.source import ALTERNATIVES, CASES, MISTAKES

HERE = Path(__file__).absolute().parent

# Cells with these tags are the source's own: never part of the exercise.
SOURCE_ONLY = ["source-only", CASES, MISTAKES, ALTERNATIVES, "rubric"]
CODE_STUB = "raise NotImplementedError  # your code here, in place of this line"
TEXT_STUB = "*Your answer here, in place of this line.*"

# Plain values, which an nbgrader_config.py can hold.
SETTINGS = {
    # The order counts: tagged cells go before anything looks at them, and checksums are of the released cells.
    "GenerateAssignment.preprocessors": [
        "nbconvert.preprocessors.TagRemovePreprocessor",
        "nbgrader.preprocessors.LockCells",
        "nbgrader.preprocessors.ClearSolutions",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.CheckCellMetadata",
        "nbgrader.preprocessors.ComputeChecksums",
        "nbgrader.preprocessors.SaveCells",
    ],
    "TagRemovePreprocessor.enabled": True,
    "TagRemovePreprocessor.remove_cell_tags": SOURCE_ONLY,
    "ClearSolutions.code_stub": {"python": CODE_STUB},
    "ClearSolutions.text_stub": TEXT_STUB,
    "GenerateFeedback.preprocessors": ["grading.feedback.GetMarks", "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"],
    # The pages of formgrader and feedback.
    "HTMLExporter.filters": {"markdown2html": "grading.pages.markdown2html"},
    "HTMLExporter.extra_template_basedirs": [str(HERE / "templates"), formgrader.template_path],
}

CONFIGURATION = """\
# Written by `python -m grading` at every run: in this folder, formgrader and nbgrader's commands know the course.
import sys
from pathlib import Path

sys.path.append({project!r})
import grading.formgrader

c = get_config()
c.CourseDirectory.root = str(Path(__file__).absolute().parent)
c.CourseDirectory.source_directory = {source!r}
{settings}
"""


def settings():
    """Return the settings as nbgrader's classes take them."""
    config = Config()
    for name, value in SETTINGS.items():
        whose, what = name.split(".")
        config[whose][what] = value
    return config


def configuration(source_directory):
    """Return the text of an nbgrader_config.py for a folder whose assignments come from there."""
    lines = [f"c.{name} = {value!r}" for name, value in SETTINGS.items()]
    return CONFIGURATION.format(project=str(HERE.parent), source=source_directory, settings="\n".join(lines))
