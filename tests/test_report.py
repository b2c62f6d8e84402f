"""The report on a class: what it says, to whom, and what it keeps to itself when names are hidden."""

import csv
import io
import json
import os
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from nbgrader import api
from playwright.sync_api import expect
from pypdf import PdfReader

from grading.author import sections, source
from grading.collect.people import People
from grading.report import classroom
from grading.report.standing import CHANGED, NOT_GRADED, NOTHING, Standing, standings
from grading.report.table import NEEDS_MARKING, Row
from grading.shared.files import ROOT
from grading.shared.tables import write_table
from tools import classes

NAME = "02_regression_vs_classification"
ORIGIN = source.outline(NAME)
TASKS = ORIGIN.tasks
MOST = sum(task.points for task in TASKS)
DUE = datetime(2026, 12, 1, 23, 59, tzinfo=timezone(timedelta(hours=1)))
SLOPE = "This is a − y: the slope of the sigmoid is missing. It is the derivative of another loss, the chapter's rival."
UNTRIED = "not attempted yet"
HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>{{ 7 * 7 }}"
NAMES = ["Ada Lovelace", "Sean O'Brien", "Zoë Ünal", "李 明", "Kim (Min-jun)", "Ngô Thị Thu"]


def stands(student, got, mistakes=None, **more):
    """Return the Standing of a student; got: points by task, "wait" where an answer is not marked, None where it was not tried; 0 for all others."""
    rows = []
    for task in TASKS:
        points = got.get(task.name, 0)
        status, message = (NEEDS_MARKING, "") if points == "wait" else ("graded", UNTRIED if points is None else "None of the 9 cases is right.")
        mistake = " ".join((mistakes or {}).get(task.name, []))
        rows.append(Row(student, task.name, "" if points == "wait" else f"{points or 0:g}", task.points, status, message, mistake))
    waiting = sum(row.max_points for row in rows if row.status == NEEDS_MARKING)
    so_far = float(sum(float(row.points or 0) for row in rows))
    result = {"status": "graded", "messages": {}, "mistakes": mistakes or {}, "notes": [], "causes": [], "seconds": 1.5} | more.pop("result", {})
    given = {"handed_in": DUE - timedelta(hours=3), "time_from": "worksheet", "late_by": timedelta()} | more
    return Standing(student, NEEDS_MARKING if waiting else "graded", None if waiting else so_far, so_far, MOST, waiting, tuple(rows), result, **given)


def failed(student, reason):
    return Standing(student, "failed", max_points=MOST, result={"status": "failed", "reason": reason})


def all_points():
    return {task.name: task.points for task in TASKS}


def mixed():
    """Return a class in which everything occurs."""
    ada, sean, zoe, ming, kim, thu = NAMES
    late = {"handed_in": DUE + timedelta(minutes=90), "late_by": timedelta(minutes=90), "time_from": "Gradescope", "late": "LATE"}
    notes = [f"'{sean} essay.ipynb' was graded: there is no {NAME}.ipynb", "also handed in: Lovelace.pdf"]
    note = {"notes": notes, "causes": ["import tqdm, which is not installed here"]}
    found = [
        stands(ada, all_points()),
        stands(sean, all_points() | {"mse_sigmoid_grad": 0, "not_convex": 1.5}, {"mse_sigmoid_grad": [SLOPE]}, result=note),
        stands(zoe, all_points() | {"not_convex": "wait", "mse_sigmoid_grad": 0}, {"mse_sigmoid_grad": [f"In the ordinary cases: t{SLOPE[1:]}", SLOPE]}),
        stands(ming, {"one_hot": 2, "sigmoid": 0} | dict.fromkeys([task.name for task in TASKS[2:]]), **late),
        failed(kim, f"'{kim}.ipynb' ends in the middle"),
        Standing(thu, NOTHING, max_points=MOST),
        stands("Ona Changed", all_points())._replace(status=CHANGED, points=None),
        Standing("Per Waits", NOT_GRADED, max_points=MOST),
    ]
    return sorted(found)


