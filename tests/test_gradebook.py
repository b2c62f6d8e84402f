"""Exercises that nbgrader makes, and its gradebook, formgrader and feedback pages."""

import base64
import copy
import csv
import functools
import logging
import multiprocessing
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader import api
from playwright.sync_api import expect
from sqlalchemy import Engine, event

from grading.author.release import Problem, exercise, generate, make_tables
from grading.author.settings import CODE_STUB, SOURCE_ONLY, TEXT_STUB
from grading.report import database, gradebook
from grading.report.answers import about
from grading.report.exporter import Exporter
from grading.report.gradebook import Gradebook, Mark
from grading.report.sanitize import harmless
from grading.report.table import Row, rows, write_table
from grading.shared.files import ROOT
from tests import formgrader

NAME = "01_small"
SCRIPTS = sysconfig.get_path("scripts")
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(40)).decode()


def cell(make, source, grade_id=None, *, tags=(), points=None, solution=False):
    metadata = {"tags": list(tags)} if tags else {}
    if grade_id is not None:
        about = {"grade_id": grade_id, "grade": points is not None, "solution": solution, "locked": not solution, "task": False, "schema_version": 3}
        metadata["nbgrader"] = about if points is None else about | {"points": points}
    return make(source, metadata=metadata)


def source_cells():
    """Return the cells of a source with one function and one written task; what must not be in the exercise has a word in capitals."""
    return [
        cell(new_markdown_cell, "# Small\n\n$$h_\\theta(x) = \\theta x$$\n\n<details><summary>hint</summary>think</details>", "intro"),
        cell(new_code_cell, "import PATHS", tags=["source-only"]),
        cell(new_markdown_cell, "Return *twice* $x$.", "double-task"),
        cell(new_code_cell, 'def double(x):\n    """Twice x."""\n    ### BEGIN SOLUTION\n    ANSWER\n    ### END SOLUTION', "double", solution=True),
        cell(new_code_cell, 'check("double")', "double-check", points=3),
        cell(new_code_cell, "CASES", tags=["cases"]),
        cell(new_code_cell, "MISTAKES", tags=["mistakes"]),
        cell(new_code_cell, "ALTERNATIVES", tags=["alternatives"]),
        cell(new_markdown_cell, "Why?", "why-task"),
        cell(new_markdown_cell, "### BEGIN SOLUTION\nREASON\n### END SOLUTION", "why", points=2, solution=True),
        cell(new_markdown_cell, "RUBRIC", tags=["rubric"]),
        cell(new_code_cell, "HELPERS", tags=["helpers"]),
    ]


