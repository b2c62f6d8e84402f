"""What a check tells a student, in a real kernel: about what happens to cells, and that it says nothing that a right case contradicts."""

import re
import shutil
import time
from contextlib import contextmanager

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from grading.author import source
from grading.author.source import EXERCISES
from grading.shared.checks.outcomes import call, encode
from grading.shared.checks.verdicts import judge
from tools import classes

NAME = "03_cross_entropy"
SURPRISE = {task.name: task for task in source.read(NAME).functions}["surprise"]


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(EXERCISES / NAME, tmp_path / NAME, ignore=shutil.ignore_patterns("__pycache__"))


@contextmanager
def notebook(folder):
    """Give a function that runs a cell in a kernel in this folder, after the set-up, and returns what it prints."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    texts = []

    def keep(message):
        texts.append(message["content"].get("text", ""))
        if message["msg_type"] == "error":
            texts.append(message["content"]["ename"])

    def run(cell, meanwhile=None):
        texts.clear()
        if meanwhile:
            client.execute(cell)
            meanwhile(manager)
            while (message := client.get_iopub_msg(timeout=60))["content"].get("execution_state") != "idle" or "check" not in str(texts):
                keep(message)
        else:
            client.execute_interactive(cell, output_hook=keep, timeout=60)
        return " ".join("".join(texts).split())

    try:
        run("import numpy as np\nfrom checks import case, check, score")
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


ENDLESS = "def surprise(p):\n    k = 0\n    while k < 3:\n        pass\n    return -np.log(p)"


def test_cells_that_failed_were_renamed_or_not_run_are_told_apart(folder):
    with notebook(folder) as run:
        assert "There is no function surprise yet. → Its cell has not been run in this session" in run('check("surprise")')
        run("def suprise(p):\n    return -np.log(p)")
        assert "There is a function suprise, but the task wants it under the name surprise" in run('check("surprise")')
        run(SURPRISE.source)
        assert "✓ All" in run('check("surprise")')
        run("def surprise(p):\n    return -np.log(p")
        said = run('check("surprise")')
        assert "ended in a SyntaxError" in said and "Python still has the function of before" in said and "✓" not in said
        run("p = nothing\ndef surprise(p):\n    return -np.log(p)")
        assert "did not get as far as its function" in run('check("surprise")')
        run("def suprise(p):\n    return -np.log(p)")
        assert "The cell that you ran last defines suprise, and not surprise." in run('check("surprise")')
        run(SURPRISE.source)
        assert "suprise" not in run('check("surprise")')
        run("def suprise(p):\n    return p")
        assert "You ran a cell that defines suprise after that of surprise" in run('check("surprise")')
        run("surprise = 0.5")
        assert "surprise is a float now: a cell gave its name to something else" in run('check("surprise")')


def test_a_loop_that_never_ends_is_stopped_by_the_check_or_by_the_student(folder):
    with notebook(folder) as run:
        run(f"{ENDLESS}\nfrom checks import notebook; notebook.SECONDS = 1")
        said = run('check("surprise")')
        assert "It was still running after 1 s, and was stopped. in surprise, line " in said and "Does a loop never end" in said
        assert re.search(r"✗ The first case is not right\. [0-9]+ more were not run\.", said)
        run("def wait():\n    while True:\n        pass")
        run("def surprise(p):\n    return wait()")
        said = run('check("surprise")')
        assert "in surprise, line 2 of its cell: return wait() in wait, line " in said
        run(f"{ENDLESS}\nnotebook.SECONDS = 60")

        def interrupt(manager):
            time.sleep(2)
            manager.interrupt_kernel()

        said = run('check("surprise")', interrupt)
        assert "You stopped the check: in surprise, line" in said and "Traceback" not in said and "KeyboardInterrupt" not in said
        run(SURPRISE.source)
        assert "✓ All" in run('check("surprise")')


def test_only_a_function_that_is_really_called_is_said_to_be_used(folder):
    with notebook(folder) as run:
        run("def entropy(p):\n    return 0.0\ndef cross_entropy(p, q):\n    return 1.0")
        run('check("entropy"); check("cross_entropy")')
        run("def kl_divergence(p, q):\n    if len(p) > 1000:\n        return entropy(p)\n    return 0.5 * cross_entropy(p, q)")
        said = run('check("kl_divergence")')
        assert "It uses cross_entropy, whose own check does not pass yet." in said and "uses entropy" not in said


def test_a_message_names_the_section_with_the_address_of_the_book_that_the_exercise_came_from(folder):
    run_surprise = "def surprise(p):\n    return np.log(p)"
    with notebook(folder) as run:
        run(run_surprise)
        assert "Read again: “How surprised should you be?”, in the chapter “Cross-entropy”" in run('check("surprise")')
    (folder / "checks" / "book.txt").write_text("https://books.example/losses/", encoding="utf-8")
    with notebook(folder) as run:
        run(run_surprise)
        assert "https://books.example/losses/chapters/03_cross_entropy.html#how-surprised-should-you-be" in run('check("surprise")')


def test_the_last_cell_counts_the_written_answers_and_says_what_to_hand_in(folder):
    path = folder / f"{NAME}.ipynb"
    with notebook(folder) as run:
        said = run("score()")
        assert said.count("still empty in the file as last saved") == 2 and "Hand in" not in said
        made = nbformat.read(path, as_version=4)
        made.cells[classes.place(made, "decomposition")].source = "The entropy is that of the truth."
        nbformat.write(made, path)
        said = run("score()")
        assert "6 points wait" in said and said.count("still empty") == 1 and "task 7 (3 points)" in said
        assert f"Hand in the file {path.name} ({round(path.stat().st_size / 1000)} KB)" in said


@pytest.mark.parametrize("name, heavy", [("01_mse", "canvases"), ("05_triplet", "canvases"), ("04_softmax_nll", "sklearn")])
def test_the_check_of_an_untouched_task_does_nothing(name, heavy, tmp_path):
    folder = shutil.copytree(EXERCISES / name, tmp_path / name)
    made = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    tasks = source.read(name).functions
    with notebook(folder) as run:
        for task in tasks:
            run(made.cells[classes.place(made, task.name)].source)
            assert "not attempted yet" in run(made.cells[classes.place(made, task.check)].source)
        assert run(f"import sys\nprint({heavy!r} in sys.modules)") == "False"


# Nothing is said that a right case contradicts.


def small(*mistakes, cases=((-2.0,), (1.0,), (3.0,), (0.0,)), edges=(3,)):
    """Return the task of doubling a number, in which a value below −1 is to be refused, with these mistakes."""

    def double(x):
        if x < -1:
            raise ValueError("too small")
        return 2 * x

    encoded = [[encode(one) for one in case] for case in cases]
    known = [{"name": made.__name__, "sentence": made.__doc__, "about": [about], "outcomes": [call(made, case) for case in cases]} for made, about in mistakes]
    rules = {"name": "double", "parameters": ["x"], "results": (), "tolerance": (1e-12, 1e-9), "without_warning": False}
    return rules | {"cases": encoded, "edges": list(edges), "expected": [call(double, case) for case in cases], "mistakes": known}


def refuses_nothing(x):
    """Nothing is refused."""
    return 2 * x


def one_at_zero(x):
    """At zero you return 1."""
    return 2 * x if x else 1.0


def said(function, task):
    return judge(task, [call(function, [x]) for x in (-2.0, 1.0, 3.0, 0.0)])


TASK = small((refuses_nothing, "refusal"), (one_at_zero, "edge"))


def test_a_missing_refusal_beside_a_wrong_value_gives_both_sentences_each_with_a_case_of_its_own():
    verdict = said(one_at_zero, TASK)
    assert verdict.sentences == ["At zero you return 1.", "Nothing is refused."]
    assert [fault.case for fault in verdict.faults] == [4, 1]


def test_a_sentence_is_not_said_where_a_right_case_contradicts_it():
    def refuses(x):
        if x < -1:
            raise ValueError(x)
        return 2 * x if x else 1.0

    verdict = said(refuses, TASK)
    assert verdict.sentences == ["At zero you return 1."]

    def another_at_zero(x):
        return 2 * x if x else 7.0

    assert said(another_at_zero, TASK).sentences[1:] == ["Nothing is refused."] and "return 1" not in said(another_at_zero, TASK).text()


def test_where_nothing_fits_one_case_is_shown_with_what_it_should_give():
    def noise(x):
        if x < -1:
            raise ValueError(x)
        return 2 * x + np.sin(x) + 0.1

    text = said(noise, small()).text()
    assert "expected: 2" in text and "this one case alone earns nothing" in text


def test_nothing_is_said_of_cases_that_were_not_tried():
    stopped = {"raised": ["TooLong"], "message": "still running after 5 s", "where": "in double", "too_long": True}
    right = call(lambda x: 2 * x, [1.0])
    told = judge(small(cases=((1.0,), (3.0,), (0.0,))), [right, stopped, stopped | {"not_called": True}]).text()
    assert "1 of 2 cases is right. 1 more was not run." in told and "of 3" not in told


def values(*pairs):
    """Return a task without mistakes, whose right results stand second in each pair, and the outcomes that stand first."""
    task = small(cases=[(float(number),) for number in range(len(pairs))], edges=())
    return task | {"expected": [{"value": encode(right)} for _, right in pairs]}, [{"value": encode(got)} for got, _ in pairs]


def test_numbers_that_have_another_shape_are_not_called_wrong():
    tables = [np.arange(6.0).reshape(2, 3), np.arange(8.0).reshape(2, 4)]
    told = judge(*values(*((table.T, table) for table in tables))).text()
    assert "is the transpose of what is right" in told and "not right either" not in told


def test_a_number_that_is_seen_once_is_no_end_at_which_something_is_cut_off():
    assert "cut off" in judge(*values((1.0, 1.0), (12.0, 40.0), (12.0, 50.0))).text()
    assert "cut off" not in judge(*values((1.0, 1.0), (1e-7, 0.0), (12.0, 40.0))).text()


def test_the_case_that_is_shown_is_one_whose_numbers_are_wrong_when_the_sentence_is_about_these():
    verdict = judge(small((one_at_zero, "edge"), cases=((3.0,), (0.0,)), edges=(1,)), [call(lambda x: np.array([2 * x if x else 1.0]), [x]) for x in (3.0, 0.0)])
    assert verdict.sentences == ["At zero you return 1."] and verdict.case == 2
