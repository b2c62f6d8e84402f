"""What a student handed in, read as hostile data and put back into the shape of the released notebook."""

import json
import os
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.sanitize import text

LARGEST = 50_000_000  # bytes
MOST_CELLS = 1000
NEW_CELL = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
FLAGS = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")]  # not every system has them


class Refused(Exception):
    """Why a submission cannot be graded, in one line that says what to do."""


@dataclass
class Submission:
    """A notebook ready to run: `missing` holds the ids of answers that were not handed in; their cells must not be run."""

    notebook: nbformat.NotebookNode
    notes: list = field(default_factory=list)
    missing: set = field(default_factory=set)


class Student(NamedTuple):
    """`folder` is None when there is nothing to read; then `reason` says why."""

    name: str
    folder: Path | None
    reason: str = ""


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
        return Student(text(called), None, f"the folder's name holds {text(', '.join(map(ascii, odd)))}: rename it, with letters, digits and . _ - @ + only")
    if called != called.strip() or called[0] in "-@+" or len(called) > 100:
        return Student(text(called), None, "the folder's name is too long, begins with - @ + or begins or ends with a space: rename it")
    if folder.is_symlink() or (folder / name).is_symlink():
        return Student(called, None, "the folder is a symbolic link: put the folder itself there")
    if not (folder / name).is_dir():
        return Student(called, None, f"no submission: there is no folder {name}")
    return Student(called, folder / name)


def read(folder, name, release):
    """Return the Submission in `folder`, repaired with the released notebook. Raises Refused."""
    cells = plain_cells(parsed(content(Path(folder), f"{name}.ipynb")))
    return repaired(cells, release)


def content(folder, wanted):
    try:
        handle = os.open(folder / wanted, os.O_RDONLY | sum(FLAGS))
    except FileNotFoundError:
        raise Refused(instead(folder, wanted)) from None
    except OSError as error:
        link = (folder / wanted).is_symlink()
        raise Refused(f"{wanted} is a symbolic link: hand in the file itself" if link else f"{wanted} cannot be opened: {error.strerror}") from None
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused(f"{wanted} is not a file: hand in the notebook itself")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refused(f"{wanted} is larger than {LARGEST // 1_000_000} MB: clear the outputs, save and hand in again")
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
    """Return each cell as (kind, source, grade id or None, attachments), whatever else it carries left out."""
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
    kind, source, metadata = (cell.get(key) for key in ("cell_type", "source", "metadata")) if isinstance(cell, dict) else (None,) * 3
    source = "".join(source) if isinstance(source, list) and all(isinstance(line, str) for line in source) else source
    if kind not in NEW_CELL or not isinstance(source, str):
        raise Refused(f"the notebook is damaged at cell {number}: open it in Jupyter, save and hand in again")
    source = source.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be written
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    pictures = cell.get("attachments") if kind == "markdown" else None
    pictures = {
        name: {mime: data for mime, data in ((mime, "".join(data) if flat(data) else data) for mime, data in kinds.items()) if isinstance(data, str)}
        for name, kinds in (pictures.items() if isinstance(pictures, dict) else ())
        if isinstance(kinds, dict)
    }
    return kind, source, grade_id if isinstance(grade_id, str) else None, pictures


def marked(cell):
    """Whether a released cell counts for grading: it has an id and is an answer, a check or locked."""
    return any(cell.metadata.get("nbgrader", {}).get(mark) for mark in ("grade", "solution", "locked", "task"))


