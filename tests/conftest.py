"""What several tests share: the built site, a browser, and small books to build."""

import functools
import http.server
import os
import shutil
import subprocess
import sysconfig
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from tools.browser import find_chromium

ROOT = Path(__file__).resolve().parent.parent

# The notebooks' outputs were stored by whatever processor their author has. nbval compares them with what the plainest
# x86-64 computes, other sums in another order, so that a page whose digits depend on the processor does not pass.
PLAIN_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Prescott",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX512VL",
}
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # two workers on two cores
os.environ.update(PLAIN_PROCESSOR | ONE_THREAD)

JUPYTER_BOOK = Path(sysconfig.get_path("scripts"), "jupyter-book")
SECRET = "wombatquartz"  # a word that no page contains


def build(book):
    """Build the site of a book's folder as `make book` does; return the finished process."""
    command = [JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going"]
    return subprocess.run(command, cwd=book, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def write_notebook(path, *cells):
    """Write a notebook; give each cell as its Markdown or as a code cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    nbformat.write(notebook, path)


def enter(page, address):
    """Open a page of the site, and wait for its scripts, which run once it is painted."""
    page.goto(address)
    page.wait_for_function("typeof Documentation === 'object'")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(folder):
    """Serve a folder on localhost; give its address, which ends with a slash."""
    handler = functools.partial(QuietHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The book's own site, strictly built from a copy and served on localhost.

    In the copy, the folder of solutions also holds some with a secret word. `site.url` ends with a slash;
    `site.pages` are the pages' addresses below it.
    """
    book = tmp_path_factory.mktemp("site") / "book"
    shutil.copytree(ROOT, book, ignore=shutil.ignore_patterns(".*", "_build", "__pycache__"))
    write_notebook(book / "solutions" / "planted" / "planted.ipynb", f"# {SECRET}", nbformat.v4.new_code_cell(SECRET))
    (book / "solutions" / "planted.md").write_text(f"# {SECRET}\n", encoding="utf-8")
    built = build(book)
    assert built.returncode == 0, built.stdout + built.stderr

    folder = book / "_build" / "html"
    pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html") if "_static" not in path.parts}
    pages = sorted(pages - {"index.html"})  # which only leads to the first one
    with serving(folder) as url:
        yield SimpleNamespace(folder=folder, url=url, pages=pages)


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    executable = find_chromium()
    if executable is None:
        pytest.fail("No Chromium found: `python -m tools.browser` gets one, or says what to do.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
