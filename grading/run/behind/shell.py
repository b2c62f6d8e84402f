"""The student's Python: cells run as in Jupyter, and functions are called as the grader asks. What it says goes to the grader, message by message."""

import asyncio
import builtins
import functools
import getpass
import io
import itertools
import os
import signal
import sys
import termios
import threading
from contextlib import contextmanager, suppress
from fcntl import ioctl
from os import getpid
from time import monotonic, sleep

from IPython.core import pylabtools
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from . import frames

MOST_LINES = 1000  # of a traceback
BUFFERED, PATIENCE = 8_000, 0.1  # characters, seconds: what is printed is sent when it is more, or older
DRAINED = 0.5  # seconds until the grader has read what programs wrote, unless they write for ever
AROUND = {"conda", "config", "debug", "env", "gui", "load_ext", "mamba", "matplotlib", "micromamba", "pip", "pylab", "reload_ext", "set_env", "uv"}  # magics
STARTS_SOMETHING = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty"}


class Speaker:
    """Says to the grader what comes of the request that it asks for at the moment. A process that the student has forked says nothing."""

    def __init__(self):
        self.socket, self.owner, self.number, self.silent = None, 0, None, True
        self.printed, self.characters, self.since = [], 0, 0.0
        self.lock = threading.RLock()
        self.busy = self.put_off = self.hurried = False

    @property
    def ours(self):
        return getpid() == self.owner

    @contextmanager
    def speaking(self):
        """One thread speaks at a time, and no interrupt falls into its words."""
        with self.lock:
            yield
        if self.put_off and threading.current_thread() is threading.main_thread() and not self.lock._is_owned():
            self.interrupted()

    def interrupted(self, *_):
        """An interrupt stops what runs; a message is finished first, and one that comes late stops nothing."""
        self.put_off = self.busy and self.lock._is_owned()
        if self.busy and not self.put_off:
            raise KeyboardInterrupt

    def begin(self, number, silent):
        """What comes of a request begins; what was printed before belongs to the last one."""
        self.flush()
        self.number, self.silent, self.put_off, self.hurried = number, silent, False, silent

    def say(self, kind, content, payload=b""):
        """Send a message; one that is too large to be taken goes without its content."""
        if not self.ours:
            return
        with self.speaking():
            self.flush()
            if not self.silent or kind == "done":
                header = {"number": self.number, "kind": kind, "content": content}
                message = frames.packed(header, payload)
                if len(message) > frames.LARGEST_HEADER + len(payload):
                    message = frames.packed(header | {"content": None}, payload)
                self.wait_for_programs()
                self.socket.sendall(message)

    def wait_for_programs(self):
        """Let the grader read what programs have written, which goes another way, so that it hears everything in order."""
        until = monotonic() + DRAINED
        while not self.hurried and any(map(unread, (1, 2))):
            sleep(0.0005)
            self.hurried = monotonic() > until

    def print(self, name, text):
        with self.speaking():
            if not self.printed:
                self.since = monotonic()
            self.printed.append((name, text))
            self.characters += len(text) + 1
            if self.characters > BUFFERED or monotonic() - self.since > PATIENCE:
                self.flush()

    def flush(self):
        """Send what was printed, in as few messages as show its order."""
        if not self.ours:  # and the lock may be held for ever
            return
        with self.speaking():
            printed, self.printed, self.characters = self.printed, [], 0
            for name, parts in itertools.groupby(printed, lambda part: part[0]):
                text = "".join(text for _, text in parts)
                self.say("stream", {"name": name, "text": text} if len(text) <= frames.LARGEST_HEADER else None)


def unread(number):
    """Return how many bytes wait in the pipe with this number; none if it is no pipe any more."""
    try:
        return int.from_bytes(ioctl(number, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr. A process that the student has forked writes whole lines, past the grader's socket."""

    encoding = "UTF-8"

    def __init__(self, speaker, name, number):
        self._speaker, self._name, self._number, self._line = speaker, name, number, ""

    @property
    def name(self):
        return self._name

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._speaker.ours:
            self._speaker.print(self._name, text)
        else:
            self._line += text
            if "\n" in text:
                self.flush()
        return len(text)

    def writable(self):
        return True

    def flush(self):
        if self._speaker.ours:
            self._speaker.flush()
        else:
            line, self._line = self._line, ""
            os.write(self._number, line.encode("utf-8", "replace"))

    def fileno(self):
        return self._number

    def isatty(self):
        return False


class Hook(DisplayHook):
    """Shows the value of a cell's last line."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.speaker.say("execute_result", {"data": texts(format_dict), "execution_count": self.prompt_count})


def texts(data):
    """Return of a display what is text or picture; of any other kind, that it was there."""
    return {kind: content if isinstance(content, str | bytes) else "" for kind, content in data.items()}


class Publisher(DisplayPublisher):
    """Shows what is displayed."""

    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **_):
        self.shell.speaker.say("update_display_data" if update else "display_data", {"data": texts(data), "transient": transient or {}})

    def clear_output(self, wait=False):
        self.shell.speaker.say("clear_output", {"wait": wait})


class Shell(InteractiveShell):
    """IPython, with the habits that a notebook knows of Jupyter's kernel."""

    def __init__(self, speaker, **options):
        self.speaker = speaker
        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "neutral"}})
        super().__init__(config=config, displayhook_class=Hook, display_pub_class=Publisher, **options)
        self.set_hook("show_in_pager", lambda *_, **__: None)  # a notebook shows it (`print?`) beside its outputs, not among them

    def enable_gui(self, gui=None):
        pass

    def enable_matplotlib(self, gui=None):
        """Figures are pictures here: nobody sees a window, or turns a widget."""
        return super().enable_matplotlib("inline")

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        """Run a line magic. If it is not there, or fails and is about what is around the code, it says what is wrong, and the cell goes on."""
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except Exception as error:
            if magic_name not in AROUND and self.find_line_magic(magic_name):
                raise
            print(f"{type(error).__name__}: {error} (The cell goes on.)", file=sys.stderr)

    def magic(self, line):
        """Run a line magic as older IPythons are asked to, Colab's for one."""
        name, _, rest = line.partition(" ")
        return self.run_line_magic(name.lstrip("%"), rest, 2)

    def ask_exit(self):
        """Leaving does not end a notebook."""

    def _showtraceback(self, etype, evalue, stb):
        lines = [line for part in stb for line in part.split("\n")][-MOST_LINES:]
        self.speaker.say("error", failed(evalue) | {"traceback": lines})

    def system(self, command):
        """Run a command of the system (`!command`); what it prints is shown as it comes."""
        self.speaker.flush()
        return self.system_piped(command)

    def keep_loop(self):
        """Have, from now on, one asyncio loop that all cells see as running, though it does so only while one awaits."""
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        asyncio._set_running_loop(self.loop)
        self.loop_runner = self.awaited

    def awaited(self, coroutine):
        asyncio._set_running_loop(None)
        task = self.loop.create_task(coroutine)
        try:
            return self.loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()  # else it would go on when another cell awaits
            return self.loop.run_until_complete(task)
        finally:
            asyncio._set_running_loop(self.loop)


