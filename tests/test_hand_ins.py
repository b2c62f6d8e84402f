"""A class in which every kind of accident happened, graded by the real command, and looked at in a browser as the marker does."""

import csv
import html
import re
import unicodedata
from types import SimpleNamespace

import formgrader
import pytest
from hand_ins import ANY, KINDS, NAME, ONE_STUDENT, STUDENTS, TRAINING, WRITTEN, hand_in, origin

from tools import classes

MOST_NOTES = 700  # characters for one student; who looks through a class reads them all
TASKS = {task.name: task for task in origin().tasks}
HEADINGS = {"two_classes": ("5. Two classes (3 points, written)", "6. The cost (1 point)"), "double_softmax": ("12. A softmax too many (3 points, written)", "13. Name the digit")}


def table(out):
    """Return the rows of grades.csv by student and task."""
    with open(out / NAME / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["student", "task", "points", "max_points", "status", "message", "mistake", "notes"]
    found = {}
    for row in rows:
        assert row["task"] not in found.setdefault(row["student"], {}), row
        found[row["student"]][row["task"]] = row
    return found


def words_of(page):
    """Return the text that a page shows, without its formulas' sources."""
    page = re.sub(r"(?s)<(head|script|style|annotation)\b.*?</\1>|<!--.*?-->", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"(?i)<(/?(p|div|h\d|li|td|tr|pre|br)\b)", r" <\1", page))).split())


def pictures_of(page):
    return re.findall(r'<img\b[^>]*?\bsrc="data:image/(?:png|jpeg|gif);base64,[^"]+"', page)


def part_of(words, task):
    """Return what stands on a page between a task's heading and the next one's."""
    start, end = (words.rfind(heading) for heading in HEADINGS[task])
    return words[start:end] if 0 <= start < end else ""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    submitted, out = folder / "submitted", folder / "graded"
    for name, kind in KINDS.items():
        hand_in(submitted, name, kind.make)
    for name in STUDENTS:
        hand_in(submitted, name, lambda one: None)
    for form in ONE_STUDENT:
        hand_in(submitted, form, lambda one: None)
    code, said = classes.grade(NAME, submitted, out, "--seconds", "15")
    assert code == 0, said
    return SimpleNamespace(folder=folder, submitted=submitted, out=out, said=said, table=table(out))


def page_of(course, student):
    return (course.out / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def faults(course, student, kind):
    """Yield what is not as it should be about a hand-in."""
    rows, page = course.table.get(student), page_of(course, student)
    if not rows:
        yield "not in the table"
        return
    notes = {task: row["notes"] for task, row in rows.items()}
    every = " | ".join(sorted(set(notes.values())))
    words = words_of(page)
    for pattern in kind.said:
        if not re.search(pattern, course.said):
            yield f"the command does not say {pattern!r}"
    if kind.failed:
        for task, row in rows.items():
            if (row["status"], row["points"]) != ("failed", "") or not re.search(kind.failed, row["message"]):
                yield f"{task}: {row['status']}, {row['points']}, {row['message']}; should have failed: {kind.failed}"
        if not re.search(kind.failed, words):
            yield "the page does not give the reason"
        return
    for name, task in TASKS.items():
        row = rows[name]
        if name in kind.lost:
            right = (row["status"], row["points"]) == ("graded", "0") and re.search(kind.lost[name], row["message"])
        elif task.written:
            right = (row["status"], row["points"]) == ("needs-marking", "")
        else:
            right = (row["status"], row["points"]) == ("graded", "0" if name == TRAINING else f"{task.points:g}")
        if not right:
            yield f"{name}: {row['status']}, {row['points']}, {row['message']!r}" + (f"; should be 0, {kind.lost[name]!r}" if name in kind.lost else "")
    if kind.notes is not ANY:
        if not kind.notes and every.strip(" |"):
            yield f"a note that is not needed: {every}"
        for pattern in kind.notes:
            if not re.search(pattern, every):
                yield f"no note {pattern!r} but {every!r}"
    longest = max(notes.values(), key=len)
    if len(longest) > MOST_NOTES:
        yield f"notes of {len(longest)} characters: {longest}"
    for pattern in kind.never:
        if found := re.search(pattern, every):
            yield f"a note says {found[0]!r}: {every}"
    for task in WRITTEN:
        if task not in kind.lost and kind.words[task] not in (words if kind.anywhere else part_of(words, task)):
            yield f"the answer {kind.words[task]!r} is not {'on the page' if kind.anywhere else 'at its task on the page'}"
    for pattern in kind.shown:
        if not re.search(pattern, words):
            yield f"{pattern!r} is not on the page"
    if len(pictures_of(page)) != kind.pictures:
        yield f"{len(pictures_of(page))} pictures on the page, not {kind.pictures}"


@pytest.mark.parametrize("student", KINDS)
def test_every_kind_of_hand_in_has_its_outcome(student, course):
    found = list(faults(course, student, KINDS[student]))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", STUDENTS)
def test_every_name_is_a_students(folder, course):
    student = STUDENTS[folder] or folder
    rows = course.table.get(student)
    assert rows, [name for name in course.table if name not in KINDS]
    assert {row["status"] for row in rows.values()} == {"graded", "needs-marking"}, rows
    assert sum(float(row["points"] or 0) for row in rows.values()) == 12
    assert (course.out / "feedback" / student / NAME / f"{NAME}.html").exists()


def test_one_name_in_two_forms_is_one_student(course):
    forms = {unicodedata.normalize("NFC", name) for name in ONE_STUDENT}
    assert len(forms) == 1
    (name,) = forms
    assert [student for student in course.table if unicodedata.normalize("NFC", student) == name] == [name]
    assert course.table[name]["softmax"]["points"] == "1"


def test_the_marker_finds_every_answer(course, browser):
    missing = {}
    with formgrader.running(course.out) as (address, token), formgrader.opened(browser, address, token) as page:
        addresses = formgrader.addresses(page, address, NAME)
        for student, kind in KINDS.items():
            if not kind.looked_at:
                continue
            formgrader.go(page, addresses[student])
            words = " ".join(page.locator("body").inner_text().split())
            pictures = page.evaluate("[...document.images].filter(image => image.src.startsWith('data:') && image.naturalWidth > 50).length")
            lost = [task for task in WRITTEN if kind.words[task] not in words]
            if lost or pictures != kind.pictures:
                missing[student] = lost, pictures
    assert not missing, missing


def test_nothing_in_the_table_starts_a_formula(course):
    data = (course.out / NAME / "grades.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    for row in csv.reader(data.decode("utf-8-sig").splitlines()):
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row), row
