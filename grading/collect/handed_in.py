"""What students handed in, read as hostile data: who is there, the files of a folder, and the cells of a notebook."""

import hashlib
import json
import os
import stat
import unicodedata
from pathlib import Path
from typing import NamedTuple

import nbformat

from grading.shared.text import text

LARGEST = 50_000_000  # bytes of a notebook, and of all files in its folder
MOST_PARTS = 3_000_000  # of its JSON: each may take twenty times its size in memory
MOST_CELLS = 1000
OPENING = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")]  # not every system has them all


class Refused(Exception):
    """Why a submission cannot be graded, in one line that says what to do."""


class Student(NamedTuple):
    """`folder` is None when there is nothing to read; then `reason` says why."""

    name: str
    folder: Path | None
    reason: str = ""


class Cell(NamedTuple):
    """All that is taken over of a student's cell; `name` is nbgrader's id, `pictures` are data by kind by file."""

    kind: str
    source: str
    name: str | None
    pictures: dict


def students(submitted, name):
    """Return a Student for every folder in `submitted`, sorted. Raises Refused when nobody handed in `name`."""
    try:
        folders = sorted(path for path in Path(submitted).iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise Refused(f"the folder of submissions {text(str(submitted))} cannot be read: {error.strerror}") from None
    found = [student(folder, name) for folder in folders]
    if not any(one.folder for one in found):
        raise Refused(f"no folder STUDENT/{name} in {text(str(submitted))}: submissions lie in {text(str(submitted))}/STUDENT/{name}/{name}.ipynb")
    return found


def student(folder, name):
    """A student's name becomes a part of paths, pages, addresses and tables."""
    called = folder.name
    odd = sorted({letter for letter in called if not (unicodedata.category(letter)[0] in "LMN" or letter in " ._-@+")})
    if odd:
        return Student(text(f"'{called}'"), None, f"the folder's name holds {text(', '.join(map(ascii, odd)))}: rename it, with letters, digits and . _ - @ + only")
    if called != called.strip() or called[0] in "-@+" or len(called) > 100:
        return Student(text(f"'{called}'"), None, "the folder's name is too long, begins with - @ + or begins or ends with a space: rename it")
    if folder.is_symlink() or (folder / name).is_symlink():
        return Student(called, None, "the folder is a symbolic link: put the folder itself there")
    if not (folder / name).is_dir():
        return Student(called, None, f"no submission: there is no folder {name}")
    return Student(called, folder / name)


def cells(folder, name):
    """Return the Cells of the notebook in a student's folder. Raises Refused."""
    return plain_cells(parsed(content(Path(folder), f"{name}.ipynb")))


def content(folder, wanted):
    try:
        handle = os.open(folder / wanted, os.O_RDONLY | sum(OPENING))
    except FileNotFoundError:
        raise Refused(instead(folder, wanted)) from None
    except OSError as error:
        link = (folder / wanted).is_symlink()
        raise Refused(f"{wanted} is a symbolic link: hand in the file itself" if link else f"{wanted} cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Refused(f"{wanted} is not a file: hand in the notebook itself")
    with open(handle, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST or sum(map(data.count, (b"[", b"{", b","))) > MOST_PARTS:
        raise Refused(f"{wanted} is larger than {LARGEST // 1_000_000} MB or holds too much: clear the outputs, save and hand in again")
    return data


def instead(folder, wanted):
    """Why there is no file of the wanted name."""
    try:
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        return f"the folder cannot be read: {error.strerror}"
    if not others:
        return f"the folder is empty: it should hold {wanted}"
    notebooks = [name for name in others if name.lower().endswith(".ipynb")] or [name for name in others if ".ipynb" in name.lower()]
    if notebooks:
        return f"there is no {wanted} but {listed(notebooks)}: rename the notebook to {wanted}"
    return f"there is no {wanted} but {listed(others)}: hand in the notebook, named {wanted}"


def listed(names, most=3):
    shown = ", ".join(text(f"'{name}'", 80) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def parsed(data):
    """Return the notebook's JSON. Raises Refused with what the file is instead."""
    try:
        source = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("the file is not a notebook but holds binary data (a zip, a PDF, a picture?): hand in the .ipynb file") from None
    source = source.strip()
    if not source:
        raise Refused("the file is empty: save the notebook and hand in again")
    try:
        found = json.loads(source)
    except RecursionError:
        raise Refused("the file is not a notebook: its data is nested too deeply") from None
    except json.JSONDecodeError as error:
        if source[0] == "<":
            raise Refused("the file is a web page (HTML) named like a notebook: hand in the .ipynb file, not an export") from None
        if source[0] != "{":
            raise Refused("the file is not a notebook (a script or a text named like one?): hand in the .ipynb file") from None
        if error.msg.startswith("Unterminated") or error.pos >= len(source) - 1:
            raise Refused("the file ends in the middle (an upload cut short?): hand in again") from None
        raise Refused(f"the file is damaged at line {error.lineno}: open it in Jupyter, save and hand in again") from None
    except ValueError as error:
        raise Refused(f"the file is damaged: {text(str(error), 80)}") from None
    if not isinstance(found, dict) or not isinstance(found.get("cells", found.get("worksheets")), list):
        raise Refused("the file holds data but no notebook: hand in the .ipynb file")
    return found


def plain_cells(found):
    """Return the notebook's cells as Cells. Raises Refused."""
    version = found.get("nbformat")
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
    return [plain_cell(number, cell) for number, cell in enumerate(cells, start=1)]


def plain_cell(number, cell):
    cell = mapping(cell)
    kind, source, name = cell.get("cell_type"), joined(cell.get("source")), mapping(mapping(cell.get("metadata")).get("nbgrader")).get("grade_id")
    if kind not in ("code", "markdown", "raw") or not isinstance(source, str):
        raise Refused(f"the notebook is damaged at cell {number}: open it in Jupyter, save and hand in again")
    source = source.encode("utf-8", "replace").decode("utf-8")  # half a character could not be written
    pictures = {
        file: {mime: joined(data) for mime, data in kinds.items() if isinstance(joined(data), str)}
        for file, kinds in mapping(cell.get("attachments")).items()
        if isinstance(kinds, dict)
    }
    return Cell(kind, source, name if isinstance(name, str) else None, pictures)


def mapping(value):
    return value if isinstance(value, dict) else {}


def joined(value):
    """A text may be a list of its lines."""
    return "".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value


def files(folder):
    """Yield the files below a folder that somebody handed in: no links, nothing hidden, nothing that is no file."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in sorted(folders) if not name.startswith(".") and name != "__pycache__"]
        for path in (Path(root, name) for name in sorted(names) if not name.startswith(".")):
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def fingerprint(paths, root):
    """Return what changes when one of the files below `root` does; of those beyond LARGEST bytes in all, when a size or a time does."""
    found, size = hashlib.sha256(), 0
    for path in paths:
        status = path.stat()
        size += status.st_size
        content = path.read_bytes() if size <= LARGEST else f"{status.st_size} {status.st_mtime_ns}".encode()
        found.update(os.fsencode(path.relative_to(root)) + b"\0" + hashlib.sha256(content).digest())
    return found.hexdigest()