def many():
    """Return 400 students."""
    found = []
    for number in range(400):
        got = {task.name: [0, None, task.points, task.points][(number * 7 + place * 3) % 4] for place, task in enumerate(TASKS)}
        got |= {"not_convex": "wait" if number % 9 == 0 else number % 7 / 2}
        notes = {"notes": ["sigmoid: the cell had lost nbgrader's id"] if number % 5 == 0 else [], "seconds": number / 10}
        found.append(stands(f"Student Number{number:03}", got, {"mse_sigmoid_grad": [SLOPE]} if got["mse_sigmoid_grad"] == 0 else {}, result=notes))
    return found


CLASSES = {
    "nobody": list,
    "one": lambda: [stands("Ada Lovelace", all_points())],
    "nothing handed in": lambda: [Standing(name, NOTHING, max_points=MOST) for name in NAMES],
    "all failed": lambda: [failed(name, "the file is empty") for name in NAMES],
    "nobody marked": lambda: [stands(name, all_points() | {"not_convex": "wait", "worst_case": "wait"}) for name in NAMES],
    "mixed": mixed,
    "many": many,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The report of each class, by its name."""
    folder, made = tmp_path_factory.mktemp("reports"), {}
    for number, (name, found) in enumerate(CLASSES.items()):
        made[name] = folder / f"{number}" / NAME / "report.html"
        classroom.write(made[name], NAME, found(), ORIGIN, due=DUE)
    return made


@pytest.fixture
def opened(browser):
    """A function that opens a page in a window of its own; at the end, none may have asked another host, opened a dialog or complained."""
    contexts, faults = [], []

    def open_page(path, theme="light", width=1280, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: urlsplit(request.url).scheme in ("file", "data") or faults.append(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


WITHOUT_REPETITION = "document.querySelectorAll(':is(.all tr, .names li, .said li):nth-child(n + 12)').forEach((one) => one.remove())"  # axe is slow


def violations(page):
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]]


def bars(page, called):
    """Return how many students the bars of a histogram stand for, without those of nobody, by their labels."""
    found = page.get_by_role("list", name=called, exact=True).locator("li")
    found = found.evaluate_all("bars => bars.map(bar => [bar.firstElementChild.textContent, bar.querySelector('b').textContent])")
    return {label: int(number) for label, number in found if number != "0"}


def rows(page):
    """Return the cells of the table of all students."""
    return page.locator(".all tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))")


def section(page, name):
    return " ".join(page.locator(f"#{name}").inner_text().split())


# What it says


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A small class, graded by the command: (folder of submissions, folder of results)."""
    folder = tmp_path_factory.mktemp("class")
    submitted, out = folder / "submitted", folder / "graded"
    origin = source.read(NAME)
    tasks, model = {task.name: task for task in origin.functions}, classes.model_answers(origin)
    wrong = classes.as_answer(tasks["mse_sigmoid_grad"], "mistakes", "slope_missing")
    for student, answers in {
        "Ada Lovelace": model | dict.fromkeys(("not_convex", "worst_case"), classes.WRITTEN),
        "Sean O'Brien": model | {"mse_sigmoid_grad": wrong},
        "Zoë Ünal": {name: model[name] for name in ("one_hot", "sigmoid")} | {"mse_sigmoid_grad": wrong},
        "Kim (Min-jun)": model,
        "Late Larry": {},
    }.items():
        classes.hand_in(submitted, student, NAME, classes.answered(NAME, answers))
    (submitted / "Kim (Min-jun)" / NAME / f"{NAME}.ipynb").write_text('{"cells": [')
    named = submitted / "Sean O'Brien" / NAME / f"{NAME}.ipynb"
    named.rename(named.with_name("Copy of sean.ipynb"))
    (submitted / "Nobody Yet").mkdir()
    write_table(submitted / "names.csv", ("folder", "name"), [("Zoë Ünal", HOSTILE), ("Joined Late", "")])
    for path in submitted.glob("*/*/*.ipynb"):
        at = DUE.timestamp() + (5400 if "Larry" in str(path) else -5400)
        os.utime(path, (at, at))
    code, said = classes.grade(NAME, submitted, out, "--due", DUE.isoformat())
    assert code == 0 and f"{NAME}/report.html" in said, said
    return submitted, out


def test_the_report_of_a_graded_class_says_what_the_table_says(graded, opened):
    submitted, out = graded
    page = opened(out / NAME / "report.html")
    table = list(csv.DictReader(io.StringIO((out / NAME / "grades.csv").read_text(encoding="utf-8-sig"))))
    for place, task in enumerate(TASKS):
        own = [row for row in table if row["task"] == task.name]
        right = sum(row["status"] == "graded" and float(row["points"]) == task.points for row in own)
        untried, waits = (sum(row[column] == said for row in own) for column, said in (("message", UNTRIED), ("status", NEEDS_MARKING)))
        counts = page.locator(".tasks > li").nth(place).locator(".counts").inner_text()
        for said, number in (("all points", right), ("not tried", untried), ("not marked yet", waits)):
            assert re.findall(rf"(\d+) {said}", counts) == [str(number)] * (number > 0), (task.name, counts)
    assert bars(page, "Students by total") == {"0": 1, "5": 1, "12": 1}
    with api.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        for task, points in (("not_convex", 2.5), ("worst_case", 3)):
            grade = book.find_grade(task, NAME, NAME, "Ada Lovelace")
            grade.manual_score, grade.needs_manual_grade = points, False
        book.db.commit()
    names = {person.folder: person.name for person in People.read(submitted)}
    classroom.write(out / NAME / "report.html", NAME, standings(NAME, submitted, out), ORIGIN, names, DUE)
    page.reload()
    assert bars(page, "Students by total") == {"0": 1, "5": 1, "12": 1, "19": 1}
    mistake = page.locator(".mistakes tbody tr").first
    expect(mistake.locator("td").first).to_have_text("2")
    assert SLOPE in mistake.inner_text() and "The push, in Regression and classification" in mistake.inner_text()
    assert {"Sean O'Brien", HOSTILE} == set(mistake.locator("li").all_inner_texts())
    assert "Kim (Min-jun)" in section(page, "failed") and "ends in the middle" in section(page, "failed")
    assert "Copy of sean.ipynb" in section(page, "notes") and "Sean O'Brien" in section(page, "notes")
    assert "Late Larry by 1 h 30 min, handed in 2026-12-02 01:29, as the time of its file says" in section(page, "late")
    assert {"Nobody Yet", "Joined Late"} <= set(page.locator("#waiting li li").all_inner_texts())
    ada = page.get_by_role("row", name="Ada Lovelace")
    assert ada.locator("td").first.inner_text() == "19.5"
    with page.expect_navigation():
        ada.get_by_role("link").click()
    assert page.url.endswith(f"/feedback/Ada%20Lovelace/{NAME}/{NAME}.html")


def test_a_report_counts_everybody_once(pages, opened):
    page = opened(pages["mixed"])
    assert bars(page, "Students by total") == {"2": 1, "16": 1, "20": 1}
    assert "3 students have a total, of 20 points." in section(page, "totals")
    found = [text.split("\n") for text in page.locator("#totals .bars li").all_inner_texts()]
    assert found == [[said, "1"] for said in classroom.WITHOUT_TOTAL.values()]
    assert "5 students have no total" in section(page, "totals")
    assert bars(page, "Students by points for functions") == {"2": 1, "12": 2, "14": 1}
    counts = page.locator(".tasks .counts").all_inner_texts()
    assert [dict(reversed(each.split(" ", 1)) for each in re.findall(r"\d+ [a-z ,]*[a-z]", text)) for text in counts][:5] == [
        {"all points": "4"},
        {"all points": "3", "tried, none": "1", "stopped here": "1"},
        {"all points": "3", "not tried": "1"},
        {"all points": "1", "tried, none": "2", "not tried": "1"},
        {"all points": "1", "part": "1", "not tried": "1", "not marked yet": "1"},
    ]
    assert page.locator(".mistakes tbody tr").count() == 1 and page.locator(".mistakes td").first.inner_text() == "2"
    assert "李 明" in section(page, "late") and "by 1 h 30 min" in section(page, "late") and "as Gradescope says" in section(page, "late")
    assert "1 hand-in imports tqdm, which is not installed here" in section(page, "mistakes")
    assert "None of the 9 cases is right." in section(page, "mistakes")


@pytest.mark.parametrize(
    ("states", "place"),
    [("rr", None), ("rw", None), ("wu", 0), ("ru", 1), ("uu", 0), ("uw", None), ("ruru", 3), ("ruwu", 2), ("", None)],
)
def test_a_student_stopped_where_nothing_later_was_tried(states, place):
    made = {"r": ("2", "right"), "w": ("0", "wrong"), "u": ("0", UNTRIED)}
    assert classroom.stopped_at([Row("", "", made[each][0], 2, "graded", made[each][1]) for each in states]) == (place if states else None)


@pytest.mark.parametrize(("values", "most"), [([0, 0.5, 19.5, 20, 20], 20), ([3], 3), ([1, 41, 99.5, 100, 101], 100), ([0], 0)])
def test_bars_are_of_equal_width_and_lose_nobody(values, most):
    found = classroom.distribution(values, most)
    starts = [float(bar.label) for bar in found["bars"]]
    assert sum(bar.count for bar in found["bars"]) == len(values)
    assert {end - start for start, end in zip(starts[:-1], starts[1:])} <= {found["width"]} and starts[-1] == most
    for start, end, bar in zip(starts, [*starts[1:], 1e9], found["bars"]):
        assert bar.count == sum(start <= value < end for value in values)
        assert bar.height == pytest.approx(100 * bar.count / max(each.count for each in found["bars"]), abs=0.01)


def test_each_known_mistake_leads_to_its_section(tmp_path, opened, monkeypatch):
    expected = {task["name"]: task for task in json.loads((ROOT / "exercises" / NAME / source.EXPECTED).read_text(encoding="utf-8")) if "mistakes" in task}
    known = [(task, each) for task in expected for each in expected[task]["mistakes"]]
    one = next((task, each) for task, each in known if each.get("see") and each["see"] != expected[task].get("see"))
    found = [stands("Ada", {}, {one[0]: [one[1]["sentence"]]}), stands("Sean", {}, {"sigmoid": ["Nobody knows this."]})]
    monkeypatch.setattr(sections, "address", lambda: "https://book.example/losses")
    classroom.write(tmp_path / NAME / "report.html", NAME, found, ORIGIN)
    page = opened(tmp_path / NAME / "report.html")
    links = page.locator(".mistakes a")
    hrefs = {link.get_attribute("href") for link in links.all()}
    assert hrefs == {f"https://book.example/losses/{see['page']}" for see in (one[1]["see"], expected["sigmoid"]["see"])}
    assert one[1]["see"]["title"] in links.all_inner_texts()


def test_a_section_whose_title_holds_a_formula_shows_no_dollar_signs(tmp_path):
    origin = source.outline("01_mse")
    expected = json.loads((ROOT / "exercises" / "01_mse" / source.EXPECTED).read_text(encoding="utf-8"))
    task, sentence = next((task["name"], each["sentence"]) for task in expected for each in task.get("mistakes", ()) if "$" in each.get("see", {}).get("title", ""))
    rows = tuple(Row("Ada", each.name, "0", each.points, "graded", "", "") for each in origin.tasks)
    one = Standing("Ada", "graded", 0.0, 0.0, 20.0, 0.0, rows, {"status": "graded", "messages": {}, "mistakes": {task: [sentence]}, "notes": []})
    page = classroom.page(tmp_path / "01_mse" / "report.html", "01_mse", [one], origin, {}, None)
    assert "Why the sum leaves out j = 0" in page


# How it looks and is used


LOOKS = [("light", 1280), ("dark", 360), ("dark", 1280), ("light", 360)]


@pytest.mark.parametrize(("name", "theme", "width"), [*((name, *LOOKS[place % 4]) for place, name in enumerate(CLASSES)), ("mixed", "dark", 1280)])
def test_every_report_is_readable_by_all(pages, opened, name, theme, width):
    page = opened(pages[name], theme, width)
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate(WITHOUT_REPETITION)
    assert violations(page) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 27)"}[theme]


