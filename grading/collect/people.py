"""Who is who: `names.csv` beside the students' folders, which says whose each is, by the names and numbers that an LMS has for them."""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from grading.collect.folders import is_odd
from grading.collect.handed_in import Refused
from grading.shared.tables import read_table, write_table
from grading.shared.text import text

FILE = "names.csv"
KEYS = ("name", "email", "number", "canvas")
MOODLE = "moodle "  # and an assignment: Moodle draws new numbers for each
ROUNDED = re.compile(r"\d[.,]?\d*[eE]\+?\d+")  # what a spreadsheet makes of a long number


class Person(NamedTuple):
    """Whose a folder is.

    number: the student's own (Moodle's ID number, Canvas's SIS User ID, Gradescope's SID). canvas: Canvas's ID. moodle: digits, by assignment.
    """

    folder: str
    name: str = ""
    email: str = ""
    number: str = ""
    canvas: str = ""
    moodle: dict = {}
    other: dict = {}  # what an instructor has put beside it


class People:
    """The persons of a names.csv, in its order. The file may be edited: columns that are not ours stay."""

    def __init__(self, path, persons=(), titles=()):
        self.path, self.titles = Path(path), list(titles)
        self._persons = {person.folder: person for person in persons}

    @classmethod
    def read(cls, submitted):
        """Return the People of a folder of submissions, none where it has no names.csv. Raises Refused, with the line."""
        path = Path(submitted, FILE)
        if not path.exists():
            return cls(path)
        people, number = cls(path), 1
        try:
            people.titles, rows = read_table(path)
            check(people.titles)
            for number, row in enumerate(rows, start=2):
                person = person_of(row)
                if person.folder in people._persons:
                    raise ValueError(f"the folder {person.folder} is there twice")
                people.put(person)
        except (ValueError, OSError) as error:
            raise Refused(f"{text(str(path))}, line {number}: {text(str(error))}. Mend it: it says whose the folders are") from None
        return people

    def __iter__(self):
        return iter(self._persons.values())

    def of(self, folder):
        """Return whose a folder is, None if nobody knows."""
        return self._persons.get(unicodedata.normalize("NFC", folder))

    def find(self, key, value, assignment=None):
        """Return all whose `key` (a Person's field; "moodle" with its assignment) is this value: one, if it tells them apart. An empty one is nobody's."""
        if not value.strip():
            return []
        values = [(known, person) for person in self if (known := person.moodle.get(assignment, "") if key == "moodle" else getattr(person, key))]
        if key == "name":
            exactly = [person for known, person in values if letters(known) == letters(value)]
            return exactly or [person for known, person in values if is_run_together(known, value)]
        found = [person for known, person in values if same(known) == same(value)]
        if not found and key == "number":  # a spreadsheet drops the zeros at its start
            found = [person for known, person in values if same(known).lstrip("0") == same(value).lstrip("0")]
        return found

    def put(self, person):
        """Add a person, in the place of whom the folder was said to be."""
        self._persons[person.folder] = person

    def write(self):
        """Write names.csv: our columns that are not empty, and an instructor's."""
        ours = {title: value_of(title) for title in ("folder", *KEYS, *sorted({MOODLE + name for person in self for name in person.moodle}))}
        titles = [*self.titles, *(title for title in ours if title not in self.titles and (title == "folder" or any(map(ours[title], self))))]
        values = [ours.get(title) or value_of(title) for title in titles]
        write_table(self.path, titles, [[value(person) for value in values] for person in self])


def check(titles):
    """Raise ValueError unless these are columns of a names.csv."""
    while titles and not titles[-1]:
        titles.pop()
    if "folder" not in titles:
        raise ValueError("there is no column 'folder'")
    if twice := [title for title in titles if titles.count(title) > 1]:
        raise ValueError(f"two columns have the title '{twice[0]}'")


def person_of(row):
    """Return the Person of a row. Raises ValueError."""
    row = {title: unicodedata.normalize("NFC", value.strip()) for title, value in row.items()}
    folder = row.pop("folder")
    if not folder:
        raise ValueError("the folder is missing")
    if folder.startswith(".") or any(is_odd(letter) or letter == "/" for letter in folder):
        raise ValueError(f"'{folder}' can be no student's folder")
    moodle = {title.removeprefix(MOODLE): value for title, value in row.items() if title.startswith(MOODLE) and value}
    for value in (row.get("number", ""), row.get("canvas", ""), *moodle.values()):
        if ROUNDED.fullmatch(value) and not value.isdigit():
            raise ValueError(f"'{value}' was a longer number, which a spreadsheet has rounded: put it right as text")
    other = {title: value for title, value in row.items() if title not in KEYS and not title.startswith(MOODLE)}
    return Person(folder, *(row.get(key, "") for key in KEYS), moodle, other)


def value_of(title):
    """Return the function that gives a Person's value in a column."""
    if title.startswith(MOODLE):
        return lambda person: person.moodle.get(title.removeprefix(MOODLE), "")
    if title in Person._fields[: 1 + len(KEYS)]:
        return lambda person: getattr(person, title)
    return lambda person: person.other.get(title, "")


@cache
def same(value):
    """Return what two writings of an address or a number have in common."""
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())


@cache
def words(name):
    """Return the words of a name, first names first, without what an LMS may leave out of them: Moodle drops apostrophes, Canvas all but letters."""
    last, comma, first = name.partition(",")
    found = unicodedata.normalize("NFKC", f"{first} {last}" if comma else name).casefold().split()
    return [word for each in found if (word := "".join(letter for letter in each if unicodedata.category(letter)[0] in "LMN"))]


@cache
def letters(name):
    return "".join(words(name)) or same(name)


def is_run_together(one, other):
    """Say whether one of two names is the other, last name first and in one word, as Canvas names files."""
    if len(words(one)) > 1:
        one, other = other, one
    long, short = words(other), words(one)
    return len(short) == 1 and any("".join(long[place:] + long[:place]) == short[0] for place in range(len(long)))
