"""What belongs to each answer of a notebook, and whether it is still what it was.

The answer to a written task may stand anywhere near it: students write below the cell for it, beside it, or into the question.
"""

import hashlib
import json
import re
from functools import lru_cache
from typing import NamedTuple

from grading.shared.cells import about, by_grade_id, is_answer, is_written, name_of, said, source_of

INVISIBLE = "\u00ad\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufeff"
VISIBLE = re.compile(rf"[^\s{INVISIBLE}]+")
ADDRESS = re.compile(r"\([^()\n]{0,200}/chapters/[^()\n]{0,200}\)")  # of a section of the book, which differs from zip to zip
SHORTEST_HALF = 40  # letters of a cell that was split


class Answer(NamedTuple):
    """The answer to a written task: whether its own cell was `worked_on`, and the cells `near` it that are the student's own, in their order."""

    cell: dict
    worked_on: bool
    near: list

    @property
    def attempted(self):
        return self.worked_on or bool(self.near)


def written_answers(released, notebook):
    """Return the Answer to each written task, by the grade id of its cell.

    released: the released cells by grade id. notebook: as it was entered; cells that are the student's own have no metadata of nbgrader's. Both may
    be plain data. Near a task's answer stands what follows its text, up to the next cell of another task; what is written below the
    last task; and where there is nothing else, what is written directly above the task's text.
    """
    cells = by_grade_id(notebook)
    names = [name for name, cell in released.items() if is_written(cell) and name in cells]
    copies = all_letters(tuple(map(source_of, released.values())))
    of_tasks = [number for number, cell in enumerate(released.values()) if about(cell).get("grade") or about(cell).get("solution")]
    closing = list(released)[max(of_tasks, default=0) + 1 :]
    near, above, prose, task = {name: [] for name in names}, {}, [], None
    for cell in notebook["cells"]:
        grade_id = name_of(cell)
        if grade_id in released:
            task = next((name for name in names if belongs(grade_id, name)), None)
            if task and grade_id != task:
                above[task] = prose
            prose = prose if grade_id in closing[1:] else []
        elif is_own(cell, copies):
            if task:
                near[task].append(cell)
            if cell["cell_type"] != "code":
                prose.append(cell)
    found = {}
    for name in names:
        worked_on = words(source_of(cells[name])) not in ([], words(source_of(released[name])))
        before = [] if worked_on or near[name] else above.get(name, [])
        after = [cell for cell in prose if not any(cell is other for other in near[name])]
        found[name] = Answer(cells[name], worked_on, [*before, *near[name], *after])
    return found


def answers_of(cells):
    """Say, by grade id, in which cell lies the answer that a graded cell is about: in itself, or in the last answer cell before it."""
    found, answer = {}, None
    for name, cell in cells.items():
        answer = name if is_answer(cell) else answer
        if about(cell).get("grade"):
            found[name] = answer or name
    return found


def fingerprints(notebook, written):
    """Return a text for each answer, by the grade id of its cell, that changes when the answer does; of a function, when the source of its cell does.

    written: the Answers of the notebook's written tasks.
    """
    found = {name: digest([part_of(cell)]) for name, cell in by_grade_id(notebook).items() if is_answer(cell)}
    parts = {name: [part_of(answer.cell), *([part_of(cell), pictures(cell)] for cell in answer.near)] for name, answer in written.items()}
    return found | {name: digest(of_answer) for name, of_answer in parts.items()}


def part_of(cell):
    return [cell["cell_type"], source_of(cell), cell.get("attachments") or {}]


def pictures(cell):
    """Return the pictures that a cell shows: one of them may be the answer. What it prints may differ from run to run."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [{kind: shown for kind, shown in each.items() if kind.startswith("image/")} for each in data]


def digest(parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def is_own(cell, copies):
    """Say whether a cell without a grade id is the student's own and holds something: one that explains is ours, and Jupyter copies released cells."""
    source = source_of(cell)
    return not said(cell, "grading").get("explains") and VISIBLE.search(source) and not is_copy(letters(source), copies)


def is_copy(own, copies):
    """Say whether letters are those of a released cell, or of the one half of it when it is split."""
    return bool(own) and (own in copies or (len(own) > SHORTEST_HALF and any(copy.startswith(own) or copy.endswith(own) for copy in copies)))


def belongs(grade_id, task):
    return grade_id == task or grade_id.startswith(f"{task}-")


def words(source):
    return VISIBLE.findall(source)


@lru_cache(1)
def all_letters(sources):
    return set(map(letters, sources))


def letters(source):
    return re.sub(r"\W", "", ADDRESS.sub("", source))
