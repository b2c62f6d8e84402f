"""Put what a student handed in back into the shape of the released notebook, and say what was changed."""

from dataclasses import dataclass, field
from itertools import count

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.collect import handed_in
from grading.collect.handed_in import Refused, listed
from grading.shared.links import without_addresses

KINDS = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


@dataclass
class Submission:
    """A notebook ready to run.

    missing: the ids of answers that were not handed in; their cells must not be run. python: with which the notebook says it was last run, or "".
    files: what is to lie beside it, by path relative to its folder.
    """

    notebook: nbformat.NotebookNode
    notes: list = field(default_factory=list)
    missing: set = field(default_factory=set)
    python: str = ""
    files: dict = field(default_factory=dict)


def read(folder, name, release):
    """Return the Submission in a student's folder, repaired with the released notebook. Raises Refused."""
    submission = repaired(handed_in.cells(folder, name), release)
    files = {str(path.relative_to(folder)): path for path in handed_in.files(folder)}
    submission.files = {path: file for path, file in files.items() if path != f"{name}.ipynb"}
    return submission


def repaired(cells, release):
    """Return the Submission of a student's Cells, in their order. Raises Refused when they are not this assignment's."""
    released = {name_of(cell): cell for cell in release.cells if name_of(cell)}
    names = {cell.name for cell in cells if cell.name}
    foreign = sorted(names - set(released))
    if len(foreign) == len(names):
        raise Refused("not this assignment: none of its cells are there")
    if len(foreign) > len(names) / 2:
        raise Refused(f"a notebook of another assignment, with the cells {listed(foreign)}: hand in the right one")
    notes = [f"cells of another assignment count as the student's own: {listed(foreign)}"] if foreign else []
    counting = {name: which(name, cells, released, notes) for name in released if name in names}
    kept = []
    for number, cell in enumerate(cells):
        if counting.get(cell.name) == number:
            kept.append(restored(cell, released[cell.name], notes))
        elif cell.name not in released or is_answer(released[cell.name]):
            kept.append(with_pictures(KINDS[cell.kind](cell.source), cell.pictures))
    missing = [name for name in released if name not in names]
    for name in missing:
        notes.append(f"{name}: the cell was missing, the released one is in its place")
        kept.insert(place(name, kept, released), nbformat.from_dict(released[name]))
    with_ids(kept)
    metadata = {key: release.metadata[key] for key in ("kernelspec", "language_info") if key in release.metadata}
    return Submission(new_notebook(cells=kept, metadata=nbformat.from_dict(metadata)), notes, {name for name in missing if is_answer(released[name])})


def name_of(cell):
    """Return nbgrader's id of a released cell, None of a student's own."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_answer(cell):
    return cell.metadata.nbgrader.get("solution", False)


def is_check(cell):
    return cell.metadata.nbgrader.get("grade", False) and not is_answer(cell)


def same(one, other):
    return [line.rstrip() for line in one.rstrip().split("\n")] == [line.rstrip() for line in other.rstrip().split("\n")]


def which(name, cells, released, notes):
    """Return the number of the one cell that counts under the name. Jupyter copies a cell with its name."""
    copies = [number for number, cell in enumerate(cells) if cell.name == name]
    if len(copies) == 1:
        return copies[0]
    if not is_answer(released[name]):
        notes.append(f"{name}: the cell was there {len(copies)} times, the copies are left out")
        return copies[0]
    notes.append(f"{name}: the answer was there {len(copies)} times, the last one worked on counts")
    worked_on = [number for number in copies if not same(cells[number].source, released[name].source)]
    check = next((number for number, cell in enumerate(cells) if cell.name and cell.name == check_of(name, released)), len(cells))
    return ([number for number in worked_on if number < check] or worked_on or copies)[-1]


def check_of(name, released):
    """Return the name of the check that follows an answer in the release; a written answer has none."""
    if released[name].metadata.nbgrader.get("grade"):
        return None
    later = list(released)[list(released).index(name) :]
    return next((other for other in later if is_check(released[other])), None)


def restored(cell, released, notes):
    """Return the released cell, an answer with the student's source."""
    name, kind, back = cell.name, released.cell_type, nbformat.from_dict(released)
    if cell.kind != kind:
        notes.append(f"{name}: the cell was turned into a {cell.kind} cell, it is a {kind} cell again")
    if is_answer(released):
        back.source = cell.source
        return with_pictures(back, cell.pictures)
    if not same(without_addresses(cell.source), without_addresses(released.source)):
        notes.append(f"{name}: the cell is locked but was changed, the released one is back")
    return back


def with_pictures(cell, pictures):
    if pictures and cell.cell_type == "markdown":
        cell.attachments = nbformat.from_dict(pictures)
    return cell


def place(name, cells, released):
    """Return where a missing cell goes: after the released one before it; a check also after the student's own cells there."""
    order = list(released)
    before = order[order.index(name) - 1] if order.index(name) else None
    index = next((number for number, cell in enumerate(cells, start=1) if before and name_of(cell) == before), 0)
    while is_check(released[name]) and index < len(cells) and not name_of(cells[index]):
        index += 1
    return index


def with_ids(cells):
    """Give the student's own cells ids that do not change from run to run."""
    taken = {cell.id for cell in cells if name_of(cell) and "id" in cell}
    free = (name for name in (f"own-{number}" for number in count(1)) if name not in taken)
    for cell in cells:
        if not (name_of(cell) and "id" in cell):
            cell["id"] = next(free)
