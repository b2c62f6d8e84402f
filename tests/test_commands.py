"""The commands a reader types, run as a reader would, in a copy of the repository."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from urllib.request import urlopen

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import notebooks
from tools.notebooks import ROOT

TINY = "tiny==1.0\n"


def tracked():
    """Return the path of every file of the repository, relative to its root."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return sorted({name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()})


@pytest.fixture
def copy(tmp_path):
    """A copy of the commands, with one package of its own to install instead of two hundred."""
    for name in ["Makefile", *(name for name in tracked() if name.startswith("tools/"))]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text(TINY)
    return tmp_path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder that holds the package tiny 1.0, to install from without a network."""
    return wheel(tmp_path_factory.mktemp("tiny"), "1.0")


def wheel(source, version):
    (source / "tiny.py").write_text(f"version = '{version}'\n")
    (source / "setup.py").write_text(f'from setuptools import setup\nsetup(name="tiny", version="{version}", py_modules=["tiny"])\n')
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", source / "wheels", source], check=True)
    return source / "wheels"


def environment(folder, *arguments, **settings):
    """Run tools/environment.py there; return its exit code and what it said."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "VIRTUAL_ENV"))}
    run = subprocess.run(
        [sys.executable, "tools/environment.py", *arguments],
        cwd=folder,
        env=variables | {"PIP_CONFIG_FILE": os.devnull} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return run.returncode, run.stdout


def from_folder(wheels):
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def without_network():
    """Settings under which pip knows an index that nobody answers for."""
    return {"PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple", "PIP_RETRIES": "0"}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def works(folder, name=".venv", version="1.0"):
    python = folder / name / "bin" / "python"
    return python.exists() and subprocess.run([python, "-c", f"import tiny; assert tiny.version == '{version}'"], stderr=subprocess.DEVNULL).returncode == 0


def one_line(said):
    """The message after the lines that show progress."""
    assert "Traceback" not in said, said
    *progress, message = said.strip().splitlines()
    assert all(line.startswith(("Installing", "Making")) for line in progress), said
    return message


def executable(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def old_python(folder):
    """An executable that answers as Python 3.8 does."""
    return executable(folder / "python3.8", "#!/bin/sh\necho 3.8.18\necho /usr/bin/python3.8\necho /usr\n")


def test_a_missing_environment_is_made_and_a_ready_one_left_alone(copy, tiny):
    assert environment(copy, **from_folder(tiny))[0] == 0
    assert works(copy)
    assert environment(copy, **without_network()) == (0, "")


def test_an_old_python_gets_one_clear_line(copy):
    code, said = environment(copy, str(old_python(copy)))
    assert code == 1
    assert "needs Python 3.11" in one_line(said) and "3.8.18" in said
    assert not (copy / ".venv").exists()


def test_no_python_gets_one_clear_line(copy):
    code, said = environment(copy, str(copy / "nowhere"))
    assert code == 1
    assert "is not a Python that runs" in one_line(said)


def test_a_machine_without_any_python_gets_one_clear_line(copy):
    (copy / "bin").mkdir()
    (copy / "bin" / "sh").symlink_to("/bin/sh")
    run = subprocess.run([shutil.which("make"), "environment"], cwd=copy, env={"PATH": str(copy / "bin")}, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("No Python found. Install Python 3.11 or newer")


def test_a_newer_python_than_python3_is_found(copy, tiny):
    (copy / "bin").mkdir()
    (copy / "bin" / "python3.11").symlink_to(sys.executable)
    as_if_run_by_an_old_one = f"import runpy, sys; sys.executable = {str(old_python(copy))!r}; sys.argv = ['']; runpy.run_path('tools/environment.py', run_name='__main__')"
    path = f"{copy / 'bin'}:{os.environ['PATH']}"
    subprocess.run([sys.executable, "-c", as_if_run_by_an_old_one], cwd=copy, env=os.environ | from_folder(tiny) | {"PATH": path}, check=True)
    assert works(copy)


def test_no_network_gets_one_clear_line_and_the_next_run_recovers(copy, tiny):
    code, said = environment(copy, **without_network())
    assert code == 1
    message = one_line(said)
    assert "Check the network connection" in message
    assert "tiny" in open(message.rsplit("Report: ")[1]).read()
    assert environment(copy, **from_folder(tiny))[0] == 0
    assert works(copy)


def test_a_broken_environment_is_made_again(copy, tiny):
    def made_again():
        code, said = environment(copy, **from_folder(tiny))
        return code == 0 and "Making .venv again" in said and works(copy)

    environment(copy, **from_folder(tiny))
    (copy / ".venv" / "ready").unlink()  # all that a killed pip leaves is a missing word that it ended well
    assert made_again()
    (copy / ".venv" / "bin" / "python").unlink()
    assert made_again()
    copy = copy.rename(copy.with_name("moved"))
    assert made_again()


def test_changed_requirements_are_installed(copy, tiny):
    (copy / "requirements.txt").write_text("")
    environment(copy, **from_folder(tiny))
    assert not works(copy)
    (copy / "requirements.txt").write_text(TINY)
    environment(copy, **from_folder(tiny))
    assert works(copy)


def test_the_newest_packages_get_an_environment_of_their_own(copy, tiny, tmp_path_factory):
    (copy / "requirements.in").write_text("tiny\n")
    assert environment(copy, "--ahead", **from_folder(tiny))[0] == 0
    assert not (copy / ".venv").exists()
    assert works(copy, ".venv-ahead", version="1.0")
    newer = wheel(tmp_path_factory.mktemp("newer"), "2.0")
    assert environment(copy, "--ahead", sys.executable, **from_folder(newer))[0] == 0
    assert works(copy, ".venv-ahead", version="2.0")
    code, said = environment(copy, "--ahead", **without_network() | {"PIP_RETRIES": "1"})
    assert code == 0 and "may not be the newest" in said


def test_what_newer_packages_print_differently_is_shown(tmp_path):
    path = tmp_path / "page.ipynb"
    cells = [new_code_cell("x = 1"), new_code_cell("print('same')\nprint(x)"), new_code_cell("import sys\nx + 1")]
    nbformat.write(new_notebook(cells=cells), path)
    assert refresh(path)[0] == 0

    def replay():
        run = subprocess.run([sys.executable, "-m", "tools.ahead", path], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return run.returncode, run.stdout

    code, said = replay()
    assert code == 0 and "page.ipynb: every cell shows what is stored" in said, said
    stored = path.read_text()
    path.write_text(stored.replace('"1\\n"', '"0.99\\n"'))
    code, said = replay()
    assert code == 1 and "cell 2 (print('same'))" in said and "-0.99\n" in said and "+1\n" in said, said
    assert "cell 3" not in said and "Cells that differ: 1." in said
    path.write_text(stored.replace("x + 1", "x / 0"))
    code, said = replay()
    assert code == 1 and "code cell 3 (import sys) raised ZeroDivisionError" in said and "Traceback" not in said, said


def test_make_lists_every_command():
    helped = subprocess.run(["make"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for command in ("book", "pdf", "serve", "test", "refresh", "exercises", "bench", "studies", "ahead", "lock", "help"):
        assert re.search(rf"make {command} +\S", helped), helped


@pytest.fixture
def served(copy):
    """A page served from a copy: (its port, the process)."""
    site = copy / "_build" / "html"
    site.mkdir(parents=True)
    (site / "index.html").write_text("the book")
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "tools.serve", str(port)], cwd=copy, stdout=subprocess.PIPE, text=True)
    yield port, server.stdout.readline()
    server.terminate()
    server.wait()
    server.stdout.close()


def test_the_book_is_served_on_this_machine_only(served):
    port, said = served
    assert f"http://127.0.0.1:{port}/" in said
    assert urlopen(f"http://127.0.0.1:{port}/").read() == b"the book"
    addresses = {connection.laddr.ip for connection in psutil.net_connections("tcp") if connection.laddr.port == port and connection.status == "LISTEN"}
    assert addresses == {"127.0.0.1"}


def test_a_taken_port_gets_one_clear_line(copy, served):
    port, _ = served
    again = subprocess.run([sys.executable, "-m", "tools.serve", str(port)], cwd=copy, stderr=subprocess.PIPE, text=True)
    assert again.returncode == 1
    assert again.stderr == f"Port {port} is taken; try another: make serve PORT={port + 1}\n"


def test_a_browser_that_does_not_start_is_passed_over(tmp_path):
    def found(script):
        browser = executable(tmp_path / "browser", f"#!/bin/sh\n{script}\n")
        ask = "from tools.browser import find_chromium; print(find_chromium())"
        run = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=os.environ | {"CHROMIUM": str(browser)}, check=True, stdout=subprocess.PIPE, text=True)
        return run.stdout.strip() == str(browser)

    assert found("exit 0")
    assert not found("echo install the other package first; exit 1")


def refresh(*paths):
    run = subprocess.run([sys.executable, "-m", "tools.refresh", *paths], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def test_refreshing_twice_gives_the_same_bytes(tmp_path):
    path = tmp_path / "page.ipynb"
    cells = [new_markdown_cell("# Page"), new_code_cell("import sys\nfor i in range(3):\n    print(i)\n    sys.stdout.flush()"), new_code_cell("i + 1")]
    cells[1].metadata = {"tags": ["verifies:eq-x"], "collapsed": False, "execution": {"iopub.status.busy": "2026"}}
    nbformat.write(new_notebook(cells=cells, metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.9"}}), path)
    assert refresh(path)[0] == 0
    first = path.read_bytes()
    assert refresh(path)[0] == 0
    assert path.read_bytes() == first and first.endswith(b"\n")
    stored = notebooks.read(path)
    assert [cell.execution_count for _, cell in notebooks.code_cells(stored)] == [1, 2]
    assert [notebooks.printed(cell) for _, cell in notebooks.code_cells(stored)] == ["0\n1\n2\n", "\n3"]
    assert stored.cells[1].metadata == {"tags": ["verifies:eq-x"]}
    assert set(stored.metadata) == {"kernelspec", "language_info"} and "version" not in stored.metadata.language_info


def test_a_notebook_that_raises_is_left_as_it_was(tmp_path):
    path = tmp_path / "page.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("x = 1"), new_code_cell("x / 0", metadata={"tags": ["raises-exception"]})]), path)
    before = path.read_bytes()
    code, said = refresh(path)
    assert code == 1
    assert "left as it was, code cell 2 (x / 0) raised ZeroDivisionError: division by zero" in said and "Traceback" not in said
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["page.ipynb"]


def test_what_is_no_notebook_is_left_as_it_was(tmp_path):
    path = tmp_path / "page.ipynb"
    path.write_text("not a notebook")
    code, said = refresh(path)
    assert code == 1 and "not a notebook that can be read" in said and "Traceback" not in said
    assert path.read_text() == "not a notebook"


def pins():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    return [Requirement(line) for line in lines]


def test_every_package_is_pinned():
    for pin in pins():
        assert [part.operator for part in pin.specifier] == ["=="], pin
        assert "*" not in str(pin.specifier) and "+" not in str(pin.specifier), pin


def test_every_wanted_package_is_pinned():
    assert notebooks.direct_requirements() <= {canonicalize_name(pin.name) for pin in pins()}


def test_everything_imported_is_wanted():
    for name in tracked():
        if name.endswith(".py") and name.split("/")[0] in ("extensions", "grading", "tests", "tools"):
            path = ROOT / name
            foreign = set(notebooks.foreign(notebooks.imported(path.read_text(encoding="utf-8")), path.parent))
            assert foreign <= {"extensions", "grading", "tools"}, f"{name} imports {foreign}"


def test_no_file_names_a_registry_or_one_machine():
    # Put together here, so that this file does not name them either.
    registries = ["pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js", "download.py" + "torch.org", "deb.debian" + ".org", "file" + ":///"]
    machine = ["/wo" + "rk/", "/tm" + "p/", "/ro" + "ot/", "/ho" + "me/", "/op" + "t/", "/Us" + "ers/"]
    for name in tracked():
        if not name.startswith("vendor/"):
            text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
            named = [word for word in registries + machine if word in text]
            assert not named, f"{name} names {named}"
