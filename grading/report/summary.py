"""What an instructor wants to know first, printed when a grading ends."""

import re
from collections import Counter

from grading.report.results import FAILED, GRADED
from grading.report.table import NEEDS_MARKING
from grading.shared.checks.outcomes import count

MOST_NAMED, MOST_MISTAKES, MOST_CAUSES, MOST_NOTES = 5, 3, 10, 15
NEARLY_ALL = 0.9


def summary(name, tasks, results, rows, graded_now):
    """Yield lines about a class: how many, which tasks are right, which mistakes are common, what several have met, what failed, what was repaired.

    tasks: those with a function. results: by student. rows: of the table. graded_now: the number of submissions graded in this run.
    """
    results = dict(sorted(results.items()))  # as they came in differs from run to run
    graded = {student: result for student, result in results.items() if result["status"] == GRADED}
    failed = {student: result for student, result in results.items() if result["status"] == FAILED}
    waiting = {row.student for row in rows if row.status == NEEDS_MARKING}
    total = count(len(results), "submission", "submissions")
    yield f"{name}: {total}, {graded_now} of them graded now, {len(failed)} failed, {len(waiting)} with answers to mark by hand."
    for task in tasks:
        right = [float(row.points) == task.points for row in rows if row.task == task.name and row.status == GRADED]
        yield f"  {task.name:28}right: {sum(right)} of {len(right)}"
        mistakes = Counter(sentence for result in graded.values() for sentence in result["mistakes"].get(task.name, []))
        for mistake, times in mistakes.most_common(MOST_MISTAKES):
            if times > 1:
                yield f"      {times} times: {mistake}"
    yield from causes(graded)
    for student, result in failed.items():
        yield f"  failed: {student}: {result['reason']}"
    yield from notes(graded)


def causes(graded):
    """Yield a line for each cause of lost points that others may share, the most frequent first."""
    for said, students in met(graded)[:MOST_CAUSES]:
        yield f"  {said}: {some(students)}"


def met(graded):
    """Return pairs of what hand-ins have met, and the students, those of most first."""
    causes = {}
    for student, result in graded.items():
        for cause in result.get("causes", []):
            causes.setdefault(cause, []).append(student)
    found = []
    for cause, students in sorted(causes.items(), key=lambda each: -len(each[1])):
        verb, _, rest = cause.partition(" ")
        found.append((f"{count(len(students), 'hand-in', 'hand-ins')} {verb}{'s' if len(students) == 1 else ''} {rest}", students))
    return found


def notes(graded):
    """Yield a line for each kind of note."""
    found = kinds(graded)
    for said, students in found[:MOST_NOTES]:
        all_of_them = len(students) > MOST_NAMED and len(students) >= NEARLY_ALL * len(graded)
        yield f"  note: {f'{len(students)} of {len(graded)}' if all_of_them else some(students)}: {said}"
    if len(found) > MOST_NOTES:
        yield f"  {count(len(found) - MOST_NOTES, 'more note is', 'more notes are')} in the table."


def kinds(graded):
    """Return pairs of a kind of note and its students, those of most first. Notes that begin with a cell's name and go on alike are one kind."""
    found = {}
    for student, result in graded.items():
        for note in result["notes"]:
            cell, said = re.fullmatch(r"(?:([\w-]+): )?(.*)", note, re.S).groups()
            students, cells = found.setdefault(said, ({}, {}))
            students[student] = cells[cell] = None
    ordered = []
    for said, (students, cells) in sorted(found.items(), key=lambda each: -len(each[1][0])):
        named = list(filter(None, cells))
        said = f"{named[0]}: {said}" if len(cells) == 1 and named else f"{said} ({some(named)})" if named else said
        ordered.append((said, list(students)))
    return ordered


def some(names):
    """Return a list of names, the first few of many."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
