"""The exercises: made from their sources, free of answers, and helpful to a student who makes mistakes."""

import builtins
import dis
import inspect
import json
import re
import shutil
import subprocess
import sys
from functools import cache, reduce

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from grading.author import exercises, source
from grading.author.settings import SOURCE_ONLY
from grading.author.source import EXERCISES, HELPER_MODULES, HELPERS, SOLUTIONS
from grading.judge.exam import understood
from grading.shared.checks.comparison import ORDINARY, TOLERANCE, difference, opened
from grading.shared.checks.inquiry import Inquiry, described
from grading.shared.checks.outcomes import call, decode, encode, train
from grading.shared.checks.verdicts import judge, judge_training
from tools import classes, notebooks

NAMES = source.assignments()
read = cache(source.read)

# What course-design promises to whoever links to an exercise or grades one.
SIGNATURES = {
    "01_mse": [
        "mse_cost(h, y)",
        "l2_penalty(thetas, lam, m)",
        "mse_gradient(X, y, theta, lam)",
        "numerical_gradient(f, theta, eps=1e-05)",
        "gradient_descent(X, y, lam, lr, steps)",
        "iou(a, b)",
        "parameter_groups(model, lam, m)",
        "fit_boxes(images, boxes, seed)",
    ],
    "02_regression_vs_classification": [
        "one_hot(labels, K)",
        "sigmoid(z)",
        "predict(z, threshold=0.5)",
        "mse_sigmoid_grad(z, y)",
        "escape_time(z0, loss)",
        "steps_to_half(z0, loss, lr=0.1, max_steps=1000000)",
    ],
    "03_cross_entropy": [
        "surprise(p)",
        "entropy(p)",
        "cross_entropy(p, q)",
        "kl_divergence(p, q)",
        "binary_cross_entropy(h, y)",
        "bce_with_logits_grad(z, y)",
        "bce_with_logits(z, y)",
        "multilabel_cost(Z, Y, thetas, lam)",
        "fit_logistic(X, y, loss, lr, steps)",
    ],
    "04_softmax_nll": [
        "choose_head(task)",
        "logsumexp(Z)",
        "softmax(Z)",
        "log_softmax(Z)",
        "nll_cost(Z, labels)",
        "nll_grad(Z, labels)",
        "regularised_nll(Z, labels, thetas, lam)",
        "label_smoothing_nll(Z, labels, eps)",
        "best_temperature(Z, labels)",
        "training_loss(model, images, labels)",
        "fit_digits(images, labels, seed)",
    ],
    "05_triplet": [
        "triplet_cost(a, p, n, margin)",
        "triplet_kind(d_ap, d_an, margin)",
        "triplet_grad(a, p, n, margin)",
        "pairwise_squared_distances(A, B)",
        "valid_triplets(labels)",
        "batch_hard_cost(E, labels, margin)",
        "recall_at_1(E, labels)",
        "fit_embedding(images, labels, seed)",
    ],
}

each = pytest.mark.parametrize("name", NAMES)


def released(name):
    return notebooks.read(EXERCISES / name / f"{name}.ipynb")


def cell_of(notebook, grade_id):
    return notebook.cells[classes.place(notebook, grade_id)]


@each
def test_an_exercise_is_what_its_source_makes(name, tmp_path):
    exercises.make(name, tmp_path)
    made, kept = contents(tmp_path / name), contents(EXERCISES / name)
    assert made.keys() == kept.keys()
    differ = [file for file in made if made[file] != kept[file]]
    assert not differ, f"make exercises would change {differ}"


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_numbers_that_differ_by_rounding_are_kept_and_others_are_not():
    path = EXERCISES / NAMES[0] / source.EXPECTED
    stored = json.loads(path.read_text(encoding="utf-8"))
    outcome = stored[0]["expected"][0]
    outcome["value"] *= 1 + 1e-13
    assert exercises.stored(stored, path) == path.read_text(encoding="utf-8")
    outcome["value"] *= 1 + 1e-6
    assert exercises.stored(stored, path) != path.read_text(encoding="utf-8")


