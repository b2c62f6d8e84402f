"""A class to which every kind of accident happened, graded by the real command, and looked at in a browser as the marker does."""

import csv
import html
import json
import re
import shutil
import unicodedata
from itertools import cycle
from types import SimpleNamespace

import formgrader
import pytest
from hand_ins import (
    ANY,
    DECOMPOSED,
    HOSTILE,
    HOSTILE_STUDENTS,
    NAME,
    NO_STUDENTS,
    NOT_FOR_READERS,
    ONE_STUDENT,
    SECRET,
    STUDENTS,
    TRAINING,
    WRITTEN,
    hand_in,
    md,
    origin,
    picture,
    text_of,
    together,
    untouched,
)
from nbgrader import api

from tools import classes

CLASS = together()
MOST_NOTES = 700  # characters for one student; who looks through a class reads them all
TASKS = {task.name: task for task in origin().tasks}
HEADINGS = {
    "two_classes": ("5. Two classes (3 points, written)", "6. The cost (1 point)"),
    "double_softmax": ("12. A softmax too many (3 points, written)", "13. Name the digit"),
}
WAITS = "not marked yet"
# Those with names of many kinds are the ones that the marker looks at.
LOOKED_AT = [name for name, kind in CLASS.items() if kind.looked_at]
CALLED = dict.fromkeys(CLASS) | {name: name for name in CLASS} | dict(zip(LOOKED_AT, STUDENTS, strict=False))
HARMFUL = {name: called for name, called in zip(HOSTILE, HOSTILE_STUDENTS + list(HOSTILE)[len(HOSTILE_STUDENTS) :], strict=True)}


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


def states(folder):
    """Return what lies below a folder, with sizes and times; links and pipes as such."""
    return {str(path): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*") if not path.is_dir()}


def secrets(folder):
    """Put what nobody may read beside the folder of submissions."""
    notebook = untouched()
    notebook.cells.append(md(f"{SECRET} in somebody else's notebook"))
    (folder / "secrets").mkdir()
    (folder / "secrets" / f"{NAME}.ipynb").write_text(text_of(notebook))
    for path in ("secret.png", "secrets/secret.png"):
        (folder / path).write_bytes(picture("PNG", (333, 77)))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    submitted, out = folder / "submitted", folder / "graded"
    secrets(folder)
    for name, kind in CLASS.items():
        hand_in(submitted, name, kind.make, CALLED[name])
    for name, make in HOSTILE.items():
        hand_in(submitted, name, make, HARMFUL[name])
    for name in (*ONE_STUDENT, DECOMPOSED, *NO_STUDENTS):
        hand_in(submitted, name, lambda one: None)
    before = states(submitted)
    code, said = classes.grade(NAME, submitted, out, "--seconds", "15")
    assert code == 0, said
    yield SimpleNamespace(folder=folder, submitted=submitted, out=out, said=said, table=table(out), before=before)
    shutil.rmtree(submitted)  # half a gigabyte


def page_of(course, student):
    return course.out / "feedback" / student / NAME / f"{NAME}.html"


def faults(course, student, kind):
    """Yield what is not as it should be about a hand-in."""
    rows = course.table.get(student)
    if not rows:
        yield "not in the table"
        return
    words = words_of(page := page_of(course, student).read_text(encoding="utf-8"))
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
    yield from faults_of_marks(rows, kind)
    yield from faults_of_notes({row["notes"] for row in rows.values()}, kind)
    yield from faults_of_page(page, words, kind)


def faults_of_marks(rows, kind):
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


def faults_of_notes(notes, kind):
    every = " | ".join(sorted(notes))
    if kind.notes is not ANY:
        if not kind.notes and every.strip(" |"):
            yield f"a note that is not needed: {every}"
        for pattern in kind.notes:
            if not re.search(pattern, every):
                yield f"no note {pattern!r} but {every!r}"
    if max(map(len, notes)) > MOST_NOTES:
        yield f"notes of {max(map(len, notes))} characters: {every}"
    for pattern in kind.never:
        if found := re.search(pattern, every):
            yield f"a note says {found[0]!r}: {every}"


def faults_of_page(page, words, kind):
    for task in WRITTEN:
        part = part_of(words, task)
        if task not in kind.lost and kind.words[task] not in (words if kind.anywhere else part):
            yield f"the answer {kind.words[task]!r} is not {'on the page' if kind.anywhere else 'at its task on the page'}"
        if not kind.anywhere and (WAITS in part) == (task in kind.lost):
            yield f"the page says {WAITS!r} of {task}, or does not"
        if found := re.search(NOT_FOR_READERS, part):
            yield f"a formula of {task} is shown as {found[0]!r}"
    for pattern in kind.shown:
        if not re.search(pattern, words):
            yield f"{pattern!r} is not on the page"
    if len(pictures_of(page)) != kind.pictures:
        yield f"{len(pictures_of(page))} pictures on the page, not {kind.pictures}"


@pytest.mark.parametrize("name", CLASS)
def test_every_kind_of_hand_in_has_its_outcome(name, course):
    found = list(faults(course, unicodedata.normalize("NFC", CALLED[name]), CLASS[name]))
    assert not found, "\n".join(found)


def test_every_name_is_a_students(course):
    assert len(LOOKED_AT) >= len(STUDENTS)
    assert not [name for name in STUDENTS if name not in course.table]


def test_one_name_in_two_forms_is_one_student(course):
    for form in (*ONE_STUDENT, DECOMPOSED):
        name = unicodedata.normalize("NFC", form)
        assert [student for student in course.table if unicodedata.normalize("NFC", student) == name] == [name]
        assert course.table[name]["softmax"]["points"] == "1"


def test_a_name_that_is_none_is_refused_with_its_reason(course):
    refused = {name: rows for name, rows in course.table.items() if name.startswith("'") and rows["softmax"]["status"] == "failed"}
    assert len(refused) >= len(NO_STUDENTS), list(refused)
    assert all("the folder's name holds" in row["message"] for rows in refused.values() for row in rows.values())


def test_no_kind_is_the_graders_fault(course):
    assert "The grader itself failed" not in course.said and "could not be made" not in course.said


# What is meant to do harm.


def test_nothing_in_the_table_starts_a_formula(course):
    data = (course.out / NAME / "grades.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    cells = [value for row in csv.reader(text.splitlines(keepends=True)) for value in row]
    assert not [value for value in cells if value.lstrip().startswith(("=", "+", "-", "@"))]
    for separator in (",", ";", "\t"):  # by which a spreadsheet may take the file apart, too
        for line in text.splitlines():
            assert not [part for part in line.split(separator) if part.strip().strip('"').startswith(("=", "@"))], line


def test_nothing_that_is_printed_moves_the_terminal(course):
    assert not [letter for letter in course.said if unicodedata.category(letter) == "Cc" and letter != "\n"]
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", course.said)


def test_nothing_leaves_its_folder(course):
    assert states(course.submitted) == course.before
    assert sorted(path.name for path in course.folder.iterdir() if path.name != "jupyter.log") == ["graded", "secret.png", "secrets", "submitted"]
    assert sorted(path.name for path in (course.folder / "secrets").iterdir()) == [f"{NAME}.ipynb", "secret.png"]
    assert not [path for path in course.out.rglob("*") if path.is_symlink()]
    kinds = {path.relative_to(course.out).parts[0] for path in course.out.rglob("*")}
    assert kinds <= {"autograded", "feedback", "release", "gradebook.db", "nbgrader_config.py", ".lock", NAME}, kinds


def test_nobody_sees_what_lies_elsewhere(course):
    """Neither words nor pictures: of the pictures that are on the pages of who asked for others, none has the size of the secret one."""
    pages = [*course.out.rglob("*.html"), *course.out.rglob("autograded/**/*.ipynb")]
    assert len(pages) > len(CLASS)
    assert not [path for path in pages if SECRET in path.read_text(encoding="utf-8")]
    page = page_of(course, HARMFUL["in-paths-of-pictures"]).read_text(encoding="utf-8")
    assert not pictures_of(page)


def watched(page, found):
    """Fill a list with what a page asks of others or does by itself."""
    page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "http://127.0.0.1:")) or found.append(request.url))
    page.on("pageerror", lambda error: found.append(str(error)))