def write_source(folder, cells):
    for number, each in enumerate(cells):
        each["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path = folder / "solutions" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}), path)
    return path


@pytest.fixture
def course(tmp_path):
    """A folder with solutions; its name has what patterns would stumble over."""
    folder = tmp_path / "C++ (2026)"
    write_source(folder, source_cells())
    return folder


@pytest.fixture
def book(course):
    return Gradebook(course / "graded", NAME, course / "solutions")


def submission(book, why=None, double="    return 2 * x"):
    """Return a notebook as it is after its run, with these answers in it."""
    notebook = copy.deepcopy(book.release)
    cells = {each.metadata.nbgrader.grade_id: each for each in notebook.cells}
    cells["double"].source = f"def double(x):\n{double}"
    cells["why"].source = TEXT_STUB if why is None else why
    cells["double-check"].outputs = [nbformat.v4.new_output("stream", text="what the checks say\n")]
    return notebook


def enter(book, student, why=None, points=3, comment=None, **answers):
    book.enter(student, submission(book, why, **answers), {"double-check": points}, {"double": comment} if comment else {})


def by_hand(book, student, task, points=None, comment=None, extra=None):
    """Do what formgrader does when somebody enters a mark or a comment."""
    with api.Gradebook(f"sqlite:///{book.out / 'gradebook.db'}") as theirs:
        if points is not None or extra is not None:
            grade = theirs.find_grade(task, NAME, NAME, student)
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = points, extra, False
        if comment is not None:
            theirs.find_comment(task, NAME, NAME, student).manual_comment = comment
        theirs.db.commit()


def points(book, student):
    return {task: (mark.points, mark.needs_marking) for task, mark in book.marks(student).items()}


def nbgrader(folder, *arguments):
    run = subprocess.run([Path(SCRIPTS, "nbgrader"), *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.returncode == 0, run.stdout


# The exercise


def test_the_exercise_holds_the_tasks_and_none_of_the_answers(course):
    exercise = generate(course, NAME)
    assert exercise == course / "exercises" / NAME / f"{NAME}.ipynb"
    made = nbformat.read(exercise, as_version=4)
    assert not re.search(r"PATHS|HELPERS|ANSWER|CASES|MISTAKES|ALTERNATIVES|REASON|RUBRIC|SOLUTION", exercise.read_text())
    assert [each.id for each in made.cells] == ["cell-0", "cell-2", "cell-3", "cell-4", "cell-8", "cell-9"]
    assert made.cells[2].source == f'def double(x):\n    """Twice x."""\n    {CODE_STUB}'
    assert made.cells[5].source == TEXT_STUB
    assert [each.metadata.get("editable", True) for each in made.cells] == [False, False, True, False, False, True]
    assert {tag for each in source_cells() for tag in each.metadata.get("tags", [])} == set(SOURCE_ONLY)


def test_the_exercise_is_the_same_at_every_run_and_nothing_beside_it_is_touched(course):
    (course / "exercises" / NAME).mkdir(parents=True)
    (course / "exercises" / NAME / "checks.py").write_text("ours")
    (course / "solutions" / NAME / f"{NAME}.py").write_text("ANSWER")
    exercise = generate(course, NAME)
    first, when = exercise.read_bytes(), exercise.stat().st_mtime_ns
    assert generate(course, NAME).read_bytes() == first and exercise.stat().st_mtime_ns == when
    nbgrader_own = course / "graded" / "release" / NAME
    Gradebook(course / "graded", NAME, course / "solutions")
    nbgrader(course / "graded", "generate_assignment", NAME, "--force")
    assert (nbgrader_own / exercise.name).read_bytes() == first
    assert sorted(path.name for path in exercise.parent.iterdir()) == [exercise.name, "checks.py"]


BROKEN = {
    "no end solution statement found": ("### END SOLUTION", "###"),
    "Duplicate grade id: double": ('"double-check"', '"double"'),
    "'many' is not of type 'number'": ('"points": 3', '"points": "many"'),
    "does not appear to be JSON": ('"cells"', '"cells'),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_source_that_nbgrader_refuses_gets_one_clear_line_and_leaves_the_old_exercise(course, reason, capfd, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])  # without pytest's, what nobody listens to goes to the terminal
    before = generate(course, NAME).read_bytes()
    source = course / "solutions" / NAME / f"{NAME}.ipynb"
    source.write_text(source.read_text().replace(*BROKEN[reason]))
    with pytest.raises(Problem, match=f"nbgrader could not make the exercise {NAME}: .*{re.escape(reason)}") as problem:
        generate(course, NAME)
    assert "\n" not in str(problem.value)
    assert (course / "exercises" / NAME / f"{NAME}.ipynb").read_bytes() == before
    assert capfd.readouterr() == ("", "")


def test_a_missing_source_gets_one_clear_line(course):
    with pytest.raises(Problem, match="There is no solutions/02_none/02_none.ipynb in"):
        generate(course, "02_none")


def test_a_new_gradebook_is_as_nbgrader_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", SCRIPTS)  # where the command is that nbgrader asks
    api.Gradebook(f"sqlite:///{tmp_path / 'theirs.db'}").close()
    monkeypatch.setenv("PATH", "")
    make_tables(f"sqlite:///{tmp_path / 'ours.db'}")
    assert contents(tmp_path / "ours.db") == contents(tmp_path / "theirs.db") != ([], [])


def contents(database):
    tables = sqlite3.connect(database).execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [(name, " ".join(sql.split()).rstrip(";")) for name, sql in tables], sqlite3.connect(database).execute("SELECT * FROM alembic_version").fetchall()


def test_the_release_is_made_again_only_when_something_changed_and_without_a_temporary_folder(course, book, monkeypatch):
    made = []
    monkeypatch.setattr(gradebook, "exercise", lambda *arguments: made.append(1) or exercise(*arguments))
    monkeypatch.setattr(tempfile, "mkdtemp", None)
    path = book.out / "release" / NAME / f"{NAME}.ipynb"

    def again():
        made.clear()
        assert Gradebook(book.out, NAME, course / "solutions").release == nbformat.reads(exercise(course, NAME), as_version=4)
        return len(made)

    enter(book, "ada", "Because.")
    assert again() == 0
    source = course / "solutions" / NAME / f"{NAME}.ipynb"
    source.write_text(source.read_text().replace("Return *twice*", "Return *two times*"))
    assert (again(), again()) == (1, 0)
    path.write_text(path.read_text().replace("two times", "thrice"))
    assert (again(), again()) == (1, 0) and "two times" in path.read_text()
    path.unlink()
    assert (again(), again()) == (1, 0)
    with sqlite3.connect(book.out / "gradebook.db") as database:
        database.execute("UPDATE grade_cells SET max_score = 7")
    assert (again(), again()) == (1, 0)
    assert book.marks("ada")["double-check"].max_points == 3
    monkeypatch.setattr(gradebook, "RELEASERS", b"another nbgrader")
    assert (again(), again()) == (1, 0)


LIGHT = """
import sys
from pathlib import Path
from grading.report.gradebook import Gradebook
from grading.report.sanitize import harmless
from grading.report.table import Row, rows, write_table

print(sorted({"nbgrader", "nbconvert", "sqlalchemy", "bs4", "jinja2"} & sys.modules.keys()))
book = Gradebook(*sys.argv[1:])
assert book.marks_of_all()["ada"]["why"].needs_marking and not book.due(["ada"])
print(sorted({"alembic", "grading.report.exporter"} & sys.modules.keys()))
"""


def test_nbgrader_is_loaded_for_the_database_alone_where_nothing_has_changed(course, book):
    enter(book, "ada", "Because.")
    book.feedback("ada")
    run = subprocess.run([sys.executable, "-c", LIGHT, book.out, NAME, course / "solutions"], cwd=ROOT, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n[]\n", "")


# Marks


def test_written_answers_wait_to_be_marked_and_a_missing_one_is_worth_nothing(book):
    enter(book, "ada", "Because.", points=3)
    enter(book, "bob", TEXT_STUB + "\n", points=1.5, comment="the factor is lost")
    enter(book, "cyd", " \n", points=0)
    assert book.marks("ada") == {"double-check": Mark(3, 3, False, ""), "why": Mark(0, 2, True, "")}
    assert book.marks("bob") == {"double-check": Mark(1.5, 3, False, "the factor is lost"), "why": Mark(0, 2, False, "")}
    assert points(book, "cyd") == {"double-check": (0, False), "why": (0, False)}
    assert book.marks("dan") == {}


def placed(book, **cells):
    """Return a submission with cells of the student's own: `above` the question, `below` it, below the `answer`, or below the `function`."""
    notebook = submission(book)
    for place, name in {"above": "why-task", "below": "why-task", "answer": "why", "function": "double"}.items():
        number = next(number for number, each in enumerate(notebook.cells) if about(each).get("grade_id") == name) + (place != "above")
        notebook.cells[number:number] = cells.get(place, [])
    return notebook


def shows(picture, printed=""):
    return new_code_cell("show()", outputs=[new_output("display_data", data={"image/png": picture, "text/plain": printed})])


OURS = new_markdown_cell("This cell was changed.", metadata={"grading": {"explains": True}})


@pytest.mark.parametrize(
    ("waits", "cells"),
    [
        (True, {"answer": [new_markdown_cell("Because.")]}),
        (True, {"answer": [shows(PICTURE)]}),
        (True, {"answer": [new_raw_cell("because")]}),
        (True, {"below": [new_markdown_cell("$0 = 0$")]}),
        (True, {"below": [OURS, new_markdown_cell("Because.")]}),
        (True, {"above": [new_markdown_cell("Because.")]}),
        (False, {"above": [new_code_cell("double(2)")]}),
        (False, {"function": [new_markdown_cell("a note on the function")]}),
        (False, {"answer": [OURS]}),
        (False, {"below": [new_markdown_cell(" \n\t"), new_code_cell(""), new_raw_cell("\u200b\ufeff\u00a0")]}),
        (False, {"answer": [new_markdown_cell(TEXT_STUB), new_markdown_cell("Why?")]}),
        (False, {}),
    ],
)
def test_a_written_answer_waits_while_something_of_the_students_own_stands_near_it(course, waits, cells):
    more = [cell(new_markdown_cell, "Enough.", "score-task"), cell(new_code_cell, "score()", "score")]
    write_source(course, [*source_cells(), *more])
    book = Gradebook(course / "graded", NAME, course / "solutions")
    book.enter("ada", placed(book, **cells), {"double-check": 3}, {})
    assert points(book, "ada")["why"] == (0, waits)
    book.enter("bob", placed(book), {"double-check": 3}, {})
    last = placed(book)
    last.cells.append(new_markdown_cell("Because."))
    book.enter("bob", last, {"double-check": 3}, {})
    assert points(book, "bob")["why"] == (0, True)


def test_a_mark_asks_again_when_anything_near_the_answer_has_changed(book):
    def entered(*near):
        book.enter("ada", placed(book, answer=near), {"double-check": 3}, {})
        return points(book, "ada")["why"]

    picture = new_markdown_cell("![](attachment:p.png)", attachments={"p.png": {"image/png": PICTURE}})
    other = new_markdown_cell("![](attachment:p.png)", attachments={"p.png": {"image/png": PICTURE[:-4] + "AAAB"}})
    versions = [[picture], [other], [other, new_markdown_cell("and")], [shows(PICTURE)], [shows(PICTURE[:-4] + "AAAB")], []]
    for version in versions:
        assert entered(*version)[1] or not version
        by_hand(book, "ada", "why", 1)
        again = [shows(each.outputs[0].data["image/png"], "0.3 s") if each.cell_type == "code" else each for each in version]
        assert entered(*again, new_code_cell(" "), OURS) == (1, False)
    assert entered(picture) == (1, True)


def test_marks_given_by_hand_stay_and_ask_again_when_the_answer_has_changed(book):
    enter(book, "ada", "Because.")
    by_hand(book, "ada", "why", 1.5, "good", extra=0.5)
    assert book.marks("ada")["why"] == Mark(2, 2, False, "good")
    enter(book, "ada", "Because.", points=2, double="    return x + x")
    assert points(book, "ada") == {"double-check": (2, False), "why": (2, False)}
    enter(book, "ada", "Therefore.")
    assert book.marks("ada")["why"] == Mark(2, 2, True, "good")
    enter(book, "ada", "Therefore.")
    assert book.marks("ada")["why"].needs_marking, "nobody has looked at it yet"
    by_hand(book, "ada", "why", 1)
    enter(book, "ada", "Therefore.")
    assert points(book, "ada")["why"] == (1, False)
    enter(book, "ada", None)
    assert points(book, "ada")["why"] == (1, True)


def test_points_of_a_check_that_were_changed_by_hand_stay_and_ask_again(book):
    enter(book, "ada", points=0)
    by_hand(book, "ada", "double-check", 2.5)
    enter(book, "ada", "Because.", points=0)
    assert points(book, "ada")["double-check"] == (2.5, False)
    enter(book, "ada", "Because.", points=0, double="    return x")
    assert points(book, "ada")["double-check"] == (2.5, True)
    by_hand(book, "ada", "double-check", 2.5)
    enter(book, "ada", "Because.", points=3, double="    return x")
    assert points(book, "ada")["double-check"] == (2.5, True), "the checks say something else now"


def test_a_comment_by_hand_stands_before_what_the_checks_say(book):
    enter(book, "ada", comment="the factor is lost")
    by_hand(book, "ada", "double", comment="nearly")
    assert book.marks("ada")["double-check"].comment == "nearly\n\nthe factor is lost"
    assert re.search(r"nearly</p>\s*<p>the factor is lost", book.feedback("ada").read_text())
    enter(book, "ada", comment="the sign is lost")
    assert book.marks("ada")["double-check"].comment == "nearly\n\nthe sign is lost"
    by_hand(book, "ada", "double", comment="")
    enter(book, "ada")
    assert book.marks("ada")["double-check"].comment == ""


def test_a_withdrawn_submission_leaves_no_trace_and_loses_nothing(book):
    enter(book, "ada", "Because.")
    enter(book, "bob", "Because.")
    book.feedback("ada")
    by_hand(book, "ada", "why", 1.5, "good")
    with api.Gradebook(f"sqlite:///{book.out / 'gradebook.db'}") as theirs:
        theirs.update_or_create_student("ada", last_name="Lovelace")
    for _ in range(2):
        book.withdraw("ada")
        assert book.marks("ada") == {}
        assert not (book.out / "autograded" / "ada").exists() and not (book.out / "feedback" / "ada").exists()
    book.withdraw("never-entered")
    nbgrader(book.out, "export")
    assert [line.split(",")[3] for line in (book.out / "grades.csv").read_text().splitlines()] == ["student_id", "bob"]

    enter(book, "ada", "Because.", points=1)
    assert book.marks("ada") == {"double-check": Mark(1, 3, False, ""), "why": Mark(1.5, 2, False, "good")}
    with api.Gradebook(f"sqlite:///{book.out / 'gradebook.db'}") as theirs:
        assert theirs.find_student("ada").last_name == "Lovelace"
    book.withdraw("ada")
    enter(book, "ada", "Therefore.")
    assert points(book, "ada")["why"] == (1.5, True)


def test_what_nbgraders_own_autograde_does_is_noticed_and_undone(book):
    comments = {"double": "the factor is lost"}
    answers = {"ada": "Because.", "cyd": "Therefore."}
    for student, why in answers.items():
        book.enter(student, submission(book, why), {"double-check": 3}, comments)
        handed_in = book.out / "submitted" / student / NAME
        handed_in.mkdir(parents=True)
        nbformat.write(submission(book, why), handed_in / f"{NAME}.ipynb")
        (handed_in / "page.html").write_text("<script>alert(1)</script>")
    by_hand(book, "ada", "why", 1.5, "good", extra=0.5)
    by_hand(book, "cyd", "why", 2)
    by_hand(book, "cyd", "double-check", 2.5)
    by_hand(book, "cyd", "double", comment="half")
    assert book.states() == {"ada": True, "cyd": True}
    before, pages = book.marks_of_all(), {student: book.feedback(student).read_bytes() for student in book.students()}

    nbgrader(book.out, "autograde", NAME, "--force")
    nbgrader(book.out, "generate_feedback", NAME, "--force")
    assert book.marks("ada") != before["ada"] and (book.out / "feedback" / "ada" / NAME / "page.html").exists()
    assert book.states() == {"ada": False, "cyd": False}
    assert not book.due(book.students()), "what another program has made of them is on no page of ours"

    for student, why in answers.items():
        book.enter(student, submission(book, why), {"double-check": 3}, comments)
    assert book.marks_of_all() == before and all(book.states().values())
    assert {student: book.feedback(student).read_bytes() for student in book.students()} == pages
    assert [path.name for path in book.out.rglob("page.html")] == ["page.html"] * 2, "those handed in"
    nbgrader(book.out, "autograde", NAME, "--student=cyd", "--force")
    assert book.states() == {"ada": True, "cyd": False}
    book.withdraw("cyd")
    book.enter("cyd", submission(book, "Therefore."), {"double-check": 3}, comments)
    assert book.marks("cyd") == before["cyd"]


def test_what_a_notebook_says_of_itself_counts_for_nothing(book):
    notebook = submission(book, "Because.")
    cells = {each.metadata.nbgrader.grade_id: each for each in notebook.cells}
    cells["why"].metadata.nbgrader.points = 1000
    cells["double-task"].source = "<b>The task is optional.</b>"
    notebook.cells.append(cell(new_markdown_cell, "mine", "mine", points=7, solution=True))
    notebook.cells.append(cell(new_markdown_cell, "again", "why", points=7, solution=True))
    notebook.cells.append(new_markdown_cell("odd", metadata={"nbgrader": "why"}))
    book.enter("ada", notebook, {"double-check": 3}, {})
    assert {task: mark.max_points for task, mark in book.marks("ada").items()} == {"double-check": 3, "why": 2}
    kept = nbformat.read(book.out / "autograded" / "ada" / NAME / f"{NAME}.ipynb", as_version=4)
    assert [each.metadata.nbgrader for each in kept.cells if "nbgrader" in each.metadata] == [each.metadata.nbgrader for each in book.release.cells]
    page = book.feedback("ada").read_text()
    assert "optional" not in page and page.count("Student's answer") == 2
    assert "(Score so far: 3.0 / 3.0; 2.0 of 5.0 points are not marked yet)" in page
    assert notebook.cells[-1].metadata.nbgrader == "why", "the notebook itself is left as it was"


def test_a_page_names_the_sections_that_a_task_leads_to_where_no_chapter_lies_beside_it(course):
    cells = source_cells()
    cells[2].source += "\n\nFrom [Twice](../../chapters/01_small.ipynb#twice)."
    write_source(course, cells)
    book = Gradebook(course / "graded", NAME, course / "solutions")
    book.enter("ada", harmless(submission(book)), {"double-check": 3}, {})
    page = book.feedback("ada").read_text()
    assert "<p>From <em>Twice</em>.</p>" in page and "chapters/" not in page


def test_a_batch_is_entered_as_a_whole_or_not_at_all(book):
    enter(book, "ada", "Because.", points=1)
    batch = [(student, submission(book, "Because."), {"double-check": points}, {"double": student}) for student, points in (("bob", 2), ("cyd", 3))]
    with pytest.raises(KeyError):
        book.enter_all([*batch, ("dan", submission(book), {}, {})])
    assert book.students() == {"ada"} and not (book.out / "autograded" / "bob").exists()
    book.enter_all([*batch, ("ada", book.text_of(submission(book)), {"double-check": 0}, {})])
    assert {student: marks["double-check"].points for student, marks in book.marks_of_all().items()} == {"ada": 0, "bob": 2, "cyd": 3}
    assert all(book.marks(student) == marks for student, marks in book.marks_of_all().items())
    assert book.marks("cyd") == {"double-check": Mark(3, 3, False, "cyd"), "why": Mark(0, 2, True, "")}
    with api.Gradebook(f"sqlite:///{book.out / 'gradebook.db'}") as theirs:
        said = theirs.find_submission_notebook(NAME, NAME, "cyd").to_dict()
    assert [said[key] for key in ("student", "score", "max_score", "needs_manual_grade", "flagged")] == ["cyd", 3, 5, True, False]


def test_an_interruption_while_entering_asks_too_often_rather_than_too_rarely(book, monkeypatch):
    enter(book, "ada", "Because.")
    by_hand(book, "ada", "why", 1)
    with monkeypatch.context() as patched:
        patched.setattr(gradebook, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            enter(book, "ada", "Therefore.")
    enter(book, "ada", "Therefore.")
    assert points(book, "ada")["why"] == (1, True)


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_student_who_is_twice_in_a_batch_is_entered_as_if_one_after_the_other(book):
    enter(book, "ada", "Because.")
    by_hand(book, "ada", "why", 1.5, "good")
    book.withdraw("ada")
    book.enter_all([("ada", submission(book, "Because."), {"double-check": points}, {"double": str(points)}) for points in (1, 2)])
    assert book.marks("ada") == {"double-check": Mark(2, 3, False, "2"), "why": Mark(1.5, 2, True, "good")}


@pytest.mark.filterwarnings("error")
def test_a_whole_class_is_read_and_entered_again_with_a_few_queries(book):
    def batch(score, *more):
        return [(f"s{number}", text, {"double-check": score}, {"double": str(score)}) for number in (*range(30), *more)]

    text = book.text_of(submission(book, "Because."))
    asked(lambda: book.enter_all(batch(1)))
    assert asked(book.marks_of_all) == asked(lambda: book.marks("s7")) == asked(lambda: book.due(book.students())) - asked(book.students) <= 7
    again, changed, more = asked(lambda: book.enter_all(batch(1))), asked(lambda: book.enter_all(batch(2))), asked(lambda: book.enter_all(batch(2, 30)))
    assert again <= 7 and changed == again + 3 - 1 and more <= again + 10
    assert len(book.marks_of_all()) == 31 and {marks["double-check"] for marks in book.marks_of_all().values()} == {Mark(2, 3, False, "2")}


def asked(work):
    """Return the number of statements that went to databases while some work was done."""
    statements = []
    listener = Engine, "before_cursor_execute", lambda connection, cursor, statement, *_: statements.append(statement)
    event.listen(*listener)
    work()
    event.remove(*listener)
    return len(statements)


# Times


def test_nbgraders_own_columns_say_when_it_was_due_and_handed_in(book):
    for student in ("ada", "bob", "eve"):
        enter(book, student)
    due = datetime.fromisoformat("2026-12-01T23:59+01:00")
    book.date(due, {"ada": due + timedelta(hours=2, microseconds=5), "bob": None, "nobody": due})
    nbgrader(book.out, "export")
    with open(book.out / "grades.csv", newline="") as file:
        rows = {row["student_id"]: (row["duedate"], row["timestamp"]) for row in csv.DictReader(file)}
    assert rows == {"ada": ("2026-12-01 22:59:00", "2026-12-02 00:59:00"), "bob": ("2026-12-01 22:59:00", ""), "eve": ("2026-12-01 22:59:00", "")}
    book.date(None, {"ada": None})
    with api.Gradebook(f"sqlite:///{book.out / 'gradebook.db'}") as theirs:
        assert theirs.find_assignment(NAME).duedate and theirs.find_submission(NAME, "ada").timestamp is None


# Feedback


def test_feedback_is_what_nbgrader_makes_and_is_made_again_only_when_something_changed(book):
    enter(book, "ada", "Because $x$.", comment="the factor is lost")
    page = book.feedback("ada")
    assert page == book.out / "feedback" / "ada" / NAME / f"{NAME}.html"
    ours, when = page.read_bytes(), page.stat().st_mtime_ns
    assert b"what the checks say" in ours and b"the factor is lost" in ours
    assert book.feedback("ada").stat().st_mtime_ns == when
    shutil.rmtree(book.out / "feedback")
    nbgrader(book.out, "generate_feedback", NAME)
    assert ours.startswith(page.read_bytes()) and len(ours) - len(page.read_bytes()) < 100
    book.feedback("ada")
    assert page.read_bytes() == ours
    by_hand(book, "ada", "why", 2)
    assert b"(Score: 5.0 / 5.0)" in book.feedback("ada").read_bytes()
    enter(book, "ada", "Therefore.")
    assert b"Therefore." in book.feedback("ada").read_bytes()


def test_a_page_says_what_is_not_marked_yet_and_shows_no_mark_of_an_earlier_version(book):
    def page():
        return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", book.feedback("ada").read_text().partition("<body>")[2]))

    enter(book, "ada", "Because.")
    assert "(Score so far: 3.0 / 3.0; 2.0 of 5.0 points are not marked yet) double (Score: 3.0 / 3.0) why (not marked yet, 2.0 points)" in page()
    assert page().count("not marked yet, 2.0 points") == 2 and "/ 2.0" not in page() and "/ 5.0" not in page()
    by_hand(book, "ada", "why", 1.5, "nearly")
    assert "(Score: 4.5 / 5.0) double (Score: 3.0 / 3.0) why (Score: 1.5 / 2.0), comment" in page() and "nearly" in page() and "not marked yet" not in page()
    enter(book, "ada", "Therefore.")
    assert "2.0 of 5.0 points are not marked yet" in page() and "this has changed since it was marked" in page()
    assert "nearly" not in page() and "1.5" not in page()
    by_hand(book, "ada", "why", 2, "right")
    assert "(Score: 5.0 / 5.0)" in page() and "right" in page()
    by_hand(book, "ada", "double-check", 0.5)
    by_hand(book, "ada", "double", comment="half right")
    assert "double (Score: 0.5 / 3.0, by hand), comment" in page() and "Check of: double Score: 0.5 / 3.0, by hand" in page() and "half right" in page()
    enter(book, "ada", "Therefore.", points=0, double="    return x")
    assert "(Score so far: 2.0 / 2.0; 3.0 of 5.0 points are not marked yet) double (not marked yet, 3.0 points)" in page() and "half right" not in page()
    enter(book, "ada", None)
    enter(book, "bob", None)
    assert "why (Score: 0.0 / 2.0)" in re.sub("<[^>]*>", "", book.feedback("bob").read_text())


def test_a_page_can_be_read_on_a_phone(book, browser):
    enter(book, "ada", "Because.", comment="the factor is lost " * 10)
    by_hand(book, "ada", "double-check", 0.5)
    page = browser.new_page(viewport={"width": 360, "height": 640})
    page.goto(book.feedback("ada").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for heading in page.locator(".nbgrader_cell .panel-heading").all():
        assert heading.evaluate("one => one.scrollHeight <= one.clientHeight"), heading.inner_text()
    page.close()


def run(book, *answers):
    """Return a submission that was not made harmless, with the metadata of one that was."""
    notebook = submission(book, *answers)
    notebook.metadata = harmless(notebook).metadata
    return notebook


def kinds(book):
    """Yield notebooks of which nbconvert makes different things, with the words that are in the page, and whether it is put together from its cells."""
    why = "Because $\\lambda' \\quad x$ & `a < \"b\"`.\n\n- [ ] one<br>\n\n|a|b|\n|:-|-|\n|1|2|"
    notebook = run(book, why, "    return '<b>' < \"&amp;\"  # é\u00a0\u2028")
    yield notebook, "<mi>λ</mi>", True
    yield harmless(notebook), "<mi>λ</mi>", True
    notebook = run(book, "![a \"b\" 'c'](attachment:p.png) ![](attachment:p.png)")
    notebook.cells[-1].attachments = {"p.png": {"image/png": PICTURE}}
    yield notebook, "data:image/png", False
    notebook = run(book, "", "%%bash\nls")
    show, data = functools.partial(new_output, "display_data"), {"image/png": PICTURE, "text/plain": "a picture"}
    error = new_output("error", ename="E", evalue="e", traceback=["\x1b[31mred\x1b[0m <module>", "'E'"])
    notebook.cells[2].outputs = [show(data=data), error, new_output("stream", name="stderr", text=" \n\t")]
    notebook.cells.insert(1, new_code_cell("", execution_count=None, metadata={"tags": ["mine"]}))
    yield notebook, "No description has been provided", True
    notebook = copy.deepcopy(notebook)
    notebook.cells[3].outputs = [show(data=data, metadata={"image/png": {"width": 3}})]
    yield notebook, 'width="3"', False
    notebook = run(book)
    notebook.cells.insert(1, OURS)
    yield notebook, "explains", True
    yield run(book, HOSTILE), "onerror", True
    yield harmless(run(book, HOSTILE)), "onerror", True
    odd = ["</div></div>", "<div>", "<!-- &copy -->", "<img src=x>", "<script>1 < 2</script>", "</br>", '<p class="jp-Notebook"></p>', "<a rel=' a  b'></a>"]
    for html in odd:
        notebook = run(book)
        notebook.cells[3].outputs = [new_output("execute_result", data={"text/html": html})]
        yield notebook, "Out[", False
    notebook = run(book)
    notebook.cells[1:1] = [new_raw_cell("  "), new_raw_cell("raw <b>text</b>"), new_markdown_cell("")]
    yield notebook, "raw", False


def test_pages_of_all_kinds_are_what_nbgrader_makes(book, monkeypatch):
    whole = []
    monkeypatch.setattr(Exporter, "whole", lambda *arguments, make=Exporter.whole: whole.append(1) or make(*arguments))
    made = {}
    for number, (notebook, words, in_parts) in enumerate(kinds(book)):
        book.enter(f"s{number}", notebook, {"double-check": number / 3}, {"double": "x < *y* &amp; $\\alpha$"})
        by_hand(book, f"s{number}", "why", number, "<b>'good'</b>\n\nand", extra=0.125)
        made[f"s{number}"] = book.feedback(f"s{number}").read_text()
        assert words in made[f"s{number}"] and whole == [1] * (not in_parts), number
        whole.clear()
    for student, changed in (("waits", False), ("changed", True)):
        book.enter(student, run(book, "Because."), {"double-check": 3}, {})
        if changed:
            by_hand(book, student, "why", 1, "good")
            by_hand(book, student, "double-check", 1)
            by_hand(book, student, "double", comment="half")
            book.enter(student, run(book, "Therefore.", "    return x"), {"double-check": 0}, {})
        made[student] = book.feedback(student).read_text()
        assert "not marked yet" in made[student] and not whole
    shutil.rmtree(book.out / "feedback")
    nbgrader(book.out, "generate_feedback", NAME)
    for student, page in made.items():
        assert page.rpartition("<!-- ")[0] == (book.out / "feedback" / student / NAME / f"{NAME}.html").read_text(), student


OF_AUTHORS = "ANSWER|REASON|RUBRIC"


def with_answers(book, course, answers=True):
    return Gradebook(book.out, NAME, course / "solutions", answers=answers)


def test_model_answers_are_on_pages_that_were_asked_for_and_nowhere_else(book, course):
    enter(book, "ada", "Because.")
    without = book.feedback("ada").read_text()
    assert not re.search(OF_AUTHORS, without) and "Model answer" not in without
    page = with_answers(book, course).feedback("ada").read_text()
    words = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page.partition("<body>")[2]))
    assert words.count("Model answer: ") == 2 and words.count("model answer") == 2
    assert re.search(r"Check of: double .*Model answer: double def double\(x\): .* ANSWER What earned points. All 3 points .*Student's answer: why .*Because. Model answer: why REASON RUBRIC", words)
    assert not re.search("PATHS|HELPERS|CASES|MISTAKES|ALTERNATIVES|SOLUTION", words)
    everywhere = [path.read_bytes() for path in book.out.rglob("*") if path.is_file() and "feedback" not in path.parts]
    assert everywhere and not any(re.search(OF_AUTHORS.encode(), each) for each in everywhere)
    assert [bool(with_answers(book, course, asked).due(["ada"])) for asked in (True, False)] == [False, True]
    assert book.feedback("ada").read_text() == without
    path = course / "solutions" / NAME / f"{NAME}.ipynb"
    with_answers(book, course).feedback("ada")
    path.write_text(path.read_text().replace("RUBRIC", "MARKING SCHEME"))
    assert "MARKING SCHEME" in with_answers(book, course).feedback("ada").read_text()


def test_a_model_answer_stands_behind_all_that_a_student_wrote(book, course):
    notebook = submission(book, "Because.")
    notebook.cells.append(new_markdown_cell("And more."))
    notebook.cells.insert(4, new_markdown_cell("Behind the check."))
    book.enter("ada", notebook, {"double-check": 0}, {})
    words = re.sub("<[^>]*>", "", with_answers(book, course).feedback("ada").read_text().partition("<body>")[2])
    places = [words.index(text) for text in ("Behind the check.", "Model answer: double", "Because.", "And more.", "Model answer: why")]
    assert places == sorted(places)


def test_pages_with_model_answers_are_the_same_in_parts_and_as_a_whole(book, course, monkeypatch):
    pages, made = with_answers(book, course).pages, []
    for student, (notebook, _, in_parts) in zip(map(str, range(100)), kinds(book), strict=False):
        book.enter(student, notebook, {"double-check": 1}, {"double": "x < *y*"})
        [job] = with_answers(book, course).due([student])
        made.append((job, in_parts, pages.make(job.notebook.read_text(), job.marks)))
    assert len({job.last for job, *_ in made}) > 10 and all("REASON" in page for *_, page in made)
    monkeypatch.setattr(Exporter, "together", lambda *_: pytest.fail("not as a whole"))
    monkeypatch.setattr(Exporter, "takes_apart", lambda *_: False)
    for job, in_parts, page in made:
        assert pages.make(job.notebook.read_text(), job.marks) == page, in_parts


def test_pages_are_made_in_forked_processes_without_the_database(book):
    for number in range(4):
        enter(book, f"s{number}", f"Because $x_{number}$.")
    jobs = pickle.loads(pickle.dumps(book.due(book.students())))
    assert [job.student for job in jobs] == ["s0", "s1", "s2", "s3"] and not book.due(["nobody"])
    book.pages.make(jobs[0].notebook.read_text(), jobs[0].marks)  # which starts what makes formulas
    (book.out / "gradebook.db").rename(book.out / "elsewhere.db")
    workers = [multiprocessing.get_context("fork").Process(target=book.pages.write, args=[job], daemon=True) for job in jobs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert all(f"<mn>{number}</mn></msub>" in job.page.read_text() for number, job in enumerate(jobs))
    (book.out / "elsewhere.db").rename(book.out / "gradebook.db")
    assert not book.due(book.students())
    by_hand(book, "s1", "why", 2)
    assert [job.student for job in book.due(book.students())] == ["s1"]


HOSTILE = """\
# why

<script>alert(1)</script> <img src=x onerror=alert(1)> <b>bold</b> `a < b` and 1 < 2

[a](javascript:alert(1)) [b](https://example.com/b) <javascript:alert(1)> ![c](https://example.com/c.png) ![d](attachment:none.png) ![e](file:/etc/passwd)

$\\href{javascript:alert(1)}{x}$ and $\\frac{1}{2}$ and $\\nothing$ and $</math><script>alert(1)</script>$ and $\\none<img src=x onerror=alert(1)>$
"""


def test_nothing_that_a_student_wrote_runs_or_loads_anything(book, browser):
    enter(book, "ada", HOSTILE, comment="x <b>bold</b> <script>alert(1)</script> $\\sqrt 2$")
    page = browser.new_page()
    seen = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.goto(book.feedback("ada").as_uri())
    assert seen == [page.url]
    assert page.locator("script, img, iframe, b:has-text('bold'), [onerror], [id=why], a[href^=javascript], a[href^='#harm']").count() == 0
    assert page.locator("a[href='https://example.com/b']").inner_text() == "b"
    answer = page.locator(".text_cell_render:has-text('onerror')").inner_text()
    assert all(shown in answer for shown in ("<script>alert(1)</script>", "<b>bold</b>", "a < b", "1 < 2", r"\none<img src=x onerror=alert(1)>")), answer
    assert page.locator("details summary").inner_text() == "hint", "the exercise's own HTML counts"
    assert page.locator("math[display=block]").count() == 1 and page.locator("math msqrt").count() == 1 and page.locator("math mfrac").count() == 1
    page.close()


# Table


def test_the_table_says_what_was_marked_by_hand_which_mistake_was_recognised_and_what_there_is_to_know(book, tmp_path):
    double = SimpleNamespace(name="double", check="double-check", points=3, written=False)
    why = SimpleNamespace(name="why", check="why", points=2, written=True)
    notes = ["double: turned round", "why-task: changed", "doubled: other", "=1+1"]
    result = {"status": "graded", "messages": {"double": "None is right."}, "mistakes": {"double": ["The sign.", "The factor."]}, "notes": notes}

    def table(result=result):
        write_table(tmp_path / "grades.csv", [*rows("ada", [double, why], result, book.marks("ada"))])
        assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbfstudent,task,points,max_points,status,message,mistake,notes\r\n")
        with open(tmp_path / "grades.csv", encoding="utf-8-sig", newline="") as file:
            return [list(row.values())[2:] for row in csv.DictReader(file)]

    said = ["The sign. The factor.", "double: turned round; doubled: other; '=1+1"], ["", "why-task: changed; doubled: other; '=1+1"]
    enter(book, "ada", points=0)
    assert table() == [["0", "3", "graded", "None is right.", *said[0]], ["0", "2", "graded", "not attempted yet", *said[1]]]
    enter(book, "ada", "Because.", points=0)
    assert table()[1] == ["", "2", "needs-marking", "", *said[1]]
    by_hand(book, "ada", "why", 0)
    assert table()[1] == ["0", "2", "graded", "", *said[1]]
    by_hand(book, "ada", "why", 1, "good")
    by_hand(book, "ada", "double-check", 1.5)
    assert table() == [["1.5", "3", "graded", "by hand", *said[0]], ["1", "2", "graded", "good", *said[1]]]
    by_hand(book, "ada", "double", comment="half right")
    assert table()[0] == ["1.5", "3", "graded", "by hand: half right", *said[0]]
    assert table({"status": "failed", "reason": "none"}) == [["", "3", "failed", "none", "", ""], ["", "2", "failed", "none", "", ""]]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@a", "'@a"),
        ("first\n=1+1\r\n\n+2", "first\n'=1+1\r\n\n'+2"),
        ("a; =1+1;-2", "a; '=1+1;'-2"),
        ("\t \u200b=1", "\t \u200b'=1"),
        ("＝1", "'＝1"),
        ('"=1', "\"'=1"),
        ("1 - 2, -3: see [-1., -2.] = x", "1 - 2, -3: see [-1., -2.] = x"),
        (" _user1", " _user1"),
    ],
)
def test_no_text_in_the_table_is_computed_by_a_spreadsheet(text, written, tmp_path):
    write_table(tmp_path / "grades.csv", [Row(text, text, text, 3, text, text, text, text)])
    with open(tmp_path / "grades.csv", encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1] == [written] * 3 + ["3"] + [written] * 4


# Problems


def test_a_gradebook_in_use_by_another_program_gets_one_clear_line_and_keeps_its_marks(book, monkeypatch):
    enter(book, "ada", "Because.")
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    other = sqlite3.connect(book.out / "gradebook.db", isolation_level=None)
    for lock, attempts in {
        "IMMEDIATE": (lambda: enter(book, "ada", "Therefore.", points=0), lambda: book.withdraw("ada")),
        "EXCLUSIVE": (lambda: book.marks("ada"), lambda: book.feedback("ada")),
    }.items():
        other.execute(f"BEGIN {lock}")
        for attempt in attempts:
            with pytest.raises(Problem, match=r"gradebook\.db cannot be used\. Another program is writing to it; when that has ended, run this again\.$"):
                attempt()
        other.execute("ROLLBACK")
    assert points(book, "ada") == {"double-check": (3, False), "why": (0, True)}
    assert "Because." in book.feedback("ada").read_text()
    by_hand(book, "ada", "why", 2)
    enter(book, "ada", "Because.")
    assert points(book, "ada")["why"] == (2, False), "newer than what a withdrawal that failed put aside"


@pytest.mark.parametrize("writing", [False, True])
def test_nobody_writes_between_what_a_transaction_reads_and_its_end(book, writing):
    enter(book, "ada", "Because.")
    with database.opened(f"sqlite:///{book.out / 'gradebook.db'}", writing) as session:
        assert database.submissions(session, NAME)["ada"].score == 3
        other = sqlite3.connect(book.out / "gradebook.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE" if writing else "BEGIN EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.close()


def test_a_gradebook_that_has_gone_is_not_made_anew_on_the_way(book):
    enter(book, "ada", "Because.")
    (book.out / "gradebook.db").rename(book.out / "elsewhere.db")
    for attempt in (book.students, lambda: enter(book, "ada", "Therefore.")):
        with pytest.raises(Problem, match="unable to open database file"):
            attempt()
        assert not (book.out / "gradebook.db").exists()


def test_a_folder_that_cannot_be_written_gets_one_clear_line(course, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="file: File exists. Make .* writable, or name another folder with --out"):
        Gradebook(tmp_path / "file", NAME, course / "solutions")
    (tmp_path / "out" / "gradebook.db").mkdir(parents=True)
    with pytest.raises(Problem, match="writable, or name another folder with --out"):
        Gradebook(tmp_path / "out", NAME, course / "solutions")


def test_a_file_that_is_no_gradebook_is_left_alone(course):
    (course / "graded").mkdir()
    (course / "graded" / "gradebook.db").write_text("something else, long enough to be looked at" * 100)
    with pytest.raises(Problem, match=r"cannot be used. Move it away to begin anew, or bring back a copy of it \(file is not a database\)"):
        Gradebook(course / "graded", NAME, course / "solutions")
    assert "something else" in (course / "graded" / "gradebook.db").read_text()


def test_a_source_with_other_tasks_leaves_the_marks_alone_and_says_what_to_do(course, book):
    enter(book, "ada", "Because.")
    by_hand(book, "ada", "why", 2)
    released = (book.out / "release" / NAME / f"{NAME}.ipynb").read_bytes()
    cells = source_cells()
    cells[9].metadata.nbgrader.grade_id = "wherefore"
    write_source(course, cells)
    with pytest.raises(Problem, match=r"The tasks .*\(wherefore, why\).*--out.*Nothing in this one was changed"):
        Gradebook(book.out, NAME, course / "solutions")
    assert (book.out / "release" / NAME / f"{NAME}.ipynb").read_bytes() == released
    assert points(book, "ada")["why"] == (2, False)
    write_source(course, source_cells())
    Gradebook(book.out, NAME, course / "solutions")


def test_a_source_with_other_words_helpers_and_points_keeps_the_marks(course, book):
    enter(book, "ada", "Because.")
    by_hand(book, "ada", "why", 2)
    cells = source_cells()
    cells[0].source, cells[9].metadata.nbgrader.points = "# Smaller", 4
    del cells[8]
    write_source(course, [*cells, cell(new_code_cell, "1 + 1", "helpers")])
    changed = Gradebook(book.out, NAME, course / "solutions")
    enter(changed, "ada", "Because.")
    assert changed.marks("ada") == {"double-check": Mark(3, 3, False, ""), "why": Mark(2, 4, False, "")}
    assert "Smaller" in changed.feedback("ada").read_text()


# Formgrader


def test_a_mark_entered_in_formgrader_reaches_marks_and_feedback(book, browser):
    for student, why in (("ada", "Because $x$."), ("bob", None), ("cyd", "Therefore.")):
        enter(book, student, why, comment="the factor is lost")
    with formgrader.running(book.out) as (address, token), formgrader.opened(browser, address, token) as page:
        assert formgrader.students(page, address, NAME) == ["ada", "bob", "cyd"]
        formgrader.open_submission(page, address, NAME, "ada")
        expect(page.locator("math").last).to_be_visible()
        enter(book, "ada", "Hence.", points=1, comment="the sign is lost")  # while formgrader runs
        formgrader.open_submission(page, address, NAME, "ada")
        expect(page.locator("#double-check")).to_have_attribute("placeholder", "1")
        expect(page.locator("#double-comment")).to_have_attribute("placeholder", "the sign is lost")

        page.keyboard.press("Control+Shift+F")
        expect(page.locator("#statusmessage")).to_have_text("Submission flagged")  # formgrader's shortcuts work, without MathJax
        formgrader.mark(page, "why", 1.5, "Say why it is so.")
        assert book.marks("ada") == {"double-check": Mark(1, 3, False, "the sign is lost"), "why": Mark(1.5, 2, False, "Say why it is so.")}
        feedback = book.feedback("ada").read_text()
        assert "(Score: 2.5 / 5.0)" in feedback and "Say why it is so." in feedback


def test_formgrader_shows_the_marking_scheme_and_all_that_belongs_to_an_answer(course, browser):
    cells = source_cells()
    cells[10].source = "RUBRIC $\\frac{1}{2}$"
    write_source(course, cells)
    book = Gradebook(course / "graded", NAME, course / "solutions")
    near = [new_markdown_cell("Because $x$ is."), new_raw_cell("raw <b>words</b>")]
    book.enter("ada", harmless(placed(book, answer=near)), {"double-check": 3}, {})
    book.feedback("ada")
    with formgrader.running(book.out) as (address, token), formgrader.opened(browser, address, token) as page:
        formgrader.open_submission(page, address, NAME, "ada")
        scheme = page.locator(".scheme")
        assert "RUBRIC" in scheme.inner_text() and scheme.locator("math mfrac").is_visible()
        answer, beside = (page.locator(where).bounding_box() for where in (".nbgrader_cell:has(#why)", ".scheme"))
        assert beside["x"] >= answer["x"] + answer["width"] and abs(beside["y"] - answer["y"]) < 60, "side by side"
        page.locator("p.near a").first.evaluate("link => link.click()")  # a mouse may miss it while Formgrader scrolls to what it was at
        expect(page.locator("a.near:target + .cell")).to_contain_text("Because")
        assert page.locator("p.near a").count() == 2 and page.locator("a.near + .cell pre").inner_text() == "raw < b>words< /b>"
        formgrader.mark(page, "why", 1)
    book.feedback("ada")
    for path in [path for folder in ("autograded", "feedback", "release") for path in (book.out / folder).rglob("*") if path.is_file()]:
        assert b"RUBRIC" not in path.read_bytes(), path


NAMES = ["Sean O'Brien, Jr.", "*Lee Ann", " _user1", "[x]", "100% Anna #1?", 'A "B" & <img src=x>\\', "محمد علی\u200cرضا"]


def test_students_of_all_names_are_found_on_all_pages_of_formgrader(book, browser):
    for name in NAMES:
        enter(book, name, "Because.")
        book.feedback(name).unlink()
    with formgrader.running(book.out) as (address, token), formgrader.opened(browser, address, token) as page:
        expect(page.locator("td.num-submissions")).to_have_text(str(len(NAMES)))
        for name in NAMES:
            its = f"td.name >> text={NAME}"
            formgrader.follow(page, f"{address}/manage_submissions/{NAME}", name, ".breadcrumb li a >> nth=1", its, its)
            formgrader.wait(page)
            assert page.locator(".live-notebook a.name-shown").text_content().strip() == name.strip()
            formgrader.mark(page, "why", 1.5, name)
            assert points(book, name)["why"] == (1.5, False)
            formgrader.follow(page, f"{address}/manage_students", name)
            assert page.locator(".breadcrumb .active").text_content() == name
        for name in NAMES:
            page.goto(f"{address}/manage_submissions/{NAME}")
            row = page.locator("tr").filter(has=page.locator("td.student-id").get_by_text(name.strip(), exact=True))
            row.locator(".generate-feedback a").click()
            expect(page.locator("#success-modal")).to_be_visible()
            assert (book.out / "feedback" / name / NAME / f"{NAME}.html").exists()
        page.goto(f"{address}/manage_students")
        page.locator("tr:has-text('_user1') .edit a").click()
        page.locator(".modal-last-name").fill("User")
        page.locator("button.save").click()
        expect(page.locator("td.name").get_by_text("User, None")).to_have_count(1)
    assert book.students() == set(NAMES)

