"""How each student of a class stands in an assignment: what is marked, what waits, what failed, and when it was handed in."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from grading.author import source
from grading.author.source import SOLUTIONS
from grading.collect import folders, times
from grading.collect.folders import NO_SUBMISSION
from grading.collect.handed_in import Refused
from grading.collect.people import People
from grading.collect.times import fingerprint_of
from grading.report.gradebook import Gradebook
from grading.report.results import FAILED, GRADED, Results
from grading.report.table import NEEDS_MARKING, rows

CHANGED, NOT_GRADED, NOTHING = "changed", "not graded", "nothing handed in"
OF_RULES = 3  # parts at the end of a result's key that do not depend on what was handed in


class Standing(NamedTuple):
    """A student in an assignment.

    status: "graded", "needs-marking", "failed", "changed" (handed in again since it was graded), "not graded" or "nothing handed in". points: of all
    tasks, None unless all is marked. so_far: points of what is marked. waiting: points that wait for a marker. rows: of the table. result: what is kept
    of the run. handed_in: None where nobody knows, time_from: whom it is from, late_by: None where that is unknown, late: what the LMS itself says.
    """

    student: str
    status: str
    points: float | None = None
    so_far: float = 0.0
    max_points: float = 0.0
    waiting: float = 0.0
    rows: tuple = ()
    result: dict = {}
    handed_in: datetime | None = None
    time_from: str = ""
    late_by: timedelta | None = None
    late: str = ""


def standings(name, submitted, out, gradebook=None):
    """Return a Standing for each student who has a folder in `submitted` or is named in its names.csv, sorted. Raises Refused and Problem."""
    origin = source.outline(name)
    handed_in = {student.name: student for student in those_with_folders(submitted, name)}
    if not gradebook and Path(out, name, "results").exists():
        gradebook = Gradebook(out, name, SOLUTIONS)
    marks = gradebook.marks_of_all() if gradebook else {}
    collected, due = times.collected(submitted, name), times.due(submitted, name)
    results = Results(Path(out, name, "results"))
    found = []
    for called in sorted({*handed_in, *(person.folder for person in People.read(submitted))}):
        student = handed_in.get(called)
        there = fingerprints(student.folders) if student else []
        one = stand(called, student, there, origin.tasks, results, marks.get(called))
        if there:
            one = one._replace(**when(student.folders, there, collected.get(called), due))
        found.append(one)
    return found


def those_with_folders(submitted, name):
    try:
        return folders.students(submitted, name)
    except Refused:
        return []


def fingerprints(holding):
    """Return the fingerprints of these folders, none where a file cannot be read: then it could not be graded either."""
    try:
        return [fingerprint_of(folder) for folder in holding]
    except OSError:
        return []


def stand(called, student, there, tasks, results, marks):
    """Return a student's Standing, but for the times. there: fingerprints of the folders. marks: those in the gradebook, None if there are none."""
    most = float(sum(task.points for task in tasks))
    if not student or (not student.folders and student.reason.startswith(NO_SUBMISSION)):
        return Standing(called, NOTHING, max_points=most)
    result = results.read(called) if student.folders else {"status": FAILED, "reason": student.reason}
    if not result or (result["status"] == GRADED and not marks):
        return Standing(called, NOT_GRADED, max_points=most)
    table = rows(called, tasks, result, marks)
    marked = [float(row.points) for row in table if row.status == GRADED]
    waiting = float(sum(row.max_points for row in table if row.status == NEEDS_MARKING))
    status = CHANGED if is_changed(there, result) else result["status"] if not waiting else NEEDS_MARKING
    points = sum(marked) if status == GRADED else None
    return Standing(called, status, points, sum(marked), most, waiting, tuple(table), result)


def is_changed(there, result):
    """Say whether what lies there is otherwise than what was graded."""
    known = result.get("key", "").split()[:-OF_RULES]
    return bool(known) and known != there


def when(holding, there, taken, due):
    """Return what is known of the time when something was handed in; taken: what was Collected, None if it came otherwise."""
    if taken and [taken.fingerprint] != there:
        taken = None  # it was changed since
    at, time_from, late = (taken.handed_in, taken.time_from, taken.late) if taken else (None, "", "")
    if not taken:
        at, time_from = times.of_files([path for folder in holding for path in folders.files(folder)]), times.FILE
    late_by = max(at - due, timedelta()) if at and due else None
    return {"handed_in": at, "time_from": time_from if at else "", "late_by": late_by, "late": late}
