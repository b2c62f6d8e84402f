"""Downloads as Moodle, Canvas and Gradescope make them, of a class that is given: what their sources say of names, in a few lines each."""

import json
import re
import unicodedata
import zipfile
from datetime import UTC, datetime
from typing import NamedTuple

PACKED = datetime(2026, 12, 3, 9, 30)
HANDED_IN = datetime(2026, 11, 30, 22, 15, tzinfo=UTC)


class Student(NamedTuple):
    """A student as the LMSs know them: moodle is Moodle's identifier of the assignment, canvas Canvas's ID, number the university's."""

    name: str
    moodle: str = ""
    canvas: str = ""
    email: str = ""
    number: str = ""


def zipped(path, files, at=PACKED):
    """Write a zip of these files, content by path, all of one time, or of each its own: at is then a dict."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (at[name] if isinstance(at, dict) else at).timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def moodle(path, handed_in, flat=False, hidden="", underscore=True, online=None, at=PACKED):
    """Write Moodle's download: handed_in is a list of (Student, {file: content}); hidden: what the site calls a participant; online: text by student's name.

    By mod/assign/classes/downloader.php; underscore: as its versions before 4.1 do.
    """
    files = {}
    for student, theirs in handed_in:
        prefix = clean_filename(f"{(hidden or student.name).replace('_', ' ')}_{student.moodle}")
        pages = {"onlinetext": {"onlinetext.html": (online or {}).get(student.name)}, "file": theirs}
        for kind, each in pages.items():
            for file, content in each.items():
                if content is not None and flat:
                    files[f"{prefix}_assignsubmission_{kind}_{file.rpartition('/')[2]}"] = content
                elif content is not None:
                    files[f"{prefix}_assignsubmission_{kind}{'_' * underscore}/{file}"] = content
    return zipped(path, files, at)


def clean_filename(name):
    """Return what Moodle leaves of a name (lib/moodlelib.php, clean_param with PARAM_FILE)."""
    return re.sub(r"\.\.+", "", re.sub(r"[\x00-\x1f\x7f&<>\"`|':\\/]", "", name))


def canvas(path, handed_in, late=(), attachment=700_001, again=(), anonymous=False, at=PACKED):
    """Write Canvas's download (lib/content_zipper.rb). late, again: names of who was late, and whose file Canvas has numbered as a second of its name."""
    files = {}
    for student, theirs in handed_in:
        who = f"anon_{student.canvas[-3:]}xY" if anonymous else student.canvas
        parts = [*([] if anonymous else [sortable(student.name)]), *(["LATE"] if student.name in late else []), who]
        for file, content in theirs.items():
            stem, dot, ending = file.rpartition(".")
            shown = f"{stem}-1{dot}{ending}" if student.name in again else file
            known, shown = re.sub(r"\W", "", "_".join(parts)), re.sub(r'[\x00/\\:*?"<>|]+', "_", shown)
            files[f"{known}_{attachment}_{shown}"] = content
            attachment += 1
    return zipped(path, files, at)


def sortable(name):
    first, _, last = name.rpartition(" ")
    return re.sub(r"[^\w]", "", unicodedata.normalize("NFC", f"{last}{first}")).lower()


def gradescope(path, handed_in, times=None, history=None, export="assignment_4711_export"):
    """Write Gradescope's download: handed_in is a list of (Students, {file: content}); times and history, attempts before, by the first one's name."""
    files, said = {}, []
    for number, (students, theirs) in enumerate(handed_in, start=1):
        said += [f"submission_{number}:", "  :submitters:"]
        for student in students:
            said += [f"  - :name: {quoted(student.name)}", f"    :sid: {quoted(student.number)}", f"    :email: {quoted(student.email)}"]
        at = (times or {}).get(students[0].name, HANDED_IN) if students else HANDED_IN
        said += [f"  :created_at: {at:%Y-%m-%d %H:%M:%S}.123456000 Z", "  :score: 0.0", "  :results: &1", "    output: |-", "      ---", "      a: [b"]
        said += ["  :history:"] if (history or {}).get(students[0].name if students else "") else ["  :history: []"]
        for attempt in range((history or {}).get(students[0].name, 0) if students else 0):
            said += [f"  - :id: {attempt}", "    :created_at: 2026-11-29 08:00:00.000000000 Z", "    :results: *1"]
        files |= {f"{export}/submission_{number}/{file}": content for file, content in theirs.items()}
    return zipped(path, {f"{export}/submission_metadata.yml": "\n".join(["---", *said, ""])} | files)


def quoted(value):
    return json.dumps(value, ensure_ascii=False)
