"""The table of a class: grades.csv."""

import csv
import io
from typing import NamedTuple

from grading.report.results import FAILED, GRADED
from grading.shared.checks.verdicts import NOT_ATTEMPTED
from grading.shared.files import write

NEEDS_MARKING = "needs-marking"


class Row(NamedTuple):
    """A row of grades.csv."""

    student: str
    task: str
    points: str
    max_points: float
    status: str
    message: str


def rows(student, tasks, result, marks):
    """Return a student's rows of the table; `marks` are those in the gradebook, by the grade id of the graded cell."""
    if result["status"] == FAILED:
        return [Row(student, task.name, "", task.points, FAILED, result["reason"]) for task in tasks]
    return [row(student, task, marks[task.check], result) for task in tasks]


def row(student, task, mark, result):
    if mark.needs_marking:
        return Row(student, task.name, "", task.points, NEEDS_MARKING, "")
    message = mark.comment if task.written else result["messages"][task.name]
    if task.written and not message and not mark.points:
        message = NOT_ATTEMPTED.summary
    return Row(student, task.name, f"{mark.points:g}", task.points, GRADED, message)


def write_table(path, rows):
    """Write the table in one step. A text that a spreadsheet would compute begins with an apostrophe."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(Row._fields)
    writer.writerows([harmless_to_spreadsheets(value) for value in row] for row in rows)
    write(path, table.getvalue().encode())


def harmless_to_spreadsheets(value):
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
