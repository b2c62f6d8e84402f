"""What a grading asks: read without running it, made once for a seed, judged without torch."""

import json
import subprocess
import sys

import nbformat
import numpy as np
import pytest
import torch

from grading.author import source
from grading.author.source import CASES, ROOT, SOLUTIONS
from grading.judge import exam as exams
from grading.judge.exam import Exam
from grading.shared.checks.comparison import difference
from grading.shared.checks.inquiry import short
from grading.shared.checks.outcomes import article, decode, encode, train

SMALL, WITH_TORCH, SEED = "02_regression_vs_classification", "04_softmax_nll", 3

# In a process of its own: the messages on some replies, after nothing was computed anew.
WITHOUT_TORCH = """
import json, pathlib, sys
from grading.author import source
from grading.judge import exam as exams
exams.draw = None
name, seed, kept, replies = sys.argv[1:]
origin = source.outline(name)
exam = exams.Exam.kept(origin, int(seed), pathlib.Path(kept))
tasks = {task.name: task for task in origin.functions}
texts = [exam.verdict(tasks[name], reply.encode(), 0).text() for name, reply in json.loads(pathlib.Path(replies).read_text())]
assert "torch" not in sys.modules
assert len(exam.request("fit_digits")) > 100_000
print(json.dumps(texts))
"""


