"""Print times, memory and sizes beside their targets: python -m tools.bench."""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import psutil

from tools import notebooks, refresh
from tools.notebooks import ROOT

NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__", ".pytest_cache")


def row(what, measured, target=""):
    print(f"{what:<44} {measured:>12}   {target}", flush=True)


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class PeakMemory(threading.Thread):
    """The most memory that the processes started by this one held together, in bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            self.peak = max(self.peak, sum(map(resident, psutil.Process().children(recursive=True))))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def resident(process):
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has just ended
        return 0


def chapters():
    for path in notebooks.all_notebooks("chapters"):
        name = path.relative_to(ROOT).as_posix()
        limit = 60 if "triplet" in name else 30
        with PeakMemory() as memory:
            elapsed = seconds(partial(refresh.run, path))
        row(f"{name}: run", f"{elapsed:.1f} s", f"at most {limit} s")
        row(f"{name}: memory", f"{memory.peak / 1e9:.2f} GB", "at most 1.5 GB")
        figures = sum(size for _, cell in notebooks.code_cells(notebooks.read(path)) for _, size in notebooks.images(cell))
        row(f"{name}: figures", f"{figures / 1e6:.2f} MB", f"at most {notebooks.FIGURES_TOGETHER / 1e6} MB")


def build(folder):
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-W", "-n", "--keep-going"]
    built = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode:
        sys.exit(f"The book does not build:\n{built.stdout[-2000:]}")


def site():
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "book")
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        row("build from nothing", f"{seconds(lambda: build(copy)):.1f} s", "at most 15 s")
        files = [path for path in (copy / "_build" / "html").rglob("*") if path.is_file()]
        edited = next(iter(sorted(copy.glob("chapters/*.ipynb"))), copy / "intro.md")
        edit(edited)
        row(f"build after an edit of {edited.name}", f"{seconds(lambda: build(copy)):.1f} s", "at most 5 s")
        row("built site", f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB", f"{len(files)} files")


def edit(path):
    """Add a sentence to the prose of a page."""
    page = notebooks.read(path)
    page.cells[0].source += "\n\nOne more sentence.\n"
    if path.suffix == ".md":
        path.write_text(page.cells[0].source, encoding="utf-8")
    else:
        refresh.store(page, path)


if __name__ == "__main__":
    row("", "measured", "target")
    chapters()
    site()
