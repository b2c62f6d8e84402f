"""Mark one submission: run its notebook, ask its functions for results, and judge these outside.

The kernel that runs the submission gets arguments and gives results. What the results should be never enters it, so
nothing that the submission's code replaces or reads there changes the verdict.
"""

import functools
import hashlib
import inspect
import json
import os
import shutil
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from nbformat.v4 import new_output

from grading import checks
from grading.checks import Verdict, encode, judge, judge_trained
from grading.kernel import Kernel, KernelDied, NoAnswer

SLOWER = 1.5  # the grader's machine may be this much slower than the student's before a training counts as too long
FRESH_DRAWS = 3
MOST_DEATHS = 3
LARGEST_FOLDER = 50_000_000

ANSWER = """
import __main__, json
with open(request_path, encoding="utf-8") as file:
    request = json.load(file)
checks = {"__name__": "grader"}
exec(request["checks"], checks)
with open(reply_path, "w", encoding="utf-8") as file:
    json.dump(checks["answer"](request, vars(__main__)), file)
"""


class Failed(Exception):
    """Why a submission could not be graded, in one line."""


@dataclass
class Marked:
    """A submission after marking: its notebook with outputs, and a verdict for each function."""

    notebook: object
    verdicts: dict
    notes: list = field(default_factory=list)


class Exam:
    """What this grading asks: for each function the visible cases and fresh ones, for each training task fresh data.

    origin: the Source. seed: of the fresh cases; every submission gets the same.
    """

    def __init__(self, origin, seed):
        self.origin = origin
        self.by_check = {task.check: task for task in origin.functions}
        self.by_name = {task.name: task for task in origin.functions}
        self.expected = origin.expected()
        self.tasks, self.trials = {}, {}
        for place, (task, visible) in enumerate(zip(origin.functions, self.expected, strict=True)):
            rngs = [np.random.default_rng([seed, place, draw]) for draw in range(FRESH_DRAWS)]
            if task.bar is None:
                self.tasks[task.name] = functools.reduce(joined, [task.numbers(rng) for rng in rngs], visible)
            else:
                self.trials[task.name] = task.trial(rngs[0])
                self.tasks[task.name] = visible | {"seconds": SLOWER * task.settings["seconds"]}
        self.trained, self.lock = {}, threading.Lock()
        self.source_of_checks = inspect.getsource(checks)

    def trained_mistakes(self, task):
        """Train each mistake of a task once, when the first submission needs it."""
        with self.lock:
            if task.name not in self.trained:
                self.trained[task.name] = task.trained_mistakes(self.trials[task.name])
            return self.trained[task.name]

    def request(self, name, instead=()):
        """Return what the kernel is asked, as bytes."""
        request = {"name": name, "checks": self.source_of_checks, "helpers": self.origin.with_answers(instead), "instead": list(instead)}
        if name in self.trials:
            arguments, unseen, _ = self.trials[name]
            request |= {"arguments": [encode(argument) for argument in arguments], "unseen": encode(unseen)}
        else:
            request |= {"cases": self.tasks[name]["cases"]}
        return json.dumps(request).encode()

    def verdict(self, name, reply, seconds):
        """Judge what the kernel replied, which may be anything. Raises nothing."""
        try:
            reply = json.loads(reply)
            if reply.get("missing"):
                return Verdict(False, f"There is no function {name} when its check is reached.")
            if name not in self.trials:
                return judge(self.tasks[name], reply["outcomes"])
            task = self.by_name[name]
            return judge_trained(self.tasks[name], task.score, self.trials[name][2], reply["outcomes"][0], seconds, lambda: self.trained_mistakes(task))
        except Exception:
            return Verdict(False, "What it gives back could not be read.")


def joined(one, other):
    """Join the cases of two draws, and what the model answer and the mistakes make of them."""
    mistakes = [
        {"sentence": first["sentence"], "outcomes": first["outcomes"] + second["outcomes"]}
        for first, second in zip(one["mistakes"], other["mistakes"], strict=True)
    ]
    return one | {"cases": one["cases"] + other["cases"], "expected": one["expected"] + other["expected"], "mistakes": mistakes}