def test_everything_is_done_with_the_keyboard(pages, opened):
    page = opened(pages["mixed"])
    press = page.keyboard.press
    press("Tab")
    expect(page.get_by_role("link", name="Skip to the report")).to_be_focused()
    press("Tab")
    hide = page.get_by_role("switch", name="Hide names")
    expect(hide).to_be_focused()
    press("Space")
    expect(hide).to_be_checked()
    press("Space")
    press("Tab")
    press("ArrowLeft")  # from Auto round to Dark
    expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    page.locator(".whom summary").first.focus()
    press("Enter")
    expect(page.locator(".whom").first).to_have_attribute("open", "")
    student = page.get_by_role("columnheader", name="Student", exact=True)
    student.get_by_role("button").focus()
    press("Enter")
    expect(student).to_have_attribute("aria-sort", "ascending")
    assert page.locator(".all th[aria-sort]").count() == 1
    press("Space")
    expect(student).to_have_attribute("aria-sort", "descending")
    assert rows(page)[0][0] == "李 明"
    page.locator(".wide").focus()
    expect(page.get_by_role("region", name="All students")).to_be_focused()
    page.reload()
    expect(page.get_by_role("radio", name="Dark")).to_be_checked()


def test_tables_are_sorted_by_what_their_columns_mean(pages, opened):
    page = opened(pages["mixed"])
    totals = [row[1] for row in rows(page)]
    assert totals == ["20", "16.5", "2", *[""] * 5]
    header = page.get_by_role("columnheader", name="Late by")
    header.get_by_role("button").click()
    header.get_by_role("button").click()
    assert rows(page)[0][0] == "李 明"
    page = opened(pages["many"])
    run = page.get_by_role("columnheader", name="Run")
    run.get_by_role("button").click()
    assert [row[-1] for row in rows(page)][:3] == ["40 s"] * 3 and rows(page)[0][0] == "Student Number399"
    run.get_by_role("button").click()
    assert [row[0] for row in rows(page)][:3] == [f"Student Number{number:03}" for number in range(3)]