def test_no_page_given_back_runs_anything(course, browser):
    page, found = browser.new_page(), []
    watched(page, found)
    for name in HARMFUL.values():
        pages = [page_of(course, called) for called in (name, "".join(filter(str.isprintable, name))) if page_of(course, called).exists()]
        for path in pages:
            page.goto(path.as_uri())
            if odd := page.evaluate(ODD):
                found.append((name, odd))
    page.close()
    assert not found, found


# What a student's text may not have become, beside scripts: our own pages have none of it.
ODD = """() => [...document.querySelectorAll("*")].filter(element =>
    [...element.attributes].some(({name, value}) => (name.startsWith("on") && value.includes("alert"))
        || (!["alt", "title", "placeholder"].includes(name) && /^\\s*javascript:alert|evil.example/.test(value)))
    || (["IFRAME", "OBJECT", "EMBED", "BASE", "META"].includes(element.tagName) && element.outerHTML.includes("alert"))
).map(element => element.outerHTML.slice(0, 200))"""


def seen_in(page):
    """Return what there is to be seen of a submission."""
    formgrader.wait(page)
    words = " ".join(page.locator("body").inner_text().split())
    pictures = page.evaluate("[...document.images].filter(image => image.src.startsWith('data:') && image.naturalWidth > 50).length")
    return SimpleNamespace(words=words, pictures=pictures, odd=page.evaluate(ODD))


