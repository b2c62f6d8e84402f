"""An LMS's own sheet, Moodle's grading worksheet or Canvas's gradebook: one column of it is filled, every other byte stays.

Columns of Moodle's are named in the site's language and are known by their place and by what they hold: the identifier first, the points just before the
maximum, which is the same for all (mod/assign/gradingtable.php). Canvas's are named in English, but for the assignments (lib/gradebook_exporter.rb).
"""

import codecs
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grading.collect.dates import read_times
from grading.collect.handed_in import Refused, listed
from grading.shared.tables import LARGEST, as_written
from grading.shared.text import text

MOODLE, CANVAS = "moodle", "canvas"
MOST_CELLS = 500_000
DELIMITERS = ",;\t"
MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
IDENTIFIER = re.compile(r"(\D*[^\W\d]\D*?)(\d+)")
OF_AN_ASSIGNMENT = re.compile(r"(.*)\s\((\d+)\)")
ROUNDED = re.compile(r"\d[.,]?\d*E\+\d+", re.IGNORECASE)  # what a spreadsheet makes of a long number
NUMBERS = re.compile(r"(?<![A-Za-z])ID(?![A-Za-z])|(?i:ident|matri[ck]|индив|kimlik|学号|學號|番号)")  # in the title of the students' own numbers
NO = set("no nein non nee nej nei nie ne não nu nem hayır нет ні не όχι ei いいえ 否 아니오 không لا לא".split())  # of "Grade can be changed"
HIDDEN = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)
ANEW = {MOODLE: "in Moodle, the assignment's 'Download grading worksheet'", CANVAS: "in Canvas, the gradebook's 'Export'"}


class Cell(NamedTuple):
    """A cell: where it stands in the sheet's text, quotes included, and its value."""

    start: int
    end: int
    value: str


class Entry(NamedTuple):
    """A student in a sheet. row: counted from 0, the header's. id: Moodle's number for this assignment, or Canvas's. handed_in: naive, in the site's time."""

    row: int
    id: str
    name: str = ""
    email: str = ""
    number: str = ""
    handed_in: datetime | None = None


