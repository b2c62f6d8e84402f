"""How a course stands: the commands grade a small class in two assignments, and `totals` sums it up."""

import csv
import os
import subprocess
import sys
from datetime import datetime

import pytest

from grading.author import source
from grading.author.source import SOLUTIONS
from grading.collect import times
from grading.report.gradebook import Gradebook
from grading.report.results import Results
from tools import classes

SECOND, THIRD = "02_regression_vs_classification", "03_cross_entropy"
DUE = "2026-11-30T23:59+01:00"


def answers(name, written=True):
    origin = source.read(name)
    texts = {task.name: classes.WRITTEN for task in origin.tasks if task.written} if written else {}
    return classes.answered(name, classes.model_answers(origin) | texts)


def dated(submitted, student, name, time):
    for path in (submitted / student / name).iterdir():
        os.utime(path, (seconds := datetime.fromisoformat(time).timestamp(), seconds))


def totals(submitted, out):
    """Return the rows of totals.csv by student, and what the command says."""
    command = [sys.executable, "-m", "grading", "totals", "--submitted", submitted, "--out", out]
    run = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    with open(out / "totals.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}, run.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("totals")
    submitted, out = folder / "submitted", folder / "graded"
    for student in ("ada", "emmy", "lise"):
        classes.hand_in(submitted, student, SECOND, answers(SECOND, written=student != "ada"))
    for student in ("ada", "emmy"):
        classes.hand_in(submitted, student, THIRD, answers(THIRD, written=False))
    classes.hand_in(submitted, "-1+1", SECOND, classes.exercise(THIRD))  # another assignment's
    (submitted / "names.csv").write_text('folder,name\nada,"Lovelace, Ada"\nnoether,Gone\n')
    dated(submitted, "ada", SECOND, "2026-11-30T22:00+00:00")
    dated(submitted, "emmy", SECOND, "2026-12-02T01:29+01:00")
    for name, options in ((SECOND, ["--due", DUE]), (THIRD, [])):
        code, said = classes.grade(name, submitted, out, *options)
        assert code == 0, said
    mark = Gradebook(out, SECOND, SOLUTIONS)
    by_hand(out, mark, "lise", 2.5)
    classes.hand_in(submitted, "emmy", THIRD, answers(THIRD))  # again, and not graded since
    classes.hand_in(submitted, "grace", SECOND, answers(SECOND))
    found, said = totals(submitted, out)
    return submitted, out, found, said


def by_hand(out, gradebook, student, points):
    """Mark all written answers of a student, as formgrader does."""
    from nbgrader import api

    with api.Gradebook(gradebook._url) as book:
        for grade in book.find_submission_notebook(gradebook.name, gradebook.name, student).grades:
            if grade.needs_manual_grade:
                grade.manual_score, grade.needs_manual_grade = points, False
        book.db.commit()


def of(row, name):
    return {title.removeprefix(f"{name} "): value for title, value in row.items() if title.startswith(name)}


def test_totals_have_a_row_for_everybody_and_a_number_for_nobody_who_waits_or_failed(course):
    _, _, found, said = course
    assert list(found) == ["'-1+1", "ada", "emmy", "grace", "lise", "noether"]
    states = {student: (row["points"], row["status"], of(row, SECOND)["status"], of(row, THIRD)["status"]) for student, row in found.items()}
    assert states == {
        "'-1+1": ("", "failed", "failed", "nothing handed in"),
        "ada": ("28", "graded", "graded", "graded"),
        "emmy": ("", "changed", "needs-marking", "changed"),
        "grace": ("", "not graded", "not graded", "nothing handed in"),
        "lise": ("19", "graded", "graded", "nothing handed in"),
        "noether": ("", "nothing handed in", "nothing handed in", "nothing handed in"),
    }
    assert found["ada"]["name"] == "Lovelace, Ada"
    emmy = of(found["emmy"], SECOND)
    assert (emmy["points"], emmy["so_far"], emmy["waiting"], emmy["max_points"]) == ("", "14", "6", "20")
    assert {of(found[student], SECOND)["so_far"] + found[student]["so_far"] for student in ("'-1+1", "grace", "noether")} == {""}
    assert f"  {SECOND}: 1 nothing handed in, 2 graded, 1 needs-marking, 1 not graded, 1 failed" in said


def test_totals_say_how_late_and_whose_time_it_is(course):
    _, _, found, _ = course
    ada, emmy = of(found["ada"], SECOND), of(found["emmy"], SECOND)
    assert (ada["late_by_hours"], ada["time_from"]) == ("0.00", "file")
    assert (emmy["late_by_hours"], emmy["time_from"]) == ("25.50", "file")
    assert (found["ada"]["late"], found["emmy"]["late"]) == ("0", "1")
    assert of(found["ada"], THIRD)["late_by_hours"] == ""  # nobody has said when it is due


def test_export_says_whose_page_is_older_than_the_marks(course):
    submitted, out, _, _ = course
    command = [sys.executable, "-m", "grading", "export", SECOND, "--submitted", submitted, "--out", out]
    run = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True, timeout=120)
    assert "  lise: marked since the pages were made." in run.stdout, run.stdout + run.stderr


