"""What an instructor wants to know first, printed when a grading ends."""

from collections import Counter

from grading.report.results import FAILED, GRADED
from grading.report.table import NEEDS_MARKING
from grading.shared.checks.outcomes import count

MOST_NAMED, MOST_MISTAKES = 5, 3


def summary(name, tasks, results, rows, graded_now):
    """Yield lines about a class: how many, which tasks are right, which mistakes are common, what failed, what was repaired.

    tasks: those with a function. results: by student. rows: of the table. graded_now: the number of submissions graded in this run.
    """
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
    for student, result in failed.items():
        yield f"  failed: {student}: {result['reason']}"
    notes = {}
    for student, result in graded.items():
        for note in result["notes"]:
            notes.setdefault(note, []).append(student)
    for note, students in notes.items():
        more = f" and {len(students) - MOST_NAMED} more" if len(students) > MOST_NAMED else ""
        yield f"  note: {', '.join(students[:MOST_NAMED])}{more}: {note}"