Shell.__name__ = "ZMQInteractiveShell"  # by which libraries know a notebook


def no_input(name):
    def asked(*_, **__):
        raise StdinNotImplementedError(f"{name} was called, but this frontend does not support input requests.")

    return asked


def with_pictures(select, shell, formats, **options):
    """Choose the kinds of figures, with PNG if there is no other that a page shows."""
    formats = {formats} if isinstance(formats, str) else set(formats)
    select(shell, formats if formats & {"png", "png2x", "retina", "jpg", "jpeg"} else formats | {"png"}, **options)


def make_shell(speaker):
    """Return the shell of this process, with its __main__ and without a keyboard."""
    shell = Shell.instance(speaker)
    pylabtools.select_figure_formats = functools.partial(with_pictures, pylabtools.select_figure_formats)
    builtins.input, getpass.getpass = no_input("raw_input"), no_input("getpass")
    sys.addaudithook(lambda event, _: speaker.flush() if event in STARTS_SOMETHING and speaker.ours else None)  # else what is started prints first
    return shell


@functools.cache
def compiled(source):
    """Compile once what is asked again and again."""
    return compile(source, "<asked>", "exec", dont_inherit=True)


class Student:
    """Does what the grader asks: `cell` runs one, `ask` executes code of the grader's, `chance` does so in a copy of this process that then ends."""

    def __init__(self, shell, connected):
        self.shell, self.speaker, self.socket = shell, shell.speaker, connected
        self.speaker.socket, self.speaker.owner = connected, os.getpid()
        self.shell.keep_loop()
        sys.stdout, sys.stderr = Stream(self.speaker, "stdout", 1), Stream(self.speaker, "stderr", 2)
        signal.signal(signal.SIGINT, self.speaker.interrupted)

    def serve(self):
        """Answer requests until the grader hangs up."""
        while True:
            try:
                request, payload = frames.receive(self.socket)
            except (EOFError, OSError):
                os._exit(0)
            self.answer(request, payload)
            if not self.speaker.ours:  # a cell has forked, and this is the copy
                os._exit(0)

    def answer(self, request, payload):
        self.speaker.begin(request["number"], silent=request["do"] != "cell")
        try:
            try:
                self.speaker.busy = True
                status, reply = getattr(self, request["do"])(payload, **request["with"])
            finally:  # an interrupt may come in at this very moment
                self.speaker.busy = False
        except BaseException as error:
            self.speaker.busy = False
            status, reply = failed(error), b""
        if len(reply) > frames.LARGEST_PAYLOAD:
            status, reply = {"status": "error", "ename": f"its reply is larger than {frames.LARGEST_PAYLOAD // 1_000_000} MB"}, b""
        self.speaker.say("done", status, reply)

    def cell(self, source):
        result = self.shell.run_cell(source.decode("utf-8", "surrogatepass"), store_history=True)
        error = result.error_before_exec or result.error_in_exec
        return {"status": "ok"} if error is None else failed(error), b""

    def file(self, content, path):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return {"status": "ok"}, b""

    def ask(self, request, code):
        """Execute code that finds the bytes `request` and leaves bytes or text, `reply`."""
        names = {"__name__": "request", "request": request, "compiled": compiled}
        exec(compiled(code), names)
        if "reply" not in names:
            return {"status": "error", "ename": "it left no reply"}, b""
        return {"status": "ok"}, names["reply"].encode() if isinstance(names["reply"], str) else bytes(names["reply"])

    def chance(self, request, code):
        """Do the same in a child, of which nothing but the reply is left."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                if "torch" in sys.modules:
                    sys.modules["torch"].set_num_threads(1)  # those that it had were not forked
                with open(writing, "wb") as pipe:
                    pipe.write(self.ask(request, code)[1])
            finally:
                os._exit(0)
        os.close(writing)
        try:
            with open(reading, "rb") as pipe:
                return {"status": "ok"}, pipe.read()
        finally:
            with suppress(OSError):  # the notebook may leave the waiting to the system
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def failed(error):
    try:
        return {"status": "error", "ename": type(error).__name__, "evalue": str(error)[:2000]}
    except BaseException as other:
        return {"status": "error", "ename": type(other).__name__, "evalue": ""} if isinstance(other, type(error)) else failed(other)