@each
def test_names_signatures_and_points_are_the_promised_ones(name):
    functions = read(name).functions
    assert [f"{task.name}({', '.join(map(str, task.signature.parameters.values()))})" for task in functions] == SIGNATURES[name]
    written = sum(task.points for task in read(name).tasks if task.written)
    assert (sum(task.points for task in functions), written) == (14, 6)


@each
def test_the_tables_say_what_each_task_is_worth(name):
    tasks = read(name).tasks
    rows = re.findall(r"^\| (.+) \| (\d+) \| (\d+) \| .+ \|$", cell_of(released(name), "intro").source, re.M)
    assert [int(points) for _, points, _ in rows] == [task.points for task in tasks]
    assert all(title == f"`{task.name}`" for (title, _, _), task in zip(rows, tasks) if not task.written)
    assert 85 <= sum(int(minutes) for _, _, minutes in rows) <= 95
    notes = re.findall(r"^\| `(\w+)` \| (\d+) \| (?:cases|you|one training).* \|$", marking_notes(name), re.M)
    assert notes == [(task.name, str(task.points)) for task in tasks]


@each
def test_the_marking_notes_explain_mistakes_that_exist(name):
    mistakes = {mistake for task in read(name).functions for mistake in task.mistakes}
    known = mistakes | {task.name for task in read(name).tasks}
    table = marking_notes(name).split("| mistakes |")[1]
    named = [mistake for cell in re.findall(r"^\| (.+?) \|", table, re.M) for mistake in re.findall(r"`(\w+)`", cell)]
    assert len(named) > 20 and set(named) <= known, set(named) - known


def marking_notes(name):
    """Return the section on an assignment in the notes for instructors."""
    number = int(name[:2])
    return re.search(rf"^## Assignment {number}: .*?(?=^## )", (SOLUTIONS / "README.md").read_text(encoding="utf-8"), re.M | re.S)[0]


@each
def test_nothing_of_the_solution_is_in_the_exercise(name):
    files = [path.read_text(encoding="utf-8") for path in (EXERCISES / name).rglob("*.py")]
    code = "\n".join([*files, *(cell.source for _, cell in notebooks.code_cells(released(name)))])
    prose = "\n".join(cell.source for cell in released(name).cells if cell.cell_type == "markdown")  # its third hints may quote a line of an answer
    found, looked_for = [], 0
    for cell in notebooks.read(SOLUTIONS / name / f"{name}.ipynb").cells:
        tags, grading = cell.metadata.get("tags", []), cell.metadata.get("nbgrader", {})
        answer = re.search(r"### BEGIN SOLUTION\n(.*)### END SOLUTION", cell.source, re.S) if grading.get("solution") else None
        if answer or (set(SOURCE_ONLY) - {HELPERS}) & set(tags):
            hidden = [line.strip() for line in (answer[1] if answer else cell.source).splitlines() if len(line.strip()) > 30]
            found += [line for line in hidden if line in (code if cell.cell_type == "code" else prose)]
            looked_for += len(hidden)
    assert looked_for > 100 and not found, found
    assert not [tag for cell in released(name).cells for tag in notebooks.tags(cell)]


@each
def test_at_most_150_words_stand_before_the_first_task(name):
    cells = released(name).cells
    first = next(place for place, cell in enumerate(cells) if cell.cell_type == "markdown" and cell.source.startswith("## 1. "))
    seen = "\n".join(cell.source for cell in cells[:first] if cell.cell_type == "markdown")
    assert "Run the first code cell" in seen and "<details>" in seen
    seen = re.sub(r"(<summary>.*?</summary>).*?</details>", r"\1", seen, flags=re.S)  # what is folded
    seen = re.sub(r"^\|.*$|<[^>]*>", "", seen, flags=re.M)
    words = re.findall(r"\w[\w'’./-]*", re.sub(r"`[^`]*`", "code", seen))
    assert len(words) <= 150, len(words)


# The code that a check calls, out of a student's sight.


def helper_modules(name):
    """Return the path of each helper module of an exercise, by its task."""
    return {path.stem: path for path in sorted((EXERCISES / name / HELPER_MODULES).glob("*.py")) if path.stem != "__init__"}


