"""From the LMS and back: what Moodle, Canvas and Gradescope give is collected, graded, marked in Formgrader, exported, and taken by the LMSs' own rules.

One class hands in three times, once through each LMS, under other names, and is graded once. Names, files and sentences of one in each are hostile.
"""

import csv
import io
import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from datetime import datetime
from types import SimpleNamespace

import nbformat
import pytest
from playwright.sync_api import expect

from grading.author import source
from grading.author.source import ROOT
from grading.collect import times
from grading.collect.people import People
from grading.shared.tables import read_table
from tests import formgrader, lms
from tests.lms import Student
from tests.lms_rules import ENGLISH, GERMAN, Canvas, Column, Moodle, Participant, Pupil
from tools import classes

NAME = "02_regression_vs_classification"
FILE = f"{NAME}.ipynb"
HEADING = "Assignment 2: regression and classification"
DUE, HANDED_IN = "2026-11-30T23:59+01:00", datetime(2026, 12, 1, 1, 29)
FORMULA, MARKUP = '=HYPERLINK("https://host.invalid/" & A1)', "<img src=x onerror=alert(1)><script>alert(2)</script>"
SHELL = "$(touch pwned); touch pwned `touch pwned` #"
FILES = {"=1+1.csv": b"=1+1", f"{MARKUP.replace('/', '')}.txt": b"x", "$(touch pwned).py": b"", "--help": b"", "a\x1b[2Jb\u202e.txt": b""}
ROLES = ["marked", "waiting", "right", "untouched", "broken", "gone", "hostile"]
NAMES = {
    "moodle": ["Zoë Ünal", "Sean O'Brien", "Kim Lee", "Kim Lee", "Nguyễn Thị Ánh", "Ada Lovelace", f"{FORMULA}, {MARKUP}"],
    "canvas": ["Grace Hopper", "Đặng Văn Lâm", "Jo Park", "Jo Park", "김 민준", "Emmy Noether", f"{MARKUP} {FORMULA}"],
    "gradescope": ["Lise Meitner", "Ana-Lucía d'Ors", "Noor Ali", "Noor Ali", "CON", "Mary Ward", f"{SHELL} ../../{MARKUP}"],
}
POINTS = {"marked": 17.5, "right": 14.0, "untouched": 0.0, "hostile": 12.0}  # of all that is marked


def class_of(which):
    place = 1 + list(NAMES).index(which)
    numbers = range(place * 10, place * 10 + len(ROLES))
    return {
        role: Student(name, str(1_000_000 + number), str(500 + number), f"s{number}@example.org", f"00{number}")
        for role, name, number in zip(ROLES, NAMES[which], numbers, strict=True)
    }


def notebooks():
    """Return the notebook that each hands in, as bytes."""
    origin = source.read(NAME)
    right = classes.model_answers(origin)
    written = {task.name: f"{classes.WRITTEN} {MARKUP}\n\n{FORMULA}" for task in origin.tasks if task.written}
    refuses = {"one_hot": f"def one_hot(labels, K):\n    raise ValueError({f'{FORMULA} {MARKUP} {SHELL}'!r})"}
    answers = {"marked": right | written, "waiting": right | written, "right": right, "untouched": {}, "gone": right, "hostile": right | refuses}
    return {role: nbformat.writes(classes.answered(NAME, given)).encode() for role, given in answers.items()} | {"broken": b"no notebook"}


