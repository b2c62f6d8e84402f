"""Cells that fail: which error a student and a marker read in place of a function that is not there."""

import json
import platform
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from grading.author import source
from grading.collect import preflight
from grading.judge.exam import Exam
from grading.judge.failures import Failures, line_of
from grading.judge.marking import beside, mark
from grading.report.summary import summary
from grading.run.wall import Wall
from tools import classes
from tools.bubblewrap import stands

pytestmark = pytest.mark.skipif(not stands(), reason="bubblewrap is not installed, or refused here")

NAME, TASK, SECONDS = "02_regression_vs_classification", "predict", 5
HERE = platform.python_version()
NEWER = "3.99.1"
RIGHT = "def predict(z, threshold=0.5):\n    return z >= np.log(threshold) - np.log(1 - threshold)"
WRONG = "def predict(z, threshold=0.5):\n    return z"
STUB = "def predict(z, threshold=0.5):\n    raise NotImplementedError"
TQDM = "raises ModuleNotFoundError: No module named 'tqdm'"
USES = "def predict(z, threshold=0.5):\n    tqdm(z)\n    return z"


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Mark a submission whose answer to one task is given; cells of the student's own come after the set-up, and between answer and check."""
    origin = source.read(NAME)
    exam = Exam.kept(origin, 0, tmp_path_factory.mktemp("exam") / "exam")
    with Wall(source.needed(origin)) as wall:
        wall.ready()

        def mark_it(answer, first="", between="", python="", files=()):
            notebook = classes.answered(NAME, {TASK: answer}, first)
            if between:
                notebook.cells.insert(classes.place(notebook, f"{TASK}-check"), new_code_cell(between))
            folder = tmp_path_factory.mktemp("class")
            classes.hand_in(folder, "student", NAME, notebook)
            for name, content in dict(files).items():
                (folder / "student" / NAME / name).write_text(content)
            submission = preflight.read([folder / "student" / NAME], NAME, classes.exercise(NAME))
            submission.python = python
            return mark(submission, beside(submission.files, exam), exam, wall, SECONDS)

        yield mark_it