@each
def test_helper_code_is_in_modules_of_its_own_and_not_in_the_notebook(name):
    code = "\n".join(cell.source for _, cell in notebooks.code_cells(released(name)))
    modules = {task: path.read_text(encoding="utf-8") for task, path in helper_modules(name).items()}
    helpers = [cell for cell in read(name).cells if cell.role == HELPERS]
    assert modules.keys() == {cell.id.rpartition("-")[0] for cell in helpers}
    for cell in helpers:
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.startswith(("import ", "from "))]
        assert not [line for line in lines if len(line.strip()) > 20 and line in code], cell.id
        assert all(line in modules[cell.id.rpartition("-")[0]] for line in lines), cell.id


@each
def test_a_helper_module_is_imported_alone_with_torch_only_where_the_task_says_so(name):
    tasks = {task.name: task for task in read(name).functions}
    for task, path in helper_modules(name).items():
        says_torch = "torch)" in cell_of(released(name), f"{task}-task").source.splitlines()[0]
        script = f"import sys\nfrom checks.helpers import {task}\nprint('torch' in sys.modules, *vars({task}))"
        run = subprocess.run([sys.executable, "-c", script], cwd=EXERCISES / name, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        torch, *names = run.stdout.split()
        assert says_torch or torch == "False", f"{path.name} imports torch"
        assert set(source.Source.visible(tasks[task])["helpers"]) <= set(names)
        assert not used_globals(compile(path.read_text(encoding="utf-8"), path.name, "exec")) - set(names) - set(dir(builtins))


def used_globals(code):
    """Return the global names that compiled code, and what is defined in it, reads."""
    inner = [constant for constant in code.co_consts if inspect.iscode(constant)]
    return {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}.union(*map(used_globals, inner))


def test_a_helper_module_has_the_imports_that_it_needs_and_no_others():
    setup = "import math\nimport random as r\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn, optim"
    code = "from pathlib import Path\n\n# Why.\nhere = Path()\n\ndef half(z):\n    return F.relu(z), nn, math.pi"
    imports = "import math\nfrom pathlib import Path\n\nimport torch.nn.functional as F\nfrom torch import nn"
    text = source.helper_module("half", setup, code)
    assert text.split("\n\n", 1)[1] == f"{imports}\n\n\n# Why.\nhere = Path()\n\n\ndef half(z):\n    return F.relu(z), nn, math.pi\n"


def test_a_helper_cell_of_no_task_is_refused(tmp_path):
    cell = source.Cell("half-helpers", "code", HELPERS, "def bowl(t):\n    return t", None, 0)
    origin = source.Source("small", tmp_path / "small.ipynb", [cell], [source.Task("double", 1, "double-check", source="…")], "", [])
    with pytest.raises(source.SourceError, match=r"belong to no task.*\['half'\]"):
        origin.helper_modules()


@each
def test_an_untouched_exercise_scores_nothing_and_says_so_kindly(name):
    notebook = released(name)
    for task in read(name).functions:
        cell = cell_of(notebook, task.check)
        assert re.match(r"· not attempted yet.*: write the function", cell.outputs[0].text), task.name
        assert not task.bar or f"({task.bar:.2f} will be asked)" in cell.outputs[0].text
        assert cell.outputs[-1].data["text/plain"] == "0"


@each
def test_each_task_has_three_folded_hints(name):
    notebook = released(name)
    for task in read(name).functions:
        assert cell_of(notebook, f"{task.name}-task").source.count("<details>") >= 3, task.name


# The cases tell every mistake from the right answer, whatever is drawn.


@each
@pytest.mark.parametrize("seed", range(20))
def test_every_mistake_is_caught_and_named_and_every_right_answer_passes_at_any_seed(name, seed):
    for task in read(name).functions:
        if task.bar is None:
            asked = task.rules() | task.numbers(np.random.default_rng(1000 + seed))
            answers = {"the model answer": task.function} | task.alternatives
            for title, function in answers.items():
                verdict = judge(asked, task.outcomes(function, asked["cases"]))
                assert verdict.solved, f"{task.name}: {title} fails\n{verdict.text()}"
            for title, function in task.mistakes.items():
                verdict = judge(asked, task.outcomes(function, asked["cases"]))
                assert not verdict.solved, f"{task.name}: {title} passes"
                assert source.sentence(function) in verdict.sentences, f"{task.name}: {title} is taken for: {verdict.sentences}"


@each
@pytest.mark.parametrize("seed", range(2))
def test_trainings_that_go_wrong_are_caught_and_named(name, seed):
    for task in read(name).functions:
        if task.bar is not None:
            trial = task.trial(np.random.default_rng(1000 + seed))

            def verdict(function):
                return judge_training(task.rules(), task.score, task.signs, trial[2], train(function, *trial[:2]), 0)

            for title, function in task.alternatives.items():
                assert verdict(function).solved, f"{task.name}: {title} fails\n{verdict(function).text()}"
            for title, function in task.mistakes.items():
                found = verdict(function)
                assert not found.solved, f"{task.name}: {title} passes"
                assert source.sentence(function) in found.sentences, f"{task.name}: {title} is taken for: {found.sentences}"


def test_a_case_that_is_no_tuple_is_refused():
    task = source.Task("half", 1, "half-check", function=lambda z: z / 2, settings={"cases": lambda rng: [np.array([2.0])]})
    with pytest.raises(source.SourceError, match="half is not a tuple of arguments"):
        task.numbers(np.random.default_rng(0))


@each
def test_every_function_has_mistakes_and_other_right_answers(name):
    for task in read(name).functions:
        assert len(task.mistakes) >= 2 and len(task.alternatives) >= 2, task.name


# What counts as the same.

NAN, INF, ONE = float("nan"), float("inf"), np.array([1.0, 2.0])


@pytest.mark.parametrize(
    "got, expected, words",
    [
        (1.0, 1.0, None),
        (np.array(1.0), 1.0, None),
        (np.float64(1 + 1e-10), 1.0, None),
        (1, 1.0, None),
        (1 + 1e-8, 1.0, "nearly right"),
        (np.float32(1.1), 1.1, "single precision"),
        (True, 1.0, "true or false"),
        (np.array([1.0]), 1.0, "shape (1,)"),
        (2.0, 1.0, "not right"),
        (NAN, NAN, None),
        (NAN, 1.0, "NaN"),
        (INF, INF, None),
        (-INF, INF, "not right"),
        (1e308, INF, "a finite value"),
        (INF, 1.0, "an infinite value"),
        (None, 1.0, "is the return missing"),
        ("1.0", 1.0, "the string '1.0'"),
        ([1.0, 2.0], ONE, "a list of 2"),
        (np.array([1, 2]), ONE, "whole numbers"),
        (np.array(["hard", "easy"]), np.array(["hard", "easy"]), None),
        (np.array(["hard", "easy"]), np.array(["easy", "hard"]), "not right"),
        (np.array(["hard", "easy"], dtype=object), np.array(["hard", "easy"]), None),
        (np.array([np.str_("hard"), "easy"], dtype=object), np.array(["hard", "easy"]), None),
        (np.array(["hard", None], dtype=object), np.array(["hard", "easy"]), "an array of dtype object"),
        (np.array([True, False]), np.array([1, 0]), "true or false"),
        (np.array([1.0, 2.0]), [1.0, 2.0], None),
        ((1.0, 2.0), [1.0, 2.0], None),
        ([1.0], [1.0, 2.0], "1 entry, not of 2"),
        ([ONE, [1.0, 3.0]], (ONE, [1.0, 2.0]), "What it returns at [1][1] is not right"),
        (("sigmoid", "x"), ("sigmoid", "x"), None),
        ((np.str_("sigmoid"), "x"), ("sigmoid", "x"), None),
        (("sigmoid", "y"), ("sigmoid", "x"), "at [1], the string 'y'"),
        ({"a": 1.0}, {"a": 1.0, "b": 1.0}, "other keys"),
        ({"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 1.0}, "not right: b: 0.5."),
        ({"a": "in 0 groups"}, {"a": 1.0}, "not right: a: in 0 groups."),
        (np.nan, INF, "NaN, where infinity is expected"),
        (object(), 1.0, "an object of type object"),
        (None, None, None),
        (0.0, None, "a float"),
    ],
)
def test_results_are_compared_as_promised(got, expected, words):
    said = difference({"value": encode(got)}, {"value": encode(expected)}, TOLERANCE)
    assert (said is None) == (words is None) and (words or "") in (said or ""), said


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda p: -np.log(p) if np.all(p >= 0) else int("x"), None),
        (lambda p: -np.log(p), "should raise a ValueError here, and does not"),
        (lambda p: -np.log(p) if np.all(p >= 0) else [][0], "should raise a ValueError here. It raises IndexError"),
    ],
)
def test_an_exception_is_a_result_where_it_is_asked(function, words):
    def right(p):
        if np.any(p < 0):
            raise ValueError("negative")
        return -np.log(p)

    said = difference(call(function, [np.array([-1.0])]), call(right, [np.array([-1.0])]))
    assert (said is None) == (words is None) and (words or "") in (said or ""), said


