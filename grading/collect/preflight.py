"""Find the notebook that counts in what a student handed in, put it back into the shape of the released one, and say what was changed."""

import os
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_notebook

from grading.collect import folders, handed_in
from grading.collect.additions import KINDS, explaining, kept
from grading.collect.handed_in import Refused, listed
from grading.collect.matching import check_of, defined, named, same
from grading.shared.cells import is_answer, is_check, is_written, name_of
from grading.shared.links import without_addresses
from grading.shared.text import text

DEEPEST = 3  # folders below the assignment's in which a notebook is looked for
MOST_NOTEBOOKS = 20  # that are looked into
ENOUGH = 1 / 4  # of the answers must be there for a notebook of another name to be this assignment's
SEVERAL = 5  # cells: what concerns more of them is said of all together
COMES_WITH_IT = {"checks.py", "expected.json", "requirements.txt", "README.md", "canvases.py"}  # now or once; beside the folder of checks


@dataclass
class Submission:
    """A notebook ready to run.

    `missing` holds the ids of answers whose cells must not be run: they were not handed in, or are as released while another cell
    has the function. `python` is the version that the notebook says it was run with, or "". `files` are the paths, by path within
    the notebook's folder, of what lies beside it. `worked` says whether anything in the notebook is the student's.
    """

    notebook: nbformat.NotebookNode
    notes: list = field(default_factory=list)
    missing: set = field(default_factory=set)
    worked: bool = False
    python: str = ""
    files: dict = field(default_factory=dict)


class Candidate(NamedTuple):
    """A file that may be the notebook; `folder` is the assignment's, `reason` says why the Submission in it could not be had."""

    path: Path
    folder: Path
    submission: Submission | None
    reason: str

    @property
    def called(self):
        return folders.inside(self.path, self.folder)

    @property
    def worked(self):
        return self.submission is not None and self.submission.worked


def read(holding, name, release):
    """Return the Submission in a student's folders of an assignment, repaired with the released notebook. Raises Refused."""
    chosen, notes = the_one(holding, name, release)
    submission = chosen.submission
    submission.files, left_out = folders.beside(chosen.path)
    beside = [folders.inside(path, folder) for folder in holding for path in folders.files(folder) if path != chosen.path]
    beside = [path for path in beside if path not in COMES_WITH_IT and not path.startswith("checks/")]
    if len(holding) > 1:
        notes.insert(0, "there are folders with two Unicode forms of this name, which count as one")
    notes += left_out + ([f"also handed in: {listed(beside, SEVERAL)}"] if beside else [])
    submission.notes[:0] = notes
    if notes:
        said = "; ".join(map(text, notes))
        submission.notebook.cells.insert(0, explaining(f"*{said[0].upper()}{said[1:]}*"))
        with_ids(submission.notebook.cells)
    return submission


def the_one(holding, name, release):
    """Return the Candidate that counts, and notes about why. Raises Refused.

    It is the rightly named notebook if that was worked on, else the one other that was; a copy of it in a second place does not matter.
    """
    wanted = f"{name}.ipynb"
    right = [candidate(folder / wanted, folder, release) for folder in holding if os.path.lexists(folder / wanted)]
    others, worked = [], [one for one in right if one.worked]
    if not worked:
        others = [candidate(path, folder, release, ENOUGH) for folder in holding for path in notebooks(folder, wanted)]
        worked = [one for one in others if one.worked]
    readable = worked or [one for one in right if one.submission] or [one for one in others if one.submission]
    if len({content(one) for one in worked}) > 1:
        raise Refused(f"there are {len(worked)} notebooks with answers, {listed([one.called for one in worked], SEVERAL)}: hand in one, named {wanted}")
    if not readable:
        refused = [*right, *others]
        raise Refused(reason_of(refused, wanted) if refused else instead(holding, wanted))
    chosen = readable[0]
    if chosen in right:
        return chosen, []
    how = f"{wanted} is as it was handed out" if any(one.submission for one in right) else f"{wanted} cannot be read" if right else f"there is no {wanted}"
    return chosen, [f"{listed([chosen.called])} was graded: {how}"]


def notebooks(folder, wanted):
    """Return the files of an assignment's folder, but the rightly named one, that may be a notebook."""
    near = [path for path in folders.files(folder) if len(path.relative_to(folder).parts) <= DEEPEST + 1 and path != folder / wanted]
    return [path for path in near if may_be_one(path.name, wanted)][:MOST_NOTEBOOKS]


def may_be_one(name, wanted):
    """Some systems add a suffix to what they do not know, or take it off."""
    return ".ipynb" in name.lower() or name.removesuffix(".txt") == wanted.removesuffix(".ipynb") or (name.endswith(".json") and name not in COMES_WITH_IT)


