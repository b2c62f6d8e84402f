"""Points and feedback pages in the form that an LMS takes: its own sheet with one column filled, and a zip of pages in its names."""

import io
import re
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

from grading.author import source
from grading.collect import times
from grading.collect.handed_in import Refused
from grading.collect.people import People, Person, same
from grading.collect.sheets import CANVAS, MOODLE, Sheet
from grading.report.results import FAILED, GRADED
from grading.report.standing import CHANGED, NEEDS_MARKING, NOT_GRADED, NOTHING, standings
from grading.shared.checks.outcomes import count
from grading.shared.files import write
from grading.shared.tables import read_table
from grading.shared.text import text

CALLED = {MOODLE: "Moodle", CANVAS: "Canvas"}
IN_MOODLE = re.compile(r"([^/\\_]*_([0-9]+)_assignsubmission_file_?)")
KEYS = ("number", "email", "name")  # the surest first
NUMBERS = {MOODLE: "Moodle's identifier", CANVAS: "Canvas's ID"}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
WITH_A_PAGE = (GRADED, NEEDS_MARKING, FAILED)
WHY_NONE = {
    NEEDS_MARKING: "not all is marked yet",
    CHANGED: "handed in again since it was graded: grade again",
    NOT_GRADED: "not graded yet",
}
UNFIT = r'[_/\\<>:"|?*\x00-\x1f]'  # for a name in a path of Moodle's
MOST_NAMED = 40
ALWAYS = (1980, 1, 1, 0, 0, 0)  # so that a zip of the same pages is the same file


def export(name, submitted, out, moodle=None, canvas=None, column=None):
    """Write OUT/NAME/feedback.zip, and with an LMS's sheet OUT/NAME/for-moodle.csv or for-canvas.csv; yield lines about it. Raises Refused and Problem."""
    lms = MOODLE if moodle else CANVAS if canvas else ""
    sheet = Sheet.read(moodle or canvas) if lms else None
    if lms and sheet.lms != lms:
        raise Refused(f"{sheet.path} is {CALLED[sheet.lms]}'s: give it with --{sheet.lms}")
    found = [one for one in standings(name, submitted, out) if one.status != NOTHING]
    if not any(one.status in WITH_A_PAGE for one in found):
        raise Refused(f"Nothing of {name} is graded in {text(str(out))}: grade first, with python -m grading {name}")
    persons, rows = persons_of(found, submitted), {}
    if lms:
        rows, unknown = matched(persons, sheet, name)
        yield from points(found, rows, unknown, sheet, sheet.column_of_points(column, titles_of(name)), Path(out, name, f"for-{lms}.csv"))
    yield from pages(found, rows, persons, times.collected(submitted, name), lms, name, Path(out))
    if lms:
        yield what_to_do(sheet)


def titles_of(name):
    """Return what an assignment may be called in an LMS: its name, its heading, and how that begins."""
    heading = source.outline(name).cells[0].source.partition("\n")[0].lstrip("# ")
    return [name, heading, heading.partition(":")[0]]


def persons_of(found, submitted):
    """Return the Person of each student who handed in, by folder; one who is in no names.csv has the folder's name."""
    people = People.read(submitted)
    persons = [people.of(one.student) or Person(one.student) for one in found]
    return {person.folder: person if person.name else person._replace(name=person.folder) for person in persons}


def matched(persons, sheet, name):
    """Return the sheet's Entry of each student, and why there is none for the others: nobody is guessed. Raises Refused if it knows nobody."""
    entries = sheet.entries()
    by_id = {entry.id: entry for entry in entries if entry.id}
    ids = {folder: person.canvas if sheet.lms == CANVAS else person.moodle.get(name, "") for folder, person in persons.items()}
    if any(ids.values()) and not any(number in by_id for number in ids.values()):
        which = "assignment" if sheet.lms == MOODLE else "course"
        raise Refused(f"{sheet.path} has none of the numbers in names.csv by which {CALLED[sheet.lms]} knows the students: it is the sheet of another {which}")
    rows, unknown, of_persons, of_entries = {}, {}, by_keys(persons.values()), by_keys(entries)
    for folder, person in persons.items():
        if ids[folder]:
            entry, why = by_id.get(ids[folder]), f"nobody in the sheet has {NUMBERS[sheet.lms]} {ids[folder]}"
        else:
            entry, why = only(person, of_persons, of_entries)
        if entry:
            rows[folder] = entry
        else:
            unknown[folder] = why
    claimed = Counter(entry.row for entry in rows.values())
    for folder in [folder for folder, entry in rows.items() if claimed[entry.row] > 1]:
        unknown[folder] = f"row {rows.pop(folder).row + 1} of the sheet would be that of several students: say in names.csv who is who"
    return rows, unknown


