"""Attacks, handed in beside honest submissions and graded by the real command: nothing gained, nothing read, nobody harmed."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import attacks
import nbformat
import psutil
import pytest

from grading.author import source
from grading.author.source import ROOT, SOLUTIONS
from grading.collect import preflight
from grading.judge.exam import Exam
from grading.judge.marking import mark
from grading.run import limits
from grading.run.limits import Bounds
from grading.run.proof import prove
from grading.run.session import Died, Session
from grading.run.wall import NoPlace, NoWall, Wall, bubblewrap, pythons
from tools import classes
from tools.bubblewrap import stands

pytestmark = pytest.mark.skipif(not stands(), reason="bubblewrap is not installed, or refused here")
NAME = "02_regression_vs_classification"
SECONDS = "3"
MODEL = r"np[.]where[(]z >= 0, 1.0"  # matches the model answer of sigmoid, and not itself
ODD_NAMES = ["-rf", "=1+1", "'; --", "x" * 200, " space", "up/..".replace("/", "\u2215")]
HONEST = ["honest-a", "honest-b", "neighbour", "honest-z", *ODD_NAMES]
read = cache(source.read)


@contextmanager
def listening(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as plug:
        plug.bind(address)
        if kind == socket.SOCK_STREAM:
            plug.listen()
        plug.setblocking(False)
        yield plug


def heard(plug):
    """Say whether somebody has connected, or sent something."""
    try:
        plug.accept() if plug.type == socket.SOCK_STREAM else plug.recv(100)
    except BlockingIOError:
        return False
    return True


@contextmanager
def outside(folder):
    """What attacks look for: secrets, listeners and a process on this machine, in a folder of the test."""
    mark = secrets.token_hex(8)
    secret = f"secret-{mark}"
    for name in ("submitted", "graded", "writable"):
        (folder / name).mkdir()
    (folder / "secret.txt").write_text(secret)
    (folder / "graded" / "notes.txt").write_text(secret)
    dummy = subprocess.Popen(["sleep", "600"])
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as ipv4, listening(socket.AF_UNIX, str(folder / "s")) as path, listening(socket.AF_UNIX, f"\0{mark}") as abstract:
        port = ipv4.getsockname()[1]
        with listening(socket.AF_INET, ("127.0.0.1", port), socket.SOCK_DGRAM) as udp:
            plugs = {"IPv4": ipv4, "Unix": path, "abstract": abstract, "UDP": udp}
            where = {
                "name": NAME,
                "pattern": f"[s]ecret-{mark}",
                "model": MODEL,
                "solution": str(SOLUTIONS / NAME / f"{NAME}.ipynb"),
                "gradebook": str(folder / "graded" / "gradebook.db"),
                "file": str(folder / "secret.txt"),
                "notes": str(folder / "submitted" / "neighbour" / NAME / "notes.txt"),
                "project": str(ROOT / "README.md"),
                "pythons": [str(python) for python in pythons()],
                "folder": str(folder / "writable"),
                "folders": [str(folder / "writable"), str(folder / "graded"), str(folder / "submitted"), str(ROOT)],
                "port": port,
                "socket": str(folder / "s"),
                "abstract": mark,
                "dummy": dummy.pid,
                "grader": os.getpid(),
            }
            try:
                yield SimpleNamespace(where=where, plugs=plugs, dummy=dummy, secret=secret, mark=mark)
            finally:
                dummy.kill()
                dummy.wait()


def hand_in(folder, student, first=None, answers=None, beside=None):
    classes.hand_in(folder / "submitted", student, NAME, classes.answered(NAME, answers or {}, first))
    for name, content in (beside or {}).items():
        path = folder / "submitted" / student / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def hand_in_links(folder, where):
    """Hand in what is no file: links, pipes, sockets, devices and folders, in place of the notebook and beside it. Return who did so instead of a notebook."""
    for student, make in {
        "hands-in-a-link": lambda path: os.symlink(where["solution"], path),
        "hands-in-a-pipe": os.mkfifo,
        "hands-in-a-folder": os.mkdir,
        "hands-in-an-endless-file": lambda path: os.symlink("/dev/zero", path),
        "hands-in-deep-data": lambda path: path.write_text('{"nbformat": 4, "cells": ' + "[" * 500_000),
        "hands-in-deep-cells": lambda path: path.write_text('{"nbformat": 4, "cells": ' + "[" * 50_000 + "]" * 50_000 + "}"),
    }.items():
        (folder / "submitted" / student / NAME).mkdir(parents=True)
        make(folder / "submitted" / student / NAME / f"{NAME}.ipynb")
        yield student
    (folder / "submitted" / "is-a-link").symlink_to(folder / "submitted" / "neighbour")
    hand_in(folder, "has-links-beside", attacks.first_cell("reads-files", where), beside={"checks.py/numpy.py": b"1 / 0"})
    beside = folder / "submitted" / "has-links-beside" / NAME
    (beside / "link.txt").symlink_to(where["file"])
    (beside / "links").symlink_to(folder)
    os.mkfifo(beside / "pipe.txt")
    with suppress(PermissionError):  # only root may
        os.mknod(beside / "device.txt", 0o666 | 0o020000, os.makedev(1, 5))


def hand_in_odd_names(folder):
    for student in (*ODD_NAMES, "../up".replace("/", "\u2215"), "<b>x</b>", "a\nb", "x" * 250):
        hand_in(folder, student, answers=classes.model_answers(read(NAME)))
    odd = {"-n": b"", "a\nb.txt": b"1", "$(touch x)": b"", "d" * 200: b"", "/".join("d" * 60): b"deep", os.fsdecode(b"\xff.txt"): b""}
    hand_in(folder, "honest-z", answers=classes.model_answers(read(NAME)), beside=odd)


def in_table(student):
    """What a spreadsheet would compute in a name has an apostrophe before it."""
    return re.sub(r"(^|; )(?=[=+@-])", r"\1'", student)


class Watch(threading.Thread):
    """Notes the most memory that the grader and what is behind the wall have taken together, and the grader alone."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.grader, self.all = process, 0, 0

    def run(self):
        while self.process.poll() is None:
            numbers = limits.processes(self.process.pid)
            self.all = max(self.all, sum(map(limits.proportional, numbers)))
            ours = [number for number in numbers if named(number).startswith(sys.executable.encode()) and b"-m\0grading" in named(number)]
            self.grader = max(self.grader, *map(limits.proportional, ours), 0)
            time.sleep(0.2)


