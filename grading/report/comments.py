"""What a student reads of marks and comments in the gradebook."""


def shown(by_hand, by_checks):
    """Return what was written by hand, then what the checks say."""
    return "\n\n".join(text for text in (by_hand, by_checks) if text)


def marks_on_page(submission):
    """Return what a page needs of the gradebook, as plain data.

    That is "total", with "score" and "max_score" of what is marked, the points that are "waiting", and "late_penalty"; and "cells", which says by grade id
    "score" and "points" of a graded cell, and the task's name ("called"), whether it "waits" to be marked, is "changed" since it was, or was marked "by_hand";
    and the "comment" of an answer. What was written by hand about an answer that waits belongs to another version of it, or is not finished.
    """
    answers = sorted((comment.name for comment in submission.comments), key=len)
    grades = sorted(submission.grades, key=lambda grade: grade.name)
    cells, waiting = {}, set()
    for grade in grades:
        answer = next((name for name in reversed(answers) if grade.name == name or grade.name.startswith(f"{name}-")), grade.name)
        given = grade.manual_score is not None
        mark = {"called": answer, "waits": bool(grade.needs_manual_grade), "changed": bool(grade.needs_manual_grade) and given, "by_hand": overruled(grade)}
        cells[grade.name] = {"score": grade.score, "points": grade.max_score} | mark
        if grade.needs_manual_grade:
            waiting.add(answer)
    for comment in sorted(submission.comments, key=lambda comment: comment.name):
        by_hand = None if comment.name in waiting else comment.manual_comment
        cells.setdefault(comment.name, {})["comment"] = shown(by_hand, comment.auto_comment)
    marked = [grade for grade in grades if not grade.needs_manual_grade]
    most, all_points, penalty = sum(grade.max_score for grade in marked), sum(grade.max_score for grade in grades), submission.late_submission_penalty or 0
    total = {"score": sum(grade.score for grade in marked) - penalty, "max_score": most, "waiting": all_points - most, "late_penalty": penalty}
    return {"cells": cells, "total": total}


def overruled(grade):
    """Say whether somebody gave other points than the checks did; a written answer has points from nobody else."""
    return grade.auto_score is not None and (grade.manual_score is not None or bool(grade.extra_credit))
