"""The table of a course: totals.csv, a row for each student, over all assignments."""

from pathlib import Path

from grading.author.source import assignments
from grading.collect.handed_in import Refused
from grading.collect.people import People
from grading.report.results import FAILED, GRADED
from grading.report.standing import CHANGED, NEEDS_MARKING, NOT_GRADED, NOTHING, standings
from grading.shared.checks.outcomes import count
from grading.shared.tables import write_table
from grading.shared.text import text

OF_EACH = ("points", "so_far", "max_points", "waiting", "status", "handed_in", "late_by_hours", "time_from")
OF_ALL = ("student", "name", "points", "so_far", "max_points", "waiting", "status", "handed_in", "late")
WORST_FIRST = (FAILED, CHANGED, NOT_GRADED, NEEDS_MARKING, GRADED, NOTHING)


def totals(submitted, out):
    """Write OUT/totals.csv, and yield lines about it. Raises Refused and Problem."""
    of_class = {name: standings(name, submitted, out) for name in assignments() if is_used(name, submitted, out)}
    if not of_class:
        raise Refused(f"nothing is handed in below {text(str(submitted))} and nothing graded in {text(str(out))}: name your folders with --submitted and --out")
    people = People.read(submitted)
    by_student = {}
    for name, found in of_class.items():
        for one in found:
            by_student.setdefault(one.student, {})[name] = one
    header = [*OF_ALL, *(f"{name} {title}" for name in of_class for title in OF_EACH)]
    table = [row(student, people.of(student), [by_student[student].get(name) for name in of_class]) for student in sorted(by_student)]
    path = Path(out, "totals.csv")
    write_table(path, header, table)
    yield f"Totals of {count(len(table), 'student', 'students')} in {count(len(of_class), 'assignment', 'assignments')}: {path}"
    for name, found in of_class.items():
        states = {status: [one for one in found if one.status == status] for status in reversed(WORST_FIRST)}
        yield f"  {name}: " + ", ".join(f"{len(those)} {status}" for status, those in states.items() if those)


def is_used(name, submitted, out):
    """Say whether an assignment was graded, or at least handed in by somebody."""
    return Path(out, name, "results").exists() or any(Path(submitted).glob(f"*/{name}"))


def row(student, person, found):
    """Return a student's row; found: a Standing, or None, for each assignment."""
    known = [one for one in found if one]
    status = min((one.status for one in known), key=WORST_FIRST.index)
    points = sum(one.points or 0 for one in known) if status == GRADED else None
    handed_in = sum(1 for one in known if one.status != NOTHING)
    late = sum(1 for one in known if one.late_by or (one.late_by is None and one.late))
    most, waiting = (sum(getattr(one, field) for one in known) for field in ("max_points", "waiting"))
    so_far = sum(one.so_far for one in known) if any(map(is_marked, known)) else None
    cells = [student, person.name if person else "", number(points), number(so_far), number(most), number(waiting), status, handed_in, late]
    return [*cells, *(cell for one in found for cell in cells_of(one))]


def cells_of(one):
    """Return the cells of one assignment. A number is only where something was graded."""
    if not one:
        return [""] * len(OF_EACH)
    at = one.handed_in.isoformat(sep=" ", timespec="minutes") if one.handed_in else ""
    late_by = one.late if one.late_by is None else f"{one.late_by.total_seconds() / 3600:.2f}"
    so_far = number(one.so_far) if is_marked(one) else ""
    return [number(one.points), so_far, number(one.max_points), number(one.waiting), one.status, at, late_by, one.time_from]


def is_marked(one):
    return any(row.status != FAILED for row in one.rows)


def number(value):
    return "" if value is None else f"{value:g}"
