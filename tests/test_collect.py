"""What an LMS gives, put in order: downloads of every form, of a class with all that real classes have, through the command itself."""

import csv
import io
import os
import shutil
import stat
import struct
import subprocess
import sys
import unicodedata
import zipfile
from contextlib import redirect_stdout
from datetime import timedelta

import pytest

from grading.__main__ import main
from grading.author.source import ROOT
from grading.collect import times
from grading.collect.folders import students
from grading.collect.people import People
from tests import lms
from tests.lms import Student

NAME, NEXT = "01_mse", "02_regression_vs_classification"
FILE = f"{NAME}.ipynb"
ADA = Student("Ada Lovelace", "1000001", "51", "ada@example.org", "0012345")
SEAN = Student("Sean O'Brien", "1000002", "52", "sean@example.org", "0012346")
ZOE = Student("Zoë Ünal", "1000003", "53", "zoe@example.org", "0012347")
CLASS = (ADA, SEAN, ZOE)
LATER = lms.PACKED + timedelta(days=2)


def notebook(of, attempt=1):
    return f'{{"cells": [], "nbformat": 4, "of": "{of}", "attempt": {attempt}}}'.encode()


def handed_in(*class_, attempt=1, name=NAME, beside=()):
    return [(student, {f"{name}.ipynb": notebook(student.name, attempt)} | dict(beside)) for student in class_]


def collect(source, submitted, name=NAME, *options, code=0):
    """Return what the command says."""
    with redirect_stdout(io.StringIO()) as said:
        wrong = main(["collect", name, *map(str, (source, "--submitted", submitted, *options))])
    assert bool(wrong) == bool(code), said.getvalue() + str(wrong)
    return said.getvalue() + (wrong or "")


def content(submitted):
    """Return all that lies in the students' folders: content by path."""
    return {str(path.relative_to(submitted)): path.read_bytes() for path in sorted(submitted.rglob("*")) if path.is_file() and path.parent != submitted}


def folders(submitted):
    return sorted(path.name for path in submitted.iterdir() if path.is_dir())


def sheet(path, class_, at="Monday, 30 November 2026, 11:15 PM", hidden=False):
    """Write Moodle's grading worksheet."""
    header = ["Identifier", *([] if hidden else ["Full name", "ID number", "Email address"]), "Status", "Grade", "Maximum Grade", "Grade can be changed"]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "Last modified (submission)", "Last modified (grade)", "Feedback comments"])
        for student in class_:
            about = [] if hidden else [student.name, student.number, student.email]
            writer.writerow([f"Participant {student.moodle}", *about, "Submitted for grading", "", "7.00", "Yes", at, "-", ""])
    return path


