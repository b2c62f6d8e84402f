"""What Moodle and Canvas do with the files that are uploaded, restated from the sources of their importers, as a course that takes them and gives its sheet.

Moodle: mod/assign/gradingtable.php, mod/assign/feedback/offline/importgradeslib.php and locallib.php, lib/csvlib.class.php, unformat_float in
lib/moodlelib.php, mod/assign/feedback/file/importziplib.php. Canvas: lib/gradebook_exporter.rb, lib/gradebook_importer.rb, and in
app/models/abstract_assignment.rb title_and_id and infer_comment_context_from_filename. None of the project's own code is used.
"""

import csv
import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import NamedTuple

from babel.dates import format_datetime

ENGLISH = {
    "hiddenuser": "Participant ",
    "recordid": "Identifier",
    "fullname": "Full name",
    "idnumber": "ID number",
    "email": "Email address",
    "status": "Status",
    "grade": "Grade",
    "maxgrade": "Maximum grade",
    "gradecanbechanged": "Grade can be changed",
    "lastmodifiedsubmission": "Last modified (submission)",
    "lastmodifiedgrade": "Last modified (grade)",
    "yes": "Yes",
    "no": "No",
    "submitted": "Submitted for grading",
    "nosubmission": "No submission",
    "language": "en",
    "date": "EEEE, d MMMM y, hh:mm a",
    "decsep": ".",
}
GERMAN = {
    "hiddenuser": "Teilnehmer/in",
    "recordid": "ID",
    "fullname": "Vollständiger Name",
    "idnumber": "ID-Nummer",
    "email": "E-Mail-Adresse",
    "status": "Status",
    "grade": "Bewertung",
    "maxgrade": "Bestwertung",
    "gradecanbechanged": "Bewertung kann geändert werden",
    "lastmodifiedsubmission": "Zuletzt geändert (Abgabe)",
    "lastmodifiedgrade": "Zuletzt geändert (Bewertung)",
    "yes": "Ja",
    "no": "Nein",
    "submitted": "Zur Bewertung abgegeben",
    "nosubmission": "Keine Abgabe",
    "language": "de",
    "date": "EEEE, d. MMMM y, HH:mm",
    "decsep": ",",
}
SPANISH = {
    "hiddenuser": "Participante",
    "recordid": "Identificador",
    "fullname": "Nombre completo",
    "idnumber": "Número de ID",
    "email": "Dirección de correo",
    "status": "Estatus",
    "grade": "Calificación",
    "maxgrade": "Calificación máxima",
    "gradecanbechanged": "La calificación puede cambiarse",
    "lastmodifiedsubmission": "Última modificación (entrega)",
    "lastmodifiedgrade": "Última modificación (calificación)",
    "yes": "Sí",
    "no": "No",
    "submitted": "Enviado para calificar",
    "nosubmission": "Sin entrega",
    "language": "es",
    "date": "EEEE, d 'de' MMMM 'de' y, HH:mm",
    "decsep": ",",
}
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


class NotTaken(Exception):
    """Why an LMS refuses a file."""


class Participant(NamedTuple):
    """Who is in an assignment of Moodle's; handed_in: naive, None where nothing was."""

    name: str
    email: str = ""
    number: str = ""
    handed_in: datetime | None = None


@dataclass
class Grade:
    """A grade in Moodle. time: when it was last modified, in seconds; None if there is none yet."""

    grade: float | None = None
    time: float | None = None
    locked: bool = False
    files: dict = field(default_factory=dict)