def only(person, of_persons, of_entries):
    """Return the Entry that has a person's number, address or name and that nobody else can be, and else why there is none. of_…: both by what they have."""
    why = "nobody in the sheet has this number, address or name: put theirs into names.csv"
    for place, key in enumerate(KEYS):
        about = key, alike(key, getattr(person, key))
        among, others = of_entries.get(about, ()), of_persons.get(about, ())
        if len(among) == len(others) == 1:
            if all(agree(stronger, person, among[0]) for stronger in KEYS[:place]):
                return among[0], ""
            why = f"who has the same {key} in the sheet has another {' or '.join(KEYS[:place])}"
        elif among:
            why = f"several have the same {key}: put a number into names.csv that tells them apart"
    return None, why


def by_keys(those):
    """Return lists of persons or entries by what they have: pairs of a key and a value."""
    found = {}
    for one in those:
        for key in KEYS:
            if value := alike(key, getattr(one, key)):
                found.setdefault((key, value), []).append(one)
    return found


def agree(key, person, entry):
    one, other = alike(key, getattr(person, key)), alike(key, getattr(entry, key))
    return not one or not other or one == other


def alike(key, value):
    """Return what two writings of a number, an address or a name have in common. A spreadsheet drops the zeros at a number's start."""
    if key == "number":
        return same(value).lstrip("0")
    last, comma, first = same(value).partition(", ")
    return f"{first} {last}" if key == "name" and comma else same(value)


def points(found, rows, unknown, sheet, title, path):
    """Write the sheet with the points that there are in the column `title`, and yield lines about it and all whose cell stays."""
    values, kept, sign = {}, {}, sheet.decimal_sign(title)
    for one in found:
        if one.student in unknown:
            continue
        row = rows[one.student].row
        why = f"could not be graded: {one.result.get('reason', '')}" if one.status == FAILED else WHY_NONE.get(one.status) or sheet.why_not(row, title)
        if why:
            kept.setdefault(why, []).append(one.student)
        else:
            values[row] = f"{round(one.points, 2):g}".replace(".", sign)
    write(path, sheet.with_column(title, values))
    yield f"Points of {count(len(values), 'student', 'students')}, in the column {text(title)}: {path}"
    for why, students in kept.items():
        yield f"  {named(students)}: {text(why)} (the cell stays as it was)"
    for why in dict.fromkeys(unknown.values()):
        yield f"  {named([student for student in unknown if unknown[student] == why])}: {text(why)} (not written)"
    if others := len(sheet.students) - len(rows):
        yield f"  {count(others, 'other row stays', 'other rows stay')} as {'it was' if others == 1 else 'they were'}"
    most = sheet.maximum(title)
    if most is not None and most != found[0].max_points:
        above = ", which leaves out what is more," if sheet.lms == MOODLE and most < found[0].max_points else ""
        yield f"  The maximum in {CALLED[sheet.lms]}{above} is {most:g}, not {found[0].max_points:g}: set it there first. Nothing was scaled"


def named(students):
    shown = ", ".join(text(student, 80) for student in students[:MOST_NAMED])
    return shown + (f" and {len(students) - MOST_NAMED} more" if len(students) > MOST_NAMED else "")