# Names that are hidden

WORDS = ["Lovelace", "Sean", "Brien", "Zoë", "Ünal", "明", "Min-jun", "Ngô", "Thị", "essay", "Changed"]
RULES = ["Ada", "Kim", "Ona", "Per"]  # which are parts of other words, too


def names_in(text):
    return [word for word in WORDS if word in text] + [word for word in RULES if re.search(rf"\b{word}\b", text)]


def test_hidden_names_are_nowhere_in_the_page(pages, opened, tmp_path):
    page = opened(pages["mixed"])
    page.get_by_role("columnheader", name="Student", exact=True).get_by_role("button").click()
    before = page.locator("main").inner_text()
    assert set(names_in(before)) == {*WORDS, *RULES}
    page.get_by_role("switch").check(force=True)
    assert names_in(page.content()) == []
    numbers = [int(row[0].removeprefix("Student ")) for row in rows(page)]
    assert numbers == list(range(1, 9)), "the order of the names is still to be seen"
    for kind in (".names", ".said"):
        for found in page.locator(f"#tasks {kind}, #mistakes {kind}, #waiting {kind}").all():
            own = re.findall(r"Student (\d+)", found.inner_text())
            assert own == sorted(own, key=int)
    page.get_by_role("columnheader", name="Status").get_by_role("button").click()
    states = [(row[-4], int(row[0].removeprefix("Student "))) for row in rows(page)]
    assert states == sorted(states)
    page.pdf(path=tmp_path / "hidden.pdf")
    assert names_in("".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "hidden.pdf").pages)) == []
    page.reload()
    expect(page.get_by_role("switch")).to_be_checked()
    assert names_in(page.content()) == []
    page.get_by_role("switch").uncheck(force=True)
    assert sorted(page.locator("main").inner_text().split()) == sorted(before.split())


