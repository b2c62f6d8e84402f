"""The student's Python, in a process of its own: an ordinary Jupyter kernel, of which nothing is believed."""

import contextlib
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from time import monotonic, sleep

import matplotlib
import psutil

from grading.run.outputs import Outputs, plain
from grading.run.wire import Wire, packed, understood

START = 60  # seconds for a kernel to become ready
PATIENCE = 1.5  # seconds for an interrupt to help, and for the end of an output to arrive
INTERRUPTS = 2

PASSED_ON = re.compile(r"PATH|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|NPY_\w+|OPENBLAS_\w+|ATEN_\w+|ONEDNN_\w+|MKL_\w+|GLIBC_TUNABLES")

# What the kernel's process does before it becomes one: it imports nothing from the student's folder and writes no memory dumps; what
# its children leave behind stays below it, to be found and ended; and exit() does not end the notebook.
LAUNCH = """
import sys
sys.path.remove("")
import ctypes, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
ZMQInteractiveShell.ask_exit = lambda shell: None
IPKernelApp.launch_instance()
"""


class KernelDied(Exception):
    """The code ended its Python process."""


class NoAnswer(Exception):
    """No usable reply came to a request."""


def start(folder, scratch, key):
    """Start a kernel that works in `folder`, listens in `scratch` and obeys who knows `key`; return its process, which leads a process group."""
    sockets = {"transport": "ipc", "ip": str(scratch / "kernel"), "key": key, "signature_scheme": "hmac-sha256"}
    ports = {f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)}
    (scratch / "kernel.json").write_text(json.dumps(sockets | ports))
    ours = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    homes = dict.fromkeys(("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "TMPDIR", "XDG_CACHE_HOME"), str(scratch))
    fixed = {
        "OMP_NUM_THREADS": "1",  # one submission, one core
        "PYTHONHASHSEED": "0",  # the same at every grading
        "PYTHONDONTWRITEBYTECODE": "1",  # nothing is left in the folder
        "JPY_PARENT_PID": str(os.getpid()),  # the kernel ends itself when this process is gone
    }
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):  # finding them takes half a second
        shutil.copy(fonts, scratch)
    options = ["-f", str(scratch / "kernel.json"), "--HistoryManager.enabled=False"]
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, *options],
        cwd=folder,
        env=ours | homes | fixed,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Kernel:
    """A student's Python, in a process of its own: `with Kernel(folder) as kernel: kernel.run("1 + 1")`.

    To be used by one thread at a time. `run` and `ask` raise KernelDied from the moment on that it has.
    """

    def __init__(self, folder: Path, seconds_per_cell: float = 120):
        self.folder, self.seconds_per_cell = folder, seconds_per_cell
        self._died = None
        self._cpu_seconds = 0.0
        self._wires = {}

    def __enter__(self):
        self._scratch = Path(tempfile.mkdtemp(prefix="k"))  # a short path: a socket's has 100 characters at most
        self._process, self._key = None, secrets.token_hex(16)
        try:
            self._process = start(self.folder, self._scratch, self._key)
            deadline = monotonic() + START
            self._iopub = self._connect("kernel-2", b"SUB", deadline)
            self._iopub.send([b"\1"])  # subscribes to everything
            self._shell = self._connect("kernel-1", b"DEALER", deadline)
            while not self._execute("", deadline - monotonic(), silent=True)[2]:  # until the subscription works
                pass
            (self._scratch / "kernel.json").unlink()  # another submission that runs now finds no key
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for wire in self._wires.values():
            wire.socket.close()
        if self._process:
            end(self._process, str(self._scratch))
        with contextlib.suppress(RecursionError):  # folders in folders
            shutil.rmtree(self._scratch, ignore_errors=True)

    def kill(self):
        """End it from another thread: whoever uses it gets a KernelDied."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the kernel and what it started, as the system counts it."""
        with contextlib.suppress(psutil.Error):
            if self._process.returncode is None:
                processes = [psutil.Process(self._process.pid), *below(self._process.pid)]
                self._cpu_seconds = max(self._cpu_seconds, sum(sum(each.cpu_times()[:4]) for each in processes))
        return self._cpu_seconds

    def run(self, source):
        """Run one code cell; return its outputs (nbformat 4), within the limits above. Raises KernelDied.

        A cell that takes longer than `seconds_per_cell` is interrupted; its last output is then an error named Timeout.
        """
        outputs = Outputs()
        reply, stopped, _ = self._execute(source, self.seconds_per_cell, outputs.hear)
        if reply.get("status") == "error" and not any(output.get("ename") == reply.get("ename") for output in outputs.kept):
            outputs.error(reply)
        if not reply and not stopped:
            outputs.error({"ename": "NoReply", "evalue": "Python gave no reply to this cell"})
        if stopped:
            outputs.error({"ename": "Timeout", "evalue": f"stopped after {self.seconds_per_cell:g} s"})
        return outputs.kept

    def ask(self, code, request, seconds, largest=8_000_000):
        """Execute `code` with `request_path`, where it finds the bytes `request`, and `reply_path`; return the bytes it leaves there.

        They are the student's to choose. What the code prints is dropped. Raises NoAnswer and KernelDied.
        """
        name = uuid.uuid4().hex
        request_path, reply_path = self._scratch / f"{name}.request", self._scratch / f"{name}.reply"
        known = {"__name__": "request", "request_path": str(request_path), "reply_path": str(reply_path)}
        try:
            with open(request_path, "xb") as file:
                file.write(request)
        except OSError as error:
            raise NoAnswer(f"the request did not reach it: {error.strerror}") from None
        try:
            reply, stopped, _ = self._execute(f"__import__('builtins').exec({code!r}, {known!r})", seconds, silent=True)
            if stopped:
                raise NoAnswer(f"it did not finish within {seconds:g} s")
            if reply.get("status") != "ok":
                raise NoAnswer(one_line(f"{plain(reply.get('ename'))}: {plain(reply.get('evalue'))}") or "it ended without a word")
            return read(reply_path, largest)
        except FileNotFoundError:
            raise NoAnswer("it left no reply") from None
        except OSError as error:
            raise NoAnswer(f"its reply cannot be read: {error.strerror}") from None
        finally:
            for path in (request_path, reply_path):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _connect(self, name, kind, deadline):
        while True:
            plug = socket.socket(socket.AF_UNIX)
            try:
                plug.settimeout(10)
                plug.connect(str(self._scratch / name))
                self._wires[plug.fileno()] = Wire(plug, kind)
                return self._wires[plug.fileno()]
            except OSError:
                plug.close()
                if monotonic() > deadline or self._process.poll() is not None:
                    self._die("its Python did not start")
                sleep(0.005)

    def _execute(self, source, seconds, hear=None, **options):
        """Send a request to execute `source`, and let `hear` hear what comes of it, as (type, content).

        Returns the reply's content, whether the code had to be stopped, and whether the end of its output arrived. Raises KernelDied.
        """
        if self._died:
            raise KernelDied(self._died)
        request = uuid.uuid4().hex
        content = {"code": source, "store_history": True, "allow_stdin": False, "stop_on_error": False} | options
        try:
            self._shell.send(packed(request, "execute_request", content, self._key))
        except OSError:
            self._hung_up()
        reply, ended, interrupts, deadline = None, False, 0, monotonic() + seconds
        while reply is None or not ended:
            if self._process.poll() is not None:
                self._die(how_it_ended(self._process.returncode))
            if monotonic() > deadline:
                if reply is not None or ended:
                    break
                if interrupts == INTERRUPTS:
                    self._die(f"it did not stop within {seconds:g} s, even when interrupted")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGINT)
                interrupts, deadline = interrupts + 1, monotonic() + PATIENCE
            for wire, kind, content in self._arrived(request, min(0.2, max(0.0, deadline - monotonic()))):
                if wire is self._shell and kind == "execute_reply" and reply is None:
                    reply, deadline = content or {}, min(deadline, monotonic()) + PATIENCE
                elif wire is self._iopub and kind == "status":
                    if (content or {}).get("execution_state") == "idle" and not ended:
                        ended, deadline = True, min(deadline, monotonic()) + PATIENCE  # a reply follows, except after some errors
                elif wire is self._iopub and hear:
                    hear(kind, content)
        return reply or {}, interrupts > 0, ended

    def _arrived(self, request, seconds):
        """Return what arrives within `seconds` in answer to the request, as (wire, type, content)."""
        poll = select.poll()
        for number in self._wires:
            poll.register(number, select.POLLIN)
        arrived = []
        for number, _ in poll.poll(seconds * 1000):
            wire = self._wires[number]
            try:
                messages = wire.receive()
            except OSError:
                self._hung_up()
            arrived += [(wire, *found) for message in messages if (found := understood(message, request))]
        return arrived

    def _hung_up(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0.5)
        self._die(how_it_ended(self._process.returncode))

    def _die(self, reason):
        self._died = reason
        raise KernelDied(reason)


