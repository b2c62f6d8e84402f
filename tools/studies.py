"""Run the studies again and store their tables: what the book says it tried, too long for a chapter's cell.

    python -m tools.studies [NAME …]        without one: all of them

A study is `studies/NAME.py`. It names at its top what it asks (the docstring), its SEEDS and the VERSIONS of the
packages it was measured with, and its function `study()` returns Markdown: tables, a line or two about each.
`studies/NAME.md` is what came out.
"""

import importlib
import io
import os
import sys
import time
from contextlib import redirect_stdout
from importlib.metadata import version

from tools.notebooks import ROOT, code_cells, read

STUDIES = ROOT / "studies"


def names():
    return sorted(path.stem for path in STUDIES.glob("*.py"))


def chapter(name, until=None):
    """Run the code cells of `chapters/NAME.ipynb`, up to the first that holds the text `until`; return its names.

    So a study measures the chapter's own functions and data. Nothing is printed and no figure is shown.

    Raises ValueError when no cell holds `until`.
    """
    import matplotlib

    matplotlib.use("agg")
    cells = [cell.source for _, cell in code_cells(read(ROOT / "chapters" / f"{name}.ipynb"))]
    if until is not None:
        if not (found := [number for number, source in enumerate(cells) if until in source]):
            raise ValueError(f"no code cell of {name} holds {until!r}")
        cells = cells[: found[0]]
    sys.path.insert(0, str(ROOT / "chapters"))
    namespace = {"__name__": name}
    with redirect_stdout(io.StringIO()):
        for source in cells:
            exec(compile(source, f"{name}.ipynb", "exec"), namespace)
    matplotlib.pyplot.close("all")
    return namespace


def table(head, rows):
    """Return a Markdown table of these cells, which are shown as `str` shows them."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def installed(versions):
    """Return `versions`, "torch==2.13.0 numpy==2.4.6" for instance, with what is installed here instead."""
    found = {name: version(name).split("+")[0] for name in (part.partition("==")[0] for part in versions.split())}
    return " ".join(f"{name}=={number}" for name, number in found.items())


def run(name):
    """Run one study and write its table. Return the seconds it took."""
    started = time.perf_counter()
    module = importlib.import_module(f"studies.{name}")
    if (here := installed(module.VERSIONS)) != module.VERSIONS:
        sys.exit(f"studies/{name}.py was measured with {module.VERSIONS}, here is {here}: set VERSIONS to these first, then read its table anew.")
    question = module.__doc__.partition("\n\n")[0].replace("\n", " ")
    head = f"# {question}\n\nMade by `make studies NAME={name}` with {module.VERSIONS.replace('==', ' ')}, one thread.\n\n"
    text = head + module.study().strip() + "\n"
    (STUDIES / f"{name}.md").write_text(text, encoding="utf-8")
    return time.perf_counter() - started


def main(chosen):
    if unknown := set(chosen) - set(names()):
        sys.exit(f"There is no study {', '.join(sorted(unknown))}. There are: {', '.join(names())}.")
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: what a table says must not depend on the cores
    for name in chosen or names():
        print(f"studies/{name}.md: ", end="", flush=True)
        print(f"written in {run(name):.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
