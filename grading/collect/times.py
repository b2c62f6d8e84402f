"""When submissions were handed in, how far one knows that, and until when they were due: small tables beside the students' folders."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grading.collect import folders
from grading.collect.handed_in import Refused
from grading.shared.tables import read_table, write_table
from grading.shared.text import text

FILE = "file"  # where a time is that of a file on this machine
DUE = ("assignment", "due")


class Collected(NamedTuple):
    """What was taken of a download for a student's folder.

    lms: "moodle", "canvas", "gradescope" or "". file: its path in the download. handed_in: aware, None where nobody knows, and time_from whom it is
    from. late: what the LMS itself says. fingerprint: of what was written.
    """

    folder: str
    lms: str = ""
    file: str = ""
    attempts: int = 1
    handed_in: datetime | None = None
    time_from: str = ""
    late: str = ""
    fingerprint: str = ""


def collected(submitted, name):
    """Return what was collected of an assignment, a Collected by folder. Raises Refused."""
    path = table_of(submitted, name)
    return {one.folder: one for one in each(path, Collected._fields, collected_row)}


def keep(submitted, name, found):
    """Write what was collected of an assignment."""
    rows = [one._replace(handed_in=one.handed_in.isoformat() if one.handed_in else "") for one in sorted(found, key=lambda one: one.folder)]
    write_table(table_of(submitted, name), Collected._fields, rows)


def table_of(submitted, name):
    return Path(submitted, f"{name}.csv")


def collected_row(row):
    if row["attempts"] and not row["attempts"].isdecimal():
        raise ValueError(f"'{row['attempts']}' should be the number of attempts")
    return Collected(**row | {"attempts": int(row["attempts"] or 1), "handed_in": parse_due(row["handed_in"]) if row["handed_in"] else None})


def due(submitted, name):
    """Return when an assignment was due, None where nobody has said so. Raises Refused."""
    return dict(each(Path(submitted, "due.csv"), DUE, due_row)).get(name)


def set_due(submitted, name, when):
    """Put down when an assignment is due."""
    path = Path(submitted, "due.csv")
    known = dict(each(path, DUE, due_row)) | {name: when}
    write_table(path, DUE, [(name, known[name].isoformat(timespec="minutes" if not known[name].second else "seconds")) for name in sorted(known)])


def due_row(row):
    return row["assignment"], parse_due(row["due"])


def each(path, columns, made):
    """Yield what is made of each row of a table that may be missing. Raises Refused, with the line."""
    if not path.exists():
        return
    number = 1
    try:
        header, rows = read_table(path)
        if missing := [title for title in columns if title not in header]:
            raise ValueError(f"there is no column {', '.join(missing)}")
        for number, row in enumerate(rows, start=2):
            yield made({title: row.get(title, "") for title in columns})
    except (ValueError, OSError) as error:
        raise Refused(f"{text(str(path))}, line {number}: {text(str(error))}. Mend it, or delete it to begin anew") from None


def fingerprint_of(folder):
    """Return what changes when a file that counts in an assignment's folder does."""
    return folders.fingerprint(folders.files(folder), folder)


def parse_due(said):
    """Return the time in a text such as 2026-12-01T23:59+01:00, without an offset in this machine's zone. Raises ValueError."""
    try:
        found = datetime.fromisoformat(said.strip())
        if len(said.strip()) <= len("2026-12-01"):
            raise ValueError
        return aware(found)
    except ValueError:
        raise ValueError(f"'{said}' should be a date and a time, for instance 2026-12-01T23:59+01:00") from None


def aware(time, due=None):
    """Return a time with a zone: where it has none, that of the due date, else this machine's."""
    return time if time.tzinfo else time.replace(tzinfo=due.tzinfo) if due else time.astimezone()


def of_files(paths):
    """Return when the newest of these files was last changed, in this machine's zone; None without any."""
    newest = max((path.stat().st_mtime for path in paths), default=None)
    return None if newest is None else datetime.fromtimestamp(newest).astimezone()
