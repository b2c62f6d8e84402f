"""A class to try the grading on: submissions that together hold every known mistake and every right answer of an assignment, once each."""

import csv
import re
import subprocess
import sys

import nbformat
from nbformat.v4 import new_code_cell

from grading.author import source
from grading.author.source import ALTERNATIVES, EXERCISES, MISTAKES, ROOT
from tools.bubblewrap import stands

MODEL, UNTOUCHED = "Zoë Ünal", "untouched"
WRITTEN = "Because $a<b$ and <b>so</b>."


def exercise(name):
    return nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)


def place(notebook, grade_id):
    return next(number for number, cell in enumerate(notebook.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answered(name, answers, first=None):
    """Return the exercise with these sources in the cells of these ids, and with a cell of the student's own after the set-up."""
    notebook = exercise(name)
    for grade_id, text in answers.items():
        notebook.cells[place(notebook, grade_id)].source = text
    if first:
        notebook.cells.insert(place(notebook, "setup") + 1, new_code_cell(first))
    return notebook


def model_answers(origin):
    return {task.name: task.source for task in origin.functions}


def rounds(origin, tag):
    """Yield dicts {task: function} that together hold every function of the cells with a tag, each of them once."""
    columns = [[(task.name, function) for function in getattr(task, tag)] for task in origin.functions]
    for number in range(max(map(len, columns))):
        yield dict(column[number] for column in columns if number < len(column))


def as_answer(task, tag, function):
    """Return the source of an answer cell in which a function of the source notebook is the answer."""
    cells = dict.fromkeys([MISTAKES, tag])  # right answers may use the helpers of the mistakes
    return "\n".join([*(task.texts[cell] for cell in cells), f"{task.name} = {function}"])


def hand_in(submitted, student, name, notebook):
    path = submitted / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def hand_in_class(submitted, origin):
    """Hand in the model answers (with some words as written ones), the untouched exercise, all mistakes and all other right answers."""
    tasks = {task.name: task for task in origin.functions}
    written = {task.name: WRITTEN for task in origin.tasks if task.written}
    hand_in(submitted, MODEL, origin.name, answered(origin.name, model_answers(origin) | written))
    hand_in(submitted, UNTOUCHED, origin.name, exercise(origin.name))
    for tag in (MISTAKES, ALTERNATIVES):
        for number, chosen in enumerate(rounds(origin, tag)):
            answers = {name: as_answer(tasks[name], tag, function) for name, function in chosen.items()}
            hand_in(submitted, f"{tag}-{number}", origin.name, answered(origin.name, answers))


def grade(name, submitted, out, *options):
    """Grade with the real command, without the wall where none can stand; return its exit code and what it said."""
    options = options if stands() else ["--unsafe", *options]
    command = [sys.executable, "-m", "grading", name, "--submitted", submitted, "--out", out, *options]
    run = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    return run.returncode, run.stdout


def table(name, out):
    """Return the rows of grades.csv by student and task."""
    with open(out / name / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["student", "task", "points", "max_points", "status", "message", "mistake", "notes"]
    found = {(row["student"], row["task"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def complaints(origin, rows, tag):
    """Yield for each function of the cells with a tag what was wrong about its grade, in a line; "" if nothing was."""
    tasks = {task.name: task for task in origin.functions}
    for number, chosen in enumerate(rounds(origin, tag)):
        for name, function in chosen.items():
            task, row = tasks[name], rows[f"{tag}-{number}", name]
            points, said = (0, source.sentence(task.mistakes[function])) if tag == MISTAKES else (task.points, "")
            right = (row["status"], row["points"]) == ("graded", f"{points:g}") and squeezed(said) in squeezed(row["message"])
            yield "" if right else f"{name}, {function}: {row['status']}, {row['points']} points, {row['message']}"


def squeezed(text):
    return re.sub(r"\s", "", text)
