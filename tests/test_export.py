"""Points and pages on their way back: what is exported is taken by courses that follow the rules of Moodle's and Canvas's importers."""

import csv
import io
import zipfile
from datetime import datetime

import pytest

from grading.__main__ import main
from grading.collect import times
from grading.collect.dates import read_times
from grading.collect.handed_in import Refused
from grading.collect.people import People, Person
from grading.collect.sheets import Sheet
from grading.report import export
from grading.report.standing import Standing
from tests.lms_rules import ENGLISH, GERMAN, SPANISH, Canvas, Column, Moodle, NotTaken, Participant, Pupil

NAME = "01_mse"
EVENING = datetime(2026, 12, 1, 23, 59)
STATES = {  # of each student: status, points
    "Anna Meyer": ("graded", 17.5),
    "Anna Meyer 2": ("graded", 20.0),
    "Sean O'Brien": ("graded", 0.0),
    "Zoë Ünal": ("needs-marking", None),
    "failed": ("failed", None),
    "changed": ("changed", None),
    "new": ("not graded", None),
    "Absent": ("nothing handed in", None),
    "Dropped Out": ("graded", 12.25),
}
NUMBERS = {student: str(1234560 + place) for place, student in enumerate(STATES)}


class Course:
    """What lies in the folders of a class: `standings` instead of a grading that takes its time, names.csv, what was collected, pages."""

    def __init__(self, folder, states=STATES):
        self.submitted, self.out = folder / "submitted", folder / "graded"
        self.submitted.mkdir()
        self.people, self.taken = People.read(self.submitted), []
        self.standings = []
        for student, (status, points) in states.items():
            result = {"reason": "this is no notebook"} if status == "failed" else {}
            self.standings.append(Standing(student, status, points, points or 5.0, 20.0, 0.0, (), result))
            page = self.out / "feedback" / student / NAME / f"{NAME}.html"
            if status != "nothing handed in":
                page.parent.mkdir(parents=True)
                page.write_text(f"<p>{student}</p>")

    def knows(self, folder, file="", lms="", **person):
        self.people.put(Person(folder, **person))
        if file:
            self.taken.append(times.Collected(folder, lms, file))

    def exported(self, content, lms="moodle", **options):
        """Return the sheet and the zip as bytes, and the lines."""
        self.people.write()
        times.keep(self.submitted, NAME, self.taken)
        path = self.submitted.parent / "sheet.csv"
        path.write_bytes(content)
        said = "\n".join(export.export(NAME, self.submitted, self.out, **{lms: path}, **options))
        folder = self.out / NAME
        return (folder / f"for-{lms}.csv").read_bytes(), (folder / "feedback.zip").read_bytes(), said


@pytest.fixture
def course(tmp_path, monkeypatch):
    made = Course(tmp_path)
    monkeypatch.setattr(export, "standings", lambda name, submitted, out: made.standings)
    return made


def in_moodle(course, strings=ENGLISH, without=("Dropped Out",)):
    """Return the Moodle that a course was collected from, which somebody joined since."""
    for student, number in NUMBERS.items():
        course.knows(student, f"{student.removesuffix(' 2')}_{number}_assignsubmission_file_/{NAME}.ipynb", "moodle", moodle={NAME: number})
    there = {number: Participant(student.removesuffix(" 2"), handed_in=EVENING) for student, number in NUMBERS.items() if student not in without}
    return Moodle(there | {"99": Participant("Joined Late")}, strings=strings)


def points(moodle):
    return {student: moodle.grades[number].grade for student, number in NUMBERS.items() if number in moodle.grades}