@pytest.fixture(scope="module")
def marking(course, browser):
    """The gradebook as the marker sees it: the text and the number of pictures of all that is looked at, and what it did by itself. Then some is marked."""
    seen, found, open_one = {}, [], lambda: formgrader.opened(browser, address, token)
    with formgrader.running(course.out) as (address, token), open_one() as page, open_one() as other:
        for tab in (page, other):
            watched(tab, found)
        addresses = formgrader.addresses(page, address, NAME)
        names = [CALLED[name] for name in LOOKED_AT] + [name for kind, name in HARMFUL.items() if name in addresses and "name-of" not in kind]
        shown = []
        for name, tab in zip(names, cycle([page, other]), strict=False):  # one page is made while the other is shown
            tab.goto(addresses[name], wait_until="commit")
            shown.append((name, tab))
            if len(shown) > 1:
                seen[shown[-2][0]] = seen_in(shown[-2][1])
        seen[name] = seen_in(tab)
        for name, marks in MARKS.items():
            formgrader.go(page, addresses[name])
            for task, points, comment in marks:
                formgrader.mark(page, task, points, comment)
    return SimpleNamespace(seen=seen, found=found, addresses=addresses)


def called(start):
    """Return the student to whom a kind happened."""
    return next(CALLED[name] for name in CLASS if start in name)


CHANGED, KEPT, TWICE = called("new-cell-below-markdown"), called("cell-emptied-and-a-new-one-below"), unicodedata.normalize("NFC", DECOMPOSED)
OVERRULED, SPOILT = called("line-left-and-answer-above-it"), called("named-browser")
MARKS = {
    CHANGED: [("two_classes", 2.5, "The bias is lost.")],
    KEPT: [("two_classes", 1.5, "Half of it.")],
    TWICE: [("double_softmax", 3, None)],
    OVERRULED: [("softmax-check", 0.5, None)],
}


def test_the_marker_finds_every_answer(marking):
    assert len(LOOKED_AT) >= 40
    missing = {}
    for name in LOOKED_AT:
        seen, kind = marking.seen[CALLED[name]], CLASS[name]
        lost = [task for task in WRITTEN if task not in kind.lost and kind.words[task] not in seen.words]
        if lost or seen.pictures != kind.pictures:
            missing[name] = lost, seen.pictures
    assert not missing, missing


def test_formgrader_runs_nothing(marking):
    assert not marking.found, marking.found
    assert not [(name, seen.odd) for name, seen in marking.seen.items() if seen.odd]
    assert not [name for kind, name in HARMFUL.items() if kind.startswith("in-") and "name-of" not in kind and name not in marking.seen]


def test_the_same_command_brings_marks_and_asks_again_where_an_answer_changed(course, marking):
    """The answer that changed stands in a cell below. Another student's folder has its name in the other form; a mark was changed behind our back."""
    path = next(path for path in (course.submitted / CHANGED / NAME).iterdir() if b"quokka" in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"quokka", b"quoll"))
    (course.submitted / DECOMPOSED).rename(course.submitted / TWICE)
    with api.Gradebook(f"sqlite:///{course.out / 'gradebook.db'}") as book:
        book.find_grade("logsumexp-check", NAME, NAME, SPOILT).auto_score = 0.0
        book.db.commit()
    code, said = classes.grade(NAME, course.submitted, course.out, "--seconds", "15")
    assert code == 0, said
    rows = table(course.out)
    assert rows[CHANGED]["two_classes"]["status"] == "needs-marking"
    assert WAITS in part_of(words_of(page_of(course, CHANGED).read_text(encoding="utf-8")), "two_classes")
    kept = rows[KEPT]["two_classes"]
    assert (kept["status"], kept["points"], kept["message"]) == ("graded", "1.5", "Half of it.")
    part = part_of(words_of(page_of(course, KEPT).read_text(encoding="utf-8")), "two_classes")
    assert "Half of it." in part and WAITS not in part
    assert (rows[TWICE]["double_softmax"]["status"], rows[TWICE]["double_softmax"]["points"]) == ("graded", "3")
    assert rows[OVERRULED]["softmax"]["points"] == "0.5" and "by hand" in rows[OVERRULED]["softmax"]["message"]
    assert rows[SPOILT]["logsumexp"]["points"] == "2"
    others = course.table.keys() - MARKS.keys() - {SPOILT}
    assert {name: rows[name] for name in others} == {name: course.table[name] for name in others}


def test_the_marking_scheme_is_the_markers(course, marking):
    """It stands beside each written answer in Formgrader, and on no page given back."""
    rubrics = [words_of(text) for text in schemes()]
    assert len(rubrics) == len(WRITTEN)
    for seen in marking.seen.values():
        assert all(rubric in seen.words for rubric in rubrics)
    for path in course.out.rglob("feedback/**/*.html"):
        words = words_of(path.read_text(encoding="utf-8"))
        assert not [rubric for rubric in rubrics if rubric in words], path


def schemes():
    """Return of each marking scheme a piece of plain words."""
    notebook = json.loads((classes.source.ROOT / "solutions" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if "rubric" in cell["metadata"].get("tags", [])]
    return [max(re.split(r"[$*`\n|]", text), key=len).strip() for text in texts]