def pages(found, rows, persons, taken, lms, name, out):
    """Write the zip of the feedback pages of all that was graded as it was last handed in, and yield lines about it.

    In a zip for an LMS, a page whose place it does not know is left out: another's name in a path might give it to the wrong student.
    """
    lms = lms or next((one.lms for one in taken.values() if one.lms in CALLED), "")
    files, unknown = {}, []
    for one in found:
        page = out / "feedback" / one.student / name / f"{name}.html"
        if one.status in WITH_A_PAGE and page.is_file():
            place = place_in(lms, rows.get(one.student), persons[one.student], taken.get(one.student)) if lms else f"{one.student}/"
            if place and f"{place}{name}.html" not in files:
                files[f"{place}{name}.html"] = page
            else:
                unknown.append(one.student)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for place in sorted(files):
            about = zipfile.ZipInfo(place, ALWAYS)
            about.external_attr = 0o100644 << 16
            archive.writestr(about, files[place].read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
    path = out / name / "feedback.zip"
    write(path, content.getvalue())
    yield f"Feedback pages of {count(len(files), 'student', 'students')}: {path}"
    if stale := without_latest_marks(found, Path(out, name, "grades.csv")):
        yield f"  {named(stale)}: marked since the pages were made. Bring the marks into them, with python -m grading {name}, then export again"
    if unmarked := sum(one.status == NEEDS_MARKING for one in found):
        yield f"  {count(unmarked, 'page says', 'pages say')} that something is not marked yet"
    if unknown:
        yield f"  {named(unknown)}: not in the zip, {CALLED.get(lms, 'The LMS')} would not know whose the page is; it lies in {text(str(out / 'feedback'))}"


def without_latest_marks(found, path):
    """Return the students whose marks are no longer those in the table, which was written when the pages were made."""
    try:
        _, lines = read_table(path)
        known = {(line["student"], line["task"]): (line["points"], line["status"], line["message"]) for line in lines}
    except (OSError, ValueError, KeyError):
        return []  # whatever became of the table, the pages are there
    rows = [row for one in found if one.status in WITH_A_PAGE for row in one.rows]
    return list(dict.fromkeys(row.student for row in rows if known.get((row.student, row.task)) != (row.points, row.status, row.message)))


def place_in(lms, entry, person, taken):
    """Return how the path begins under which an LMS takes a student's page, as it named what was handed in; "" where nobody knows."""
    file = taken.file if taken and taken.lms == lms else ""
    if lms == CANVAS:
        beginning = until_attachment(PurePosixPath(file).name)
        return f"{beginning}_" if beginning else ""
    folder = IN_MOODLE.match(file)
    number = entry.id if entry else folder[2] if folder else ""
    if folder and folder[2] == number:
        return f"{folder[1]}/"
    return f"{re.sub(UNFIT, ' ', person.name)}_{number}_assignsubmission_file_/" if number else ""


def until_attachment(file):
    """Return the beginning of a file's name in Canvas's download that ends with the number of what was handed in, by which Canvas knows it; "" without one."""
    parts = file.split("_")
    if parts[0] == "anon":
        ends = [place for place, part in enumerate(parts) if part != "LATE"][2:3]
    else:
        ends = [place for place, part in enumerate(parts) if re.fullmatch(r"[0-9]+", part)][1:2]
    return "_".join(parts[: ends[0] + 1]) if ends and parts[ends[0]].isdigit() and "\\" not in file else ""


def what_to_do(sheet):
    """Return how the LMS takes the files. Why, is in the sources of its importers: in Moodle, pages make a grade newer than the sheet is."""
    if sheet.lms == CANVAS:
        soon = "soon, since it undoes what is entered there in the meantime"
        shown = "Canvas shows each page under the name of the notebook handed in: say that it is to be saved as .html"
        return f"In Canvas: the sheet with 'Import' in the gradebook, {soon}; the zip with 'Re-Upload Submissions' at the assignment's column. {shown}"
    how = [f"separator: {SEPARATORS[sheet.delimiter]}"] * (sheet.delimiter != ",") + [f"encoding: {sheet.encoding.upper()}"] * (sheet.encoding != "utf-8")
    first = "first the sheet with 'Upload grading worksheet'" + f" ({', '.join(how)})" * bool(how)
    also = ". Tick that records modified more recently are updated: Moodle reads the times in its sheet in English only" if sheet.times_are_foreign() else ""
    return f"In Moodle: {first}, then the zip with 'Upload multiple feedback files in a zip'{also}"
