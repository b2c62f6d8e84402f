"""Who is who: `names.csv`, which maps what an LMS calls people to the folders of their submissions. An instructor may edit it."""

from pathlib import Path
from typing import NamedTuple

from grading.collect.handed_in import Refused
from grading.shared.tables import read_table, write_table
from grading.shared.text import text

MOODLE = "moodle "  # so begin the columns of Moodle's identifiers, which are drawn anew for each assignment


class Person(NamedTuple):
    """A student: the folder, what an LMS calls them, and the numbers that it knows them by.

    number: the student's own (Moodle's ID number, Canvas's SIS User ID, Gradescope's SID). canvas: Canvas's ID. moodle: identifiers by assignment.
    """

    folder: str
    name: str = ""
    email: str = ""
    number: str = ""
    canvas: str = ""
    moodle: dict = {}


class People:
    """The people of a class, in the order of the file. `other` are an instructor's own columns, as rows by folder."""

    def __init__(self, path, people=(), other=None):
        self.path, self._of, self._other = path, {person.folder: person for person in people}, other or {}

    @classmethod
    def read(cls, submitted):
        """Read SUBMITTED/names.csv; without it there is nobody. Raises Refused, with the line."""
        path, people, others, number = Path(submitted, "names.csv"), {}, {}, 1
        if not path.exists():
            return cls(path)
        try:
            header, rows = read_table(path)
            if "folder" not in header:
                raise ValueError("there is no column folder")
            for number, row in enumerate(rows, start=2):
                row = {title: value.strip() for title, value in row.items()}
                if not row["folder"]:
                    raise ValueError("a person has no folder")
                if row["folder"] in people:
                    raise ValueError(f"the folder {row['folder']} is there twice")
                moodle = {title.removeprefix(MOODLE): value for title, value in row.items() if title.startswith(MOODLE) and value}
                people[row["folder"]] = Person(**{field: row.get(field, "") for field in Person._fields[:-1]}, moodle=moodle)
                others[row["folder"]] = {title: row.get(title, "") for title in header if title not in Person._fields and not title.startswith(MOODLE)}
        except (ValueError, OSError) as error:
            raise Refused(f"{text(str(path))}, line {number}: {text(str(error))}. Mend it and run this again") from None
        return cls(path, people.values(), others)

    def __iter__(self):
        return iter(self._of.values())

    def of(self, folder):
        """Return the Person of a folder, or None."""
        return self._of.get(folder)

    def put(self, person):
        """Add a person, or replace the one of that folder."""
        self._of[person.folder] = person

    def write(self):
        """Write the file, without columns that are empty throughout."""
        fields = [field for field in Person._fields[:-1] if field in ("folder", "name") or any(getattr(person, field) for person in self)]
        assignments = sorted({name for person in self for name in person.moodle})
        other = list(dict.fromkeys(title for row in self._other.values() for title in row))
        rows = [
            [getattr(person, field) for field in fields]
            + [person.moodle.get(name, "") for name in assignments]
            + [self._other.get(person.folder, {}).get(title, "") for title in other]
            for person in self
        ]
        write_table(self.path, [*fields, *(MOODLE + name for name in assignments), *other], rows)
