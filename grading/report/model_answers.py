"""The model answers of a solution notebook and what earned points, as cells of a page that is given back after the deadline."""

import json
import re

from grading.author import source
from grading.shared.cells import about, is_written, source_of
from grading.shared.checks.outcomes import count
from grading.shared.links import without_addresses

MARKERS = re.compile(r"(?m)^[ \t]*### (?:BEGIN|END) SOLUTION[ \t]*\n?")


def model_answers(name, solutions):
    """Return a cell for each task of solutions/NAME/NAME.ipynb, as plain data, by the grade id of the task's graded cell. Raises SourceError."""
    origin = source.outline(name, solutions)
    written = {cell.name: cell.source for cell in origin.cells if cell.role == source.WRITTEN}
    schemes, found = rubrics(origin.path), {}
    for task in origin.tasks:
        answer = MARKERS.sub("", written[task.name] if task.written else task.source).strip("\n")
        answer = answer if task.written else f"```python\n{answer}\n```"
        earned = schemes.get(task.name, "") if task.written else f"**What earned points.** {of_function(task)}"
        text = without_addresses("\n\n".join(filter(None, (answer, earned))))
        found[task.check] = {"cell_type": "markdown", "id": f"model-{task.name}", "metadata": {"grading": {"model": task.name}}, "source": text}
    return found


def of_function(task):
    """Say for what a function earns its points."""
    points = "Its point" if task.points == 1 else f"All {count(task.points, 'point', 'points')}"
    if task.bar is not None:
        return f"{points} for at least {task.bar:g} on data that no training saw, by this way or any other; otherwise none."
    return f"{points} for what this function returns, in the cases that you saw and in new ones, by this way or any other; otherwise none."


def rubrics(path):
    """Return the marking schemes in a solution notebook, by the grade id of the written answer before them."""
    found, task = {}, None
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else []
    for cell in cells:
        task = about(cell)["grade_id"] if is_written(cell) else task
        if "rubric" in cell["metadata"].get("tags", []):
            found[task] = "\n\n".join(filter(None, (found.get(task), source_of(cell))))
    return found


def with_models(cells, models):
    """Return the cells of a page with each model answer behind all that a student wrote for its task. `models`: as `model_answers` returns them."""
    found, waiting = [], None
    for cell in cells:
        name = about(cell).get("grade_id")
        if name and waiting:
            found.append(waiting)
            waiting = None
        found.append(cell)
        waiting = models.get(name, waiting)
    return [*found, waiting] if waiting else found