def test_a_warning_counts_where_none_is_asked():
    def right(p):
        with np.errstate(divide="ignore"):
            return -np.log(p)

    got, expected = (call(function, [np.array([0.0])]) for function in (lambda p: -np.log(p), right))
    assert difference(got, expected) is None
    assert "divide by zero" in difference(got, expected, without_warning=True)


# What a student who errs is told, in the exercise's own folder and a real kernel.


@pytest.mark.parametrize(
    "argument, text",
    [
        (1 + 1e-13, "1.0000000000001"),
        (0.5, "0.5"),
        (0.1 + 0.2, "0.3"),
        (np.array([0.5, 0.5 + 4e-9]), "[0.5, 0.500000004]"),
        (np.array([0.5, 0.25]), "[0.5 , 0.25]"),
        (np.array([0.12344, 2.0]), "[0.1234, 2. ]"),
        (np.array([1, 0]), "[1, 0]"),
    ],
)
def test_a_number_a_little_off_a_round_one_is_not_shown_as_that(argument, text):
    assert described(encode(argument)) == text


@pytest.mark.parametrize(
    "got, expected, words",
    [
        ([1.0, 3.0], ONE, " Its numbers are not right either."),
        ([1.0, 2.0], ONE, " Its numbers are right."),
        (np.array([[1.0, 2.0, 3.0]]).T @ np.array([[1.0, 2.0]]), np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), ""),
    ],
)
def test_numbers_are_called_wrong_only_where_each_has_its_place(got, expected, words):
    task = {"tolerance": TOLERANCE, "without_warning": False, "parameters": [], "results": (), "edges": [], "expected": [{"value": encode(expected)}], "cases": [[]]}
    assert Inquiry(task, [opened({"value": encode(got)})]).kind_apart(0, ORDINARY) == words


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """Runs the first exercise with other answers in some cells, alone in a folder; returns what each check printed and showed."""
    folder = tmp_path_factory.mktemp("student")
    shutil.copytree(EXERCISES / "01_mse", folder / "01_mse", ignore=shutil.ignore_patterns("__pycache__"))

    def run(**answers):
        notebook = nbformat.read(folder / "01_mse" / "01_mse.ipynb", as_version=4)
        for grade_id, text in answers.items():
            cell_of(notebook, grade_id).source = text
        NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120, resources={"metadata": {"path": str(folder / "01_mse")}}).execute()
        said = {}
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.outputs:
                shown = cell.outputs[-1].get("data", {}).get("text/html", "")
                said[cell.metadata.nbgrader.grade_id] = "".join(output.get("text", "") for output in cell.outputs) + shown
        return said

    return run


