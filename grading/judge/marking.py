"""Mark one submission: run its notebook, ask its functions for results, and judge these outside.

The Python that runs the submission gets arguments and gives results. What the results should be never enters it, so
nothing that the submission's code replaces or reads there changes the verdict.
"""

import re
import time
from dataclasses import dataclass, field

from nbformat.v4 import new_output

from grading.judge.exam import UNJUDGED
from grading.run.session import Died, NoAnswer, Session
from grading.shared.checks.inquiry import Fault
from grading.shared.checks.notebook import score_line
from grading.shared.checks.verdicts import Verdict

MOST_DEATHS = 3
MOST_SECONDS = 1800  # for a submission, all attempts together

ANSWER = """
import __main__, json
asked, checks = json.loads(request), {"__name__": "grader"}
exec(compiled(asked["checks"]), checks)
reply = json.dumps(checks["answer"](asked, vars(__main__)))
"""


class Failed(Exception):
    """Why a submission could not be graded, in one line."""


@dataclass
class Marked:
    """A submission after marking: its notebook with outputs, and a verdict for each function."""

    notebook: object
    verdicts: dict
    notes: list = field(default_factory=list)


def mark(submission, files, exam, wall, seconds):
    """Return a submission Marked. It runs behind the wall beside `files`; no cell, and no function but one that trains, takes more `seconds`.

    Raises Failed, and NoPlace.
    """
    left_out, deadline = {}, time.monotonic() + MOST_SECONDS
    while True:
        try:
            return attempt(submission, files, exam, wall, seconds, left_out, deadline)
        except Died as death:
            wall.check()
            if death.place is None:
                raise Failed(f"Python could not be started for it: {death}.") from None
            if len(left_out) == MOST_DEATHS:
                raise Failed(f"Its code ends Python again and again. The last time: {death}.") from None
            left_out[death.place] = str(death)


def attempt(submission, files, exam, wall, seconds, left_out, deadline):
    """Run the cells in order. One that ends Python is not in the outcome but in a Died, with its `place`."""
    notebook = submission.notebook.copy()
    marked = Marked(notebook, {}, list(submission.notes))
    place = None
    try:
        with Session(wall, files, seconds) as session:
            for place, cell in enumerate(notebook.cells):
                if time.monotonic() > deadline:
                    raise Failed(f"It ran for more than {MOST_SECONDS // 60} minutes in all.")
                if cell.cell_type != "code":
                    continue
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                cell.outputs, cell.execution_count = [], None
                task = exam.by_check.get(grade_id)
                if task:
                    verdict = Verdict(False, f"Calling it ends Python: {left_out[place]}.") if place in left_out else ask(session, exam, task)
                    marked.verdicts[task.name] = verdict
                elif place in left_out:
                    cell.outputs = [new_output("stream", name="stdout", text=f"This cell was left out, because {left_out[place]}.")]
                elif grade_id not in submission.missing and grade_id != "score" and cell.source.strip():
                    cell.outputs = session.run(cell.source)
            second_chances(session, exam, marked)
    except Died as death:
        death.place = place
        raise
    unjudged = [name for name, verdict in marked.verdicts.items() if verdict.summary.startswith(UNJUDGED)]
    marked.notes += [f"{name}: please look at it yourself: what it gives back could not be judged" for name in unjudged]
    show(marked, exam)
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
    return marked


def ask(session, exam, task, instead=()):
    """Have the student's Python call a task's function with all cases, and return the verdict."""
    trains = task.bar is not None
    limit = 2 * exam.asked[task.name]["seconds"] if trains else session.seconds_per_cell
    before = session.cpu_seconds
    try:
        reply = session.ask(ANSWER, exam.request(task.name, instead), limit, chance=bool(instead))
    except NoAnswer as reason:
        return Verdict(False, f"No result came back: {reason}.")
    return exam.verdict(task, reply, session.cpu_seconds - before)


def second_chances(session, exam, marked):
    """Ask again for what failed after an earlier task did, with a right answer in place of the earlier one.

    They carry model answers: they come last, each in a copy of the student's Python, and nothing but its reply is looked at.
    """
    wrong = []
    for task in exam.origin.functions:
        verdict = marked.verdicts[task.name]
        if verdict.solved:
            continue
        code = own_code(marked.notebook, task)
        used = tuple(name for name in wrong if re.search(rf"\b{name}\b", code))
        if verdict.attempted and used:
            try:
                again = ask(session, exam, task, used)
            except Died as death:
                session.wall.check()
                marked.notes.append(f"{task.name} and later ones: no second chance, because {death}")
                return
            if again.solved:  # of a second chance nothing that the submission says is shown
                marked.verdicts[task.name] = Verdict(True, f"Right, with a right {' and '.join(used)} in place of yours.")
            else:
                known = exam.sentences(task)
                verdict.faults[:0] = [Fault(0, one, "", one) for one in again.sentences if one in known][:1]
        if not marked.verdicts[task.name].solved:
            wrong.append(task.name)


def own_code(notebook, task):
    """Return the source of a task's answer cell and of the cells that the student added, which have no id of nbgrader's."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return "\n".join(cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id", task.name) == task.name)


def show(marked, exam):
    """Put the verdicts where the submission's own checks would have printed theirs; nbgrader reads the last value as points."""
    for cell in marked.notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in exam.by_check:
            task = exam.by_check[grade_id]
            verdict = marked.verdicts[task.name]
            points = {"text/plain": f"{task.points * verdict.solved:g}"}
            cell.outputs = [new_output("stream", name="stdout", text=f"{verdict.text()}\n"), new_output("execute_result", data=points, execution_count=1)]
        elif grade_id == "score":
            lines = [score_line(task.name, task.points, marked.verdicts[task.name]) for task in exam.origin.functions]
            cell.outputs = [new_output("stream", name="stdout", text="\n".join(lines) + "\n")]


def beside(files, exam):
    """Return the content, by path, of what lies beside a submission's notebook: the `files` at these paths and, over them, what an exercise comes with."""
    return {inside: path.read_bytes() for inside, path in files.items()} | exam.support