def named(number):
    try:
        with open(f"/proc/{number}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def marked(mark):
    """Return the processes that were started, however indirectly, with this mark in a variable that the wall lets through."""
    found = []
    for process in psutil.process_iter():
        try:
            with open(f"/proc/{process.pid}/environ", "rb") as file:
                if mark.encode() in file.read():
                    found.append(process)
        except OSError:
            continue
    return found


def start(folder, mark, *options, prefix=(), **variables):
    """Start the command with a folder of its own for what is temporary; nothing of it may be left behind."""
    (folder / "temporary").mkdir(exist_ok=True)
    environment = os.environ | {"LC_MARK": mark, "TMPDIR": str(folder / "temporary")} | variables
    command = [*prefix, sys.executable, "-m", "grading", NAME, "--submitted", folder / "submitted", "--out", folder / "graded", "--seconds", SECONDS, *options]
    heeding = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # which what runs in the background does not
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=heeding)


def left_behind(folder, mark, seconds=5):
    """Return what is left of a run that has ended: processes, which may take a moment to end, and temporary files."""
    until = time.monotonic() + seconds
    while (alive := marked(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return [" ".join(process.cmdline()) or process.name() for process in alive if process.is_running()], [path.name for path in (folder / "temporary").iterdir()]


def shown(folder, student):
    """Return the outputs of a student's autograded notebook, as text."""
    path = folder / "graded" / "autograded" / student / NAME / f"{NAME}.ipynb"
    cells = nbformat.read(path, as_version=4).cells if path.exists() else []
    return "\n".join(str(output) for cell in cells if cell.cell_type == "code" for output in cell.outputs)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacked")
    with outside(folder) as there:
        right = classes.model_answers(read(NAME))
        hand_in(folder, "honest-a", answers=right)
        hand_in(folder, "honest-b", answers=right)
        hand_in(folder, "neighbour", attacks.NEIGHBOUR, right, {"notes.txt": there.secret.encode()})
        for name in ["harmless", *attacks.CELLS]:
            hand_in(folder, name, attacks.first_cell(name, there.where))
        hand_in(folder, "keeps-model-answers", attacks.KEEPS, attacks.KEEPERS)
        failed = list(hand_in_links(folder, there.where))
        hand_in_odd_names(folder)
        run = start(folder, there.mark, SECRET=there.secret)
        watch = Watch(run)
        watch.start()
        said = run.communicate(timeout=300)[0]
        watch.join()
        left = left_behind(folder, there.mark)
        assert run.returncode == 0, said
        heard_of = [name for name, plug in there.plugs.items() if heard(plug)]
        yield SimpleNamespace(folder=folder, there=there, said=said, table=classes.table(NAME, folder / "graded"), failed=failed, watch=watch, left=left, heard=heard_of)


def test_no_attack_gains_a_point(course):
    rows = [row for (student, _), row in course.table.items() if student not in map(in_table, HONEST)]
    assert len({row["student"] for row in rows}) >= len(attacks.CELLS) and not [row for row in rows if row["points"] not in ("0", "")]


def test_no_route_gets_through(course):
    got = {student: shown(course.folder, student) for student in [*attacks.CELLS, "harmless", "has-links-beside"]}
    assert not {student: text[text.index(attacks.TOKEN) :][:500] for student, text in got.items() if attacks.TOKEN in text}


def test_attacks_were_really_tried(course):
    """One that fails to run would pass for one that was stopped."""
    ran = {student: shown(course.folder, student) for student in attacks.CELLS if not student.startswith(("endless", "fork", "memory", "floods", "sends", "closes", "shuts", "forges", "replaces"))}
    assert not {student: text[:2000] for student, text in ran.items() if "'output_type': 'error'" in text}


def test_no_secret_comes_out(course):
    for path in (course.folder / "graded").rglob("*"):
        if path.is_file() and path.name != "notes.txt":
            data = path.read_bytes()
            assert course.there.secret.encode() not in data, path
            assert b"np.where(z >= 0, 1.0" not in data or any(name in path.parts for name in HONEST), path


def test_no_honest_submission_is_harmed(course):
    for student in HONEST:
        for task in read(NAME).functions:
            row = course.table[in_table(student), task.name]
            assert (row["status"], float(row["points"])) == ("graded", task.points) and row["message"] == course.table["honest-a", task.name]["message"], row


def test_every_submission_has_its_row_and_what_is_no_notebook_its_reason(course):
    for student in [*attacks.CELLS, "harmless", "keeps-model-answers", "has-links-beside", *course.failed]:
        statuses = {course.table[student, task.name]["status"] for task in read(NAME).functions}
        assert statuses == ({"failed"} if student in course.failed else {"graded"}), (student, course.said)


def test_nobody_outside_hears_of_it(course):
    assert not course.heard and course.there.dummy.poll() is None
    assert not list((course.folder / "writable").iterdir())


def test_nothing_is_left_behind(course):
    assert course.left == ([], [])


def test_memory_stays_bounded(course):
    assert course.watch.grader < 500e6 and course.watch.all < 2 * 2e9, (course.watch.grader, course.watch.all)


# The same attacks without a wall, and behind walls of every kind.


def small_class(folder, there):
    """Hand in a few of the attacks beside an honest submission; return who did."""
    names = ["harmless", "reads-files", "reads-environment", "network", "writes", "privileges", "disk-filler", "leaves-programs"]
    hand_in(folder, "neighbour", attacks.NEIGHBOUR, classes.model_answers(read(NAME)), {"notes.txt": there.secret.encode()})
    for name in names:
        hand_in(folder, name, attacks.first_cell(name, there.where))
    return names


def test_without_the_wall_what_is_harmless_gets_through(tmp_path):
    with outside(tmp_path) as there:
        hand_in(tmp_path, "neighbour", answers=classes.model_answers(read(NAME)), beside={"notes.txt": there.secret.encode()})
        hand_in(tmp_path, "harmless", attacks.first_cell("harmless", there.where))
        run = start(tmp_path, there.mark, "--unsafe", SECRET=there.secret)
        said = run.communicate(timeout=100)[0]
        assert run.returncode == 0 and shown(tmp_path, "harmless").count(attacks.TOKEN) == attacks.ROUTES, said + shown(tmp_path, "harmless")
        assert heard(there.plugs["IPv4"]) and heard(there.plugs["Unix"]) and heard(there.plugs["abstract"])
        assert {path.name for path in (tmp_path / "writable").iterdir()} == {"by-open", "by-sh"}
        assert left_behind(tmp_path, there.mark) == ([], [])


USER = 12345
REFUSING = """
import ctypes, os, sys
unshare, user, group = ctypes.CDLL(None).unshare, os.geteuid(), os.getegid()

def deeper():
    if unshare(0x10000000):
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    return True

def levels():
    child = os.fork()
    if child == 0:
        os._exit(sum(iter(deeper, False)))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

if user:
    for _ in range(levels() - 2):  # bubblewrap makes two, one in the other
        deeper()
else:  # all users of root's are in the new one, which may have none below it
    first, (ready, go) = os.getpid(), os.pipe()
    if os.fork() == 0:
        os.read(ready, 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{first}/{name}", "w") as file:
                file.write("0 0 4294967295")
        os._exit(0)
    unshare(0x10000000)
    os.write(go, b"!")
    os.wait()
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
os.execvp(sys.argv[1], sys.argv[1:])
"""


def as_a_user(folder):
    """Return a prefix of commands, for root, by which an ordinary user runs them and reaches Python, the project and a folder, which becomes theirs."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, USER, USER, follow_symlinks=False)
    arguments, covered = [], set()
    for path in dict.fromkeys([*pythons(), Path(sys.prefix), Path(sys.prefix).resolve(), ROOT, folder]):
        closed = next((parent for parent in reversed(path.parents) if not parent.stat().st_mode & 1), None)
        if closed:
            arguments += [] if closed in covered else ["--perms", "0755", "--tmpfs", str(closed)]
            covered.add(closed)
            for parent in reversed(path.parents):
                arguments += ["--perms", "0755", "--dir", str(parent)] if parent.is_relative_to(closed) and parent != closed else []
            arguments += ["--bind", str(path), str(path)]
    user = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    return [bubblewrap(), "--dev-bind", "/", "/", *arguments, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP", "--chdir", str(ROOT), "--", *user]


@pytest.mark.parametrize("alone", [False, True], ids=["nested", "each-in-its-own"])
@pytest.mark.parametrize("who", ["as-root", "as-a-user"])
def test_every_kind_of_wall_holds(who, alone, tmp_path, course):
    root = os.geteuid() == 0
    if (who, root) == ("as-root", False):
        pytest.skip("only root can try what root gets")
    if (who, alone) == ("as-root" if root else "as-a-user", False):
        return  # that was the whole class
    with outside(tmp_path) as there:
        students = small_class(tmp_path, there)
        (tmp_path / "temporary").mkdir()
        prefix = as_a_user(tmp_path) if root and who == "as-a-user" else []
        prefix += [sys.executable, "-c", REFUSING] if alone else []
        run = start(tmp_path, there.mark, "--jobs", "1", prefix=prefix, SECRET=there.secret, HOME=str(tmp_path))
        said = run.communicate(timeout=200)[0]
        assert run.returncode == 0, said
        assert ("each submission gets a bubblewrap of its own" in said) == alone, said
        table = classes.table(NAME, tmp_path / "graded")
        different = {key: row for key, row in table.items() if row != course.table[key]}
        assert len(table) == (len(students) + 1) * len(read(NAME).tasks) and not different
        got = {student: shown(tmp_path, student) for student in students}
        assert not {student: text[text.index(attacks.TOKEN) :][:500] for student, text in got.items() if attacks.TOKEN in text}
        assert not [name for name, plug in there.plugs.items() if heard(plug)]
        assert left_behind(tmp_path, there.mark) == ([], [])


def refused(folder, **how):
    """Run the command where it must refuse; return its one line."""
    for name in ("submitted", "graded"):
        (folder / name).mkdir(exist_ok=True)
    hand_in(folder, "honest", answers=classes.model_answers(read(NAME)))
    run = start(folder, secrets.token_hex(8), **how)
    said = run.communicate(timeout=100)[0]
    assert run.returncode == 1 and len(said.splitlines()) == 1, said
    assert not (folder / "graded" / NAME / "grades.csv").exists() and not (folder / "graded" / "autograded").exists()
    return said


def test_where_bubblewrap_is_refused_nothing_is_graded_and_one_line_says_what_helps(tmp_path):
    said = refused(tmp_path, prefix=[bubblewrap(), "--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--"])
    assert "bubblewrap is refused here" in said and "kernel.unprivileged_userns_clone" in said and "--unsafe" in said, said


def test_where_bubblewrap_is_missing_one_line_names_the_package(tmp_path):
    said = refused(tmp_path, PATH=str(tmp_path))
    assert "install the package bubblewrap" in said, said


class Holed(Wall):
    """A wall with a change to bubblewrap's command."""

    def __init__(self, change, **options):
        super().__init__(**options)
        self.change = change

    def _wrapped(self, files, command):
        return self.change(super()._wrapped(files, command))


def before(mark, *added):
    return lambda command: [*command[: command.index(mark)], *added, *command[command.index(mark) :]]


def without(*names):
    return lambda command: [word for word in command if word not in names]


HOLES = {
    "a folder more": (before("--remount-ro", "--ro-bind", str(SOLUTIONS), str(SOLUTIONS)), "see .*solutions"),
    "others' messages": (without("--unshare-ipc"), "be in the grader's ipc namespace"),
    "a folder to write to": (before("--remount-ro", "--perms", "0777", "--tmpfs", "/etc"), "write to /etc"),
    "the network": (without("--unshare-net"), "reach this machine by IPv4"),
    "no filter": (lambda command: [word for place, word in enumerate(command) if "--seccomp" not in command[max(0, place - 1) : place + 1]], "make memory that belongs to no process"),
}


@pytest.mark.parametrize("hole", HOLES)
def test_the_proof_names_a_hole(hole):
    change, reason = HOLES[hole]
    with Holed(change, alone=True) as wall, pytest.raises(NoWall, match=reason):
        prove(wall, [SOLUTIONS])


def test_a_python_may_be_where_submissions_write_otherwise(tmp_path, monkeypatch):
    found = pythons()
    monkeypatch.setattr("grading.run.wall.pythons", lambda: [*found, tmp_path])
    for alone in (False, True):
        with Wall(alone=alone) as wall:
            wall.ready()
            prove(wall, [SOLUTIONS])


@pytest.mark.parametrize("home", [Path("/"), Path("/", "nowhere")], ids=["root", "missing"])
def test_the_proof_takes_any_home(home):
    with Wall() as wall:
        wall.ready()
        prove(wall, [home, SOLUTIONS])


def test_the_proof_names_limits_that_are_not_kept():
    class Unlimited(Wall):
        def _start(self, *arguments, **streams):
            kept, self.bounds = self.bounds, replace(self.bounds, limits={})
            try:
                return super()._start(*arguments, **streams)
            finally:
                self.bounds = kept

    with Unlimited(alone=True) as wall, pytest.raises(NoWall, match="pass the limit NPROC"):
        prove(wall, [])


def test_the_proof_names_everything_where_there_is_no_wall():
    with Wall(unsafe=True) as wall, pytest.raises(NoWall, match="see .*solutions.*write to .*reach this machine by IPv4.*see other processes"):
        wall.ready()
        prove(wall, [SOLUTIONS])


# Bombs that only what watches a submission stops, with bounds that they reach soon.
BOMBS = {
    "shared memory": "import mmap, os, time\nheld = mmap.mmap(-1, 900_000_000)\nfor _ in range(3):\n    if os.fork() == 0:\n        held[:] = b'x' * len(held)\n        time.sleep(9)\ntime.sleep(9)",
    "several processes": "import os, time\nfor _ in range(30):\n    if os.fork() == 0:\n        held = b'x' * 20_000_000\n        time.sleep(9)\ntime.sleep(9)",
    "sockets that nobody accepts": """
import socket, time
kept = []
for number in range(60):
    plug = socket.socket(socket.AF_UNIX)
    plug.bind(f"\\0{number}")
    plug.listen(4096)
    kept.append(plug)
    for _ in range(100):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(f"\\0{number}")
            other.setblocking(False)
            try:
                while True:
                    other.send(bytes(65536))
            except BlockingIOError:
                pass
time.sleep(9)
""",
    "connections that are closed": """
import socket, time
plug = socket.socket()
plug.bind(("127.0.0.1", 0))
plug.listen(4096)
for _ in range(200):
    with socket.create_connection(plug.getsockname()) as other:
        other.setblocking(False)
        try:
            while True:
                other.send(bytes(65536))
        except BlockingIOError:
            pass
time.sleep(9)
""",
}

BOMBS["ranges of files"] = """
import fcntl, time
with open("locked", "wb") as file:
    for number in range(5000):
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * number)
    time.sleep(9)
"""
BOMBS["a process whose first thread has ended"] = """
import ctypes, os, platform, threading, time
def hold():
    time.sleep(0.5)
    held = b"x" * 400_000_000
    time.sleep(9)
if os.fork() == 0:
    threading.Thread(target=hold).start()
    ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
time.sleep(9)
"""


@pytest.fixture(scope="module", params=[False, True], ids=["nested", "each-in-its-own"])
def narrow(request):
    with Wall(alone=request.param, bounds=Bounds(memory=300_000_000)) as wall:
        wall.ready()
        yield wall


STARTS_A_PROGRAM = """
import ctypes
libc, CLONE_VM, SIGCHLD = ctypes.CDLL(None), 0x100, 17
held, stack = b"x" * 200_000_000, ctypes.create_string_buffer(1 << 20)
print(libc.clone(libc.sleep, ctypes.c_void_p(ctypes.addressof(stack) + len(stack) - 64), CLONE_VM | SIGCHLD, ctypes.c_void_p(600)), flush=True)
input()
"""


def test_memory_is_counted_once_while_a_program_is_being_started():
    """Its process has the memory of the one that starts it until the program is there, which takes a while on a busy machine."""
    with subprocess.Popen([sys.executable, "-c", STARTS_A_PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        try:
            assert child > 0 and limits.proportional(child) > 200e6
            assert 200e6 < limits.memory([parent.pid, child], 0) < 300e6
        finally:
            os.kill(child, signal.SIGKILL)
            parent.kill()


@pytest.mark.parametrize("bomb", BOMBS)
def test_memory_counts_wherever_it_is(narrow, bomb):
    with Session(narrow, seconds_per_cell=8) as session, pytest.raises(Died, match="it took more than 0.3 GB of memory"):
        session.run(BOMBS[bomb])


HIDES = """
import sys
from grading.run.limits import Bounds
from grading.run.session import Died, Session
from grading.run.wall import Wall
with Wall(alone=sys.argv[1] == "alone", bounds=Bounds(memory=300_000_000)) as wall:
    wall.ready()
    for cell in sys.argv[2:]:
        with Session(wall, seconds_per_cell=8) as session:
            try:
                print([output.get("text") for output in session.run(cell)])
            except Died as reason:
                print(reason)
"""


@pytest.mark.parametrize("alone", ["nested", "alone"])
def test_who_hides_from_an_ordinary_user_is_counted_all_the_same(alone, tmp_path):
    hide = "import ctypes, os, subprocess, time\nctypes.CDLL(None).prctl(4, 0)\n"  # PR_SET_DUMPABLE
    cells = [
        "import subprocess\nended = [subprocess.Popen('true') for _ in range(20)]\nimport time\ntime.sleep(1)\nprint('harmless')",
        hide + "held = b'x' * 400_000_000\ntime.sleep(9)",
        hide + "for _ in range(9):\n    if os.fork() == 0:\n        time.sleep(9)\ntime.sleep(9)",
    ]
    prefix = as_a_user(tmp_path) if os.geteuid() == 0 else []
    run = subprocess.run([*prefix, sys.executable, "-c", HIDES, alone, *cells], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert run.stdout.splitlines() == ["['harmless\\n']", *["it took more than 0.3 GB of memory"] * 2], run.stdout + run.stderr


CALLS = """
import ctypes, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == "aarch64"
def refused(*arguments):
    return libc.syscall(*arguments) == -1 and ctypes.get_errno() == 38
print(socket.gethostname(), os.uname().nodename)
print([refused(number, *arguments) for number, *arguments in [
    (0 if arm else 206, 0, 0), (26 if arm else 294, 0), (262 if arm else 300, 0, 0),
    *((198 if arm else 41, family, kind, protocol) for family, kind, protocol in [(2, 1, 132), (10, 5, 132), (2, 6, 0), (2, 0x80806, 0), (16, 3, 6), (2, 2, 136)]),
    (25 if arm else 72, 0, 37, 0),
]])
for family, kind, protocol in [(2, 1, 0), (2, 1, 6), (10, 2, 17), (1, 1, 0), (16, 3, 0), (1, 5, 0)]:
    socket.socket(family, kind, protocol).close()
[plug.close() for plug in socket.socketpair()]
print("others work")
"""


def test_nothing_is_counted_for_all_loads_modules_or_names_the_machine(narrow):
    with Session(narrow, seconds_per_cell=20) as session:
        said = "".join(output.get("text", str(output)) for output in session.run(CALLS))
    assert said == f"student student\n{[True] * 10}\nothers work\n"


# Ctrl-C, SIGTERM and kill -9.


def test_a_wall_that_ends_costs_nobody_marks(tmp_path):
    origin = read(NAME)
    exam = Exam.kept(origin, 0, tmp_path / "exam")
    wrong = "def sigmoid(z):\n    return 0 * z"  # so that what uses it gets a second chance
    classes.hand_in(tmp_path, "student", NAME, classes.answered(NAME, classes.model_answers(origin) | {"sigmoid": wrong}))
    submission = preflight.read([tmp_path / "student" / NAME], NAME, classes.exercise(NAME))
    with Wall(source.needed(origin)) as wall:
        wall.ready()
        assert mark(submission, exam.support, exam, wall, 60).verdicts["predict"].solved

        class Ending(type(exam)):
            def request(self, name, instead=()):
                if instead:
                    os.kill(limits.processes(wall.process.pid)[2], signal.SIGKILL)  # the template
                return super().request(name, instead)

        exam.__class__ = Ending
        with pytest.raises(NoPlace):
            mark(submission, exam.support, exam, wall, 60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "SIGTERM", "kill-9"])
def test_a_run_that_is_ended_loses_nothing_and_leaves_nothing(number, tmp_path):
    right = classes.model_answers(read(NAME))
    for name in ("submitted", "graded"):
        (tmp_path / name).mkdir()
    for place in range(6):
        hand_in(tmp_path, f"student-{place}", "import time\ntime.sleep(0.7)", right | {"predict": "predict = 1"})
    results = tmp_path / "graded" / NAME / "results"
    for is_there in (lambda run: any(b"bwrap" in named(child) for child in limits.processes(run.pid)), lambda run: list(results.glob("*.json"))):
        mark = secrets.token_hex(8)
        run = start(tmp_path, mark)
        while not is_there(run) and run.poll() is None:
            time.sleep(0.01)
        assert run.poll() is None
        run.send_signal(number)
        said = run.communicate(timeout=30)[0]
        assert run.returncode == (-number if number == signal.SIGKILL else 1), said
        assert number == signal.SIGKILL or "the same command goes on" in said, said
        assert left_behind(tmp_path, mark) == ([], [])
    kept = {path: path.read_bytes() for path in results.glob("*.json")}
    if number != signal.SIGKILL:
        assert {student for student, _ in classes.table(NAME, tmp_path / "graded")} == {path.stem for path in kept}
    assert 0 < len(kept) < 6 and start(tmp_path, "last").wait(60) == 0
    assert {path: path.read_bytes() for path in kept} == kept
    points = {task.name: 0 if task.name == "predict" else task.points for task in read(NAME).functions}
    found = {key: float(row["points"]) for key, row in classes.table(NAME, tmp_path / "graded").items() if key[1] in points}
    assert found == {(f"student-{place}", task): points[task] for place in range(6) for task in points}
