"""Mark one submission: run its notebook, ask its functions for results, and judge these outside.

The Python that runs the submission gets arguments and gives results. What the results should be never enters it, so
nothing that the submission's code replaces or reads there changes the verdict.
"""

import re
import time
from dataclasses import dataclass, field

from nbformat.v4 import new_output

from grading.collect.matching import defined, parsed
from grading.judge.exam import NO_FUNCTION, UNJUDGED
from grading.judge.failures import Failures, shared
from grading.run.session import Died, NoAnswer, Session
from grading.shared.cells import name_of
from grading.shared.checks.inquiry import Fault
from grading.shared.checks.notebook import score_line
from grading.shared.checks.verdicts import Verdict

MOST_DEATHS = 3
MOST_PARTS = 10  # of a cell that are run one after the other
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
    """A submission after marking: its notebook with outputs, and a verdict for each function.

    causes: by function, what kept it from being right and others may share, as it goes on after "they".
    """

    notebook: object
    verdicts: dict
    notes: list = field(default_factory=list)
    causes: dict = field(default_factory=dict)

    @property
    def shared_causes(self):
        """The causes of what was not right in the end, each once."""
        return list(dict.fromkeys(cause for name, causes in self.causes.items() for cause in causes if cause and not self.verdicts[name].solved))


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
    place, failures = None, Failures(submission.python)
    try:
        with Session(wall, files, seconds) as session:
            for place, cell in enumerate(notebook.cells):
                if time.monotonic() > deadline:
                    raise Failed(f"It ran for more than {MOST_SECONDS // 60} minutes in all.")
                if cell.cell_type != "code":
                    continue
                grade_id = name_of(cell)
                cell.outputs, cell.execution_count = [], None
                task = exam.by_check.get(grade_id)
                if task:
                    verdict = Verdict(False, f"Calling it ends Python: {left_out[place]}.") if place in left_out else ask(session, exam, task)
                    marked.verdicts[task.name], marked.causes[task.name] = with_its_cause(verdict, task, failures)
                    failures.add(cell.source, grade_id)
                elif place in left_out:
                    cell.outputs = [new_output("stream", name="stdout", text=f"This cell was left out, because {left_out[place]}.")]
                    failures.add(cell.source, grade_id, left_out=left_out[place])
                elif grade_id not in submission.missing and grade_id != "score" and cell.source.strip():
                    helps = grade_id is None and not defined(cell.source) & {task.name for task in exam.origin.functions}
                    run(session, cell, grade_id, failures, deadline if helps else 0)
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


def run(session, cell, grade_id, failures, until):
    """Run a cell; until a time, also what stands below a statement that fails for something that is not here."""
    source, cell.outputs = cell.source, []
    for _ in range(MOST_PARTS):
        outputs = session.run(source)
        cell.outputs += outputs
        failures.add(source, grade_id, outputs)
        failure = failures.ran[-1].failure
        source = below(failure.line, source) if failure and failure.cause and failure.line else ""
        if not source or time.monotonic() > until:
            return


def below(line, source):
    """Return what stands below the statement in a line of a cell, in its lines; "" if that is nothing."""
    tree = parsed(source)
    end = next((one.end_lineno for one in tree.body if one.lineno <= line <= one.end_lineno), None) if tree else None
    rest = "\n".join(source.split("\n")[end:]) if end else ""
    return "\n" * end + rest if rest.strip() else ""


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


def with_its_cause(verdict, task, failures):
    """Return the verdict, which names the cell that failed where that is why a function or a name is not there, and the causes that others may share."""
    if verdict.solved:
        return verdict, []
    if verdict.summary == NO_FUNCTION.format(task.name):
        failure, its_own = failures.of(task.name)
        if not failure:
            return verdict, []
        return Verdict(False, f"Its cell {failure.said}." if its_own else f"{verdict.summary} A cell above it {failure.said}."), [failure.cause]
    causes, later = [], failures.later(task.name)
    if later and not verdict.attempted:
        return Verdict(False, f"Its cell {later.said}."), [later.cause]
    if later:
        verdict.summary += f" The cell that should have made it anew {later.said}: the function of before is judged."
        causes.append(later.cause)
    for fault in verdict.faults:
        error = re.match(r"It raises (\w+): (.*)", fault.problem)
        lost = re.match(r"name '(\w+)' is not defined", error[2]) if error and error[1] == "NameError" else None
        failure = failures.behind(lost[1]) if lost else None
        if failure:
            fault.sentence = f"Python does not know the name {lost[1]} here: an earlier cell {failure.first}."
        causes.append(failure.cause if failure else shared(*error.groups()) if error else "")
    return verdict, causes


def second_chances(session, exam, marked):
    """Ask again for what failed after an earlier task did, with a right answer in place of the earlier one.

    They carry model answers: they come last, each in a copy of the student's Python, and nothing but its reply is looked at.
    """
    wrong, uses = [], {}
    for task in exam.origin.functions:
        verdict, code = marked.verdicts[task.name], own_code(marked.notebook, task)
        named = {name for name in uses if re.search(rf"\b{name}\b", code)}
        uses[task.name] = named.union(*map(uses.get, named))  # also what these use
        used = tuple(name for name in wrong if name in uses[task.name])
        if verdict.solved:
            continue
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
        grade_id = name_of(cell)
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
