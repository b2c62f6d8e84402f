"""The student's Python: cells run as in Jupyter, and functions are called as the grader asks. What it says goes to the grader, message by message."""

import builtins
import functools
import getpass
import io
import itertools
import os
import signal
import sys
import threading
import time

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from . import frames

LARGEST_MESSAGE = 2_000_000  # bytes; the grader would end a submission that sends more
MOST_LINES = 1000  # of a traceback
BUFFERED, PATIENCE = 8_000, 0.1  # characters, seconds: what is printed is sent when it is more, or older
STARTS_SOMETHING = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty"}


class Speaker:
    """Says to the grader what comes of the request that it asks for at the moment. A process that the student has forked says nothing."""

    def __init__(self):
        self.socket, self.owner, self.number, self.silent = None, 0, None, True
        self.printed, self.characters, self.since = [], 0, 0.0
        self.lock = threading.RLock()

    @property
    def ours(self):
        return os.getpid() == self.owner

    def say(self, kind, content, payload=b""):
        """Send a message; one that is too large to be taken goes without its content."""
        if not self.ours:
            return
        with self.lock:
            self.flush()
            if not self.silent or kind == "done":
                message = frames.packed({"number": self.number, "kind": kind, "content": content})
                if len(message) > LARGEST_MESSAGE:
                    content = None
                self.socket.sendall(frames.packed({"number": self.number, "kind": kind, "content": content}, payload) if payload or content is None else message)

    def print(self, name, text):
        with self.lock:
            if not self.printed:
                self.since = time.monotonic()
            self.printed.append((name, text))
            self.characters += len(text) + 1
            if self.characters > BUFFERED or time.monotonic() - self.since > PATIENCE:
                self.flush()

    def flush(self):
        """Send what was printed, in as few messages as show its order."""
        with self.lock:
            printed, self.printed, self.characters = self.printed, [], 0
            for name, parts in itertools.groupby(printed, lambda part: part[0]):
                self.say("stream", {"name": name, "text": "".join(text for _, text in parts)})


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr. A process that the student has forked writes whole lines, past the grader's socket."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, speaker, name, number):
        self._speaker, self._name, self._number, self._line = speaker, name, number, ""

    @property
    def name(self):
        return f"<{self._name}>"

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

    def enable_gui(self, gui=None):
        pass

    def ask_exit(self):
        """Leaving does not end a notebook."""

    def _showtraceback(self, etype, evalue, stb):
        lines = [line for part in stb for line in part.split("\n")][-MOST_LINES:]
        self.speaker.say("error", {"ename": etype.__name__, "evalue": str(evalue), "traceback": lines})

    def system(self, command):
        """Run a command of the system (`!command`); what it prints is shown as it comes."""
        self.speaker.flush()
        return self.system_piped(command)


def no_input(prompt="", *_, **__):
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


def make_shell(speaker):
    """Return the shell of this process, with its __main__ and without a keyboard."""
    shell = Shell.instance(speaker)
    builtins.input = getpass.getpass = no_input
    sys.addaudithook(lambda event, _: speaker.flush() if event in STARTS_SOMETHING and speaker.ours else None)  # else what is started prints first
    return shell


@functools.cache
def compiled(source):
    """Compile once what is asked again and again."""
    return compile(source, "<asked>", "exec", dont_inherit=True)


class Student:
    """Does what the grader asks: `cell` runs one, `ask` executes code of the grader's, `chance` does so in a copy of this process that then ends."""

    def __init__(self, shell, connected):
        self.shell, self.speaker, self.socket, self.busy = shell, shell.speaker, connected, False
        self.speaker.socket, self.speaker.owner = connected, os.getpid()
        sys.stdout, sys.stderr = Stream(self.speaker, "stdout", 1), Stream(self.speaker, "stderr", 2)
        signal.signal(signal.SIGINT, self.interrupted)

    def interrupted(self, number, frame):
        """An interrupt stops what runs; one that comes late stops nothing."""
        if self.busy:
            raise KeyboardInterrupt

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
        self.speaker.flush()
        self.speaker.number, self.speaker.silent = request["number"], request["do"] != "cell"
        try:
            self.busy = True
            status, reply = getattr(self, request["do"])(payload, **request["with"])
            self.busy = False
        except BaseException as error:
            self.busy = False
            status, reply = failed(error), b""
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
        reply = names.get("reply", b"")
        return {"status": "ok"}, reply.encode() if isinstance(reply, str) else bytes(reply)

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
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def failed(error):
    try:
        message = str(error)
    except BaseException as other:
        error, message = other, str(other)
    return {"status": "error", "ename": type(error).__name__, "evalue": message[:2000]}
