"""nbgrader's settings for making an exercise of its source."""

from traitlets.config import Config

from grading.author.source import ALTERNATIVES, CASES, HELPERS, MISTAKES

# Cells with these tags are the source's own: never part of the exercise.
SOURCE_ONLY = ["source-only", HELPERS, CASES, MISTAKES, ALTERNATIVES, "rubric"]
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
}


def config_of(settings):
    """Return settings as nbgrader's classes take them."""
    config = Config()
    for name, value in settings.items():
        whose, what = name.split(".")
        config[whose][what] = value
    return config