def test_a_student_who_errs_is_told_what_is_wrong(student):
    said = student(
        mse_cost="def mse_cost(h, y):\n    h -= y\n    return np.sum(h**2) / (2 * len(h))",
        l2_penalty="def l2_penalty(thetas, lam, m):\n    total = 0\n    return total / thetas[0].nothing",
        mse_gradient="def mse_gradient(X, y, theta, lam):\n    return np.zeros(3)",
        numerical_gradient="def numerical_gradient(f, theta, eps=1e-5):\n    pass",
        gradient_descent="def gradient_descent(X, y, lam, lr, steps):\n    return torch.zeros(2), [mse_gradient(X, y, 0, 0)]",
        iou="def iou(a, b):\n    syntax error",
        parameter_groups="def parameter_groups(model):\n    return 1",
        fit_boxes="def fit_boxes(images, boxes, seed):\n    return boxes.mean(axis=0)",
    )
    assert "changes its argument h" in said["mse_cost-check"] and 'mse_cost(*case("mse_cost", 1))' in said["mse_cost-check"]
    assert "AttributeError" in said["l2_penalty-check"] and "in l2_penalty, line 3 of its cell: return total / thetas[0].nothing" in said["l2_penalty-check"]
    assert "an array of shape (3,), where an array of shape" in said["mse_gradient-check"] and "theta = " in said["mse_gradient-check"]
    assert "It returns None: is the return missing?" in said["numerical_gradient-check"]
    assert "at theta, a torch tensor" in said["gradient_descent-check"] and "uses mse_gradient, whose own check does not pass yet" in said["gradient_descent-check"]
    assert "ended in a SyntaxError" in said["iou-check"] and "Line 2, 'syntax error': invalid syntax" in said["iou-check"]
    assert "TypeError" in said["parameter_groups-check"] and "takes 1 positional argument" in said["parameter_groups-check"]
    assert "a torch.nn.Module is asked" in said["fit_boxes-check"]
    for task in read("01_mse").functions:
        assert "Traceback" not in said[task.check]
        assert re.search(rf"{task.name}: 0 of {task.points} points?</strong>$", said[task.check]), said[task.check]
    assert said["score"].endswith("Checked tasks: 0 of 14 points</strong>")