def test_a_time_of_the_lms_counts_until_somebody_changes_what_was_collected(course, tmp_path):
    submitted, out, _, _ = course
    folder = submitted / "lise" / SECOND
    fingerprint = times.fingerprint_of(folder)
    at = datetime.fromisoformat("2026-12-01T05:59+01:00")
    times.keep(submitted, SECOND, [times.Collected("lise", "moodle", "=x", 1, at, "worksheet", "", fingerprint)])
    row = of(totals(submitted, out)[0]["lise"], SECOND)
    assert (row["handed_in"], row["late_by_hours"], row["time_from"]) == ("2026-12-01 05:59+01:00", "6.00", "worksheet")
    assert times.collected(submitted, SECOND)["lise"].file == "=x"
    (folder / "notes.txt").write_text("by e-mail")
    assert of(totals(submitted, out)[0]["lise"], SECOND)["time_from"] == "file"


@pytest.mark.parametrize("file", ["due.csv", f"{SECOND}.csv", "names.csv"])
def test_a_damaged_table_is_named_with_its_line(course, file):
    submitted, out, _, _ = course
    path = submitted / file
    before = path.read_bytes() if path.exists() else None
    header = {"due.csv": "assignment,due", "names.csv": "folder,name"}.get(file, ",".join(times.Collected._fields))
    damage = {"due.csv": f"{SECOND},tomorrow", "names.csv": ",nobody"}.get(file, "ada,moodle,x,several,,,,")
    try:
        path.write_text(f"{header}\n{damage}\n")
        command = [sys.executable, "-m", "grading", "totals", "--submitted", submitted, "--out", out]
        run = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True, timeout=120)
        assert run.returncode == 1
        assert file in run.stderr and "line 2" in run.stderr and len(run.stderr.splitlines()) == 1, run.stderr
    finally:
        path.write_bytes(before) if before is not None else path.unlink()


def test_a_due_date_keeps_its_seconds(tmp_path):
    times.set_due(tmp_path, SECOND, when := times.parse_due("2026-12-01T23:59:59+01:00"))
    assert times.due(tmp_path, SECOND) == when


def test_where_there_is_nothing_no_table_is_made(tmp_path):
    command = [sys.executable, "-m", "grading", "totals", "--submitted", tmp_path / "elsewhere", "--out", tmp_path / "graded"]
    run = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1 and "--submitted" in run.stderr and len(run.stderr.splitlines()) == 1, run.stderr
    assert not (tmp_path / "graded" / "totals.csv").exists()


def test_a_damaged_result_is_none(tmp_path):
    for content in ("{}", "[1]", "nul", ""):
        (tmp_path / "ada.json").write_text(content)
        assert Results(tmp_path).read("ada") is None


def test_who_failed_and_hands_in_again_has_changed_and_no_number(course):
    submitted, out, _, _ = course
    path = submitted / "-1+1" / SECOND / f"{SECOND}.ipynb"
    before = path.read_bytes()
    try:
        classes.hand_in(submitted, "-1+1", SECOND, answers(SECOND))
        row = totals(submitted, out)[0]["'-1+1"]
        assert (of(row, SECOND)["status"], of(row, SECOND)["points"], of(row, SECOND)["so_far"], row["so_far"]) == ("changed", "", "", "")
    finally:
        path.write_bytes(before)


def test_a_damaged_due_date_is_named_before_anything_is_graded(tmp_path):
    classes.hand_in(tmp_path / "submitted", "ada", SECOND, classes.exercise(SECOND))
    (tmp_path / "submitted" / "due.csv").write_text(f"assignment;due\n{SECOND};01.12.2026 23:59\n")
    code, said = classes.grade(SECOND, tmp_path / "submitted", tmp_path / "graded")
    assert code == 1 and "due.csv, line 2: '01.12.2026 23:59'" in said and not (tmp_path / "graded" / SECOND / "results").exists(), said