class Moodle:
    """An assignment in Moodle with its Participants, each by the number that Moodle drew for this assignment."""

    def __init__(self, participants, most=20.0, strings=ENGLISH):
        self.participants, self.grades = participants, {number: Grade() for number in participants}
        self.most, self.strings = most, strings
        self.clock = count(1_800_000_000, 600)

    def worksheet(self, blind=False):
        """Return the grading worksheet."""
        strings, of_person = self.strings, [] if blind else ["fullname", "idnumber", "email"]
        columns = ["recordid", *of_person, "status", "grade", "maxgrade", "gradecanbechanged", "lastmodifiedsubmission", "lastmodifiedgrade"]
        lines = [[strings[column] for column in columns] + ["Feedback, as comments"]]
        for number, one in self.participants.items():
            grade = self.grades[number]
            lines.append(
                [
                    strings["hiddenuser"] + number,
                    *([] if blind else [one.name, one.number, one.email]),
                    strings["submitted" if one.handed_in else "nosubmission"],
                    "" if grade.grade is None else self.formatted(grade.grade),
                    self.formatted(self.most),
                    strings["no" if grade.locked else "yes"],
                    self.dated(one.handed_in),
                    self.dated(grade.time and datetime.fromtimestamp(grade.time)),
                    'He said: "so,\nand \\" so"' if grade.grade else "",
                ]
            )
        return "".join(",".join(map(php_cell, line)) + "\n" for line in lines).encode()

    def formatted(self, number):
        return f"{number:.2f}".replace(".", self.strings["decsep"])

    def dated(self, time):
        return format_datetime(time, self.strings["date"], locale=self.strings["language"]) if time else "-"

    def upload_worksheet(self, content, encoding="utf-8", separator="comma", ignore_modified=False):
        """Take a worksheet; return the numbers of those whose grade it has changed. Raises NotTaken."""
        decoded = content.decode(encoding).removeprefix("\ufeff")
        lines = php_lines(re.sub("\r\n?", "\n", decoded).strip(" \n\r\0\x0b" + "\t" * (separator != "tab")), SEPARATORS[separator])
        if not lines or any(len(line) != len(lines[0]) for line in lines):
            raise NotTaken("csvweirdcolumns")
        wanted = [self.strings[column] for column in ("recordid", "grade", "lastmodifiedgrade")]
        if any(title not in lines[0] for title in wanted):
            raise NotTaken("invalidgradeimport")
        places = [lines[0].index(title) for title in wanted]
        return [number for line in lines[1:] if (number := self.take(*(line[place] for place in places), ignore_modified))]

    def take(self, identifier, said, modified, ignore_modified):
        """Take a row; return whose grade it has changed, None if none."""
        number = identifier.encode()[len(self.strings["hiddenuser"].encode()) :].decode(errors="replace")
        known, grade = self.grades.get(number), self.unformatted(said)
        if known is None or grade is None or grade == known.grade or grade < 0 or grade > self.most or known.locked:
            return None
        stale = known.time is not None and known.time > english_time(modified) + 60
        if stale and not ignore_modified:
            return None
        known.grade, known.time = grade, next(self.clock)
        return number

    def unformatted(self, said):
        """Return the number in a text, as unformat_float reads it: what begins it, 0 if nothing does."""
        said = said.strip().replace(" ", "").replace(self.strings["decsep"], ".")
        return float(re.match(r"[-+]?\d*\.?\d*", said)[0] or 0) if said else None

    def upload_feedback(self, content):
        """Take a zip of feedback files: each a part of its path names its participant."""
        for path, data in files_of(content):
            if path.split("/")[-1].startswith((".", "~")):
                continue
            parts = path.split("/")
            while parts:
                info = parts.pop(0).split("_", 4)
                if len(info) < 4 or not info[1].isdigit() or info[1] not in self.grades or info[2:4] != ["assignsubmission", "file"]:
                    continue
                self.grades[info[1]].files["/".join([*info[4:], *parts]).lstrip("/")] = data
                self.grades[info[1]].time = next(self.clock)
                break


def php_cell(value):
    """Return a cell as fputcsv writes it: a quote after a backslash is not doubled."""
    return '"' + re.sub(r'(\\.)|"', lambda match: match[1] or '""', value, flags=re.DOTALL) + '"' if re.search(r'[,"\\\s]', value) else value


def english_time(text):
    """Return the seconds of a time in a worksheet, 0 for what PHP's strtotime does not read: it knows English only."""
    try:
        return datetime.strptime(text, "%A, %d %B %Y, %I:%M %p").timestamp()
    except ValueError:
        return 0


def php_lines(content, delimiter):
    """Return the lines of a table as fgetcsv reads them: in quotes, a quote after a backslash is text; lines without anything are passed over."""
    lines, line, value, place = [], [], "", 0
    while place < len(content):
        if content[place] == '"' and not value.strip():
            value, place = "", place + 1
            while place < len(content):
                if content[place] == "\\" and place + 1 < len(content):
                    value, place = value + content[place : place + 2], place + 2
                elif content[place : place + 2] == '""':
                    value, place = value + '"', place + 2
                elif content[place] == '"':
                    place += 1
                    break
                else:
                    value, place = value + content[place], place + 1
        elif content[place] in (delimiter, "\n"):
            line, value = [*line, value], ""
            if content[place] == "\n":
                lines, line = [*lines, line], []
            place += 1
        else:
            value, place = value + content[place], place + 1
    lines.append([*line, value])
    return [line for line in lines if line != [""]]


@dataclass
class Column:
    """An assignment in Canvas."""

    title: str
    points: float = 20.0


class Pupil(NamedTuple):
    """Who is in a course of Canvas's."""

    name: str  # as it is sorted: O'Brien, Sean
    number: str = ""
    login: str = ""
    sections: str = "A"