def mark(submission, exam, scratch, seconds):
    """Return a submission Marked. It runs in the folder `scratch`; no cell, and no function but one that trains, takes more `seconds`. Raises Failed."""
    left_out = {}
    while True:
        try:
            return attempt(submission, exam, scratch, seconds, left_out)
        except KernelDied as death:
            if death.place is None or len(left_out) == MOST_DEATHS:
                raise Failed(f"Its code ends Python again and again. The last time: {death}.") from None
            left_out[death.place] = str(death)


def attempt(submission, exam, scratch, seconds, left_out):
    """Run the cells in order. One that ends Python is not in the outcome but in a KernelDied, with its `place`."""
    notebook = submission.notebook.copy()
    marked = Marked(notebook, {}, list(submission.notes))
    place = None
    try:
        with Kernel(scratch, seconds) as kernel:
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                cell.outputs, cell.execution_count = [], None
                task = exam.by_check.get(grade_id)
                if task:
                    verdict = Verdict(False, f"Calling it ends Python: {left_out[place]}.") if place in left_out else ask(kernel, exam, task)
                    marked.verdicts[task.name] = verdict
                elif place in left_out:
                    cell.outputs = [new_output("stream", name="stdout", text=f"This cell was left out, because {left_out[place]}.")]
                elif grade_id not in submission.missing and grade_id != "score" and cell.source.strip():
                    cell.outputs = kernel.run(cell.source)
            second_chances(kernel, exam, marked)
    except KernelDied as death:
        death.place = place
        raise
    show(marked, exam)
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
    return marked


def ask(kernel, exam, task, instead=()):
    """Have the kernel call a task's function with all cases, and return the verdict."""
    trains = task.bar is not None
    limit = 2 * SLOWER * task.settings["seconds"] if trains else kernel.seconds_per_cell
    before = kernel.cpu_seconds
    try:
        reply = kernel.ask(ANSWER, exam.request(task.name, instead), limit)
    except NoAnswer as reason:
        return Verdict(False, f"No result came back: {reason}.")
    return exam.verdict(task.name, reply, kernel.cpu_seconds - before)


def second_chances(kernel, exam, marked):
    """Ask again for what failed after an earlier task did, with a right answer in place of the earlier one.

    Nothing that the submission prints or stores from here on is kept.
    """
    answers = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in marked.notebook.cells}
    wrong = []
    for task in exam.origin.functions:
        verdict = marked.verdicts[task.name]
        if verdict.solved or task.bar is not None:
            continue
        used = [name for name in wrong if name in answers.get(task.name, "")]
        if verdict.attempted and used:
            try:
                again = ask(kernel, exam, task, used)
            except KernelDied:
                return
            if again.solved:
                again.summary = f"Right, with a right {' and '.join(used)} in place of yours."
            if again.solved or again.mistake:
                marked.verdicts[task.name] = again
        if not marked.verdicts[task.name].solved:
            wrong.append(task.name)


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
            table = "".join(f"{name:24}{task.points * marked.verdicts[name].solved:g} of {task.points:g}\n" for name, task in exam.by_name.items())
            cell.outputs = [new_output("stream", name="stdout", text=table)]


def prepare(folder, exam, scratch):
    """Fill `scratch` with the files of a submission's folder and, over them, what an exercise comes with. Raises Failed."""
    size = 0
    for path in files(folder):
        size += path.stat().st_size
        if size > LARGEST_FOLDER:
            raise Failed(f"Its folder holds more than {LARGEST_FOLDER // 1_000_000} MB of files.")
        if path.suffix != ".ipynb":
            target = Path(scratch, path.relative_to(folder))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    exam.origin.copy_support(scratch)
    Path(scratch, "expected.json").write_text(json.dumps(exam.expected), encoding="utf-8")


def files(folder):
    """Yield the files below a folder that somebody handed in: no links, nothing hidden, nothing that is no file."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in sorted(folders) if not name.startswith(".") and name != "__pycache__"]
        for path in (Path(root, name) for name in sorted(names) if not name.startswith(".")):
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def fingerprint(folder):
    """Return what changes when a file below the folder does; of too large a folder, when a size or a time does."""
    found, size = hashlib.sha256(), 0
    for path in files(folder):
        status = path.stat()
        size += status.st_size
        content = path.read_bytes() if size <= LARGEST_FOLDER else f"{status.st_size} {status.st_mtime_ns}".encode()
        found.update(os.fsencode(path.relative_to(folder)) + b"\0" + hashlib.sha256(content).digest())
    return found.hexdigest()