class Sheet:
    """A sheet as it was read. `lms` says whose it is, `header` names its columns."""

    def __init__(self, path, content):
        self.path = text(str(path))
        self.encoding, self.text = self.decoded(content)
        self.delimiter, self.lines = self.parsed()
        self.header = self.values(0)
        self.students = [row for row in range(1, len(self.lines)) if any(self.values(row))]
        self.lms = CANVAS if self.is_canvas() else MOODLE
        (self.look_at_canvas if self.lms == CANVAS else self.look_at_moodle)()

    @classmethod
    def read(cls, path):
        """Read a sheet. Raises Refused."""
        try:
            if Path(path).stat().st_size > LARGEST:
                raise Refused(f"{text(str(path))} is larger than {LARGEST // 1_000_000} MB: it is no sheet of an LMS")
            return cls(path, Path(path).read_bytes())
        except OSError as error:
            raise Refused(f"{text(str(path))} cannot be read: {error.strerror}") from None

    def decoded(self, content):
        if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise self.refused("is a workbook, not CSV: give the LMS's own file, or save it as 'CSV UTF-8'")
        encoding = MARKS.get(content[:2], "utf-8")
        try:
            return encoding, content.decode(encoding)
        except UnicodeDecodeError:
            raise self.refused("is not in UTF-8: give the LMS's own file, or save it as 'CSV UTF-8'") from None

    def parsed(self):
        """Return the delimiter, and the Cells of each line. Raises Refused."""
        begin = self.text.startswith("\ufeff")
        delimiter = max(DELIMITERS, key=lambda one: width(self.text, begin, one))
        ragged, problem = None, "is no table with a row for each student"
        for escapes in (False, True):
            try:
                lines = list(cells_by_line(self.text, begin, delimiter, escapes))
            except ValueError as error:
                problem = str(error)
                continue
            if lines and len(lines[0]) >= 3:
                odd = [line for line in lines if len(line) != len(lines[0]) and any(cell.value for cell in line)]
                if not odd:
                    return delimiter, lines
                ragged = ragged or lines
        if not ragged:
            raise self.refused(problem)
        return delimiter, ragged

    def refused(self, why, lms=None):
        whence = f": {ANEW[lms]}" if lms else ""
        return Refused(f"{self.path} {why}{whence}")

    def values(self, row):
        return [cell.value.strip() for cell in self.lines[row]]

    def value(self, row, column):
        """Return what a cell holds, column: its number; an empty text where the line is shorter."""
        line = self.lines[row]
        return line[column].value.strip() if column < len(line) else ""

    def column(self, number):
        return [self.value(row, number) for row in self.students]

    def is_canvas(self):
        first = self.header
        return ("Student" in first[0] and first[1] == "ID" and len(first) > 3) or first[:3] == ["LastName", "FirstName", "ID"]

    def look_at_canvas(self):
        """Find the columns of Canvas's gradebook, the rows that are no student's, and those of its assignments."""
        if "Section" not in self.header:
            raise self.refused("has no column 'Section', without which Canvas refuses it. Export it anew", CANVAS)
        self.id = self.header.index("ID")
        possible = [row for row in self.students if "Points Possible" in self.value(row, 0)]
        self.of_columns = possible[0] if possible else None
        hidden = {row for row in self.students if all(HIDDEN.fullmatch(value) for value in self.values(row))}
        test = {row for row in self.students if self.name_in_canvas(row) == "Test Student"}
        self.students = [row for row in self.students if row not in hidden | test | set(possible)]
        if self.encoding != "utf-8" or self.delimiter == "\t" or self.text.startswith(('\ufeff"', "\ufeffLast")):
            raise self.refused("was saved in a form that Canvas does not read. Export it anew", CANVAS)
        if any(ROUNDED.fullmatch(self.value(row, self.id)) for row in self.students):
            raise self.refused("has IDs that a spreadsheet has rounded. Export it anew", CANVAS)
        self.is_english = False  # Canvas reads a comma in every language
        after = self.header.index("Section")
        short = next((row for row in self.students if len(self.lines[row]) < len(self.header)), None)
        if short:
            raise self.refused(f"has only {len(self.lines[short])} cells in row {short + 1}. Export it anew", CANVAS)
        self.candidates = [
            number
            for number, title in enumerate(self.header)
            if number > after and OF_AN_ASSIGNMENT.fullmatch(title) and not (possible and "read only" in self.value(possible[0], number))
        ]

    def name_in_canvas(self, row):
        if self.header[0] == "LastName":
            return f"{self.value(row, 1)} {self.value(row, 0)}".strip()
        last, comma, first = self.value(row, 0).partition(", ")
        return f"{first} {last}" if comma else last

    def look_at_moodle(self):
        """Find the columns of Moodle's worksheet."""
        ragged = next((row for row in self.students if len(self.lines[row]) != len(self.header)), None)
        if ragged:
            widths = f"{len(self.lines[ragged])} cells in row {ragged + 1} but {len(self.header)} in the first"
            raise self.refused(f"has {widths}, so Moodle refuses it. Download it anew", MOODLE)
        if not self.students:
            raise self.refused("holds no students")
        columns = {number: self.column(number) for number in range(len(self.header))}
        self.id, self.of_columns = 0, None
        if not are_identifiers(columns[0]):
            raise self.refused("is neither Moodle's grading worksheet, whose first column holds identifiers, nor Canvas's gradebook. Download it anew", MOODLE)
        self.is_english = "Grade" in self.header
        self.most = next((number for number in reversed(columns) if self.is_maximum(number, columns)), None)
        if self.most is None and any(len({*values}) == 1 and "\n" in values[0] for values in columns.values()):
            raise self.refused("is of an assignment that is graded by a scale: let it have points in Moodle, then download the sheet anew")
        self.candidates = [] if self.most is None else [self.most - 1]

    def is_maximum(self, number, columns):
        """Say whether a column holds the maximum: one number for all, points or nothing before it, words after it."""
        points, most, then = (columns.get(near, []) for near in (number - 1, number, number + 1))
        if number < 2 or len(set(most)) != 1 or not NUMBER.fullmatch(most[0]):
            return False
        return all(not value or NUMBER.fullmatch(value) for value in points) and not any(NUMBER.fullmatch(value) for value in then)

    def entries(self):
        """Return an Entry for each student, in the order of the sheet."""
        return self.entries_of_canvas() if self.lms == CANVAS else self.entries_of_moodle()

    def entries_of_canvas(self):
        numbers, logins = (self.header.index(title) if title in self.header else None for title in ("SIS User ID", "SIS Login ID"))
        found = []
        for row in self.students:
            number, login = ("" if column is None else self.value(row, column) for column in (numbers, logins))
            found.append(Entry(row, self.value(row, self.id), as_written(self.name_in_canvas(row)), login if "@" in login else "", number))
        return found

    def entries_of_moodle(self):
        about = range(1, self.candidates[0] if self.candidates else 2)
        names = set(self.column(1))
        name = 1 if len(about) > 1 and len(names) * 2 > len(self.students) else None  # else it is blind: the status stands there
        email = next((number for number in about if number != name and is_mostly("@", self.column(number))), None)
        number = next((one for one in about if one not in (name, email) and NUMBERS.search(self.header[one])), None)
        times = read_times(self.columns_of_times()[0])
        found = []
        for row, time in zip(self.students, times, strict=True):
            values = ["" if column is None else as_written(self.value(row, column)) for column in (name, email, number)]
            values[0] = " ".join(re.sub(r"<[^<>]*>", " ", values[0]).split())
            found.append(Entry(row, IDENTIFIER.fullmatch(self.value(row, self.id))[2], *values, time))
        return found

    def columns_of_times(self):
        """Return the two columns of Moodle's that hold times, as texts: of the submissions, and of the grades."""
        found = [column for number in range((self.most or 0) + 1, len(self.header)) if are_times(column := self.column(number))]
        return (found[0], found[-1]) if len(found) > 1 else 2 * ([""] * len(self.students),)

    def times_are_foreign(self):
        """Say whether Moodle cannot read the times of the grades in its own sheet: it knows English only, and then takes each grade for changed since."""
        return self.lms == MOODLE and not self.is_english and any(said not in ("", "-") for said in self.columns_of_times()[1])

    def column_of_points(self, wanted, titles):
        """Return the title of the column for the points: the one wanted, else the only one that can be. Raises Refused.

        wanted: its title, of Canvas's also without the number or the number alone; None if nobody said. titles: what Canvas's assignment may be called.
        """
        if self.lms == MOODLE and wanted:
            found = [number for number, title in enumerate(self.header) if title == wanted.strip() and number > 0]
        elif wanted:
            found = [number for number in self.candidates if wanted.strip() in (self.header[number], *OF_AN_ASSIGNMENT.fullmatch(self.header[number]).groups())]
        elif self.lms == MOODLE:
            found = self.candidates
        else:
            found = self.called(titles)
        if len(found) == 1 and self.header.count(self.header[found[0]]) == 1:
            return self.header[found[0]]
        possible = self.header[1:] if self.lms == MOODLE else [self.header[number] for number in self.candidates]
        if not possible:
            raise self.refused("has no column of an assignment, with its number in brackets. Export it anew", self.lms)
        why = f"has {'more than one' if found else 'no'} column {text(wanted)}" if wanted else "does not show which column is that of the points"
        raise self.refused(f"{why}: name it with --column, one of {text(listed(possible, 20), 2000)}")

    def called(self, titles):
        """Return the columns of Canvas's assignments that are called so, or else those whose title holds one of these."""
        known = {number: words(OF_AN_ASSIGNMENT.fullmatch(self.header[number])[1]) for number in self.candidates}
        exact = [number for number in known if known[number] in map(words, titles)]
        return exact or [number for number in known if any(f" {words(title)} " in f" {known[number]} " for title in titles)]

    def why_not(self, row, title):
        """Return why a student's cell in the column of points is not ours to change; "" if it is."""
        value = self.value(row, self.header.index(title))
        if self.lms == CANVAS:
            return {"EX": "excused in Canvas", "N/A": "not assigned to them in Canvas"}.get(value.upper(), "")
        after = range(self.most + 1, min(self.most + 3, len(self.header))) if self.most else ()
        return "locked in Moodle, or overridden in its gradebook" if any(self.value(row, number).casefold() in NO for number in after) else ""

    def maximum(self, title):
        """Return the most points that a column takes, None if the sheet does not say."""
        said = self.of_maximum(title)
        return float(said.replace(",", ".")) if NUMBER.fullmatch(said) else None

    def of_maximum(self, title):
        column = self.header.index(title)
        if self.lms == CANVAS:
            return self.value(self.of_columns, column) if self.of_columns else ""
        return self.value(self.students[0], self.most) if self.candidates == [column] else ""

    def decimal_sign(self, title):
        """Return what parts the decimals in the numbers of this sheet.

        Moodle and Canvas read a point everywhere, a comma only where their language has it: Moodle in English would take 12,5 for 12.
        """
        numbers = [*self.column(self.header.index(title)), self.of_maximum(title)]
        return "," if not self.is_english and any(re.fullmatch(r"\d+,\d+", number) for number in numbers) else "."

    def with_column(self, title, values):
        """Return the sheet's bytes with other values, a text by row, in the column of that title. All else stays as it is."""
        column, parts, place = self.header.index(title), [], 0
        for row in sorted(values):
            cell = self.lines[row][column]
            quoted = self.text[cell.start : cell.end].startswith('"') or any(sign in values[row] for sign in (self.delimiter, '"', "\n", "\r"))
            value = values[row].replace('"', '""')
            parts += [self.text[place : cell.start], f'"{value}"' if quoted else value]
            place = cell.end
        return "".join([*parts, self.text[place:]]).encode(self.encoding)