class Canvas:
    """A course in Canvas: `students` are Pupils by ID, `columns` assignments by number; `scores` are texts by both, "" where there is none."""

    def __init__(self, students, columns, excused=(), not_assigned=()):
        self.students, self.columns = students | {"999": Pupil("Student, Test", "", "0f3a")}, columns
        students = self.students
        self.scores = {(student, column): "" for student in students for column in columns} | dict.fromkeys(excused, "EX")
        self.not_assigned = set(not_assigned)
        self.comments, self.ignored = {}, []

    def gradebook(self, delimiter=",", comma=False):
        """Return the gradebook, exported."""
        number = (lambda said: said.replace(".", ",")) if comma else str
        header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(f"{one.title} ({key})" for key, one in self.columns.items()), "Final Score"]
        lines = [header, [""] * 5 + ["Manual Posting"] * len(self.columns) + [""]]
        lines.append(["    Points Possible", "", "", "", "", *(number(f"{one.points:.2f}") for one in self.columns.values()), "(read only)"])
        for key, one in self.students.items():
            scores = ["N/A" if (key, column) in self.not_assigned else number(self.scores[key, column]) for column in self.columns]
            lines.append([one.name, key, one.number, one.login, one.sections, *scores, number("81.5")])
        table = io.StringIO()
        csv.writer(table, delimiter=delimiter, lineterminator="\n").writerows(lines)
        return table.getvalue().encode()

    def upload_gradebook(self, content):
        """Take a gradebook; return the scores that change, by student and assignment. Raises NotTaken, also for what would be made anew."""
        lines = ruby_lines(content.decode("utf-8"))
        if not lines or len(lines[0]) < 4 or "Student" not in lines[0][0] or "ID" not in lines[0][1] or "Section" not in lines[0]:
            raise NotTaken("Invalid header row")
        header, most, changed = lines[0], None, {}
        of = {}
        for place, title in enumerate(header[header.index("Section") + 1 :], start=header.index("Section") + 1):
            if re.search("(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)", title):
                continue
            match = re.fullmatch(r"(.*)\s\((\d+)\)", title)
            if not match or match[2] not in self.columns:
                raise NotTaken(f"a new assignment {title}")
            of[match[2]] = place
        for line in lines[1:]:
            if "Points Possible" in (line[0] or ""):
                most = line
                for column, place in of.items():
                    self.columns[column].points = float(line[place]) if line[place] else self.columns[column].points
            elif not all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", value, re.IGNORECASE) for value in line if value):
                if line[1] not in self.students:
                    raise NotTaken(f"a new student {line[0]}")
                for column, place in of.items():
                    said = (line[place] if place < len(line) else "").strip()
                    said = "" if (line[1], column) in self.not_assigned else said
                    if not (most and re.search(r"read\s+only", most[place])) and not same_score(said, self.scores[line[1], column]):
                        changed[line[1], column] = said
        self.scores |= changed
        return changed

    def upload_comments(self, content, handed_in, anonymous=None):
        """Take a zip of files. handed_in: the name of each file handed in, by the student's ID and the file's number; anonymous: IDs by what hides them."""
        for path, data in files_of(content):
            parts = [part for part in path.split("/")[-1].split("_") if part != "LATE"]
            if parts[0] == "anon":
                student, number = (anonymous or {}).get(parts[1]), parts[2]
            else:
                student, number = [*[part for part in parts if re.fullmatch(r"\d+", part)][:2], None, None][:2]
            if (student, number) not in handed_in or parts[-1].startswith("link"):
                self.ignored.append(path)
                continue
            self.comments.setdefault(student, []).append((handed_in[student, number], data))


def same_score(said, known):
    if said == known or (said in ("", "-") and known in ("", "-")):
        return True
    if not said or not known or "EX" in (said.upper(), known.upper()):
        return False
    return f"{float(said):.2f}" == f"{float(known):.2f}"


def ruby_lines(content):
    """Return the lines of a gradebook, as Canvas takes them apart: by semicolons if its first three lines have more of these, a decimal comma being a point."""
    widths = {}
    for delimiter in ";,":
        try:
            each = {len(next(csv.reader([line], delimiter=delimiter, strict=True), [])) for line in content.splitlines()[:3]}
            widths[delimiter] = each.pop() if len(each) == 1 else 0
        except csv.Error:
            widths[delimiter] = 0
    delimiter = ";" if widths[";"] > widths[","] else ","
    if re.search(rf'(^|[{delimiter}\n])[^{delimiter}\n"]+"', re.sub(r'"(?:[^"]|"")*"', "x", content)):
        raise NotTaken("Gradebook import did not parse cleanly")
    try:
        lines = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise NotTaken("Gradebook import did not parse cleanly") from error
    return [[decimal(value) for value in line] for line in lines if not re.fullmatch("[;, ]*", delimiter.join(line))]


def decimal(value):
    if not re.fullmatch(r"-?[0-9.,]+%?", value):
        return value
    *whole, last = re.split("[,.]", value)
    return f"{''.join(whole)}.{last}" if whole else last


def files_of(content):
    """Return the paths and contents of a zip's files."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return [(one.filename, archive.read(one)) for one in archive.infolist() if not one.is_dir()]
