"""The table of a class: grades.csv."""

import re
from typing import NamedTuple

from grading.report.results import FAILED, GRADED
from grading.shared import tables
from grading.shared.checks.verdicts import NOT_ATTEMPTED

NEEDS_MARKING, BY_HAND = "needs-marking", "by hand"


class Row(NamedTuple):
    """A row of grades.csv."""

    student: str
    task: str
    points: str
    max_points: float
    status: str
    message: str
    mistake: str = ""
    notes: str = ""


def rows(student, tasks, result, marks):
    """Return a student's rows of the table; `marks` are those in the gradebook, by the grade id of the graded cell."""
    notes = notes_by_task(result.get("notes", []), [task.name for task in tasks])
    if result["status"] == FAILED:
        return [Row(student, task.name, "", task.points, FAILED, result["reason"], "", notes[task.name]) for task in tasks]
    return [row(student, task, marks[task.check], result)._replace(notes=notes[task.name]) for task in tasks]


def row(student, task, mark, result):
    mistake = " ".join(result["mistakes"].get(task.name, []))
    if mark.needs_marking:
        return Row(student, task.name, "", task.points, NEEDS_MARKING, "", mistake)
    if task.written:
        message = mark.comment if mark.by_hand or mark.comment or mark.points else NOT_ATTEMPTED.summary
    else:
        message = ": ".join(filter(None, (BY_HAND, mark.remark))) if mark.overruled else result["messages"][task.name]
    return Row(student, task.name, f"{mark.points:g}", task.points, GRADED, message, mistake)


def notes_by_task(notes, tasks):
    """Return what the notes say of each task: those that begin with the name of one of its cells are about it alone, all others about every task."""
    about = {note: next((task for task in tasks if re.match(rf"{re.escape(task)}(-[\w-]+)?: ", note)), None) for note in notes}
    return {task: "; ".join(note for note in notes if about[note] in (task, None)) for task in tasks}


def write_table(path, rows):
    """Write the table in one step, as spreadsheets read it."""
    tables.write_table(path, Row._fields, rows)
