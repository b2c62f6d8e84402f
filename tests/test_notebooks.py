"""Every notebook of the book says what it computes, and nothing it does not."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks
from tools.notebooks import ROOT

CHAPTERS = notebooks.all_notebooks("chapters")
PAGES = [ROOT / "intro.md", *sorted((ROOT / "chapters").glob("*.md")), *CHAPTERS]
MODULES = sorted((ROOT / "chapters").glob("*.py"))


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


def none(problems):
    found = list(problems)
    assert not found, "\n".join(found)


@each(notebooks.all_notebooks())
def test_every_cell_was_run_in_order(path):
    none(notebooks.not_run_in_order(notebooks.read(path)))


@each(notebooks.all_notebooks())
def test_no_output_is_an_error_or_a_warning(path):
    none(notebooks.errors_and_warnings(notebooks.read(path)))


@each(notebooks.all_notebooks())
def test_nothing_hides_from_nbval(path):
    none(notebooks.hidden_from_nbval(notebooks.read(path)))


@each(notebooks.all_notebooks())
def test_no_output_belongs_to_one_machine(path):
    none(notebooks.bound_to_a_machine(notebooks.read(path)))


@each(notebooks.all_notebooks())
def test_no_output_is_too_heavy(path):
    none(notebooks.too_heavy(notebooks.read(path)))


@each(notebooks.all_notebooks())
def test_every_notebook_runs_alone(path):
    in_solutions = path.is_relative_to(ROOT / "solutions")  # which use what their exercise has beside it
    none(notebooks.imports_from_elsewhere(notebooks.read(path), ROOT / "exercises" / path.parent.name if in_solutions else path.parent))


@each(MODULES)
def test_every_module_of_the_chapters_runs_alone(path):
    none(notebooks.module_imports_from_elsewhere(path))


@each(CHAPTERS)
def test_every_figure_is_described(path):
    none(notebooks.undescribed_figures(notebooks.read(path)))


@each(CHAPTERS)
def test_the_text_refers_to_every_figure(path):
    none(notebooks.unmentioned_figures(notebooks.read(path)))


@each(CHAPTERS)
def test_code_cells_are_short(path):
    none(notebooks.long_cells(notebooks.read(path)))


@each(PAGES)
def test_no_claim_is_unchecked(path):
    none(notebooks.unchecked_claims(notebooks.read(path)))


def test_labels_are_unique_over_the_book():
    count = Counter(label for path in PAGES for label in notebooks.labels(notebooks.read(path)))
    none(f"{label} labels {times} equations" for label, times in count.items() if times > 1)


# Each of the checks above refuses what it is there to refuse.


def good_notebook():
    """One claim, its check, one figure: nothing to complain about."""
    picture = new_output("display_data", {"image/svg+xml": "<svg/>", "text/plain": "<Figure size 640x480 with 1 Axes>"})
    return new_notebook(
        cells=[
            new_markdown_cell("$$a = b$$ (eq-same)\n\n:::{note}\n$$\nc\n$$ (def-c)\n:::\n\n```python\n$$ no equation $$\n```\n\nSee {numref}`fig-line`."),
            new_code_cell(
                "verify('eq-same', 'both', 1, 1, 0)",
                execution_count=1,
                metadata={"tags": ["verifies:eq-same"]},
                outputs=[new_output("stream", name="stdout", text="eq-same | both: error at most 0: True\n")],
            ),
            new_code_cell(
                "plt.show()",
                execution_count=2,
                metadata={
                    "tags": ["nbval-ignore-output"],
                    "mystnb": {"figure": {"caption": "A line", "name": "fig-line"}, "image": {"alt": "A line rising from left to right"}},
                },
                outputs=[picture],
            ),
        ]
    )


def cell(notebook, number):
    return notebook.cells[number]


def prints(text):
    return lambda notebook: cell(notebook, 1).outputs.append(new_output("stream", name="stdout", text=text))


def says(source, number=1):
    return lambda notebook: cell(notebook, number).update(source=source)


def tagged(*tags, number=1):
    return lambda notebook: cell(notebook, number).metadata.update(tags=list(tags))


def shows(number, **output):
    return lambda notebook: cell(notebook, number).update(outputs=[new_output(**output)])


def without(number, *names):
    def spoil(notebook):
        part = cell(notebook, number).metadata
        for name in names[:-1]:
            part = part[name]
        del part[names[-1]]

    return spoil


def imports(notebook):
    return notebooks.imports_from_elsewhere(notebook, ROOT / "chapters")


@pytest.mark.parametrize(
    "check, spoil, complaint",
    [
        (notebooks.not_run_in_order, lambda nb: cell(nb, 1).update(execution_count=None), "code cell 1 has the execution count None"),
        (notebooks.not_run_in_order, lambda nb: cell(nb, 2).update(execution_count=3), "code cell 2 has the execution count 3"),
        (notebooks.not_run_in_order, says("  \n"), "code cell 1 is empty"),
        (notebooks.errors_and_warnings, shows(1, output_type="error", ename="ValueError", evalue="no", traceback=[]), "raised ValueError: no"),
        (notebooks.errors_and_warnings, shows(1, output_type="stream", name="stderr", text="UserWarning: beware"), "UserWarning: beware"),
        (notebooks.hidden_from_nbval, tagged("nbval-skip"), "is marked nbval-skip"),
        (notebooks.hidden_from_nbval, tagged("raises-exception"), "is marked raises-exception"),
        (notebooks.hidden_from_nbval, says("# NBVAL_SKIP\n1 / 0"), "is marked nbval-skip"),
        (notebooks.hidden_from_nbval, says("x = 1\n  #NBVAL_IGNORE_OUTPUT\n"), "is marked nbval-ignore-output"),
        (notebooks.hidden_from_nbval, tagged("nbval-ignore-output"), "does not show figures only"),
        (notebooks.hidden_from_nbval, shows(2, output_type="execute_result", data={"text/plain": "0.91"}), "does not show figures only"),
        (notebooks.bound_to_a_machine, prints("saved in " + "/ho" + "me/ada/book"), "a path of one machine"),
        (notebooks.bound_to_a_machine, prints("<Linear object at 0x7f3a5c2e10>"), "an address in memory"),
        (notebooks.bound_to_a_machine, prints("trained in 12.3 s"), "a measured time: 12.3 s"),
        (notebooks.too_heavy, prints("x" * 300_001), "has an output of 300 kB"),
        (notebooks.too_heavy, lambda nb: cell(nb, 2).update(outputs=5 * [new_output("display_data", {"image/png": 4 * 90_000 * "A"})]), "the figures weigh 1350 kB"),
        (notebooks.undescribed_figures, without(2, "mystnb", "figure", "caption"), "without mystnb.figure.caption"),
        (notebooks.undescribed_figures, without(2, "mystnb", "figure", "name"), "without mystnb.figure.name"),
        (notebooks.undescribed_figures, without(2, "mystnb", "image"), "says next to nothing"),
        (notebooks.unmentioned_figures, says("See the figure.", 0), "never refers to fig-line"),
        (notebooks.long_cells, says("x = 1\n" * 26), "code cell 1 has 26 lines"),
        (notebooks.long_cells, lambda nb: [says("x = 1\n" * 9, number)(nb) for number in (1, 2)], "longer than 9 lines"),
        (notebooks.unchecked_claims, says("$$a = b$$", 0), "without a label"),
        (notebooks.unchecked_claims, says("$$a = b$$ (same)", 0), "the displayed equation same is neither"),
        (notebooks.unchecked_claims, says("\\begin{align}a &= b\\end{align}", 0), "without a label"),
        (notebooks.unchecked_claims, says("> - Quoted\n>\n>   $$a = b$$", 0), "without a label"),
        (notebooks.unchecked_claims, says(":::{note}\n```{math}\n:label: eq-new\na\n```\n:::", 0), "no code cell is tagged verifies:eq-new"),
        (notebooks.unchecked_claims, tagged(), "no code cell is tagged verifies:eq-same"),
        (notebooks.unchecked_claims, tagged("verifies:eq-same", "verifies:eq-gone"), "verifies eq-gone, which is no claim"),
        (notebooks.unchecked_claims, lambda nb: cell(nb, 1).update(outputs=[]), "prints no check of it"),
        (notebooks.unchecked_claims, prints("eq-same | other: error 0.5, more than 1e-09: False"), "does not find it to hold"),
        (notebooks.unchecked_claims, prints("eq-same | by hand: True"), "does not find it to hold"),
        (imports, says("import secret_helper"), "imports secret_helper"),
        (imports, says("from ..tools import notebooks"), "imports ..tools"),
        (imports, says("%matplotlib inline"), "is not plain Python"),
    ],
)
def test_a_bad_notebook_is_refused(tmp_path, check, spoil, complaint):
    notebook = good_notebook()
    none(check(notebook) if check is not imports else [])
    spoil(notebook)
    path = tmp_path / "bad.ipynb"
    nbformat.write(notebook, path)
    assert complaint in "\n".join(check(notebooks.read(path)))


def test_what_folds_is_not_counted_as_shown():
    answer = new_markdown_cell("one two\n\n::::{admonition} Predict\n:::{dropdown} Answer\nnot this\n:::\nthree\n::::")
    detour = new_markdown_cell("four\n\n{.detour}\n### Not this\n\nnor this\n\n#### nor this")
    book = new_notebook(cells=[answer, detour, new_code_cell("not = this"), new_markdown_cell("### five"), new_code_cell("x = 1\n\ny = 2")])
    assert notebooks.unfolded(book) == (6, 2)


def test_a_wrong_value_never_verifies(capsys):
    spec = importlib.util.spec_from_file_location("checking", ROOT / "chapters" / "checking.py")
    checking = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checking)
    checking.verify("eq-x", "right", np.ones(3), np.ones(3), 1e-12)
    for wrong in (1.1, -1.0, np.nan, np.inf):
        checking.verify("eq-x", "wrong", [1.0, 1.0, wrong], np.ones(3), 1e-12)
    checking.verify("eq-x", "both unknown", np.nan, np.nan, 1e-12)
    right, *wrong = capsys.readouterr().out.splitlines()
    assert notebooks.HOLDS.match(right)
    assert len(wrong) == 5 and not any(notebooks.HOLDS.match(line) for line in wrong)


# A chapter and its exercise.


EXERCISES = notebooks.all_notebooks("exercises")

# What a chapter and an exercise may both define, with arguments: both must return the same.
ALIKE = {
    "bce_with_logits": (np.array([0, np.log(3), 1000, -1000, 40, -40]), np.array([1, 1, 0, 1, 0.25, 0])),
    "log_softmax": (np.array([[0, np.log(3)], [0, 3000], [-1e4, 1e4]]),),
}


def functions(source):
    """Yield the names that a cell gives to functions: its own, lambdas and imported ones."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=True) if several else [(target, node.value)]
                yield from (name.id for name, value in pairs if isinstance(value, ast.Lambda) and isinstance(name, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            yield from (name.asname or name.name for name in node.names)


def answers(folder):
    """Return the source of each cell in which a task asks for a function, by the function's name."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for path in notebooks.all_notebooks(folder)
        for _, cell in notebooks.code_cells(notebooks.read(path))
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def borrowed(code):
    """Yield the names of functions in `code`, (where, source) each, that an exercise gives to others."""
    taken = {*answers("exercises"), "check"} - ALIKE.keys()
    yield from (f"{where} defines or imports {name}" for where, source in code for name in functions(source) if name in taken)


@each([*CHAPTERS, *MODULES])
def test_no_function_of_a_chapter_has_the_name_of_an_exercises(path):
    cells = [path.read_text(encoding="utf-8")] if path.suffix == ".py" else [cell.source for _, cell in notebooks.code_cells(notebooks.read(path))]
    none(borrowed((f"code cell {number} of {path.name}", source) for number, source in enumerate(cells, start=1)))


@pytest.mark.parametrize("source", ["def softmax(Z): pass", "softmax = lambda Z: Z", "a, softmax = 1, lambda Z: Z", "from scipy.special import softmax"])
def test_a_borrowed_name_is_noticed(source):
    assert list(borrowed([("here", source)])) == ["here defines or imports softmax"]


@pytest.mark.parametrize("name", ALIKE)
def test_functions_of_the_same_name_do_the_same(name):
    def run(source):
        exec(source, names := {"np": np})
        with np.errstate(all="raise", under="ignore"):
            return names[name](*ALIKE[name])

    cells = (cell.source for path in CHAPTERS for _, cell in notebooks.code_cells(notebooks.read(path)))
    definitions = (ast.get_source_segment(source, node) for source in cells for node in ast.parse(source).body if name == getattr(node, "name", None))
    returned = [run(source) for source in [answers("solutions")[name], *definitions]]
    assert len(returned) == 2
    np.testing.assert_allclose(returned[1], returned[0], rtol=1e-14)


def paragraphs_about_tasks(chapter, exercise):
    """Return the paragraph that names a task and links to the exercise, by the task's number."""
    address = f"](../{exercise.relative_to(ROOT).as_posix()})"
    paragraphs = (part for cell in chapter.cells if cell.cell_type == "markdown" for part in cell.source.split("\n\n") if address in part)
    named = ((part, numbers) for part in paragraphs for numbers in re.findall(r"\b[Tt]asks? (\d+(?:(?:, | and )\d+)*)", part))
    return {int(number): part for part, numbers in named for number in re.findall(r"\d+", numbers)}


@each(EXERCISES)
def test_a_section_names_each_task_that_it_trains(path):
    found = paragraphs_about_tasks(notebooks.read(ROOT / "chapters" / path.name), path)
    tasks = re.findall(r"^## (\d+)\. .*\((\d+ points?.*)\)$", "\n".join(cell.source for cell in notebooks.read(path).cells), re.MULTILINE)
    names = iter(cell.metadata.nbgrader.grade_id for cell in notebooks.read(path).cells if cell.metadata.get("nbgrader", {}).get("solution"))
    for (number, worth), name in zip(tasks, names, strict=True):
        assert int(number) in found, f"no section names task {number}"
        assert "written" in worth or f"`{name}`" in found[int(number)], f"task {number} without its name: {found[int(number)]}"
    assert len(tasks) == len(found)


# nbval itself, end to end.


def start_of_a_chapter(folder):
    """Copy the first chapter up to the first cell that prints, and its modules, into `folder`."""
    notebook = notebooks.read(CHAPTERS[0])
    last = next(index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and notebooks.printed(cell))
    del notebook.cells[last + 1 :]
    for module in MODULES:
        shutil.copy(module, folder)
    return notebook


def change_a_constant(notebook):
    """Add one to the first number in the cell that prints."""
    cell = notebook.cells[-1]
    numbers = (node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Constant) and type(node.value) in (int, float))
    number = min(numbers, key=lambda node: (node.lineno, node.col_offset))
    lines = cell.source.splitlines(keepends=True)
    line = lines[number.lineno - 1]
    lines[number.lineno - 1] = line[: number.col_offset] + str(number.value + 1) + line[number.end_col_offset :]
    cell.source = "".join(lines)


def nbval(notebook, folder):
    nbformat.write(notebook, folder / "chapter.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", "--color=no", "chapter.ipynb"]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_nbval_notices_a_changed_constant(tmp_path):
    notebook = start_of_a_chapter(tmp_path)
    unchanged = nbval(notebook, tmp_path)
    assert unchanged.returncode == 0, unchanged.stdout
    change_a_constant(notebook)
    changed = nbval(notebook, tmp_path)
    assert changed.returncode == 1, changed.stdout
    assert "Cell outputs differ" in changed.stdout, changed.stdout