def repaired(found, release):
    released = {cell.metadata.nbgrader.grade_id: cell for cell in release.cells if marked(cell)}
    ids = {grade_id for _, _, grade_id, _ in found if grade_id}
    foreign = ids - set(released)
    if not ids & set(released):
        raise Refused("not this assignment: none of its cells are there")
    if len(foreign) > len(ids) / 2:
        raise Refused(f"a notebook of another assignment, with the cells {listed(sorted(foreign))}: hand in the right one")
    notes = [f"cells of another assignment count as the student's own: {listed(sorted(foreign))}"] if foreign else []
    kept = {grade_id: which(grade_id, found, released, notes) for grade_id in released if grade_id in ids}

    cells, missing = [], set()
    for number, (kind, source, grade_id, pictures) in enumerate(found):
        if kept.get(grade_id) == number:
            cells.append(restored(released[grade_id], kind, source, pictures, notes))
        elif grade_id not in released or answer(released[grade_id]):
            cells.append(NEW_CELL[kind](source, **({"attachments": nbformat.from_dict(pictures)} if pictures else {})))
    before = None
    for grade_id, cell in released.items():
        if grade_id not in kept:
            notes.append(f"{grade_id}: the cell was missing, the released one is in its place")
            cells.insert(place(before, cell, cells), nbformat.from_dict(cell))
            missing |= {grade_id} if answer(cell) else set()
        before = grade_id
    with_ids(cells)
    metadata = {key: value for key, value in release.metadata.items() if key in ("kernelspec", "language_info")}
    return Submission(new_notebook(cells=cells, metadata=nbformat.from_dict(metadata)), notes, missing)


def answer(cell):
    return cell.metadata.nbgrader.get("solution", False)


def same(one, other):
    return [line.rstrip() for line in one.rstrip().splitlines()] == [line.rstrip() for line in other.rstrip().splitlines()]


def which(grade_id, found, released, notes):
    """Return the number of the one cell that keeps the id. Jupyter copies a cell with its id."""
    copies = [number for number, (_, _, other, _) in enumerate(found) if other == grade_id]
    if len(copies) == 1:
        return copies[0]
    if not answer(released[grade_id]):
        notes.append(f"{grade_id}: the cell was there {len(copies)} times, the copies are left out")
        return copies[0]
    worked_on = [number for number in copies if not same(found[number][1], released[grade_id].source)]
    if not released[grade_id].metadata.nbgrader.get("grade"):
        order = list(released)
        its_check = next((other for other in order[order.index(grade_id) :] if released[other].metadata.nbgrader.get("grade")), None)
        check = next((number for number, (_, _, other, _) in enumerate(found) if other and other == its_check), len(found))
        worked_on = [number for number in worked_on if number < check] or worked_on
    notes.append(f"{grade_id}: the answer was there {len(copies)} times, the last one worked on counts")
    return (worked_on or copies)[-1]


def restored(released, kind, source, pictures, notes):
    """Return the released cell, with the student's source if it is an answer."""
    cell, grade_id = nbformat.from_dict(released), released.metadata.nbgrader.grade_id
    if kind != cell.cell_type:
        notes.append(f"{grade_id}: the cell was turned into a {kind} cell, it is {cell.cell_type} again")
    if not answer(cell):
        if kind == cell.cell_type and not same(source, cell.source):
            notes.append(f"{grade_id}: the cell is locked but was changed, the released one is back")
        return cell
    cell.source = source
    cell.pop("attachments", None)
    if pictures and cell.cell_type == "markdown":
        cell.attachments = nbformat.from_dict(pictures)
    return cell


def place(before, cell, cells):
    """Return where a missing cell goes: after the released one before it; a check also after the student's own cells there."""
    if before is None:
        return 0
    index = 1 + next(number for number, other in enumerate(cells) if marked(other) and other.metadata.nbgrader.grade_id == before)
    while not answer(cell) and cell.metadata.nbgrader.get("grade") and index < len(cells) and not marked(cells[index]):
        index += 1
    return index


def with_ids(cells):
    """Give the student's own cells ids that do not change from run to run."""
    taken = {cell.id for cell in cells if marked(cell) and "id" in cell}
    free = (f"own-{number}" for number in range(1, len(cells) + len(taken) + 1))
    for cell in cells:
        if not (marked(cell) and "id" in cell):
            cell["id"] = next(name for name in free if name not in taken)