def command(*arguments):
    """Return the exit code of a command and what it says, which must not move the terminal."""
    run = subprocess.run([sys.executable, "-m", "grading", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    said = run.stdout + run.stderr
    assert "Traceback" not in said, said
    assert not [letter for letter in said if unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter != "\n"], said
    return run.returncode, said


def in_moodle(students, strings=ENGLISH):
    """Return the assignment in Moodle: without who is gone, with one who joined since; who waits has a grade already."""
    there = {one.moodle: Participant(one.name, one.email, one.number, HANDED_IN) for role, one in students.items() if role != "gone"}
    made = Moodle(there | {"9": Participant("Joined Late", "late@example.org", "99")}, strings=strings)
    made.grades[students["waiting"].moodle].grade = 3.5
    return made


def in_canvas(students):
    pupils = {one.canvas: Pupil(sorted_name(one.name), one.number, one.email) for role, one in students.items() if role != "gone"}
    made = Canvas(pupils | {"9": Pupil("Late, Joined", "99", "late@example.org")}, {"7": Column("Quiz"), "8": Column(HEADING)})
    made.scores |= {(student, "7"): "1.00" for student in made.students} | {(students["waiting"].canvas, "8"): "3.50"}
    return made


def sorted_name(name):
    first, _, last = name.rpartition(" ")
    return f"{last}, {first}" if first else last


def with_semicolons(content):
    table = io.StringIO(newline="")
    csv.writer(table, delimiter=";").writerows(csv.reader(io.StringIO(content.decode(), newline="")))
    return table.getvalue().encode("utf-8-sig")


@pytest.fixture(scope="module")
def course(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("course")
    files, students, submitted = notebooks(), {which: class_of(which) for which in NAMES}, {which: folder / which for which in NAMES}
    beside = {"hostile": FILES}
    handed_in = {which: [(one, {FILE: files[role]} | beside.get(role, {})) for role, one in theirs.items()] for which, theirs in students.items()}
    (folder / "moodle.csv").write_bytes(in_moodle(students["moodle"], GERMAN).worksheet())
    (folder / "canvas.csv").write_bytes(in_canvas(students["canvas"]).gradebook())
    downloads = {
        "moodle": lms.moodle(folder / "m.zip", handed_in["moodle"]),
        "canvas": lms.canvas(folder / "c.zip", handed_in["canvas"], late=[students["canvas"]["marked"].name]),
        "gradescope": lms.gradescope(folder / "g.zip", [([one], theirs) for one, theirs in handed_in["gradescope"]]),
    }
    with zipfile.ZipFile(downloads["gradescope"], "a") as archive:
        archive.writestr("assignment_4711_export/submission_1/../../../pwned", b"")
        archive.writestr(f"{folder}/pwned", b"")
    said = {}
    for which, path in downloads.items():
        sheet = ["--sheet", folder / f"{which}.csv"] if which != "gradescope" else []
        said[which] = command("collect", NAME, path, "--submitted", submitted[which], "--due", DUE, *sheet)
    people = {which: People.read(path) for which, path in submitted.items()}
    found = {(which, role): whose(people[which], which, one) for which, theirs in students.items() for role, one in theirs.items()}
    for path in submitted.values():
        shutil.copytree(path, folder / "all", dirs_exist_ok=True)
    everybody = People(folder / "all" / "names.csv", [person for each in people.values() for person in each])
    everybody.write()
    times.keep(folder / "all", NAME, [one for path in submitted.values() for one in times.collected(path, NAME).values()])
    out = folder / "graded"
    made = SimpleNamespace(folder=folder, students=students, submitted=submitted, said=said, whose=found, out=out)
    made.graded = [classes.grade(NAME, folder / "all", out)]
    made.shown = mark_in_formgrader(made, browser)
    made.graded.append(classes.grade(NAME, folder / "all", out, "--answers"))
    return made


def whose(people, which, student):
    """Return the folder of a student."""
    key, value = {"moodle": ("moodle", student.moodle), "canvas": ("canvas", student.canvas), "gradescope": ("number", student.number)}[which]
    [person] = people.find(key, value, NAME)
    return person.folder


def mark_in_formgrader(course, browser):
    """Mark the written answers of one student of each LMS; return what Formgrader says of assignments and submissions."""
    with formgrader.running(course.out) as (address, token), formgrader.opened(browser, address, token) as page:
        where = formgrader.addresses(page, address, NAME)
        for which in NAMES:
            formgrader.go(page, where[course.whose[which, "marked"]])
            formgrader.mark(page, "not_convex", 2.5, f"good {MARKUP}\n\n{FORMULA}")
            formgrader.mark(page, "worst_case", 1)
        page.goto(f"{address}/manage_submissions/{NAME}")
        expect(page.get_by_text(course.whose["moodle", "marked"]).first).to_be_visible()
        submissions = page.locator("#main-table").inner_text()
        page.goto(address)
        expect(page.get_by_text(NAME).first).to_be_visible()
        return page.locator("#main-table").inner_text() + submissions


def exported(course, which, kind, sheet):
    """Return the filled sheet, the zip and what the command says; sheet: as bytes, None for the pages alone."""
    path = course.folder / "sheet.csv"
    path.write_bytes(sheet or b"")
    code, said = command("export", NAME, *([f"--{kind}", path] if sheet else []), "--submitted", course.submitted[which], "--out", course.out)
    assert code == 0, said
    folder = course.out / NAME
    filled = (folder / f"for-{kind}.csv").read_bytes() if sheet else b""
    return filled, (folder / "feedback.zip").read_bytes(), said


def roles(course, which, key, values):
    """Return values by role, of a class that an LMS knows by a key; of who is in the LMS alone, by that."""
    known = {getattr(one, key): role for role, one in course.students[which].items()}
    return {known.get(name, name): value for name, value in values.items()}


def test_all_are_collected_and_graded(course):
    code, said = course.said["gradescope"]
    assert code == 1 and "pwned" in said and [code for code, _ in (course.said["moodle"], course.said["canvas"])] == [0, 0], course.said
    assert all(code == 0 for code, _ in course.graded), course.graded
    assert len(set(course.whose.values())) == len(course.whose) == 21
    table = read_table(course.out / NAME / "grades.csv")[1]
    states = {key: {row["status"] for row in table if row["student"] == folder} for key, folder in course.whose.items()}
    for (which, role), found in states.items():
        assert found == {"failed" if role == "broken" else "graded"} | ({"needs-marking"} if role == "waiting" else set()), (which, role)


@pytest.mark.parametrize("strings, separator", [(ENGLISH, "comma"), (GERMAN, "comma"), (GERMAN, "semicolon")])
def test_moodle_takes_points_and_pages(course, strings, separator):
    students = course.students["moodle"]
    moodle = in_moodle(students, strings)
    sheet = moodle.worksheet()
    filled, feedback, said = exported(course, "moodle", "moodle", sheet if separator == "comma" else with_semicolons(sheet))
    moodle.upload_worksheet(filled, separator=separator)
    grades = roles(course, "moodle", "moodle", {number: grade.grade for number, grade in moodle.grades.items()})
    assert grades == POINTS | {"waiting": 3.5, "broken": None, "9": None}, said
    moodle.upload_feedback(feedback)
    pages = roles(course, "moodle", "moodle", {number: grade.files.get(f"{NAME}.html", b"").decode() for number, grade in moodle.grades.items()})
    assert are_theirs(pages) and not pages["9"]


@pytest.mark.parametrize("delimiter, comma", [(",", False), (";", True)])
def test_canvas_takes_points_and_pages(course, delimiter, comma):
    students = course.students["canvas"]
    canvas = in_canvas(students)
    before = dict(canvas.scores)
    filled, feedback, said = exported(course, "canvas", "canvas", canvas.gradebook(delimiter, comma))
    changed = canvas.upload_gradebook(filled)
    assert roles(course, "canvas", "canvas", {student: float(score) for (student, column), score in changed.items() if column == "8"}) == POINTS, said
    assert canvas.scores == before | changed
    with zipfile.ZipFile(course.folder / "c.zip") as archive:
        handed_in = {tuple(re.search(r"_(\d+)_(\d+)_", name).groups()): name for name in archive.namelist()}
    canvas.upload_comments(feedback, handed_in)
    assert not canvas.ignored
    pages = roles(course, "canvas", "canvas", {student: data.decode() for student, comments in canvas.comments.items() for _, data in comments})
    assert are_theirs(pages)


def are_theirs(pages):
    """Say whether each page shows what its owner got."""
    shown = {role: re.search(r"\((Score[^<)]*)\)|could not be graded", page) for role, page in pages.items() if page}
    found = {role: match and (match[1] or match[0]) for role, match in shown.items()}
    waits = "Score so far: 14.0 / 14.0; 6.0 of 20.0 points are not marked yet"
    expected = {role: f"Score: {points} / 20.0" for role, points in POINTS.items()} | {"waiting": waits, "broken": "could not be graded"}
    assert {role: said for role, said in found.items() if role != "gone"} == expected
    assert all("Model answer:" in page for role, page in pages.items() if page and role != "broken")
    return True


def test_gradescopes_students_reach_the_sheets_of_others_by_number_and_address(course):
    students = course.students["gradescope"]
    canvas, moodle = in_canvas(students), in_moodle(students, GERMAN)
    filled, _, said = exported(course, "gradescope", "canvas", canvas.gradebook())
    changed = canvas.upload_gradebook(filled)
    assert roles(course, "gradescope", "canvas", {student: float(score) for (student, _), score in changed.items()}) == POINTS, said
    filled, feedback, said = exported(course, "gradescope", "moodle", with_semicolons(moodle.worksheet()))
    moodle.upload_worksheet(filled, separator="semicolon")
    grades = roles(course, "gradescope", "moodle", {number: grade.grade for number, grade in moodle.grades.items()})
    assert grades == POINTS | {"waiting": 3.5, "broken": None, "9": None}, said
    moodle.upload_feedback(feedback)
    assert are_theirs(roles(course, "gradescope", "moodle", {number: grade.files.get(f"{NAME}.html", b"").decode() for number, grade in moodle.grades.items()}))
    _, feedback, _ = exported(course, "gradescope", "", None)
    with zipfile.ZipFile(io.BytesIO(feedback)) as archive:
        pages = {path.split("/")[0]: archive.read(path).decode() for path in archive.namelist()}
    assert are_theirs({role: pages[course.whose["gradescope", role]] for role in ROLES})


def test_times_reach_formgrader_and_totals(course):
    assert re.search(rf"{NAME}\s+2026-11-30 22:59:00 UTC", course.shown), course.shown
    handed_in = {"moodle": "2026-12-01 00:29:00 UTC", "gradescope": "2026-11-30 22:15:00 UTC"}
    for which, time in handed_in.items():
        assert re.search(rf"{re.escape(course.whose[which, 'marked'])}\s+{time}", course.shown), course.shown
    code, said = command("totals", "--submitted", course.folder / "all", "--out", course.out)
    assert code == 0, said
    rows = {row["student"]: row for row in read_table(course.out / "totals.csv")[1]}
    late = {key: rows[course.whose[key, "marked"]][f"{NAME} late_by_hours"] for key in NAMES}
    assert late == {"moodle": "1.50", "canvas": "LATE", "gradescope": "0.00"}


def test_nothing_that_is_hostile_does_anything(course, browser):
    command("totals", "--submitted", course.folder / "all", "--out", course.out)
    for which in NAMES:
        exported(course, which, "", None)
        with zipfile.ZipFile(course.out / NAME / "feedback.zip") as archive:
            assert len(archive.namelist()) == len(set(archive.namelist())) == len(ROLES)
            assert not [path for path in archive.namelist() if path.startswith("/") or "\\" in path or ".." in path.split("/") or not path.isprintable()]
    tables = [*course.out.rglob("*.csv"), *course.folder.glob("*/*.csv")]
    assert {path.name for path in tables} >= {"grades.csv", "totals.csv", "names.csv", "due.csv", f"{NAME}.csv"}
    for path in tables:
        cells = [cell for line in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")) for cell in line]
        assert not [cell for cell in cells if cell.lstrip("\t\r\n ").startswith(("=", "+", "-", "@"))], path
    page, faults = browser.new_page(), []
    page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or faults.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    pages = [course.out / "feedback" / folder / NAME / f"{NAME}.html" for (_, role), folder in course.whose.items() if role in ("hostile", "marked", "broken")]
    for path in (course.out / NAME / "report.html", *pages):
        page.goto(path.as_uri())
        assert page.locator("img[src=x], [onerror]").count() == 0, path
        assert path in pages or {FORMULA, MARKUP, SHELL} == {text for text in (FORMULA, MARKUP, SHELL) if text in page.locator("body").inner_text()}
    page.close()
    assert not faults
    assert not [*course.folder.parent.rglob("pwned"), *ROOT.glob("pwned")]
