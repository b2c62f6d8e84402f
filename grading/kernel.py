"""The student's Python, in a process of its own.

It is an ordinary Jupyter kernel, so that a notebook runs as it did for the student; but nothing that comes from it is trusted.
The grader's end of the connection is written out here because of that: whatever the kernel sends, no more than LARGEST bytes of
a message are ever held, the rest is skipped as it arrives, and what follows is still understood. (A zmq socket limited to messages
of that size hangs up for good at the first larger one, and gathers a message of endlessly many parts without limit.)
"""

import contextlib
import json
import os
import re
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
from nbformat.v4 import new_output

LARGEST, FRAMES = 2_000_000, 20  # bytes of one message, and the parts that it may have
TEXT = 100_000  # characters that the outputs of one cell keep
AN_OUTPUT = 200  # … of which each output costs this many, however short it is
IMAGES, LARGEST_IMAGE = 6, 1_000_000
LEFT_OUT = "(the rest of this output was left out)\n"
IMAGE_LEFT_OUT = f"(an image was left out: there is room for {IMAGES}, each of at most 1 MB)"
TOO_LARGE = "(an output of more than 2 MB was left out)"
KIND_LEFT_OUT = "(an output of another kind than text and images was left out)"
TRACEBACK = 20_000  # characters of an error's traceback that are kept, the last ones
AS_TEXT = ("text/plain", "text/html", "text/markdown", "text/latex")
AS_IMAGE = {"image/png": LARGEST_IMAGE * 4 // 3, "image/jpeg": LARGEST_IMAGE * 4 // 3, "image/svg+xml": LARGEST_IMAGE}

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


def start(folder, scratch):
    """Start a kernel that works in `folder` and listens in `scratch`; return its process, which leads a process group."""
    sockets = {"transport": "ipc", "ip": str(scratch / "kernel"), "key": "", "signature_scheme": "hmac-sha256"}
    ports = {f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)}
    (scratch / "kernel.json").write_text(json.dumps(sockets | ports))
    ours = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    homes = dict.fromkeys(("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "TMPDIR", "XDG_CACHE_HOME"), str(scratch))
    fixed = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "JPY_PARENT_PID": str(os.getpid())}
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
        self._process = None
        try:
            self._process = start(self.folder, self._scratch)
            deadline = monotonic() + START
            self._iopub = self._connect("kernel-2", b"SUB", deadline)
            self._iopub.send([b"\1"])  # subscribes to everything
            self._shell = self._connect("kernel-1", b"DEALER", deadline)
            while not self._execute("", deadline - monotonic(), silent=True)[2]:  # until the subscription works
                pass
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
                raise NoAnswer(one_line(f"{reply.get('ename')}: {reply.get('evalue')}" if reply else "it ended without a word"))
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
            end = socket.socket(socket.AF_UNIX)
            try:
                end.settimeout(10)
                end.connect(str(self._scratch / name))
                self._wires[end.fileno()] = Wire(end, kind)
                return self._wires[end.fileno()]
            except OSError:
                end.close()
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
            self._shell.send(packed(request, "execute_request", content))
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
                    if (content or {}).get("execution_state") == "idle":
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


class Wire:
    """One end of a ZeroMQ connection, over a connected socket: ZMTP 3.0 (https://rfc.zeromq.org/spec/23/). Every method raises OSError."""

    MORE, LONG, COMMAND = 1, 2, 4

    def __init__(self, connected, kind):
        self.socket, self.ready = connected, False
        self.unread, self.to_skip = bytearray(), 64  # the other end's greeting
        self.frames, self.held = [], 0
        self.socket.sendall((b"\xff" + bytes(8) + b"\x7f" + b"\3\0" + b"NULL").ljust(64, b"\0"))
        self.send([b"\5READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind], self.COMMAND)
        while not self.ready:  # the other end takes no message before
            self.receive()

    def send(self, frames, flags=0):
        """Send a message, given as its frames."""
        last = len(frames) - 1
        self.socket.sendall(b"".join(bytes([flags | self.LONG | (number < last)]) + len(frame).to_bytes(8, "big") + frame for number, frame in enumerate(frames)))

    def receive(self):
        """Return the messages that have arrived whole, as their frames, of which one too large to be held is None."""
        arrived = self.socket.recv(1 << 18)
        if not arrived:
            raise ConnectionError
        self.unread += arrived
        messages = []
        while self.unread:
            if self.to_skip:
                skipped = min(self.to_skip, len(self.unread))
                self.to_skip -= skipped
                del self.unread[:skipped]
                continue
            flags = self.unread[0]
            body = 9 if flags & self.LONG else 2
            size = int.from_bytes(self.unread[1:body], "big")
            if len(self.unread) < body:
                break
            wanted = len(self.frames) < FRAMES
            if not wanted or self.held + size > LARGEST:
                frame, self.to_skip = None, size
                del self.unread[:body]
            elif len(self.unread) < body + size:
                break
            else:
                frame = bytes(self.unread[body : body + size])
                del self.unread[: body + size]
            if flags & self.COMMAND:
                self.ready = True
                continue
            if wanted:
                self.frames.append(frame)
                self.held += len(frame or b"")
            if not flags & self.MORE:
                messages.append(self.frames)
                self.frames, self.held = [], 0
        return messages


DELIMITER = b"<IDS|MSG>"


def packed(number, kind, content):
    """Return a message of Jupyter's protocol as its frames, unsigned."""
    header = {"msg_id": number, "msg_type": kind, "session": number, "username": "", "date": "2000-01-01T00:00:00Z", "version": "5.3"}
    return [DELIMITER, b"", *(json.dumps(part).encode() for part in (header, {}, {}, content))]


def understood(frames, request):
    """Return a message that answers `request` as (type, content), where content that is no use is None; else return None."""
    try:
        header, parent, _, content = frames[frames.index(DELIMITER) + 2 :][:4]
        kind = json.loads(header)["msg_type"] if request.encode() in parent else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    try:
        content = json.loads(content)
    except (ValueError, TypeError, RecursionError):
        content = None
    return (kind, content if isinstance(content, dict) else None) if isinstance(kind, str) else None


class Outputs:
    """What a cell shows, up to a limit."""

    def __init__(self):
        self.kept, self.clear_before_next = [], False
        self.clear()

    def clear(self):
        self.kept.clear()
        self.left, self.images, self.full = TEXT, IMAGES, False
        self.displays = {}  # by their id: outputs that may be updated

    def hear(self, kind, content):
        """Take in what the kernel says."""
        take = {"stream": self.stream, "error": self.error, "display_data": self.display, "execute_result": self.display, "update_display_data": self.update}
        if kind == "clear_output":
            self.clear_before_next = True
        elif kind in take:
            if self.clear_before_next:
                self.clear_before_next = False
                self.clear()
            if content is None and take[kind] == self.display:
                content = {"data": {"text/plain": TOO_LARGE}}
            if content is None or self.left < AN_OUTPUT:
                self.stop()
            elif not self.full:
                take[kind](content)

    def stop(self):
        if not self.full:
            self.full = True
            self.kept.append(new_output("stream", name="stderr", text=LEFT_OUT))

    def add(self, kind, **fields):
        self.left -= AN_OUTPUT
        self.kept.append(new_output(kind, **fields))
        return self.kept[-1]

    def stream(self, content):
        name, text = content.get("name"), plain(content.get("text"))
        if name in ("stdout", "stderr") and text:
            last = self.kept[-1] if self.kept else {}
            if last.get("name") != name:
                last = self.add("stream", name=name, text="")
            before = len(last.text)
            last.text = after_returns(last.text, text)
            if len(last.text) > before + self.left:
                last.text = last.text[: before + max(0, self.left)]
                self.stop()
            self.left -= len(last.text) - before

    def error(self, content):
        lines = content.get("traceback")
        lines = plain("\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else "")
        name, value = plain(content.get("ename"))[:200], plain(content.get("evalue"))[:2000]
        lines = (lines or f"{name}: {value}")[-TRACEBACK:]
        self.left -= len(lines)
        self.add("error", ename=name, evalue=value, traceback=lines.split("\n"))

    def display(self, content):
        data = self.data(content)
        if data:
            number = content.get("execution_count")
            counted = type(number) is int and number >= 0
            shown = self.add("execute_result", data=data, execution_count=number) if counted else self.add("display_data", data=data)
            self.displays[display_id(content)] = shown

    def update(self, content):
        shown = self.displays.get(display_id(content))
        if shown:
            self.left += sum(len(text) for kind, text in shown.data.items() if kind in AS_TEXT)
            self.images += sum(kind in AS_IMAGE for kind in shown.data)
            shown.data = self.data(content) or shown.data

    def data(self, content):
        """Return what is to be kept of a display, by its kind."""
        given = content.get("data")
        given = {kind: plain(text) for kind, text in given.items()} if isinstance(given, dict) else {}
        kept = {kind: given[kind] for kind in AS_TEXT if given.get(kind)}
        images = {kind: given[kind] for kind in AS_IMAGE if given.get(kind)}
        for kind, image in images.items():
            if self.images and len(image) <= AS_IMAGE[kind]:
                self.images -= 1
                kept[kind] = image
            else:
                kept["text/plain"] = IMAGE_LEFT_OUT
        if given and not kept:
            kept["text/plain"] = KIND_LEFT_OUT
        text = sum(len(kept[kind]) for kind in AS_TEXT if kind in kept)
        if text > self.left:
            self.stop()
            return {}
        self.left -= text
        return kept


def plain(text):
    """Return a text that can be written as UTF-8, empty if it is none."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def display_id(content):
    transient = content.get("transient")
    name = transient.get("display_id") if isinstance(transient, dict) else None
    return name if isinstance(name, str) else None


def after_returns(old, new):
    """Return the text after more of it came; what follows a carriage return replaces its line."""
    if "\r" not in new and not old.endswith("\r"):
        return old + new
    lines, newline, line = old.rpartition("\n")
    line = "\n".join(part.rstrip("\r").rpartition("\r")[2] + "\r" * part.endswith("\r") for part in (line + new).split("\n"))
    return lines + newline + line
