"""A notebook that a student handed in, read as hostile data."""

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

import nbformat

from grading.shared.text import text
from grading.shared.trouble import Trouble

LARGEST = 50_000_000  # bytes of a notebook without its outputs, and of all files in its folder
LARGEST_FILE = 300_000_000  # bytes of a notebook
MOST_PARTS = 3_000_000  # of its JSON: each may take twenty times its size in memory
DEEPEST = 100
MOST_CELLS = 1000
OPENING = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")]  # not every system has them all
KINDS = ("code", "markdown", "raw")
BADGE = re.compile(r"created-in-deepnote-cell|/colab-badge\.svg")  # what Deepnote puts below a notebook, and Colab above it
DRAWN = re.compile(r"<[^<>]*>|\[!\[[^\[\]]*\]\([^()\s]*\)\]\([^()\s]*\)|\s")
CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |\r?$)", re.MULTILINE)


class Refused(Trouble):
    """Why a submission cannot be graded, in one line that says what to do."""


class Cell(NamedTuple):
    """All that is taken over of a student's cell.

    `name` is nbgrader's id, `id` the notebook's own, `pictures` are data by kind by file; `as_released` says that the cell is
    as nbgrader made it, though perhaps for another version of the assignment.
    """

    kind: str
    source: str
    name: str | None
    pictures: dict
    id: str | None = None
    as_released: bool = False


class HandedIn(NamedTuple):
    """A notebook as it was handed in: its Cells, the version of Python that it says it was run with, and notes about what could not be read."""

    cells: list
    python: str
    notes: list


def read(path):
    """Return the HandedIn of a notebook's file. Raises Refused."""
    return understood(parsed(path))