def whole(outcome):
    return {"where": ""} | outcome


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The file that keeps the exam of the assignment with torch."""
    path = tmp_path_factory.mktemp("exam") / "exam"
    Exam.kept(source.outline(WITH_TORCH), SEED, path)
    return path


def changed(tmp_path, name, cell, old, new):
    """Copy a solution notebook with other words in a cell; return the folder of solutions."""
    notebook = nbformat.read(SOLUTIONS / name / f"{name}.ipynb", as_version=4)
    found = next(each for each in notebook.cells if each.id == cell)
    assert old in found.source
    found.source = found.source.replace(old, new)
    (tmp_path / name).mkdir()
    nbformat.write(notebook, tmp_path / name / f"{name}.ipynb")
    return tmp_path


@pytest.mark.parametrize("name", source.assignments())
def test_an_outline_tells_what_the_notebook_tells_when_it_is_run(name):
    outline, origin = source.outline(name), source.read(name)
    assert not outline.has_run and origin.has_run
    for told, task in zip(outline.tasks, origin.tasks, strict=True):
        assert (told.function is None) and (task.function is None) == task.written == told.written
        assert (told.name, told.points, told.check, told.bar, told.texts) == (task.name, task.points, task.check, task.bar, task.texts)
        assert told.settings.items() <= task.settings.items()
        assert task.written or "seconds" in told.settings or task.settings.keys() > told.settings.keys() and CASES in task.settings


def test_a_bar_that_an_outline_cannot_tell_is_refused(tmp_path):
    solutions = changed(tmp_path, WITH_TORCH, "fit_digits-cases", "bar = 0.95", "bar = 1 - 0.05")
    with pytest.raises(source.SourceError, match="bar and the seconds of fit_digits should be plain numbers"):
        source.read(WITH_TORCH, solutions)


def test_an_exam_that_was_kept_is_the_same_to_the_bit(tmp_path, monkeypatch):
    made = Exam.kept(source.outline(SMALL), SEED, tmp_path / "exam")
    again = exams.draw(source.outline(SMALL), SEED)
    monkeypatch.setattr(exams, "draw", None)
    kept = Exam.kept(source.outline(SMALL), SEED, tmp_path / "exam")
    assert not kept.origin.has_run
    for exam in (kept, Exam(source.outline(SMALL), SEED, again)):
        assert exam.expected == made.expected and repr(exam.asked) == repr(made.asked)
        assert all(exam.request(task.name) == made.request(task.name) for task in exam.origin.functions)


DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[:-1000],
    "another digit": lambda content: content.replace(b"0.", b"1.", 1),
    "no seal": lambda content: content.split(b"\n", 1)[1],
    "foreign": lambda content: b"\x89PNG\r\n\x1a\n" * 100,
    "nothing": None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_exam_that_is_damaged_is_made_anew(damage, tmp_path):
    path = tmp_path / "exam"
    whole = Exam.kept(source.outline(SMALL), SEED, path)
    content = path.read_bytes()
    path.unlink()
    if DAMAGES[damage]:
        path.write_bytes(DAMAGES[damage](content))
        assert path.read_bytes() != content
    else:
        path.mkdir()
    assert repr(Exam.kept(source.outline(SMALL), SEED, path).asked) == repr(whole.asked)
    assert path.is_dir() or path.read_bytes() == content


def test_an_exam_of_another_seed_or_notebook_is_made_anew(tmp_path):
    first, other = Exam.kept(source.outline(SMALL), SEED, tmp_path / "exam"), Exam.kept(source.outline(SMALL), SEED + 1, tmp_path / "exam")
    assert repr(first.asked) != repr(other.asked)
    solutions = changed(tmp_path, SMALL, "predict-cases", "def cases(rng):", "def cases(rng):\n    yield np.array([0.25]), 0.5")
    longer = Exam.kept(source.outline(SMALL, solutions), SEED + 1, tmp_path / "exam")
    assert len(longer.asked["predict"]["cases"]) == len(first.asked["predict"]["cases"]) + 4


def test_what_comes_back_is_judged_without_torch_and_in_the_same_words(kept, tmp_path):
    origin = source.read(WITH_TORCH)
    exam = Exam.kept(origin, SEED, kept)
    replies = []
    for task in origin.functions:
        if task.bar is None:
            answers = [task.function, *task.mistakes.values(), lambda *arguments: torch.ones(2), lambda *arguments: [torch.zeros(50), 1.0]]
            replies += [(task, {"outcomes": [whole(outcome) for outcome in task.outcomes(answer, exam.asked[task.name]["cases"])]}) for answer in answers]
        else:
            replies.append((task, {"outcomes": [train(lambda *arguments: 3, (1, 2, 3), None)]}))
    texts = [exam.verdict(task, json.dumps(reply).encode(), 0).text() for task, reply in replies]
    assert sum(text.startswith("✓ All ") for text in texts) == 10 and "a torch.nn.Module is asked" in texts[-1]
    (tmp_path / "replies").write_text(json.dumps([[task.name, json.dumps(reply)] for task, reply in replies]))
    command = [sys.executable, "-c", WITHOUT_TORCH, WITH_TORCH, str(SEED), str(kept), str(tmp_path / "replies")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == texts


def test_a_training_is_measured_by_the_notebook_which_runs_only_then(kept):
    origin = source.outline(WITH_TORCH)
    exam = Exam.kept(origin, SEED, kept)
    task = origin.functions[-1]
    said = {}
    for width in (9, 10):
        outputs = np.zeros((len(exam.trials[task.name][2]), width), dtype=np.float32)
        said[width] = exam.verdict(task, json.dumps({"outcomes": [{"value": encode(outputs), "part": encode(outputs[:120])}]}).encode(), 1).text()
        assert origin.has_run == (width == 10)
    assert "(360, 10) is asked" in said[9] and "Share of digits named rightly" in said[10]


TENSORS = [torch.tensor(1.5), torch.arange(3), torch.full((2, 40), 1 / 3), torch.tensor([True]), torch.tensor([1 + 2j]), torch.zeros(0, 3)]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda tensor: str(tensor.dtype))
def test_a_tensor_that_is_only_looked_at_looks_like_one(tensor):
    for value in (tensor, [tensor, 1.0], (tensor,), {"weights": tensor}):
        seen = decode(encode(value))
        assert (short(seen), article(seen)) == (short(value), article(value))
        assert difference({"value": encode(value)}, {"value": encode(value)}) is None
    assert torch.equal(decode(encode(tensor), {}), tensor)
    assert "where a torch tensor is asked" in difference({"value": encode(tensor.numpy())}, {"value": encode(tensor)})
    assert "torch tensor" in difference({"value": encode(tensor)}, {"value": encode(tensor.numpy())})