FORMS = {
    "Moodle, in folders": lambda path: lms.moodle(path, handed_in(*CLASS)),
    "Moodle's newer, in folders": lambda path: lms.moodle(path, handed_in(*CLASS), underscore=False),
    "Moodle, flat": lambda path: lms.moodle(path, handed_in(*CLASS), flat=True),
    "Canvas": lambda path: lms.canvas(path, handed_in(*CLASS), late=(SEAN.name,), again=(ADA.name,)),
    "Gradescope": lambda path: lms.gradescope(path, [([student], files) for student, files in handed_in(*CLASS)], history={ZOE.name: 2}),
    "a file a student": lambda path: lms.zipped(path, {f"class/{student.name}.ipynb": notebook(student.name) for student in CLASS}),
    "a file a student, with the assignment": lambda path: lms.zipped(path, {f"{NAME} - {student.name}.ipynb": notebook(student.name) for student in CLASS}),
    "a folder a student": lambda path: lms.zipped(path, {f"class/{student.name}/{FILE}": notebook(student.name) for student in CLASS}),
    "as we have it": lambda path: lms.zipped(
        path, {f"{student.name}/{name}/{name}.ipynb": notebook(student.name) for student in CLASS for name in (NAME, NEXT)}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_download_ends_in_a_folder_per_student_and_again_brings_nothing_new(form, tmp_path):
    source, submitted = FORMS[form](tmp_path / "download.zip"), tmp_path / "submitted"
    said = collect(source, submitted)
    assert "3 submissions" in said and "new: 3" in said
    found = content(submitted)
    assert sorted(found.values()) == sorted(notebook(student.name) for student in CLASS)
    assert {path.partition("/")[2] for path in found} == {f"{NAME}/{FILE}"}
    assert len(students(submitted, NAME)) == 3
    before = {path: path.stat().st_mtime_ns for path in submitted.rglob("*")}
    assert "nothing new" in collect(source, submitted)
    with zipfile.ZipFile(source) as archive:
        archive.extractall(unpacked := tmp_path / "unpacked" / "folder of the zip's name")
    assert "nothing new" in collect(unpacked.parent, submitted)
    after = {path: path.stat().st_mtime_ns for path in submitted.rglob("*")}
    assert {path: at for path, at in after.items() if path.is_dir() or path.suffix == ".ipynb"}.items() <= before.items(), "nothing was written again"


def test_what_the_lms_says_is_kept(tmp_path):
    said = {}
    for form in ("Moodle, flat", "Canvas", "Gradescope"):
        collect(FORMS[form](tmp_path / "download.zip"), tmp_path / form)
        said[form] = times.collected(tmp_path / form, NAME)
    ada = said["Moodle, flat"][ADA.name]
    assert (ada.lms, ada.file, ada.handed_in) == ("moodle", f"Ada Lovelace_1000001_assignsubmission_file_{FILE}", None)
    late = said["Canvas"]["obriensean"]
    assert (late.file, late.late, late.handed_in, late.attempts) == (f"obriensean_LATE_52_700002_{FILE}", "LATE", None, 1)
    zoe = said["Gradescope"][ZOE.name]
    assert (zoe.file, zoe.handed_in, zoe.time_from, zoe.attempts) == (f"submission_3/{FILE}", lms.HANDED_IN, "Gradescope", 3)
    assert People.read(tmp_path / "Gradescope").of(ZOE.name).number == "0012347"
    assert People.read(tmp_path / "Canvas").of("obriensean").canvas == "52"
    assert People.read(tmp_path / "Moodle, flat").of("Sean OBrien").moodle == {NAME: "1000002"}


def test_the_time_is_a_files_only_where_it_is_not_that_of_packing(tmp_path):
    files = {f"{student.name}.ipynb": notebook(student.name) for student in CLASS}
    spread = dict(zip(files, (lms.PACKED - timedelta(days=days) for days in range(3)), strict=True))
    collect(lms.zipped(tmp_path / "spread.zip", files, spread), tmp_path / "spread", NAME, "--due", "2026-12-02T23:59+01:00")
    found = times.collected(tmp_path / "spread", NAME)
    assert found[ADA.name].handed_in.isoformat() == "2026-12-03T09:30:00+01:00" and found[ADA.name].time_from == "file"
    assert times.due(tmp_path / "spread", NAME).isoformat() == "2026-12-02T23:59:00+01:00"
    nearly = {name: lms.PACKED + timedelta(seconds=20 * number) for number, name in enumerate(files)}
    collect(lms.zipped(tmp_path / "packed.zip", files, nearly), tmp_path / "packed")
    assert {(one.handed_in, one.time_from) for one in times.collected(tmp_path / "packed", NAME).values()} == {(None, "")}


def test_a_later_download_brings_the_new_and_only_that(tmp_path):
    submitted = tmp_path / "submitted"
    beside = [("old.py", "1"), ("data/deep/a.csv", "2")]
    first = lms.moodle(tmp_path / "1.zip", handed_in(ADA, SEAN, beside=beside))
    collect(first, submitted)
    (submitted / "Sean OBrien" / NAME / "note.txt").write_text("an instructor's")
    second = lms.moodle(tmp_path / "2.zip", [*handed_in(ADA, attempt=2), *handed_in(SEAN, beside=beside), *handed_in(ZOE)], at=LATER)
    said = collect(second, submitted)
    assert "new: 1 ('Zoë Ünal')" in said and "handed in again: 1 ('Ada Lovelace')" in said
    assert content(submitted / ADA.name) == {f"{NAME}/{FILE}": notebook(ADA.name, 2)}, "the new attempt in the place of the old one"
    assert f"{NAME}/note.txt" in content(submitted / "Sean OBrien")
    assert times.collected(submitted, NAME)[ADA.name].attempts == 2
    before = content(submitted)
    said = collect(first, submitted)
    assert "nothing new" in said and "older than what was collected, so left out: 'Ada Lovelace'" in said
    third = lms.moodle(tmp_path / "3.zip", handed_in(SEAN, attempt=3), at=LATER)
    assert "Sean OBrien: handed in again, but what lies there was changed since" in collect(third, submitted, code=1)
    assert content(submitted) == before
    (submitted / "Sean OBrien" / NAME).rename(tmp_path / "away")
    assert "new: 1" in collect(third, submitted)
    assert not [path for path in submitted.iterdir() if path.name.startswith(".")], "nothing is left behind"


def test_canvas_numbers_its_files_and_the_newest_counts(tmp_path):
    submitted, both = tmp_path / "submitted", tmp_path / "both"
    first = lms.canvas(tmp_path / "1.zip", handed_in(ADA, SEAN))
    earlier = lms.PACKED - timedelta(days=9)
    second = lms.canvas(tmp_path / "2.zip", handed_in(ADA, attempt=2), late=(ADA.name,), again=(ADA.name,), attachment=700_900, at=earlier)
    for source in (first, second):
        with zipfile.ZipFile(source) as archive:
            archive.extractall(both)
    collect(both, submitted)
    assert content(submitted) == {f"lovelaceada/{NAME}/{FILE}": notebook(ADA.name, 2), f"obriensean/{NAME}/{FILE}": notebook(SEAN.name)}
    assert times.collected(submitted, NAME)["lovelaceada"][2:4] == ("lovelaceada_LATE_51_700900_01_mse-1.ipynb", 2)
    assert "older than what was collected, so left out: 'lovelaceada'" in collect(first, submitted)
    assert times.collected(submitted, NAME)["lovelaceada"].late == "LATE"


def test_two_of_one_name_are_told_apart_by_their_numbers_and_never_by_guess(tmp_path):
    submitted, one, other = tmp_path / "submitted", ADA, ADA._replace(moodle="1000009", email="ada2@example.org", number="0012399")
    collect(lms.moodle(tmp_path / "1.zip", [(one, {FILE: b"one"}), (other, {FILE: b"other"}), *handed_in(ZOE)]), submitted)
    assert folders(submitted) == ["Ada Lovelace 1000001", "Ada Lovelace 1000009", "Zoë Ünal"]

    drawn_anew = [student._replace(moodle=f"2{student.moodle[1:]}") for student in (one, other, ZOE)]
    download = lms.moodle(tmp_path / "2.zip", [(student, {f"{NEXT}.ipynb": student.moodle.encode()}) for student in drawn_anew])
    said = collect(download, submitted, NEXT, code=1)
    assert said.count("more than one has this name") == 2 and f"'moodle {NEXT}' of names.csv" in said and "--sheet" in said
    assert folders(submitted) == ["Ada Lovelace 1000001", "Ada Lovelace 1000009", "Zoë Ünal"], "nobody is made up"
    assert (submitted / ZOE.name / NEXT).is_dir()

    collect(tmp_path / "1.zip", submitted, NAME, "--sheet", sheet(tmp_path / "1.csv", (one, other, ZOE)))
    assert times.collected(submitted, NAME)["Zoë Ünal"].time_from == "worksheet"
    said = collect(download, submitted, NEXT, "--sheet", sheet(tmp_path / "2.csv", [*drawn_anew, Student("Gone Away", "2000077")]))
    assert "new: 2" in said and "nothing handed in: 1 ('Gone Away')" in said
    assert {path.parts[-3]: path.read_text() for path in submitted.rglob(f"{NEXT}.ipynb")} == {
        "Ada Lovelace 1000001": "2000001", "Ada Lovelace 1000009": "2000009", "Zoë Ünal": "2000003"
    }
    assert "none of the download's numbers is in the sheet" in collect(download, submitted, NEXT, "--sheet", tmp_path / "1.csv", code=1)
    another = lms.moodle(tmp_path / "3.zip", [(student, {"work.ipynb": b""}) for student in drawn_anew])
    assert "another assignment, by the numbers in the column 'moodle 01_mse'" in collect(another, submitted, code=1)


def test_numbers_may_be_written_into_names_csv_by_hand_and_as_a_spreadsheet_saves_it(tmp_path):
    submitted, other = tmp_path / "submitted", ADA._replace(moodle="1000009")
    submitted.mkdir()
    rows = [f"folder;name;seat;moodle {NAME};desk", "ada-1;Ada Lovelace;3;1000009;=1+1", "ada-2;Ada Lovelace;4;1000001;b"]
    (submitted / "names.csv").write_text("\n".join([*rows, ""]))
    collect(lms.moodle(tmp_path / "1.zip", [(ADA, {FILE: b"one"}), (other, {FILE: b"other"})]), submitted)
    assert content(submitted) == {f"ada-1/{NAME}/{FILE}": b"other", f"ada-2/{NAME}/{FILE}": b"one"}
    assert (submitted / "names.csv").read_text().startswith("folder;name;seat"), "it is left as it is where nothing is new"
    with open(submitted / "names.csv", "a") as table:
        table.write("zoe;;5;;\n")
    (submitted / "names.csv").write_text((submitted / "names.csv").read_text().replace("seat", "number"))
    collect(lms.gradescope(tmp_path / "2.zip", [([ZOE._replace(number="005")], {FILE: b"3"})]), submitted)
    assert folders(submitted) == ["ada-1", "ada-2", "zoe"], "a spreadsheet drops the zeros before a number"
    assert People.read(submitted).of("zoe").email == ZOE.email and [one.other["desk"] for one in People.read(submitted)] == ["=1+1", "b", ""]
    assert ",'=1+1," in (submitted / "names.csv").read_text(encoding="utf-8-sig"), "an instructor's columns stay, and compute nothing"
    mistakes = {
        "folder\n../x\n": "line 2: '../x' can be no student's folder",
        "folder,number\na,1\na,2\n": "line 3: the folder a is there twice",
        "name\nAda\n": "no column 'folder'",
        "folder,canvas\na,1.7E+14\n": "rounded",
    }
    for wrong, why in mistakes.items():
        (submitted / "names.csv").write_text(wrong)
        assert why in collect(tmp_path / "2.zip", submitted, code=1)
        assert (submitted / "names.csv").read_text() == wrong


def test_a_renamed_folder_is_respected_and_nothing_moves(tmp_path):
    submitted, download = tmp_path / "submitted", lms.moodle(tmp_path / "1.zip", handed_in(*CLASS))
    collect(download, submitted)
    before = content(submitted)
    table = (submitted / "names.csv").read_text(encoding="utf-8-sig").replace("Zoë Ünal,", "zoe,", 1)
    (submitted / "names.csv").write_text(table, encoding="utf-8-sig")
    assert "zoe: names.csv calls the folder so, but it still is Zoë Ünal: rename it" in collect(download, submitted, code=1)
    assert content(submitted) == before
    (submitted / "Zoë Ünal").rename(submitted / "zoe")
    assert "nothing new" in collect(download, submitted)
    assert set(times.collected(submitted, NAME)) == {"zoe", "Ada Lovelace", "Sean OBrien"} and folders(submitted) == ["Ada Lovelace", "Sean OBrien", "zoe"]
    (submitted / "Ada Lovelace").rename(submitted / "ada")
    assert "Ada Lovelace: its folder seems to be ada now" in collect(download, submitted, code=1)
    assert "ada" in folders(submitted) and "Ada Lovelace" not in folders(submitted)


def test_one_person_is_one_in_every_lms(tmp_path):
    submitted = tmp_path / "submitted"
    collect(FORMS["Canvas"](tmp_path / "1.zip"), submitted)
    collect(lms.gradescope(tmp_path / "2.zip", [([student], {f"{NEXT}.ipynb": b"2"}) for student in CLASS]), submitted, NEXT)
    third = "03_cross_entropy"
    collect(lms.moodle(tmp_path / "3.zip", handed_in(*CLASS, name=third)), submitted, third)
    assert folders(submitted) == ["lovelaceada", "obriensean", "ünalzoë"]
    ada = People.read(submitted).of("lovelaceada")
    assert (ada.canvas, ada.number, ada.email, ada.moodle) == ("51", "0012345", "ada@example.org", {third: "1000001"})
    namesake = Student("Ada Lovelace", email="ada@example.com", number="999")
    collect(lms.gradescope(tmp_path / "4.zip", [([namesake], {f"{NEXT}.ipynb": b"4"})]), submitted, NEXT)
    assert (submitted / "Ada Lovelace" / NEXT).is_dir() and (submitted / "lovelaceada" / NEXT / f"{NEXT}.ipynb").read_bytes() == b"2"
    moved = lms.gradescope(tmp_path / "5.zip", [([Student("Zoë Ünal", email="zoe@example.com")], {f"{NEXT}.ipynb": b"5"})])
    assert "if it is the same person, change it there" in collect(moved, submitted, NEXT, code=1)


def test_hidden_names_groups_pages_and_nothing(tmp_path):
    moodle = lms.moodle(tmp_path / "m.zip", handed_in(*CLASS), hidden="Teilnehmer/in", online={ADA.name: "<p>see my file"})
    assert "new: 3" in collect(moodle, tmp_path / "moodle", NAME, "--sheet", sheet(tmp_path / "m.csv", CLASS, hidden=True))
    assert folders(tmp_path / "moodle") == [f"Participant {student.moodle}" for student in CLASS]
    assert sorted(content(tmp_path / "moodle" / "Participant 1000001")) == [f"{NAME}/{FILE}", f"{NAME}/onlinetext.html"]
    assert times.collected(tmp_path / "moodle", NAME)["Participant 1000001"].file == "Teilnehmerin_1000001_assignsubmission_file_"
    assert {person.name for person in People.read(tmp_path / "moodle")} == {""}
    canvas = lms.canvas(tmp_path / "c.zip", handed_in(ADA, ZOE), anonymous=True, late=(ADA.name,))
    collect(canvas, tmp_path / "canvas")
    assert "nothing new" in collect(canvas, tmp_path / "canvas") and folders(tmp_path / "canvas") == ["anon_51xY", "anon_53xY"]
    together = lms.gradescope(tmp_path / "g.zip", [([ADA, ZOE], {FILE: b"ours"}), ([SEAN], {}), ([], {FILE: b"whose"})])
    said = collect(together, tmp_path / "gradescope", code=1)
    assert "handed in together, a copy for each: 'Ada Lovelace', 'Zoë Ünal'" in said and "Sean O'Brien: there is nothing in it" in said
    assert "whose is 'submission_3'?" in said
    assert folders(tmp_path / "gradescope") == ["Ada Lovelace", "Zoë Ünal"]


def test_a_zip_in_a_hand_in_is_opened_if_it_holds_the_notebook(tmp_path):
    around = {"__MACOSX/My work/._x.ipynb": b"3", "My work/venv/pyvenv.cfg": b"", "My work/venv/a.py": b""}
    inner = lms.zipped(tmp_path / "i.zip", {f"My work/{FILE}": b"1", "My work/data.csv": b"2"} | around)
    damaged = inner.read_bytes()[:-30]
    files = {"ada": {"work.zip": inner.read_bytes(), "say.txt": b"4"}, "sean": {FILE: b"5", "data.zip": inner.read_bytes()}, "zoe": {"work.zip": damaged}}
    download = lms.zipped(tmp_path / "d.zip", {f"{who}/{file}": data for who, each in files.items() for file, data in each.items()})
    said = collect(download, tmp_path / "submitted")
    assert content(tmp_path / "submitted") == {
        f"ada/{NAME}/{FILE}": b"1", f"ada/{NAME}/data.csv": b"2", f"ada/{NAME}/say.txt": b"4",
        f"sean/{NAME}/{FILE}": b"5", f"sean/{NAME}/data.zip": inner.read_bytes(), f"zoe/{NAME}/work.zip": damaged,
    }
    assert "zoe:" in said and "damaged" in said


def test_names_are_kept_as_far_as_a_folder_can_have_them(tmp_path):
    names = {
        "*Lee Ann": "Lee Ann", "CON": "CON_", "J. R. Smith, Jr.": "J. R. Smith, Jr", "-rf": "rf", "$(touch x)": "$(touch x)", "=1+1": "=1+1", "..x": "x",
        "a\u202eb": "ab", "Ngô <b>x</b>": "Ngô b x b", "x" * 300: "x" * 150, "names.csv": "names.csv 7", "ada": "ada 8", "Ada": "Ada 9",
        unicodedata.normalize("NFD", "Zoë Ünal"): "Zoë Ünal", "Meyer, Anna": "Meyer, Anna", "김민준": "김민준",
    }  # fmt: skip
    submitted = tmp_path / "submitted"
    submitted.mkdir()
    (submitted / "names.csv").write_text("folder\nsomebody\n")
    class_ = [([Student(name, number=str({"names.csv": 7, "ada": 8, "Ada": 9}.get(name, 10 + place)))], {FILE: b"1"}) for place, name in enumerate(names)]
    download = lms.gradescope(tmp_path / "d.zip", class_)
    collect(download, submitted)
    assert folders(submitted) == sorted(names.values())
    assert "nothing new" in collect(download, submitted)
    assert all(not student.reason for student in students(submitted, NAME))
    assert People.read(submitted).of("=1+1").name == "=1+1" and ",'=1+1," in (submitted / "names.csv").read_text(encoding="utf-8-sig")
    assert not os.path.lexists(ROOT / "x")


def entry(name, mode=0, flags=0, system=3):
    made = zipfile.ZipInfo(name, lms.PACKED.timetuple()[:6])
    made.create_system, made.external_attr, made.compress_type = system, mode << 16, zipfile.ZIP_DEFLATED
    return made


def test_a_hostile_zip_writes_nowhere_else_and_fills_no_disk(tmp_path):
    path, submitted = tmp_path / "deep" / "d.zip", tmp_path / "deep" / "submitted"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../out.ipynb", "/tmp/out-of-collect.ipynb", "ada/../../out.ipynb", "C:\\out.ipynb", "..\\out.ipynb"):
            archive.writestr(entry(name), b"outside")
        archive.writestr(entry("ada/link.ipynb", stat.S_IFLNK | 0o777), "../../../secret")
        archive.writestr(entry("ada/pipe", stat.S_IFIFO | 0o666), b"")
        archive.writestr(entry(f"ada\\{FILE}", system=0), b"first")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(entry(f"ada\\{FILE}", system=0), b"second")
        archive.writestr(entry("ada/bomb.csv"), b"\0" * 30_000_000)
        for name in ("__MACOSX/ada/._x", "ada/.DS_Store", "ada/Thumbs.db", ".hidden/x.ipynb", "ada/.git/config", "ada/__pycache__/a.pyc"):
            archive.writestr(entry(name), b"junk")
        archive.writestr(entry(f"{'y' * 2300}/{FILE}"), b"too long")
        archive.writestr(entry("ada/<script>.csv"), b"3")
        archive.writestr(entry(f"ada/{'é' * 200}.csv"), b"4")
        archive.writestr(entry("ada/a"), b"a file")
        archive.writestr(entry("ada/a/b"), b"and a folder")
    said = collect(path, submitted, code=1)
    kept = {FILE: b"second", "-script-.csv": b"3", f"{'é' * 98}.csv": b"4", "a": b"a file"}
    assert content(submitted) == {f"ada/{NAME}/{path}": data for path, data in kept.items()}
    for reason in ("'../out.ipynb', ", "leads out of the folder", "link", "made to fill a disk", "too long"):
        assert reason in said
    assert sorted(each.name for each in tmp_path.rglob("*") if "out" in each.name) == [] and not os.path.lexists("/tmp/out-of-collect.ipynb")


def test_names_in_a_zip_are_read_as_programs_write_them(tmp_path):
    path = lms.zipped(tmp_path / "d.zip", {f"{name}.ipynb": b"1" for name in ("Zoë", "Ngô", unicodedata.normalize("NFD", "André"))})
    data = path.read_bytes()
    for mark in (b"PK\3\4", b"PK\1\2"):  # without the flag that says UTF-8, as macOS writes it
        at, place = {b"PK\3\4": 6, b"PK\1\2": 8}[mark], -1
        while (place := data.find(mark, place + 1)) >= 0:
            data = data[: place + at] + struct.pack("<H", struct.unpack_from("<H", data, place + at)[0] & ~0x800) + data[place + at + 2 :]
    path.write_bytes(data)
    collect(path, tmp_path / "submitted")
    assert folders(tmp_path / "submitted") == ["André", "Ngô", "Zoë"]


def encrypted(path):
    data = bytearray(lms.zipped(path, {"ada.ipynb": b"1", "zoe.ipynb": b"2"}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)


def overlapping(path):
    """Write a zip in which many names share the same bytes."""
    data = lms.zipped(path, {"a.ipynb": os.urandom(5000), "b.ipynb": b""}).read_bytes()
    start = data.index(b"PK\1\2")
    one = data[start : data.index(b"PK\1\2", start + 4)]
    listing = b"".join(one.replace(b"a.ipynb", b"%c.ipynb" % (97 + number)) for number in range(20))
    path.write_bytes(data[:start] + listing + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 20, 20, len(listing), start, 0))


def damaged(path):
    data = bytearray(lms.zipped(path, {"ada.ipynb": os.urandom(900), "zoe.ipynb": b"2"}).read_bytes())
    data[300] ^= 0xFF
    path.write_bytes(data)


REFUSED = {
    "cut short": (lambda path: path.write_bytes(lms.zipped(path, {"a.ipynb": b"1"}).read_bytes()[:-10]), "no zip, or damaged", []),
    "no zip": (lambda path: path.write_text("<html>"), "no zip, or damaged", []),
    "missing": (lambda path: None, "there is no", []),
    "nothing in it": (lambda path: lms.zipped(path, {"readme.txt": b""}), "nothing in it can be anybody's submission", []),
    "letters": (lambda path: path.write_bytes(lms.zipped(path, {"é.ipynb": b""}).read_bytes().replace(b"\xc3\xa9", b"\xff\xff")), "no zip, or damaged", []),
    "overlapping": (overlapping, "files overlap", []),
    "metadata": (lambda path: lms.zipped(path, {"submission_metadata.yml": "a: [b", "submission_1/x.ipynb": b""}), "submission_metadata.yml is damaged", []),
    "nested metadata": (lambda path: lms.zipped(path, {"submission_metadata.yml": "[" * 100_000, "submission_1/x.ipynb": b""}), "nested too deeply", []),
    "another assignment": (lambda path: lms.moodle(path, handed_in(*CLASS, name=NEXT)), f"a download of {NEXT}", []),
    "encrypted": (encrypted, "'ada.ipynb': it is encrypted", ["zoe"]),
    "damaged": (damaged, "ada: ada.ipynb cannot be unpacked", ["zoe"]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_said_in_a_sentence_and_the_rest_is_collected(kind, tmp_path):
    make, why, rest = REFUSED[kind]
    make(tmp_path / "d.zip")
    submitted = tmp_path / "submitted"
    assert why in collect(tmp_path / "d.zip", submitted, code=1)
    assert (folders(submitted) if submitted.exists() else []) == rest
    if not rest:
        assert not submitted.exists() or not list(submitted.iterdir())


def test_the_command_tells_a_terminal_what_was_done_and_what_was_not(tmp_path):
    damaged(tmp_path / "d.zip")
    command = [sys.executable, "-m", "grading", "collect", NAME, tmp_path / "d.zip", "--submitted", tmp_path / "submitted"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (1, "one file or folder a student: 2 submissions\nnew: 1 ('zoe')\n")
    assert run.stderr.startswith("Not all could be collected:\n  ada: ada.ipynb cannot be unpacked") and "Traceback" not in run.stderr


def test_what_was_not_collected_is_left_alone(tmp_path):
    submitted = tmp_path / "submitted"
    for name in ("Ada Lovelace", unicodedata.normalize("NFD", "Zoë Ünal")):
        (submitted / name / NAME).mkdir(parents=True)
    (submitted / "Ada Lovelace" / NAME / FILE).write_bytes(b"by hand")
    (submitted / unicodedata.normalize("NFD", "Zoë Ünal") / NAME / FILE).write_bytes(notebook(ZOE.name))
    (submitted / "Sean OBrien").symlink_to(tmp_path)
    download = lms.moodle(tmp_path / "d.zip", handed_in(*CLASS))
    before = content(submitted)
    said = collect(download, submitted, code=1)
    assert f"Ada Lovelace: there is another {NAME} in its folder, which was not collected" in said
    assert "Sean OBrien: what is there is no folder, but a link" in said
    assert content(submitted) == before and set(times.collected(submitted, NAME)) == {"Zoë Ünal"}
    assert "lie in one another" in collect(submitted, submitted, code=1) and "lie in one another" in collect(tmp_path, submitted, code=1)
    assert "There is no assignment 09_nothing" in collect(download, submitted, "09_nothing", code=1)


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path, monkeypatch):
    from grading.collect import collecting

    submitted = tmp_path / "submitted"
    list(collecting.collect(NAME, lms.moodle(tmp_path / "1.zip", handed_in(ADA)), submitted))
    before = content(submitted)
    second = lms.moodle(tmp_path / "2.zip", handed_in(ADA, ZOE, attempt=2), at=LATER)
    monkeypatch.setattr(shutil, "copyfileobj", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(collecting.Refused, match="No space left"):
        list(collecting.collect(NAME, second, submitted))
    assert content(submitted) == before
    monkeypatch.undo()
    assert any("new: 1" in line for line in collecting.collect(NAME, second, submitted))
