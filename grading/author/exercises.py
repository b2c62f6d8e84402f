"""Make the exercises of their solution notebooks.

    python -m grading.author.exercises [NAME …]        without one: every assignment
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from grading.author import source
from grading.author.notebook import Refused, run, store, tidy
from grading.author.release import Problem, generate
from grading.author.source import EXERCISES, EXPECTED, SOLUTIONS, SourceError
from grading.shared.checks.outcomes import decode

ROUNDING = 1e-9


def make(name, folder, solutions=SOLUTIONS, known=EXERCISES):
    """Make the exercise NAME in folder/NAME, run, with all that a student needs beside it.

    Stored numbers in known/NAME/checks/expected.json are kept when they differ by no more than rounding: another processor does
    not change the file. Raises SourceError, Problem or Refused.
    """
    origin = source.read(name, solutions)
    with tempfile.TemporaryDirectory() as scratch:
        release = Path(scratch, "release", name)
        generate(scratch, name, solutions, release.parent)
        numbers = stored(origin.expected(), Path(known, name, EXPECTED))
        for file, content in (origin.support() | {EXPECTED: numbers.encode()}).items():
            (release / file).parent.mkdir(parents=True, exist_ok=True)
            (release / file).write_bytes(content)
        notebook = release / f"{name}.ipynb"
        store(tidy(run(notebook)), notebook)
        for cache in list(release.rglob("__pycache__")):
            shutil.rmtree(cache)
        target = Path(folder, name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(release, target)


def stored(tasks, path):
    """Return the tasks as text; the text of the file `path` when it says the same to rounding."""
    new = "[\n" + ",\n".join(json.dumps(task, ensure_ascii=False) for task in tasks) + "\n]\n"
    try:
        old = path.read_text(encoding="utf-8")
        return old if same(json.loads(old), json.loads(new)) else new
    except (OSError, ValueError):
        return new


def same(one, other):
    """Say whether two trees of plain data are the same, floats to rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        if "array" in one and "array" in other:
            one, other = decode(one), decode(other)
            return one.dtype == other.dtype and one.shape == other.shape and np.allclose(one, other, ROUNDING, ROUNDING, equal_nan=True)
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, ROUNDING, ROUNDING, equal_nan=True))
    return type(one) is type(other) and one == other


def main(names):
    failed = 0
    for name in names or source.assignments():
        try:
            make(name, EXERCISES)
        except (SourceError, Problem, Refused) as reason:
            failed += 1
            print(f"exercises/{name}: left as it was. {reason}")
        else:
            print(f"exercises/{name}: made")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