def words(title):
    """Return a title's letters and numbers, without case and leading zeros."""
    return " ".join(word.lstrip("0") for word in re.findall(r"[^\W_]+", title.casefold()))


def width(content, begin, delimiter):
    try:
        return len(next(cells_by_line(content, begin, delimiter), []))
    except ValueError:
        return 0


def cells_by_line(content, place, delimiter, escapes=False):
    """Yield the Cells of each line from a place on. escapes: whether a quote after a backslash belongs to the text, as in PHP. Raises ValueError."""
    ends = re.compile(f"[{delimiter}\r\n]|$(?!\n)")
    line, row, number = [], 1, 0
    while place < len(content):
        start, value = place, ""
        if content[place] == '"':
            place = closing(content, place, escapes)
            if not place:
                raise ValueError(f"has a quote in row {row} that is never closed")
            value = content[start + 1 : place - 1].replace('""', '"')
        end = ends.search(content, place).start()
        line.append(Cell(start, end, value + content[place:end]))
        number += 1
        if number > MOST_CELLS:
            raise ValueError(f"has more than {MOST_CELLS} cells")
        place = end + 1
        if content[end : end + 1] != delimiter:
            yield line
            line, row, place = [], row + 1, end + (2 if content[end : end + 2] == "\r\n" else 1)
        elif place == len(content):
            line.append(Cell(place, place, ""))
    if line:
        yield line


def closing(content, place, escapes):
    """Return the place after the quote that closes the one at `place`; None without one."""
    place += 1
    while (place := content.find('"', place)) >= 0:
        before = place
        while content[before - 1] == "\\":
            before -= 1
        if escapes and (place - before) % 2:
            place += 1
        elif content[place + 1 : place + 2] == '"':
            place += 2
        else:
            return place + 1
    return None


def are_identifiers(values):
    """Say whether these are words for a participant, one for all, each with its own number."""
    found = [IDENTIFIER.fullmatch(value) for value in values]
    return all(found) and len({one[1] for one in found}) == 1 and len({one[2] for one in found}) == len(found)


def are_times(values):
    return any(values) and all(value in ("", "-") or re.search(r"(?<!\d)\d{4}(?!\d).*\d\d", value) for value in values)


def is_mostly(sign, values):
    filled = [value for value in values if value]
    return sum(sign in value for value in filled) * 2 > len(filled)