def candidate(path, folder, release, enough=0.0):
    try:
        handed = handed_in.read(path)
        submission = repaired(handed.cells, release, enough)
        submission.python, submission.notes[:0] = handed.python, handed.notes
        return Candidate(path, folder, submission, "")
    except Refused as refused:
        return Candidate(path, folder, None, str(refused))


def content(candidate):
    return repr([(cell.cell_type, cell.source, cell.get("attachments")) for cell in candidate.submission.notebook.cells])


def reason_of(refused, wanted):
    """Why none of the files can be graded."""
    first = refused[0]
    if first.path.name == wanted and first.path.parent == first.folder:
        return first.reason
    return f"there is no {wanted} but {listed([one.called for one in refused])}: {first.reason}"


def instead(holding, wanted):
    """Why there is no file that may be the notebook."""
    try:
        others = sorted(path.name for folder in holding for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        return f"the folder cannot be read: {error.strerror}"
    if not others:
        return f"the folder is empty: it should hold {wanted}"
    return f"there is no {wanted} but {listed(others)}: hand in the notebook, named {wanted}"


def repaired(cells, release, enough=0.0):
    """Return the Submission of a student's Cells, in their order. Raises Refused when they are not this assignment's, or less than `enough` of its answers."""
    released = {name_of(cell): cell for cell in release.cells if name_of(cell)}
    names = {cell.name for cell in cells if cell.name}
    foreign = sorted(names - set(released))
    if foreign and len(foreign) > len(names) / 2 and len(foreign) < len(names):
        raise Refused(f"a notebook of another assignment, with the cells {listed(foreign)}: hand in the right one")
    cells, found = named(cells, released)
    answers = {name for name, cell in released.items() if is_answer(cell)}
    telling = {name for name, cell in released.items() if is_answer(cell) or is_check(cell)} & set(found)
    if not telling and len(foreign) == len(names):
        telling = answers & {name for cell in cells if cell.kind == "code" for name in defined(cell.source)}
        if not telling:
            raise Refused(f"not this assignment: none of its cells are there{f', but {listed(foreign)}' * bool(foreign)}")
    if enough and len(answers & {*names, *telling}) < enough * len(answers):
        raise Refused("not this assignment: hardly any of its cells are there")

    notes, changed, kept_cells, own = [], [], [], []
    counting = {name: which(name, cells, released, notes) for name in released if any(cell.name == name for cell in cells)}
    last = list(released)[-1]  # shows the points
    for number, cell in enumerate(cells):
        ours = released.get(cell.name)
        if ours is None or (is_answer(ours) and counting[cell.name] != number):
            handed_out = cell.as_released or (ours and same(cell.source, ours.source))
            if not handed_out or (cell.kind == "code" and not ours):  # a helper of another version; a second stub would undo the answer
                kept_cells.append(with_pictures(KINDS[cell.kind](cell.source), cell.pictures))
                own += [] if handed_out else [cell.source]
            continue
        judging = is_check(ours) or cell.name == last
        added = [] if is_answer(ours) else kept(cell, ours, judging)
        here = [restored(cell, ours, changed, bool(added), notes)] if counting[cell.name] == number else []
        kept_cells += added + here if judging else here + added
        own += [one.source for one in added]
        own += [cell.source] if is_answer(ours) and not same(cell.source, ours.source) and not cell.as_released else []
    missing = [name for name in released if name not in counting]
    for name in missing:
        kept_cells.insert(place(name, kept_cells, released), nbformat.from_dict(released[name]))
    foreign = [name for name in foreign if any(cell.name == name for cell in cells)]
    notes = said(cells, released, found, foreign, missing, changed) + notes
    idle = {name for name in missing if is_answer(released[name])}
    idle |= put_right(kept_cells, released, notes)
    notes = gathered(notes)
    with_ids(kept_cells)
    metadata = {key: release.metadata[key] for key in ("kernelspec", "language_info") if key in release.metadata}
    notebook = new_notebook(cells=kept_cells, metadata=nbformat.from_dict(metadata))
    return Submission(notebook, notes, idle, worked=any(source.strip() for source in own))


def said(cells, released, found, foreign, missing, changed):
    """Return what there is to say about the cells, of several together."""
    notes = []
    versions = [cell for cell in cells if cell.as_released and (cell.name not in released or not same_text(cell.source, released[cell.name].source))]
    if versions:
        new = [name for name in missing if not is_answer(released[name]) and not is_check(released[name])]
        missing = [name for name in missing if name not in new]
        notes.append(f"made from another version of the assignment: {len(versions) + len(new)} of its cells are otherwise now, new or gone")
    foreign = [name for name in foreign if not any(cell.name == name and cell.as_released for cell in cells)]
    if foreign:
        notes.append(f"cells that the assignment does not have count as the student's own: {listed(foreign)}")
    notes += told(found, "the cell had lost nbgrader's id, by which it is known (a program or copying dropped it)", "cells had lost nbgrader's ids (a program or copying dropped them)")
    notes += told(missing, "the cell was missing, the released one is in its place", "cells were missing, the released ones are in their places")
    for kept_too, end in ((True, " and what was written into {} is kept"), (False, "")):
        names = [name for name, has_more in changed if has_more == kept_too]
        one, many = end.format("it"), end.format("them")
        notes += told(names, f"the cell is locked but was changed, the released one is back{one}", f"cells are locked but were changed, the released ones are back{many}")
    return notes


def told(names, of_one, of_many):
    if len(names) > SEVERAL:
        return [f"{len(names)} {of_many}: {listed(names, SEVERAL)}"]
    return [f"{name}: {of_one}" for name in names]


def gathered(notes):
    """Return the notes; what is said of more than SEVERAL cells, in one."""
    of = {}
    for note in notes:
        name, _, said = note.partition(": ")
        of.setdefault(said or note, []).append((name, note))
    return [
        note
        for said, each in of.items()
        for note in ([f"{said} ({len(each)} cells: {listed([name for name, _ in each], SEVERAL)})"] if len(each) > SEVERAL else [note for _, note in each])
    ]


def same_text(one, other):
    return same(without_addresses(one), without_addresses(other))


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


def restored(cell, released, changed, added, notes):
    """Return the released cell, an answer with the student's source."""
    name, kind, back = cell.name, released.cell_type, nbformat.from_dict(released)
    if cell.kind != kind:
        notes.append(f"{name}: the cell was turned into a {cell.kind} cell, it is a {kind} cell again")
    if is_answer(released):
        back.source = released.source if cell.as_released else cell.source
        return with_pictures(back, cell.pictures)
    if not cell.as_released and not same_text(cell.source, released.source):
        changed.append((name, added))
    return back


def with_pictures(cell, pictures):
    if pictures and cell.cell_type == "markdown":
        cell.attachments = nbformat.from_dict(pictures)
    return cell


def place(name, cells, released):
    """Return where a missing cell goes: after the released one before it; a check also after the student's own code there.

    A text goes right above the released one that is next, but for a written task's: what the student wrote between may be the answer.
    """
    order = list(released)
    where = {name_of(cell): number for number, cell in enumerate(cells) if name_of(cell)}
    number = order.index(name)
    index = where[order[number - 1]] + 1 if number and order[number - 1] in where else 0
    if is_check(released[name]):
        until = next((place for place in range(index, len(cells)) if name_of(cells[place])), len(cells))
        return next((place + 1 for place in reversed(range(index, until)) if cells[place].cell_type == "code"), index)
    if released[name].cell_type == "markdown" and not any(is_written(released[other]) for other in order[number : number + 2]):
        index = max(index, next((where[other] for other in order[number:] if other in where), index))
    return index


def put_right(cells, released, notes):
    """Let each check come after its function, wherever a cell of the student's, or another answer's, defines it; return the answers that are as released while another cell has the function."""
    idle = set()
    theirs = [cell for cell in cells if cell.cell_type == "code" and (not name_of(cell) or (is_answer(cell) and not same(cell.source, released[name_of(cell)].source)))]
    own = {id(cell): defined(cell.source) for cell in theirs}
    for name, cell in released.items():
        check = check_of(name, released) if is_answer(cell) else None
        if not check:
            continue
        numbers = {name_of(one): number for number, one in enumerate(cells) if name_of(one)}
        answer = cells[numbers[name]]
        untouched = same(answer.source, cell.source)
        places = [number for number, one in enumerate(cells) if name in own.get(id(one), ()) and not same(one.source, cell.source)]
        if not places or not (untouched or name not in defined(answer.source)):
            places = [numbers[name]]
        elif untouched:
            idle.add(name)
        if min(places) > numbers[check]:
            cells.insert(min(places), cells.pop(numbers[check]))
            notes.append(f"{check}: its function stands below it, so it is asked there")
    return idle


def with_ids(cells):
    """Give the student's own cells ids that do not change from run to run."""
    taken = {cell.id for cell in cells if name_of(cell) and "id" in cell}
    free = (name for name in (f"own-{number}" for number in count(1)) if name not in taken)
    for cell in cells:
        if not (name_of(cell) and "id" in cell):
            cell["id"] = next(free)