def parsed(path):
    """Return the notebook's JSON, of a large file without its outputs. Raises Refused."""
    path = Path(path)
    try:
        handle = os.open(path, os.O_RDONLY | sum(OPENING))
    except OSError as error:
        raise Refused(f"{named(path)} is a symbolic link: hand in the file itself" if path.is_symlink() else f"{named(path)} cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Refused(f"{named(path)} is not a file: hand in the notebook itself")
    with open(handle, "rb") as file:
        if os.fstat(handle).st_size > LARGEST_FILE:
            raise Refused(f"{named(path)} is larger than {LARGEST_FILE // 1_000_000} MB: clear the outputs, save and hand in again")
        data = file.read(LARGEST + 1)
        if len(data) > LARGEST or sum(map(data.count, (b"[", b"{", b","))) > MOST_PARTS:
            del data
            file.seek(0)
            return a_notebook(without_outputs(file, path))
    return a_notebook(loaded(decoded(data)))


def named(path):
    return text(path.name, 80)


def without_outputs(file, path):
    """Return the JSON of a large notebook, in which all that is large is outputs as a rule. Raises Refused."""
    import ijson  # rarely needed

    builder, parts, size, depth = ijson.ObjectBuilder(), 0, 0, 0
    skipping = None  # how deep is what is skipped
    try:
        for event, value in ijson.basic_parse(file, use_float=True):
            depth += event.startswith("start") - event.startswith("end")
            if depth > DEEPEST:
                raise Refused("the file is not a notebook: its data is nested too deeply")
            if skipping is not None:
                skipping = skipping if depth > skipping else None
                continue
            if event == "map_key" and value == "outputs":
                skipping = depth
                continue
            parts, size = parts + 1, size + (len(value) if isinstance(value, str) else 0)
            if parts > MOST_PARTS or size > LARGEST:
                raise Refused(f"{named(path)} holds too much, even without its outputs: remove what does not belong to it")
            builder.event(event, value)
    except (ijson.JSONError, ValueError):  # a number too long, or letters in another encoding
        raise Refused("the file is damaged or ends in the middle (an upload cut short?): hand in again") from None
    return builder.value


def decoded(data):
    """Return the text of a file. Raises Refused."""
    for encoding in ("utf-8-sig", *wide(data)):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    if data[:1] == b"{" and b"\0" not in data:  # an editor's way of saving, in the West
        return data.decode("cp1252", "replace")
    raise Refused("the file is not a notebook but holds binary data (a zip, a PDF, a picture?): hand in the .ipynb file")


def wide(data):
    """Return the encodings with two bytes a letter that a file may have."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ["utf-16"]
    return {b"{\0": ["utf-16-le"], b"\0{": ["utf-16-be"]}.get(data[:2], [])


def loaded(source):
    """Return the JSON that a text is. Raises Refused with what it is instead."""
    source = source.strip("\0 \t\r\n\ufeff")
    if not source:
        raise Refused("the file is empty: save the notebook and hand in again")
    try:
        return json.loads(source)
    except RecursionError:
        raise Refused("the file is not a notebook: its data is nested too deeply") from None
    except json.JSONDecodeError as error:
        if source[0] == "<" and not CONFLICT.match(source):
            raise Refused("the file is a web page (HTML) named like a notebook: hand in the .ipynb file, not an export") from None
        if conflict := CONFLICT.search(source):
            line = source.count("\n", 0, conflict.start()) + 1
            raise Refused(f"the file holds two versions and git's conflict marks between them (line {line}): choose one, save and hand in again") from None
        if source[0] != "{":
            raise Refused("the file is not a notebook (a script or a text named like one?): hand in the .ipynb file") from None
        if error.msg.startswith("Unterminated") or error.pos >= len(source) - 1:
            raise Refused("the file ends in the middle (an upload cut short?): hand in again") from None
        raise Refused(f"the file is damaged at line {error.lineno}: open it in Jupyter, save and hand in again") from None
    except ValueError as error:
        raise Refused(f"the file is damaged: {text(str(error), 80)}") from None


def a_notebook(found):
    if not isinstance(found, dict) or not isinstance(found.get("cells", found.get("worksheets")), list):
        raise Refused("the file holds data but no notebook: hand in the .ipynb file")
    return found


def understood(found):
    """Return the HandedIn of a notebook's JSON. Raises Refused."""
    version = found.get("nbformat", 4)
    if version in (2, 3):
        try:
            found = nbformat.convert(nbformat.from_dict(found), 4)
        except Exception:  # nbformat's converters trust what they read
            raise Refused("the notebook is in an old format and damaged: open it in Jupyter, save and hand in again") from None
    elif version != 4:
        raise Refused(f"the notebook has the format {text(ascii(version), 20)}, not 4: open it in Jupyter, save and hand in again")
    cells = found.get("cells")
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        raise Refused(f"the notebook has more than {MOST_CELLS} cells: remove what does not belong to it")
    notes = []
    odd = [number for number, cell in enumerate(cells, start=1) if not is_whole(mapping(cell))]
    if odd:
        notes.append(f"what is no proper cell is left out, or shown as text: number {', '.join(map(str, odd[:5]))}{' and more' * (len(odd) > 5)}")
    python = mapping(mapping(found.get("metadata")).get("language_info")).get("version")
    python = python if isinstance(python, str) and re.fullmatch(r"\d{1,2}\.\d{1,3}(\.\w{1,10})?", python) else ""
    return HandedIn([cell for cell in map(plain_cell, map(mapping, cells)) if not is_badge(cell)], python, notes)


def is_badge(cell):
    """Say whether a cell is nothing but a link to the site on which the notebook was saved."""
    return bool(cell.kind == "markdown" and BADGE.search(cell.source)) and DRAWN.sub("", cell.source) in ("", "CreatedinDeepnote")


def is_whole(cell):
    return cell.get("cell_type") in KINDS and isinstance(joined(cell.get("source") or ""), str)


def plain_cell(cell):
    kind, source, about = cell.get("cell_type"), joined(cell.get("source") or ""), mapping(mapping(cell.get("metadata")).get("nbgrader"))
    kind, name, own_id = kind if kind in KINDS else "raw", about.get("grade_id"), cell.get("id")
    source = source.encode("utf-8", "replace").decode("utf-8") if isinstance(source, str) else ""  # half a character could not be written
    pictures = {
        file: {mime: joined(data) for mime, data in kinds.items() if isinstance(joined(data), str)}
        for file, kinds in mapping(cell.get("attachments")).items()
        if isinstance(kinds, dict)
    }
    name, own_id = (one if isinstance(one, str) else None for one in (name, own_id))
    return Cell(kind, source, name, pictures, own_id, name is not None and about.get("checksum") == checksum(kind, source, about))


def checksum(kind, source, about):
    """Return what nbgrader's compute_checksum does of a cell; nbgrader takes a second to load."""
    graded, solution = about.get("grade", False), about.get("solution", False)
    locked = not solution and (graded or about.get("locked", False))
    points = about.get("points")
    points = [f"{points:.1f}"] if graded and isinstance(points, int | float) and -1000 < points < 1000 else []
    said = [source, kind, *(text(str(each), 10) for each in (graded, solution, locked)), about["grade_id"], *points]
    return hashlib.md5("".join(said).encode("utf-8", "replace")).hexdigest()


def mapping(value):
    return value if isinstance(value, dict) else {}


def joined(value):
    """A text may be a list of its lines."""
    return "".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value


def listed(names, most=3):
    shown = ", ".join(text(f"'{name}'", 80) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