def test_a_student_who_skips_cells_is_told_to_run_them(student):
    said = student(iou="iou = 0.43", mse_cost="")
    assert "There is no function mse_cost yet" in said["mse_cost-check"] and "has not been run in this session" in said["mse_cost-check"]
    assert "iou is a float now: a cell gave its name to something else" in said["iou-check"]


def test_a_student_who_makes_a_known_mistake_is_told_which(student):
    tasks = {task.name: task for task in read("01_mse").functions if task.bar is None}
    for chosen in (set(tasks) - {"gradient_descent"}, {"gradient_descent"}):  # which uses the others
        first = {name: next(iter(tasks[name].mistakes)) for name in chosen}
        mistaken = {name: classes.as_answer(tasks[name], "mistakes", first[name]) for name in chosen}
        said = student(**{name: task.source for name, task in tasks.items()} | mistaken)
        for name in chosen:
            assert source.sentence(tasks[name].mistakes[first[name]]) in " ".join(said[tasks[name].check].split()), said[tasks[name].check]


def test_a_student_who_is_right_gets_all_points_and_may_look_at_a_case(student):
    answers = {task.name: classes.as_answer(task, "alternatives", next(iter(task.alternatives))) for task in read("01_mse").functions}
    said = student(**answers, score="print(mse_cost(*case('mse_cost', 1)) >= 0)\nscore()")
    assert "True\n" in said["score"] and said["score"].endswith("Checked tasks: 14 of 14 points</strong>"), said



SWELLS = {
    "strings": {"strings": ["x" * 100_000] + [""] * 100},
    "other things among strings": {"strings": ["x", {"a": 1}]},
    "lists as strings": {"strings": reduce(lambda inner, _: [inner], range(70), ["x", "y"])},
    "keys with one hash": {"dict": [[number * (2**61 - 1), 0] for number in range(5000)]},
}


@pytest.mark.parametrize("what", SWELLS)
def test_what_would_swell_is_not_decoded(what):
    with pytest.raises(ValueError):
        decode(SWELLS[what])


@pytest.mark.parametrize("strings", [np.array("abc"), np.array([["a", "bcd"], ["", "é"]]), np.zeros((2, 0), dtype=str)], ids=lambda strings: str(strings.shape))
def test_strings_come_back_as_they_were(strings):
    back = decode(encode(strings))
    assert (back.shape, back.tolist(), back.dtype.kind) == (strings.shape, strings.tolist(), "U")


@pytest.mark.parametrize("position", [2**61 - 1, -1, True, "0", 0.0])
def test_a_changed_argument_has_a_plain_small_number(position):
    assert understood({"value": 1, "modified": [[1, 2]]})["modified"] == {1: 2}
    with pytest.raises(ValueError):
        understood({"value": 1, "modified": [[position, 2]]})