def message(outcome):
    verdict = outcome.verdicts[TASK]
    shown = next(cell for cell in outcome.notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{TASK}-check")
    assert verdict.summary in shown.outputs[0].text and shown.outputs[1].data["text/plain"] == f"{2 * verdict.solved}"
    return verdict.message()


NAMED = {
    f"import tqdm\n{RIGHT}": TQDM,
    f"%%time\nimport tqdm\n{RIGHT}": TQDM,
    f"%%capture\nimport tqdm\n{RIGHT}": TQDM,
    f"from numpy import product\n{RIGHT}": "raises ImportError: cannot import name 'product' from 'numpy'",
    f"@jit\n{RIGHT}": "raises NameError: name 'jit' is not defined",
    f"while True:\n    pass\n{RIGHT}": f"was stopped after {SECONDS} s",
    f"raise KeyboardInterrupt\n{RIGHT}": "raises KeyboardInterrupt",
    f"import sys; sys.exit(3)\n{RIGHT}": "raises SystemExit: 3",
    f"import os; os._exit(3)\n{RIGHT}": "was left out, because it ended Python (os._exit or the like, exit code 3)",
    f"%run predict.py\n{RIGHT}": "raises Exception: File `'predict.py'` not found",
    "from halves import predict": "raises SyntaxError: '(' was never closed (line 2 of halves.py)",
    f"{RIGHT}\n  x = 1": "raises IndentationError: unindent does not match any outer indentation level (line 3)",
    f"{RIGHT}\nif True:\n\tx = 1\n        y = 2": "raises TabError: inconsistent use of tabs and spaces in indentation (line 5)",
    f"\n\n%%time\nx = ]\n{RIGHT}": "raises SyntaxError: unmatched ']' (line 4)",
    f"<<<<<<< HEAD\n{RIGHT}\n=======\n{RIGHT}\n>>>>>>> theirs\n": "raises SyntaxError: invalid syntax (line 1 is git's mark of a conflict: keep one of the two versions)",
    f"x = 1\xa0+ 1\n{RIGHT}": "raises SyntaxError: line 1 holds a non-breaking space (U+00A0), which only looks like a space: type a space in its place",
    f"x = 1\u3000+ 1\n{RIGHT}": "raises SyntaxError: line 1 holds the character ideographic space (U+3000), which only looks like a space: "
    "type a space in its place",
    f"x = 1\n{RIGHT}\u200b": "raises SyntaxError: line 3 holds a zero-width space (U+200B), which cannot be seen: delete it",
    f"x = “a”\n{RIGHT}": "raises SyntaxError: line 1 holds a curly quotation mark “ (U+201C): type \" in its place",
    f"x = ‘a’\n{RIGHT}": "raises SyntaxError: line 1 holds a curly quotation mark ‘ (U+2018): type ' in its place",
    f"x = （1)\n{RIGHT}": "raises SyntaxError: line 1 holds a full-width character （ (U+FF08): type ( in its place",
    f"x = 2 − 1\n{RIGHT}": "raises SyntaxError: line 1 holds the character − (U+2212): type - in its place",
    f"x = √2\n{RIGHT}": "raises SyntaxError: line 1 holds the character √ (U+221A), which Python does not know outside of strings",
}


@pytest.mark.parametrize("answer", NAMED, ids=NAMED.values())
def test_a_function_that_is_not_there_is_named_by_the_error_of_its_cell(marked, answer):
    assert message(marked(answer, files={"halves.py": "x = 1\npredict = ("})) == f"Its cell {NAMED[answer]}."


def test_without_a_cell_that_failed_there_is_no_function(marked):
    none = "There is no function predict when its check is reached."
    assert message(marked(RIGHT.replace("predict", "predicted"))) == none
    assert message(marked(RIGHT.replace("predict", "predicted"), first="1 / 0")) == none
    assert message(marked(RIGHT.replace("predict", "predicted"), between="predict(np.zeros(3))")) == none
    assert message(marked(RIGHT.replace("predict", "predicted"), between="1 / 0")) == f"{none} A cell above it raises ZeroDivisionError: division by zero."


@pytest.mark.parametrize("answer", ["", STUB])
def test_a_cell_of_the_students_own_counts_as_the_functions(marked, answer):
    assert message(marked(answer, between=f"import tqdm\n{RIGHT}")) == f"Its cell {TQDM}."
    assert marked(answer, between=f"{RIGHT}\nimport tqdm").verdicts[TASK].solved


def test_a_function_of_an_earlier_cell_is_named_by_that(marked):
    assert message(marked("", first=f"import tqdm\n{RIGHT}")) == f"Its cell {TQDM}."
    assert message(marked("", first="from tqdm import *")) == f"Its cell {TQDM}."


def test_what_is_not_attempted_stays_so(marked):
    assert message(marked(f"{STUB}\npredict(np.zeros(3))")) == "not attempted yet"
    assert message(marked(STUB, between="1 / 0")) == "not attempted yet"


def test_of_two_attempts_the_message_names_the_one_that_failed(marked):
    assert marked(RIGHT, between=f"import tqdm\n{WRONG}").verdicts[TASK].solved
    said = message(marked(WRONG, between=f"import tqdm\n{RIGHT}"))
    assert said.startswith("None of the ") and f"The cell that should have made it anew {TQDM}: the function of before is judged." in said
    assert "anew" not in message(marked(WRONG, between=f"{WRONG}\n1 / 0"))
    assert "anew" not in message(marked(f"{WRONG}\n1 / 0", between="1 / 0"))


MAKES = [
    "from tqdm import tqdm",
    "import math, tqdm",
    "import nosuch, os as tqdm",
    "from nosuch import (\n    a,\n    tqdm,\n)",
    "if True:\n    import nosuch\n    tqdm = list",
    "import nosuch\nfor x, tqdm in []:\n    pass",
]


@pytest.mark.parametrize("first", MAKES)
def test_a_name_that_an_earlier_cell_should_have_made_leads_to_its_error(marked, first):
    module = "nosuch" if "nosuch" in first else "tqdm"
    earlier = f"an earlier cell raises ModuleNotFoundError: No module named '{module}'."
    outcome = marked(USES, first=first)
    assert f"Python does not know the name tqdm here: {earlier}" in message(outcome)
    assert outcome.shared_causes == [f"import {module}, which is not installed here"]
    assert message(marked(f"@tqdm\n{RIGHT}", first=first)) == f"Its cell raises NameError: name 'tqdm' is not defined: {earlier}"


HEADS = [
    "from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive/MyDrive\nlevel = 1",
    "import os\nos.chdir('/content/drive')\nlevel = 1",
    "from nosuch import (\n    a,\n    b,\n)\n\nlevel = 1",
    "%%time\nimport nosuch\nlevel = nosuch.level\nlevel = 1",
]


@pytest.mark.parametrize("first", HEADS)
def test_what_is_not_here_costs_nothing_below_it_in_a_cell_of_the_students_own(marked, first):
    outcome = marked(RIGHT.replace("z >=", "z * level >="), first=first)
    assert outcome.verdicts[TASK].solved and not outcome.shared_causes
    (own,) = [cell for cell in outcome.notebook.cells if cell.source == first]
    assert any(output.output_type == "error" for output in own.outputs)


def test_any_other_error_ends_a_cell_of_the_students_own(marked):
    assert not marked(RIGHT.replace("z >=", "z * level >="), first="1 / 0\nlevel = 1").verdicts[TASK].solved


MAKES_NOT = ["1 / 0", "import nosuch, tqdm.auto as bar", "import nosuch\ndef f():\n    tqdm = 3", "# tqdm = 3\n1 / 0", "tqdm == 3", "print(tqdm=1 / 0)"]


@pytest.mark.parametrize("first", MAKES_NOT)
def test_a_name_that_no_failed_cell_makes_leads_to_none(marked, first):
    assert "an earlier cell" not in message(marked(USES, first=first))


def test_a_syntax_error_names_both_pythons_where_they_differ(marked):
    answer = f"{RIGHT}\nx = ("
    error, here = "Its cell raises SyntaxError: incomplete input (line 3", ".".join(HERE.split(".")[:2])
    newer = [f"need a newer Python than {here}, it seems (SyntaxError)"]
    for python, said, causes in (
        ("", ").", []),
        (f"{here}.77", ").", []),
        ("x" * 99, ").", []),
        (NEWER, f"; this notebook was last run with Python {NEWER}, here is {HERE}).", newer),
        ("2.7.18", f"; this notebook was last run with Python 2.7.18, here is {HERE}).", []),
    ):
        outcome = marked(answer, python=python)
        assert (message(outcome), outcome.shared_causes) == (error + said, causes)
    assert "last run" not in message(marked("import tqdm", python=NEWER))


@pytest.mark.skipif(HERE >= "3.12", reason="which this Python takes")
@pytest.mark.parametrize("line", ['f"{"a"}"', "def f[T](x): pass", "type X = int"])
def test_what_newer_pythons_take_is_said_where_nothing_tells_the_python(marked, line):
    outcome = marked(f"{RIGHT}\n{line}")
    assert message(outcome).endswith(f"(line 3; here is Python {HERE}, a newer one may take it).") and len(outcome.shared_causes) == 1


CAUSES = {
    f"import tqdm.auto\n{RIGHT}": ["import tqdm, which is not installed here"],
    WRONG.replace("return", "import tqdm; return"): ["import tqdm, which is not installed here"],
    f"from numpy import product\n{RIGHT}": ["import product from numpy, which the numpy here does not have"],
    WRONG.replace("return", "np.product; return"): ["use numpy.product, which the numpy here does not have"],
    f"open('data.csv')\n{RIGHT}": ["open data.csv, which is not there"],
    f"1 / 0\n{RIGHT}": [],
    f"{RIGHT}\nimport tqdm": [],
}


@pytest.mark.parametrize("answer", CAUSES, ids=range(len(CAUSES)))
def test_what_others_may_share_is_told_where_it_costs_something(marked, answer):
    assert marked(answer).shared_causes == CAUSES[answer]


def test_a_notebook_handed_in_beside_is_run(marked):
    cells = {"helpers.ipynb": RIGHT, "broken.ipynb": f"import tqdm\n{RIGHT}"}
    files = {name: nbformat.writes(new_notebook(cells=[new_code_cell(cell)])) for name, cell in cells.items()}
    assert marked("%run helpers.ipynb", files=files).verdicts[TASK].solved
    assert message(marked("%run broken.ipynb", files=files)) == f"Its cell {TQDM}."


def test_an_error_is_told_as_harmless_text_of_some_length(marked):
    value = "<img src=x onerror=1> [a](http://b) \\href{javascript:1}{x} \x1b[31m\n# h " + 5000 * "x"
    hostile = f"class E(Exception): pass\nE.__name__ = '=1+1'\nraise E({value!r})"
    said = message(marked(f"{hostile}\n{RIGHT}"))
    assert said.startswith("Its cell raises · =1+1: < img src=x onerror=1> [a] (http: //b) \\ href{javascript:1}{x} # h xxx") and len(said) < 300


OUTPUTS = [
    ("Timeout", "stopped after ever"),
    ("SyntaxError", "("),
    ("SyntaxError", "x (<a>, line 99999999)"),
    ("SyntaxError", "invalid character U+FFFFFF (<a>, line 1)"),
    ("SyntaxError", "invalid character U+D800 (<a>, line 999999)"),
    ("NameError", "name '' is not defined"),
    ("", ""),
    ("\ud800", "\ud800"),
    ("x" * 200, "(" * 2000),
]


@pytest.mark.parametrize("kind, value", OUTPUTS)
def test_what_an_output_says_may_be_anything(kind, value):
    failures = Failures("3" * 1000)
    failures.add("x", "x", [new_output("error", ename=kind, evalue=value, traceback=["Cell In[1], line 999999999", "\ud800"])])
    assert len(failures.of("x")[0].said) < 400 and failures.later("x") is None


def test_no_source_is_long_to_look_at():
    error = [new_output("error", ename="NameError", evalue="name 'a' is not defined", traceback=[])]
    started = time.perf_counter()
    lines = ["a " * 300, "a, " * 300, " " * 600 + "a", "import " + "a." * 300, "with " + "as " * 200 + "a", "for " + "(a " * 300]
    for line in [*lines, "from a import (" + "a as " * 200, "a" * 600]:
        failures = Failures()
        for _ in range(2):
            failures.add(f"{line}\n" * 2_000, None, error)
        failures.of("a"), failures.later("a"), failures.behind("a")
    assert time.perf_counter() - started < 30  # of which the grader gives a submission 300


def test_the_line_that_makes_a_name_is_known():
    assert line_of("f", "x = 1\n@g\ndef f(x):\n    f = 3") == 3
    assert line_of("f", "if x:\n    import f") == line_of("f", "async def g():\n    f = 1\nf: int = 2") - 1 == 2
    assert not any(line_of("f", cell) for cell in ("g = f", "f()", "f.x = 3", "class A:\n    def f(self): pass", "ff = 1", "import f as g", "from f import g"))


def test_the_class_is_told_what_several_have_met(tmp_path):
    right = classes.model_answers(source.read(NAME))
    two = {TASK: f"import tqdm\n{RIGHT}", "sigmoid": "1 / 0"}
    for student in ("ada", "bob", "carl"):
        classes.hand_in(tmp_path / "submitted", student, NAME, classes.answered(NAME, right | two))
    classes.hand_in(tmp_path / "submitted", "dora", NAME, classes.answered(NAME, right | {TASK: f"import numba\n{RIGHT}"}))
    classes.hand_in(tmp_path / "submitted", "emil", NAME, classes.answered(NAME, right, first="import tqdm"))
    code, said = classes.grade(NAME, tmp_path / "submitted", tmp_path / "graded")
    assert code == 0, said
    assert "  3 hand-ins import tqdm, which is not installed here: ada, bob, carl\n" in said
    assert "  1 hand-in imports numba, which is not installed here: dora\n" in said
    assert json.loads((tmp_path / "graded" / NAME / "results" / "ada.json").read_text())["causes"] == ["import tqdm, which is not installed here"]
    row = classes.table(NAME, tmp_path / "graded")["ada", TASK]
    assert (row["points"], row["message"]) == ("0", f"Its cell {TQDM}.")
    page = (tmp_path / "graded" / "feedback" / "ada" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert page.count(f"Its cell {TQDM.replace(chr(39), '&#39;')}.") + page.count(f"Its cell {TQDM}.") >= 1 and "There is no function" not in page


def result(*notes, causes=()):
    return {"status": "graded", "mistakes": {}, "notes": list(notes), "causes": list(causes)}


def lines(results):
    return [line.strip() for line in summary(NAME, [], results, [], 0)][1:]


def test_notes_are_told_by_their_kind():
    gone = "the cell was missing, the released one is in its place"
    cells = [f"{name}: {gone}" for name in ("setup", "a-task", "b-task", "c", "c-check", "d", "d-check")]
    results = {"ada": result(*cells), "bob": result(f"a-task: {gone}"), "carl": result("a-task: another")}
    results["dora"] = {"status": "graded", "mistakes": {}, "notes": []}  # of an earlier release
    assert lines(results) == [f"note: ada, bob: {gone} (setup, a-task, b-task, c, c-check and 2 more)", "note: carl: a-task: another"]


def test_what_nearly_all_have_is_one_line_and_the_rest_is_cut():
    results = {f"student-{number:02}": result("all", f"n{number}.ipynb is left out", causes=["use x", f"open {number}"]) for number in range(20)}
    said = lines(results)
    assert said[0] == "20 hand-ins use x: student-00, student-01, student-02, student-03, student-04 and 15 more"
    assert said[1] == "1 hand-in opens 0: student-00" and len(said) == 10 + 15 + 1
    assert said[10:12] == ["note: 20 of 20: all", "note: student-00: n0.ipynb is left out"] and said[-1] == "6 more notes are in the table."


def test_a_thousand_cells_that_fail_take_no_time():
    failures, started = Failures(), time.process_time()
    lost = new_output("error", ename="NameError", evalue="name 'x' is not defined", traceback=[])
    for _ in range(1000):
        failures.add("x \n" * 200, None, [lost])
    assert time.process_time() - started < 10 and failures.ran[-1].failure.said.startswith("raises NameError")