def test_numbers_do_not_follow_the_names():
    numbers = [member.number for member in classroom.members(ROOT / NAME / "report.html", NAME, many(), {})]
    assert sorted(numbers) == list(range(1, 401))
    by_name = [member.number for member in sorted(classroom.members(ROOT / NAME / "report.html", NAME, many(), {}), key=lambda member: member.name)]
    assert by_name != sorted(by_name) and sum(number == place for place, number in enumerate(by_name, 1)) < 20


def test_without_scripts_it_says_the_same_and_hides_names(pages, opened, tmp_path):
    page = opened(pages["mixed"], java_script_enabled=False)
    assert set(names_in(page.locator("main").inner_text())) <= {*WORDS, *RULES} and "Lovelace" in page.locator("main").inner_text()
    assert len(rows(page)) == 8 and bars(page, "Students by total") == {"2": 1, "16": 1, "20": 1}
    page.get_by_role("switch").check(force=True)
    for details in page.locator("summary").all():
        details.click()
    assert names_in(page.locator("main").inner_text()) == []
    page.get_by_role("radio", name="Dark").check(force=True)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    page.pdf(path=tmp_path / "hidden.pdf")
    assert names_in("".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "hidden.pdf").pages)) == []


def test_on_paper_it_is_light_and_complete(pages, opened, tmp_path):
    page = opened(pages["mixed"], "dark")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    sheets = [sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages]
    assert len(sheets) <= 6
    assert all(name in "".join(sheets) for name in ("Ada Lovelace", "Sean O'Brien", "Zoë Ünal", "Kim (Min-jun)", "Stopped here"))
    assert page.locator("details[open]").count() == 0
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.set_viewport_size({"width": 688, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 688


# What others wrote


def test_hostile_texts_are_text(tmp_path, opened):
    hostile = [stands(HOSTILE, all_points() | {"sigmoid": 0, "worst_case": 0}, {"sigmoid": [HOSTILE, "\x1b[31m\ud800\u202eodd"]})]
    row = hostile[0].rows[0]._replace(message=HOSTILE, points="0", notes=HOSTILE)
    result = hostile[0].result | {"notes": [HOSTILE, f"sigmoid: {HOSTILE}", "x" * 100_000], "causes": [HOSTILE]}
    hostile[0] = hostile[0]._replace(rows=(row, *hostile[0].rows[1:]), result=result, late=HOSTILE, time_from=HOSTILE, late_by=None)
    hostile += [failed("../../etc", HOSTILE), failed("javascript:alert(3)", "\\u003cscript>alert(4)</script>"), failed("y" * 5000, "z z" * 50_000)]
    path = tmp_path / NAME / "report.html"
    classroom.write(path, NAME, hostile, ORIGIN, {HOSTILE: HOSTILE, "../../etc": "name " * 50_000}, DUE)
    assert path.stat().st_size < 200_000
    page = opened(path)
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert page.evaluate("document.querySelectorAll('img, iframe, object, [onerror], body script').length") == 1  # its own script
    assert HOSTILE in page.locator(".all").inner_text() and "{{ 7 * 7 }}" in page.locator("#notes").inner_text()
    for switch in (True, False):
        page.get_by_role("switch").set_checked(switch, force=True)
    for button in page.locator("th button").all():
        button.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_no_script_but_its_own_runs(pages, browser, tmp_path):
    changed = tmp_path / "changed.html"
    changed.write_text(pages["one"].read_text(encoding="utf-8").replace("</main>", "<script>document.title = 'entered'</script></main>"), encoding="utf-8")
    page = browser.new_page()
    page.goto(changed.as_uri())
    assert page.locator("th button").count() and page.title() == f"{NAME}: how the class did"
    page.close()


def test_four_hundred_students_are_quick_and_light(pages, tmp_path):
    path, found = tmp_path / NAME / "report.html", many()
    start = datetime.now()
    classroom.write(path, NAME, found, ORIGIN, due=DUE)
    assert datetime.now() - start < timedelta(seconds=1)
    assert path.stat().st_size < 1_000_000
