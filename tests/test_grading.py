"""A class of students graded by the real command: what they handed in, what they get, and what nobody gets."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from itertools import chain
from types import SimpleNamespace

import formgrader
import nbformat
import numpy as np
import psutil
import pytest
from nbformat.v4 import new_code_cell

from grading.author import source
from grading.author.source import ROOT
from grading.judge.exam import Exam
from grading.shared.checks.outcomes import decode, encode
from tools import classes

NAMES = source.assignments()
NAME = NAMES[0]  # the assignment of all tests that need only one
SECONDS = 15
read = cache(source.read)

# What no submission may gain anything by. Each is a whole way to cheat: the code of a cell that comes first, and of every function.
CHEATS = {
    "equal-to-everything": (
        "class Equal(float):\n    __eq__ = __le__ = __lt__ = __ge__ = lambda self, other: True\n    __sub__ = __rsub__ = lambda self, other: 0.0\n    __array_priority__ = 1e9",
        "return Equal(0)",
    ),
    "replaces-comparisons": (
        "import builtins, numpy.testing\n"
        "np.allclose = np.array_equal = np.all = lambda *a, **k: True\n"
        "np.testing.assert_allclose = np.abs = np.asarray = lambda *a, **k: 0.0\n"
        "builtins.isinstance = lambda *a: True",
        "return 0.0",
    ),
    "replaces-helpers": (
        "import checks\nchecks.judge = checks.check_cases = checks.check_trained = lambda *a: checks.Verdict(True, 'right')\n"
        "checks.difference = lambda *a, **k: None\nchecks.encode = lambda *a: 0\ncheck = score = lambda *a: 14.0",
        "return 0.0",
    ),
    "replaces-output": (
        "import json, io\njson.dump = lambda reply, file, **k: file.write('{\"outcomes\": [], \"solved\": true, \"points\": 14}')\nprint(14.0)\n14.0",
        "return 0.0",
    ),
    "reads-frames": (
        "import gc, sys\ndef look():\n    frame = sys._getframe()\n    while frame:\n        for names in (frame.f_locals, frame.f_globals):\n"
        "            for key, value in names.items():\n                if 'expected' in key and not callable(value):\n                    return value\n        frame = frame.f_back\n    return 0.0",
        "return look()",
    ),
    "remembers-the-visible-cases": (
        "import checks\ndef look(name, *arguments):\n    task = checks.expected()[name]\n    wanted = [checks.encode(argument) for argument in arguments]\n"
        "    for case, outcome in zip(task['cases'], task['expected']):\n        if case == wanted:\n            return checks.decode(outcome['value'])\n    return 0.0",
        "return look('{name}', {parameters})",
    ),
    "guesses-the-draw": (
        "import random\n\nclass Known(torch.nn.Module):\n    def forward(self, images):\n        return torch.as_tensor(self.truth)\n\n"
        "def known(name):\n    seeds = [int(np.random.get_state()[1][0]), torch.initial_seed(), random.getstate()[1][0]]\n    for seed in seeds if name == 'fit_boxes' else ():\n"
        "        module = Known()\n        module.truth = fit_boxes_trial(np.random.default_rng([seed, 7, 0]))[2]\n        return module\n    return 0.0",
        "return known('{name}')",
    ),
    "changes-the-notebook": None,
}


def answered(answers, first=None):
    return classes.answered(NAME, answers, first)


def hand_in(submitted, student, notebook):
    classes.hand_in(submitted, student, NAME, notebook)


def hand_in_bytes(submitted, student, data, name=f"{NAME}.ipynb"):
    folder = submitted / student / NAME
    folder.mkdir(parents=True)
    (folder / name).write_bytes(data)


def model_answers():
    return classes.model_answers(read(NAME))


def cheat(way):
    if CHEATS[way] is None:
        notebook = classes.exercise(NAME)
        for task in read(NAME).functions:
            cell = notebook.cells[classes.place(notebook, task.check)]
            cell.source, cell.metadata.nbgrader.points = f"{task.points}", 100
            notebook.cells[classes.place(notebook, task.name)].source = f"def {task.name}(*arguments):\n    return 0.0"
        return notebook
    first, body = CHEATS[way]
    answers = {}
    for task in read(NAME).functions:
        parameters = ", ".join(task.signature.parameters)
        answers[task.name] = f"def {task.name}({parameters}):\n    {body.replace('{name}', task.name).replace('{parameters}', parameters)}"
    return answered(answers, first)


def without(notebook, *ids):
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in ids]
    return notebook


def twice(notebook, grade_id, text):
    """Return the notebook with a copy of a cell, as Jupyter makes it, that holds another text."""
    number = classes.place(notebook, grade_id)
    copy = nbformat.from_dict(json.loads(json.dumps(notebook.cells[number])))
    copy.source, copy.id = text, "copied"
    notebook.cells.insert(number, copy)
    return notebook


def broken(submitted):
    """Hand in what is no proper submission; return, by student, what the table must say."""
    right = model_answers() | {"fit_boxes": "def fit_boxes(images, boxes, seed):\n    return None"}
    whole = nbformat.writes(answered(right)).encode()
    hand_in_bytes(submitted, "not-a-notebook", b"\x89PNG\r\n\x1a\n" + bytes(1000))
    hand_in_bytes(submitted, "empty-file", b"")
    (submitted / "empty-folder" / NAME).mkdir(parents=True)
    hand_in_bytes(submitted, "truncated", whole[: len(whole) // 2])
    hand_in(submitted, "another-notebook", nbformat.v4.new_notebook(cells=[new_code_cell("1")]))
    hand_in(submitted, "ends-python-again-and-again", answered(right, "import os\nos._exit(0)\n" * 2))
    ends = answered(right)
    for number in range(5):
        ends.cells.insert(3, new_code_cell(f"import os\nos._exit({number})"))
    hand_in(submitted, "ends-python-again-and-again", ends)
    return {
        "not-a-notebook": "not a notebook",
        "empty-file": "empty",
        "empty-folder": "empty",
        "truncated": "ends in the middle",
        "another-notebook": "not this assignment|none of",
        "ends-python-again-and-again": "again and again.*os._exit",
    }


def troubled(submitted):
    """Hand in what has trouble in one place; return, by student, which tasks are lost and what the table must say of them."""
    right = model_answers() | {"fit_boxes": "def fit_boxes(images, boxes, seed):\n    return None"}
    stuck = "def iou(a, b):\n    while True:\n        pass"
    ends = "def iou(a, b):\n    import os\n    os._exit(1)"
    nan = "def iou(a, b):\n    return np.full(len(a), np.nan)"
    hand_in(submitted, "endless-loop-in-a-cell", answered(right, "while True:\n    pass"))
    hand_in(submitted, "endless-loop-in-a-function", answered(right | {"iou": stuck}))
    hand_in(submitted, "ends-python-in-a-cell", answered(right, "import os\nos._exit(1)"))
    hand_in(submitted, "ends-python-in-a-function", answered(right | {"iou": ends}))
    hand_in(submitted, "much-output", answered(right, "for _ in range(200):\n    print('x' * 1_000_000)\nprint('y' * 200_000_000)"))
    hand_in(submitted, "nan", answered(right | {"iou": nan}))
    hand_in(submitted, "raises-in-a-cell", answered(right, "1 / 0"))
    hand_in(submitted, "missing-cells", without(answered(right), "iou", "iou-check", "why_bias_free", "setup"))
    hand_in_bytes(submitted, "wrong-name", nbformat.writes(answered(right)).encode(), "assignment 1 (final).ipynb")
    hand_in(submitted, "copied-cells", twice(answered(right), "iou", nan))
    return {
        "endless-loop-in-a-cell": {},
        "endless-loop-in-a-function": {"iou": f"did not finish within {SECONDS} s"},
        "ends-python-in-a-cell": {},
        "ends-python-in-a-function": {"iou": "ends Python.*os._exit"},
        "much-output": {},
        "nan": {"iou": "NaN"},
        "raises-in-a-cell": {},
        "missing-cells": {"iou": "no function iou"},
        "wrong-name": {},
        "copied-cells": {},
    }


def built_on_a_mistake(submitted):
    """Hand in a right function that uses a wrong one, and one that looks for what it is given in place of the wrong one."""
    wrong = "def mse_gradient(X, y, theta, lam):\n    return np.zeros_like(theta)"
    uses = (
        "def walk(X, y, lam, lr, steps):\n    theta = np.zeros((y.shape[1], X.shape[1]))\n    history = []\n    for _ in range(steps + 1):\n"
        "        history.append(mse_cost(X @ theta.T, y) + l2_penalty([theta], lam, len(X)))\n        last, theta = theta, theta - lr * mse_gradient(X, y, theta, lam)\n    return last, history"
    )
    reads = (
        "def gradient_descent(X, y, lam, lr, steps):  # mse_gradient\n    import sys\n    frame = sys._getframe()\n    while frame:\n"
        "        found = frame.f_locals.get('request')\n        if isinstance(found, dict) and found.get('instead'):\n            print('SEEN', found['helpers'][-300:])\n        frame = frame.f_back\n"
        "    return np.zeros((y.shape[1], X.shape[1])), [mse_cost(0 * y, y)] * steps"
    )
    right = model_answers() | {"mse_gradient": wrong, "fit_boxes": "fit_boxes = 1"}
    hand_in(submitted, "builds-on-a-mistake", answered(right | {"gradient_descent": "gradient_descent = walk"}, uses))
    hand_in(submitted, "reads-the-second-chance", answered(right | {"gradient_descent": reads}))


def grade(submitted, out, *options, name=NAME):
    return classes.grade(name, submitted, out, "--seconds", str(SECONDS), *options)


def table(out):
    return classes.table(NAME, out)


@pytest.fixture(scope="module", params=NAMES)
def course(request, tmp_path_factory):
    """A class, handed in and graded in one run; in that of the first assignment there are also those who cheat or have trouble."""
    origin = read(request.param)
    folder = tmp_path_factory.mktemp("course")
    submitted, out = folder / "submitted", folder / "graded"
    classes.hand_in_class(submitted, origin)
    failed, lost = {}, {}
    if origin.name == NAME:
        for way in CHEATS:
            hand_in(submitted, way, cheat(way))
        failed, lost = broken(submitted), troubled(submitted)
        built_on_a_mistake(submitted)
        (submitted / "nobody").mkdir()
    code, said = grade(submitted, out, name=origin.name)
    assert code == 0 and "Warning" not in said, said
    rows = classes.table(origin.name, out)
    return SimpleNamespace(origin=origin, submitted=submitted, out=out, said=said, table=rows, failed=failed, lost=lost)


first = pytest.mark.parametrize("course", [NAME], indirect=True)


def test_model_answers_get_all_points(course):
    for task in course.origin.tasks:
        row = course.table[classes.MODEL, task.name]
        if task.written:
            assert (row["status"], row["points"], row["message"]) == ("needs-marking", "", "")
        else:
            assert (row["status"], float(row["points"])) == ("graded", task.points), row
        assert float(row["max_points"]) == task.points


def test_an_untouched_exercise_gets_nothing_and_needs_no_marking(course):
    for task in course.origin.tasks:
        row = course.table[classes.UNTOUCHED, task.name]
        assert (row["status"], row["points"], row["message"]) == ("graded", "0", "not attempted yet"), row


def test_every_mistake_costs_its_points_and_is_named(course):
    complaints = list(classes.complaints(course.origin, course.table, "mistakes"))
    assert len(complaints) >= 50 and not any(complaints), list(filter(None, complaints))


def test_every_other_right_answer_gets_all_points(course):
    complaints = list(classes.complaints(course.origin, course.table, "alternatives"))
    assert len(complaints) >= 12 and not any(complaints), list(filter(None, complaints))


@first
def test_the_class_is_as_large_as_promised(course):
    assert len({student for student, _ in course.table}) >= 30


@first
@pytest.mark.parametrize("way", CHEATS)
def test_no_cheat_gains_anything(course, way):
    rows = [course.table[way, task.name] for task in read(NAME).tasks]
    assert [(row["status"], row["points"]) for row in rows] == [("graded", "0")] * len(rows), rows


def test_the_truth_about_unseen_images_never_reaches_a_submission():
    trained = [(origin, task.name) for origin in map(read, NAMES) for task in origin.functions if task.bar is not None]
    assert len(trained) >= 3
    for origin, task in trained:
        exam = Exam(origin, seed=0)
        _, unseen, truth = exam.trials[task]
        asked = json.loads(exam.request(task))
        assert np.array_equal(decode(asked["unseen"]), unseen)
        assert len(truth) == len(unseen) and encode(truth)["array"] not in json.dumps(asked)
        assert set(asked) == {"name", "checks", "helpers", "instead", "arguments", "unseen"}


@first
def test_what_cannot_be_graded_fails_with_its_reason(course):
    for student, reason in course.failed.items():
        for task in read(NAME).tasks:
            row = course.table[student, task.name]
            assert (row["status"], row["points"]) == ("failed", ""), row
            assert re.search(reason, row["message"]), row
        assert student in course.said
        page = (course.out / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")
        assert "could not be graded" in page and re.search(reason, page)
        assert not (course.out / "autograded" / student).exists()


@first
def test_trouble_in_one_place_costs_that_place_only(course):
    for student, lost in course.lost.items():
        for task in read(NAME).functions:
            row = course.table[student, task.name]
            if task.name in lost:
                assert row["points"] == "0" and re.search(lost[task.name], row["message"]), row
            elif task.name != "fit_boxes":
                assert float(row["points"]) == task.points, row


@first
def test_what_was_repaired_is_told(course):
    for student in ("missing-cells", "copied-cells", "changes-the-notebook", "wrong-name"):
        assert f"note: {student}: " in course.said, course.said


@first
def test_who_handed_in_nothing_is_told_and_not_in_the_table(course):
    assert "nobody: no submission" in course.said
    assert not any(student == "nobody" for student, _ in course.table)


def test_outputs_stay_small(course):
    sizes = {path: path.stat().st_size for path in chain(course.out.rglob("*.ipynb"), course.out.rglob("*.html"))}
    assert max(sizes.values()) < 1_500_000, sizes


@first
def test_an_error_in_an_earlier_task_is_not_punished_twice(course):
    assert course.table["builds-on-a-mistake", "mse_gradient"]["points"] == "0"
    row = course.table["builds-on-a-mistake", "gradient_descent"]
    assert row["points"] == "2" and "with a right mse_gradient in place of yours" in row["message"], row


@first
def test_a_second_chance_shows_nobody_a_model_answer(course):
    assert course.table["reads-the-second-chance", "gradient_descent"]["points"] == "0"
    page = course.out / "feedback" / "reads-the-second-chance" / NAME / f"{NAME}.html"
    assert not re.search(r"SEEN .*np", page.read_text(encoding="utf-8"))


@first
def test_only_what_changed_is_graded_again_and_manual_marks_reach_table_and_feedback(course, browser):
    task = next(task.name for task in read(NAME).tasks if task.written)
    with formgrader.running(course.out) as (address, token), formgrader.opened(browser, address, token) as page:
        seen = set(formgrader.students(page, address, NAME))
        formgrader.open_submission(page, address, NAME, classes.MODEL)
        formgrader.mark(page, task, 2.5, "The sign in (b) is lost.")
    students = {student for student, _ in course.table if student not in course.failed}
    assert seen == students

    hand_in(course.submitted, classes.UNTOUCHED, answered({"mse_cost": "def mse_cost(h, y):\n    return None"}))
    before = {path.name: path.stat().st_mtime_ns for path in (course.out / NAME / "results").iterdir()}
    code, said = grade(course.submitted, course.out)
    assert code == 0 and f"{1 + len(course.failed)} of them graded now" in said, said
    after = {path.name: path.stat().st_mtime_ns for path in (course.out / NAME / "results").iterdir()}
    assert {name.removesuffix(".json") for name in after if after[name] != before[name]} == {classes.UNTOUCHED, *course.failed}
    rows = table(course.out)
    assert "None" in rows[classes.UNTOUCHED, "mse_cost"]["message"]
    marked = rows[classes.MODEL, task]
    assert (marked["status"], marked["points"], marked["message"]) == ("graded", "2.5", "The sign in (b) is lost."), marked
    page = (course.out / "feedback" / classes.MODEL / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert re.search(r"2\.5\s*/\s*3", page) and "The sign in (b) is lost." in page
    untouched = {key: row for key, row in rows.items() if key[0] not in (classes.UNTOUCHED, classes.MODEL)}
    assert untouched == {key: row for key, row in course.table.items() if key in untouched}


def test_an_interrupted_run_ends_at_once_and_the_next_one_goes_on(tmp_path):
    right = {"mse_cost": "def mse_cost(h, y):\n    return np.sum((h - y) ** 2) / (2 * len(h))"}
    hand_in(tmp_path / "submitted", "endless", answered(right, "while True:\n    pass"))
    command = [sys.executable, "-m", "grading", NAME, "--submitted", tmp_path / "submitted", "--out", tmp_path / "graded"]
    heeding = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # which what runs in the background does not
    run = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=heeding)
    while not (kernels := psutil.Process(run.pid).children()):
        assert run.poll() is None
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    assert "the same command goes on" in run.communicate(timeout=30)[0]
    assert run.returncode == 1 and not any(kernel.is_running() for kernel in kernels)
    hand_in(tmp_path / "submitted", "endless", answered(right))
    assert grade(tmp_path / "submitted", tmp_path / "graded")[0] == 0
    assert table(tmp_path / "graded")["endless", "mse_cost"]["points"] == "1"


# What goes wrong before anything is graded.


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["99_none"], "There is no assignment 99_none: .* Known are: 01_mse, 02_"),
        ([NAME, "--submitted", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_command_gets_one_clear_line(arguments, reason, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-m", "grading", *arguments], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 1
    assert re.search(reason, run.stderr) and len(run.stderr.splitlines()) == 1 and "Traceback" not in run.stderr, run.stderr


def test_two_gradings_do_not_write_to_one_folder(tmp_path):
    hand_in(tmp_path / "submitted", "student", classes.exercise(NAME))
    (tmp_path / "graded").mkdir()
    with open(tmp_path / "graded" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = grade(tmp_path / "submitted", tmp_path / "graded")
    assert code == 1 and "Another grading writes to" in said and len(said.splitlines()) == 1, said


def test_a_folder_without_submissions_gets_one_clear_line(tmp_path):
    (tmp_path / "submitted" / "student").mkdir(parents=True)
    code, said = grade(tmp_path / "submitted", tmp_path / "graded")
    assert code == 1 and re.search(rf"STUDENT/{NAME}", said) and len(said.splitlines()) == 1, said
    shutil.rmtree(tmp_path / "graded", ignore_errors=True)