def how_it_ended(code):
    if code is None:
        return "it hung up on the grader"
    how = f"os._exit or the like, exit code {code}" if code >= 0 else f"a crash or a signal: {signal.strsignal(-code)}"
    return f"it ended Python ({how})"


def end(process, mark):
    """End a process and everything it started: what is below it, its group, and whatever has `mark` in its environment."""
    if process.poll() is None:
        process.send_signal(signal.SIGSTOP)  # it starts nothing more
        kill(lambda: below(process.pid))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kill(lambda: [each for each in psutil.process_iter(["environ"]) if mark in (each.info["environ"] or {}).values()])


def below(number):
    try:
        return psutil.Process(number).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill(find):
    """Kill what `find` finds until it finds nothing alive: some may have started others meanwhile."""
    for _ in range(100):
        alive = [each for each in find() if running(each)]
        if not alive:
            break
        for each in alive:
            with contextlib.suppress(psutil.Error):
                each.kill()
        sleep(0.005)


def running(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def read(path, largest):
    """Return the bytes of what should be a file, and may be anything. Raises NoAnswer and OSError."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NoAnswer("its reply is not a file")
        with open(number, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    finally:
        os.close(number)
    if len(content) > largest:
        raise NoAnswer(f"its reply is larger than {largest / 1e6:g} MB")
    return content


def one_line(text):
    return "".join(letter for letter in " ".join(text[:2000].split()) if letter.isprintable())[:300].rstrip(": ")