def delimited(content, delimiter):
    """Return a table as a spreadsheet saves it."""
    table = io.StringIO(newline="")
    csv.writer(table, delimiter=delimiter).writerows(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    return table.getvalue().encode("utf-8-sig")


@pytest.mark.parametrize("separator", ["comma", "semicolon"])
@pytest.mark.parametrize("strings", [ENGLISH, GERMAN, SPANISH], ids=lambda strings: strings["language"])
def test_moodle_takes_the_points_of_all_that_is_marked_and_leaves_the_others(course, strings, separator):
    moodle = in_moodle(course, strings)
    moodle.grades[NUMBERS["Zoë Ünal"]].grade = 3.5
    before = points(moodle)
    sheet = moodle.worksheet() if separator == "comma" else delimited(moodle.worksheet(), ";")
    filled, feedback, said = course.exported(sheet)
    moodle.upload_worksheet(filled, separator=separator)
    assert points(moodle) == before | {"Anna Meyer": 17.5, "Anna Meyer 2": 20.0, "Sean O'Brien": 0.0}
    assert moodle.grades["99"].grade is None
    for student, why in {"Zoë Ünal": "not all is marked yet", "failed": "this is no notebook", "changed": "grade again", "new": "not graded yet"}.items():
        assert any(line.startswith(f"  {student}: ") and f"{why} (the cell stays as it was)" in line for line in said.splitlines()), said
    assert "  Dropped Out: nobody in the sheet has Moodle's identifier 1234568" in said
    moodle.upload_feedback(feedback)
    assert {number for number, grade in moodle.grades.items() if grade.files} == {NUMBERS[student] for student in [*STATES][:5]}
    assert moodle.grades[NUMBERS["Anna Meyer 2"]].files == {f"{NAME}.html": b"<p>Anna Meyer 2</p>"}


CHINESE = ENGLISH | {"hiddenuser": "参与者", "fullname": "全名", "idnumber": "学号", "email": "Email地址", "language": "zh", "date": "y年M月d日 EEEE HH:mm"}


@pytest.mark.parametrize("strings", [ENGLISH, GERMAN, SPANISH, CHINESE], ids=lambda strings: strings["language"])
def test_a_worksheet_says_who_is_in_the_class_and_when_they_handed_in(strings):
    moodle = Moodle({"7": Participant("Meyer, Anna", "anna@example.org", "0012", EVENING), "8": Participant("'=Zoë", "", "13")}, strings=strings)
    moodle.grades["7"].grade, moodle.grades["7"].time = 3.0, 1.8e9
    anna, zoe = Sheet("sheet.csv", moodle.worksheet()).entries()
    assert anna == (1, "7", "Meyer, Anna", "anna@example.org", "0012", EVENING)
    assert zoe == (2, "8", "=Zoë", "", "13", None)
    blind = Sheet("sheet.csv", moodle.worksheet(blind=True)).entries()
    assert [(entry.id, entry.name, entry.handed_in) for entry in blind] == [("7", "", EVENING), ("8", "", None)]


def test_a_gradebook_says_who_is_in_the_class():
    canvas = Canvas({"101": Pupil('O\'Brien, Sean "Jr."', "0012", "sean@example.org"), "102": Pupil("Plato", "13", "plato")}, {"9": Column("Quiz")})
    sean, plato = Sheet("sheet.csv", canvas.gradebook(";", True)).entries()
    assert sean == (3, "101", 'Sean "Jr." O\'Brien', "sean@example.org", "0012", None)
    assert plato == (4, "102", "Plato", "", "13", None)
    two = canvas.gradebook().decode().replace("Student,", "LastName,FirstName,", 1).replace("\"O'Brien, Sean", '"O\'Brien","Sean').replace("Plato", "Plato,")
    two = two.replace('"Student, Test"', "Student,Test").replace("Possible", "Possible,").replace("\n,", "\n,,")
    assert [entry.name for entry in Sheet("sheet.csv", two.encode()).entries()] == ['Sean "Jr." O\'Brien', "Plato"]


def test_every_other_byte_of_a_sheet_stays():
    raw = [
        ['"Identifier, ; or\tID"', "Full name ", "Grade", '"Maximum grade"', "Grade can be changed", '"Feedback"'],
        ["Participant 1", '"Meyer, ""A"""', "", "20.00", "Yes", '"=1+1\r\n\r\nso ""there""\n"'],
        ['"Participant 2"', "'Sean\u2028", '"3.00"', "20", ' "Yes"', "café"],
        ["Participant 3", "=A1", "  4 ", '"20.00"', "Yes", ""],
    ]
    for row in raw[1:]:
        row[3] = row[3] if row[3].startswith('"') else "20.00"
    filled = [[*row] for row in raw]
    filled[1][2], filled[2][2] = "12.5", '"0"'
    for delimiter in ",;\t":
        for end in ("\n", "\r\n"):
            for encoding in ("utf-8", "utf-8-sig", "utf-16"):
                for last in ("", end, end + end + delimiter * 5 + end):
                    before, after = ((end.join(delimiter.join(row) for row in rows) + last).encode(encoding) for rows in (raw, filled))
                    sheet = Sheet("sheet.csv", before)
                    assert [entry.id for entry in sheet.entries()] == ["1", "2", "3"]
                    assert sheet.with_column("Grade", {}) == before
                    assert sheet.with_column("Grade", {1: "12.5", 2: "0"}) == after


def test_a_number_with_a_comma_is_quoted_where_commas_part_cells(course):
    filled, _, _ = course.exported(in_moodle(course, GERMAN).worksheet())
    assert '"17,5","20,00"' in filled.decode() and ',0,"20,00"' in filled.decode()
    filled, _, _ = course.exported(delimited(in_moodle(course, GERMAN).worksheet(), ";"))
    assert ";17,5;20,00;" in filled.decode()


def test_a_sheet_in_english_has_points_though_a_spreadsheet_made_commas_of_them(course):
    moodle = in_moodle(course)
    sheet = delimited(moodle.worksheet(), ";").replace(b"20.00", b"20,00")
    moodle.upload_worksheet(course.exported(sheet)[0], separator="semicolon")
    assert points(moodle)["Anna Meyer"] == 17.5


def test_pages_that_are_uploaded_first_would_make_moodle_pass_over_the_points(course):
    moodle = in_moodle(course)
    filled, feedback, said = course.exported(moodle.worksheet())
    assert said.splitlines()[-1].startswith("In Moodle: first the sheet")
    moodle.upload_feedback(feedback)
    assert moodle.upload_worksheet(filled) == []
    assert len(moodle.upload_worksheet(filled, ignore_modified=True)) == 3


def test_moodle_reads_the_times_in_its_sheet_in_english_only_and_it_is_said(course):
    assert "Tick" not in course.exported(in_moodle(course, GERMAN).worksheet())[2]  # nobody has a grade yet
    for strings, taken in ((ENGLISH, True), (GERMAN, False)):
        moodle = in_moodle(course, strings)
        grade = moodle.grades[NUMBERS["Anna Meyer"]]
        grade.grade, grade.time = 3.0, 1.8e9
        filled, _, said = course.exported(moodle.worksheet())
        assert (NUMBERS["Anna Meyer"] in moodle.upload_worksheet(filled)) == taken
        assert ("Tick that records modified more recently are updated" in said) == (not taken)
        moodle.upload_worksheet(filled, ignore_modified=True)
        assert grade.grade == 17.5


def test_what_is_locked_in_moodle_stays(course):
    moodle = in_moodle(course, GERMAN)
    moodle.grades[NUMBERS["Anna Meyer"]].locked = True
    filled, _, said = course.exported(moodle.worksheet())
    assert "  Anna Meyer: locked in Moodle, or overridden in its gradebook (the cell stays as it was)" in said
    assert b"17,5" not in filled


def test_a_blind_sheet_and_odd_feedback_are_read(course):
    moodle = in_moodle(course)
    moodle.grades[NUMBERS["Anna Meyer"]].grade = 3.0
    moodle.participants = {number: one._replace(name=one.name + '\\", "so"') for number, one in moodle.participants.items()}
    for blind in (True, False):
        moodle.upload_worksheet(course.exported(moodle.worksheet(blind))[0])
        assert points(moodle)["Anna Meyer"] == 17.5


def test_another_maximum_is_said_and_nothing_is_scaled(course):
    moodle = in_moodle(course)
    moodle.most = 100.0
    filled, _, said = course.exported(moodle.worksheet())
    assert "The maximum in Moodle is 100, not 20: set it there first. Nothing was scaled" in said
    moodle.upload_worksheet(filled)
    assert points(moodle)["Anna Meyer"] == 17.5
    moodle.most = 10.0
    assert "The maximum in Moodle, which leaves out what is more, is 10" in course.exported(moodle.worksheet())[2]


def test_nobody_is_guessed(course):
    course.standings = [one for one in course.standings if one.status == "graded"]
    course.standings += [Standing(student, "graded", 1.0, 1.0, 20.0) for student in ("mail", "Only Name", "same name", "also", "Twice")]
    course.knows("Anna Meyer", number="0012", email="anna@example.org")
    course.knows("Anna Meyer 2", name="Anna Meyer", number="13")
    course.knows("Sean O'Brien", name="O'BRIEN,  Sean")
    course.knows("Dropped Out", number="77", name="Other Person")
    course.knows("mail", name="M.", email="Mail@Example.org")
    course.knows("same name", name="Kim Lee")
    course.knows("also", name="Kim Lee")
    moodle = Moodle(
        {
            "1": Participant("Anna Meyer", "anna@example.org", "12"),
            "2": Participant("Anna Meyer", "a2@example.org", "0013"),
            "3": Participant("Sean O'Brien", "sean@example.org", "14"),
            "4": Participant("Other Person", "other@example.org", "78"),
            "5": Participant("Mail", "mail@example.org", "15"),
            "6": Participant("only name", "", "16"),
            "7": Participant("Kim Lee", "", "17"),
            "8": Participant("Twice", "", "18"),
            "9": Participant("Twice", "", "19"),
        }
    )
    filled, feedback, said = course.exported(moodle.worksheet())
    moodle.upload_worksheet(filled)
    assert {number: grade.grade for number, grade in moodle.grades.items() if grade.grade is not None} == {"1": 17.5, "2": 20.0, "3": 0.0, "5": 1.0, "6": 1.0}
    assert "  Dropped Out: who has the same name in the sheet has another number or email" in said
    assert "  same name, also, Twice: several have the same name: put a number into names.csv that tells them apart (not written)" in said
    moodle.upload_feedback(feedback)
    assert moodle.grades["2"].files[f"{NAME}.html"] == b"<p>Anna Meyer 2</p>" and not moodle.grades["7"].files


def test_a_row_that_two_students_would_have_is_nobodys(course):
    course.standings = [Standing(student, "graded", 1.0, 1.0, 20.0) for student in ("Anna Meyer", "anna", "Zoë Ünal")]
    course.knows("Anna Meyer", moodle={NAME: "7"})
    course.knows("anna", email="anna@example.org")
    moodle = Moodle({"7": Participant("Anna Meyer", "anna@example.org"), "8": Participant("Zoë Ünal")})
    filled, _, said = course.exported(moodle.worksheet())
    assert moodle.upload_worksheet(filled) == ["8"]
    assert "  Anna Meyer, anna: row 2 of the sheet would be that of several students: say in names.csv who is who (not written)" in said


OURS, QUIZ = "45678", "9"


def in_canvas(course, **more):
    for place, student in enumerate(STATES):
        file = f"submissions/name_{'LATE_' * (place % 2)}{101 + place}_{900 + place}_Copy_1-2.ipynb"
        course.knows(student, file, "canvas", canvas=str(101 + place))
    names = {"Anna Meyer": "Meyer, Anna", "Anna Meyer 2": "Meyer, Anna", "Sean O'Brien": '"O\'Brien", Sean'}
    students = {str(101 + place): Pupil(names.get(student, student), sections="A, B, and C") for place, student in enumerate(STATES)}
    del students["109"]
    students["150"] = Pupil("=HYPERLINK(1)", "00150", "late@example.org")
    columns = {QUIZ: Column('Quiz 1, the "first"'), OURS: Column("Assignment 1: mean squared error [a, b]"), "10": Column("Assignment 10")}
    canvas = Canvas(students, columns, **more)
    canvas.scores |= {(student, QUIZ): "7.00" for student in canvas.students} | {("104", OURS): "3.50", ("105", OURS): "4.00", ("150", OURS): "5.00"}
    return canvas


@pytest.mark.parametrize("delimiter, comma", [(",", False), (",", True), (";", True), (";", False)])
def test_canvas_takes_the_points_of_all_that_is_marked_and_deletes_nothing(course, delimiter, comma):
    canvas = in_canvas(course, excused=[("103", OURS)])
    before = dict(canvas.scores)
    filled, feedback, said = course.exported(canvas.gradebook(delimiter, comma), "canvas")
    changed = canvas.upload_gradebook(filled)
    assert {key: float(value) for key, value in changed.items()} == {("101", OURS): 17.5, ("102", OURS): 20.0}
    assert canvas.scores == before | changed
    assert "  Sean O'Brien: excused in Canvas (the cell stays" in said
    assert "  Dropped Out: nobody in the sheet has Canvas's ID 109" in said
    assert len(filled) == len(canvas_with_blanks(canvas, before, delimiter, comma)) + len(b"17.5" + b"20") + (2 if (delimiter, comma) == (",", True) else 0)
    canvas.upload_comments(feedback, {(str(101 + place), str(900 + place)): "Copy_1.ipynb" for place in range(9)})
    assert canvas.comments["102"] == [("Copy_1.ipynb", b"<p>Anna Meyer 2</p>")] and not canvas.ignored
    assert set(canvas.comments) == {"101", "102", "103", "104", "105", "109"}


def canvas_with_blanks(canvas, scores, delimiter, comma):
    canvas.scores = scores
    return canvas.gradebook(delimiter, comma)


def test_what_is_not_assigned_in_canvas_stays_and_so_does_its_test_student(course):
    canvas = in_canvas(course, not_assigned=[("101", OURS)])
    filled, _, said = course.exported(canvas.gradebook(), "canvas")
    assert canvas.upload_gradebook(filled) == {("102", OURS): "20", ("103", OURS): "0"}
    assert "  Anna Meyer: not assigned to them in Canvas (the cell stays" in said
    assert "Test Student" not in {entry.name for entry in Sheet("x", canvas.gradebook()).entries()}


def test_anonymous_files_find_their_way_in_canvas(course):
    course.standings = course.standings[:1]
    course.knows("Anna Meyer", f"anon_LATE_x9Yz1_901_{NAME}.ipynb", "canvas")
    course.people.write()
    times.keep(course.submitted, NAME, course.taken)
    list(export.export(NAME, course.submitted, course.out))
    canvas = Canvas({"101": Pupil("Meyer, Anna")}, {})
    canvas.upload_comments((course.out / NAME / "feedback.zip").read_bytes(), {("101", "901"): "a.ipynb"}, {"x9Yz1": "101"})
    assert canvas.comments == {"101": [("a.ipynb", b"<p>Anna Meyer</p>")]}


@pytest.mark.parametrize("title", ["01_mse", "Week 3 - 01 MSE", "Assignment 1", "assignment 01: Mean Squared Error (1, 2)"])
def test_the_assignment_is_found_in_canvas_by_what_it_is_called(course, title):
    canvas = in_canvas(course)
    canvas.columns[OURS].title = title
    canvas.columns["10"].title = f"{title}, again" if title == "Assignment 1" else "Assignment 10"
    assert canvas.upload_gradebook(course.exported(canvas.gradebook(), "canvas")[0])["101", OURS] == "17.5"


@pytest.mark.parametrize("column", [OURS, "Homework", f"Homework ({OURS})"])
def test_a_column_that_is_not_found_can_be_named(course, column):
    canvas = in_canvas(course)
    canvas.columns[OURS].title = "Homework"
    with pytest.raises(Refused, match=r"name it with --column, one of 'Quiz 1, the \"first\" \(9\)', 'Homework \(45678\)'"):
        course.exported(canvas.gradebook(), "canvas")
    assert canvas.upload_gradebook(course.exported(canvas.gradebook(), "canvas", column=column)[0])["101", OURS] == "17.5"
    with pytest.raises(Refused, match="no column Final Score"):
        course.exported(canvas.gradebook(), "canvas", column="Final Score")
    assert not (course.out / NAME / "for-canvas.csv.new").exists()


WORKBOOK = io.BytesIO()
with zipfile.ZipFile(WORKBOOK, "w") as archive:
    archive.writestr("xl/workbook.xml", "")
GRADES = b'"First name","Last name","ID number","Email address","Assignment: 01_mse (Real)"\nAnna,Meyer,s12,a@example.org,3.00\n'
HISTORY = b'"Date and time","First name","Grade item","Original grade"\n"Monday, 30 November 2026, 10:00 AM",Anna,01_mse,3.00\n'


@pytest.mark.parametrize(
    "content, sentence",
    [
        (WORKBOOK.getvalue(), "is a workbook, not CSV"),
        (GRADES, "is neither Moodle's grading worksheet.*'Download grading worksheet'"),
        (HISTORY, "is neither Moodle's grading worksheet"),
        (b"<!DOCTYPE html>\n<title>Log in</title>", "is no table with a row for each student"),
        (b"", "is no table"),
        (b"Identifier,Full name,Grade\n", "holds no students"),
        ("Identifier,Full name,Grade,Max,ok\nParticipant 1,Zoë,,20,Yes\n".encode("cp1252"), "is not in UTF-8"),
        (b"Identifier,Full name,Grade,Max,ok\nParticipant 1,A,,20,Yes\nParticipant 2,B,20,Yes\n", "4 cells in row 3 but 5"),
        (b'Identifier,Full name,Grade,Max,ok\nParticipant 1,"A,,20,Yes\n', "a quote in row 2 that is never closed"),
        (b'Identifier,Full name,Grade,Scale,ok\nParticipant 1,A,,"Poor\nGood",Yes\n', "graded by a scale"),
        (b"Identifier,Full name,Grade,Max,ok\nParticipant 7,A,,20,Yes\n", "it is the sheet of another assignment"),
    ],
)
def test_what_is_not_moodles_worksheet_of_this_assignment_is_refused(course, content, sentence):
    in_moodle(course)
    with pytest.raises(Refused, match=sentence) as refused:
        course.exported(content)
    assert "\n" not in str(refused.value)
    assert not (course.out / NAME).exists()


def test_sheets_that_canvas_would_not_read_are_refused(course):
    canvas = in_canvas(course)
    good = canvas.gradebook().decode()
    for content, sentence in (
        (good.encode("utf-16"), "in a form that Canvas does not read"),
        (delimited(good.encode(), "\t"), "in a form that Canvas does not read"),
        (good.replace("101", "1,0E+14").replace(",1,0E+14,", ',"1,0E+14",').encode(), "IDs that a spreadsheet has rounded"),
        (good.replace("Section", "Sektion").encode(), "no column 'Section'"),
    ):
        with pytest.raises(Refused, match=sentence):
            course.exported(content, "canvas")
    with pytest.raises(Refused, match="is Canvas's: give it with --canvas"):
        course.exported(good.encode(), "moodle")
    with pytest.raises(NotTaken):
        canvas.upload_gradebook(good.replace("101", "199").encode())


def test_the_command_says_in_one_line_what_is_missing(course, capsys):
    course.standings = [Standing("Anna Meyer", "not graded")]
    arguments = ["export", NAME, "--submitted", str(course.submitted), "--out", str(course.out)]
    assert "grade first, with python -m grading 01_mse" in main(arguments)
    assert "cannot be read: No such file" in main([*arguments, "--moodle", str(course.out / "none.csv")])


def test_hostile_names_lead_nowhere(course):
    hostile = ["=cmd|'x'!A1", "a'; rm -rf ~ #", "-1+1", "Participant_5_assignsubmission_file_"]  # whose page would be 5's
    course.standings = [Standing(student, "graded", 1.0, 1.0, 20.0) for student in hostile]
    course.standings += [Standing("Anna Meyer", "graded", 2.0, 2.0, 20.0)]
    for one in course.standings[:-1]:
        page = course.out / "feedback" / one.student / NAME / f"{NAME}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("x")
    course.knows("=cmd|'x'!A1", "../../evil_7_assignsubmission_file_/x.ipynb", "moodle", name="=cmd_|'x'!/../A1", moodle={NAME: "7"})
    course.knows("-1+1", "..\\evil_8_assignsubmission_file_x.ipynb", "moodle", moodle={NAME: "8"})
    moodle = Moodle({"7": Participant("=cmd|'x'!A1"), "8": Participant('@SUM(1)","'), "5": Participant("+x")})
    filled, feedback, said = course.exported(moodle.worksheet())
    moodle.upload_worksheet(filled)
    assert {number: grade.grade for number, grade in moodle.grades.items()} == {"7": 1.0, "8": 1.0, "5": None}
    moodle.upload_feedback(feedback)
    assert [number for number, grade in moodle.grades.items() if grade.files] == ["7", "8"]
    with zipfile.ZipFile(io.BytesIO(feedback)) as archive:
        assert not [path for path in archive.namelist() if ".." in path.split("/") or path.startswith("/") or "\\" in path]
    assert "\x1b" not in said


def test_the_same_pages_make_the_same_zip(course):
    moodle = in_moodle(course)
    assert course.exported(moodle.worksheet())[1] == course.exported(moodle.worksheet())[1]


@pytest.mark.parametrize(
    "said, time",
    [
        ("Tuesday, 1 December 2026, 11:59 PM", EVENING),
        ("Tuesday, 1 December 2026, 12:05 AM", datetime(2026, 12, 1, 0, 5)),
        ("Dienstag, 1. Dezember 2026, 23:59", EVENING),
        ("martes, 1 de diciembre de 2026, 23:59", EVENING),
        ("mardi 1 décembre 2026, 23:59", EVENING),
        ("terça-feira, 1 de dezembro de 2026 às 23:59", EVENING),
        ("2026. december 1., kedd, 23:59", EVENING),
        ("вторник, 1 декабря 2026, 23:59", EVENING),
        ("2026年12月1日 星期二 23:59", EVENING),
        ("2026年12月1日(火曜日) 23:59", EVENING),
        ("الثلاثاء، 1 ديسمبر 2026، 11:59 PM", EVENING),
        ("utorak, 1. prosinca 2026, 23:59", EVENING),
        ("1. Dezember 2026, 23:59", EVENING),
        ("1. listopad 2026, 23:59", None),  # October in Croatian, November in Czech
        ("Monday, 1 December 2026, 11:59 PM", None),  # it was a Tuesday
        ("01/12/2026 23:59", None),
        ("Tuesday, 1 December 2569, 11:59 PM", None),
        ("-", None),
        ("=1+1 " * 1000, None),
    ],
)
def test_times_are_read_in_the_language_of_the_site_or_not_at_all(said, time):
    assert read_times([said, "-", said]) == [time, None, time]
