"""Replay the book in .venv-ahead, which holds the newest releases that install, and print what differs.

    python -m tools.ahead [NOTEBOOK …]        without one: every notebook of the book, and the tests of grading

`make ahead` makes that environment, or brings it up to date, first.
"""

import difflib
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from grading.author.notebook import Refused, run
from tests.conftest import ONE_THREAD, PLAIN_PROCESSOR
from tools import notebooks
from tools.notebooks import ROOT

TESTS = [f"tests/test_{part}.py" for part in ("exercises", "exam", "session", "workers", "preflight", "grading", "gradebook", "sanitize", "wall")]


def differences(path):
    """Yield (number of the code cell, its first line, lines of the difference) where a cell shows something else than what is stored."""
    stored, fresh = notebooks.code_cells(notebooks.read(path)), notebooks.code_cells(run(path))
    for (number, old), (_, new) in zip(stored, fresh):
        if notebooks.PICTURES_ONLY not in notebooks.tags(old):
            before, after = notebooks.printed(old).splitlines(), notebooks.printed(new).splitlines()
            if before != after:
                yield number, old.source.splitlines()[0], list(difflib.unified_diff(before, after, "stored", "new", lineterm=""))
            elif drawn(old) != drawn(new):
                yield number, old.source.splitlines()[0], ["another picture"]


def drawn(cell):
    """The pictures of a cell that nbval compares: those that are text."""
    return [output.data["image/svg+xml"] for output in cell.outputs if "image/svg+xml" in output.get("data", {})]


def replay(path):
    """Print what differs in a notebook; return how many cells do."""
    name = os.path.relpath(path)
    try:
        found = list(differences(path.resolve()))
    except Refused as reason:
        print(f"{name}: {reason}", flush=True)
        return 1
    if not found:
        print(f"{name}: every cell shows what is stored", flush=True)
    for number, first, lines in found:
        print(f"{name}: code cell {number} ({first}) differs", *(f"    {line}" for line in lines), sep="\n", flush=True)
    return len(found)


def moved():
    """Yield (package, pinned, installed here) where the two differ."""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and (pin := Requirement(line)) and (not pin.marker or pin.marker.evaluate()):
            pinned, here = str(pin.specifier).removeprefix("=="), installed(pin.name)
            if here.split("+")[0] != pinned:  # what follows a + names a build
                yield pin.name, pinned, here


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def main(paths):
    os.environ.update(PLAIN_PROCESSOR | ONE_THREAD)
    differing = sum(map(replay, paths or notebooks.all_notebooks()))
    failed = not paths and subprocess.run([sys.executable, "-m", "pytest", "-q", "--color=no", *TESTS], cwd=ROOT).returncode
    print(f"\nPython {'.'.join(map(str, sys.version_info[:3]))}, and in place of the pinned:")
    for row in moved():
        print("  {:<28} {:<14} {}".format(*row))
    print(f"\nCells that differ: {differing}." + ("" if paths else " Tests of grading: " + ("some failed." if failed else "all passed.")))
    return 1 if differing or failed else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
