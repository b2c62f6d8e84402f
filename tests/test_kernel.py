"""A student's Python, asked to do what students' code does: by mistake or on purpose."""

import io
import os
import random
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from grading.run.kernel import Kernel, KernelDied, NoAnswer
from grading.run.outputs import LEFT_OUT
from grading.run.wire import Wire, understood

ROOT = Path(__file__).resolve().parent.parent

ECHO = "open(reply_path, 'wb').write(open(request_path, 'rb').read()[::-1])"

# What a student's code needs to speak to the grader itself.
SPEAK = """
import os, threading, time
kernel, session, iopub = get_ipython().kernel, get_ipython().kernel.session, get_ipython().kernel.iopub_socket

def say(kind, content):
    \"\"\"Send a message that seems to come from this cell; bytes are sent as they are.\"\"\"
    header = session.msg_header("stream") | {"msg_type": kind}
    content = content if isinstance(content, bytes) else session.pack(content)
    session.send_raw(iopub, [session.pack(header), session.pack(kernel.get_parent()["header"]), b"{}", content])
"""


@pytest.fixture
def kernel(tmp_path):
    with Kernel(tmp_path, 20) as kernel:
        yield kernel


@pytest.fixture
def impatient(kernel, monkeypatch):
    """A kernel that is soon given up."""
    monkeypatch.setattr("grading.run.kernel.PATIENCE", 0.3)
    kernel.seconds_per_cell = 0.4
    return kernel


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A kernel shared by the cells that leave it as it was."""
    with Kernel(tmp_path_factory.mktemp("patient"), 60) as kernel:
        kernel.run(SPEAK)
        yield kernel
        assert shown(kernel.run("1 + 1")) == ["2"], "one of these tests has broken it"


def shown(outputs):
    """Return each output as what it says, after a check that a notebook with them can be stored."""
    cell = nbformat.v4.new_code_cell("", outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.validate(notebook)
    nbformat.write(notebook, io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    return [output.get("text") or output.get("ename") or output.get("data", {}).get("text/plain") for output in outputs]


HANG = 60  # seconds: no speed is asked of these tests, but an end


def told(call, *arguments):
    """Call; return the exception's message if there is one, else the result."""
    started = time.perf_counter()
    try:
        return call(*arguments)
    except (KernelDied, NoAnswer) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        assert time.perf_counter() - started < HANG


class Memory:
    """The most memory this process takes meanwhile, in MB more than before."""

    def __enter__(self):
        self.process, self.more, self.over = psutil.Process(), 0, threading.Event()
        self.before = self.process.memory_info().rss
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.over.wait(0.005):
            self.more = max(self.more, (self.process.memory_info().rss - self.before) / 1e6)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def running(number):
    """Say whether a process of this number runs."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(numbers):
    until = time.monotonic() + 5
    while any(map(running, numbers)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(running, numbers))


# What a cell shows


def test_a_cell_that_raises_does_not_stop_the_next(patient):
    outputs = patient.run("x = 3\nprint('before')\n1 / 0\nprint('after')")
    assert shown(outputs) == ["before\n", "ZeroDivisionError"]
    assert outputs[1].evalue == "division by zero" and "1 / 0" in re.sub(r"\x1b\[\d+m", "", "\n".join(outputs[1].traceback))
    assert shown(patient.run("x")) == ["3"]


def test_outputs_are_complete_and_in_order(patient):
    outputs = patient.run(
        "import sys\nfrom IPython.display import HTML\nfor i in range(2000):\n    print(i, flush=i % 100 == 0)\n"
        "display(HTML('<b>x</b>'))\nprint('é', flush=True)\nprint('to stderr', file=sys.stderr, flush=True)\n'last'"
    )
    numbers = "".join(f"{i}\n" for i in range(2000))
    assert shown(outputs) == [numbers, "<IPython.core.display.HTML object>", "é\n", "to stderr\n", "'last'"]
    assert [output.output_type for output in outputs] == ["stream", "display_data", "stream", "stream", "execute_result"]
    assert [outputs[i].name for i in (0, 2, 3)] == ["stdout", "stdout", "stderr"]
    assert outputs[1].data["text/html"] == "<b>x</b>"


def test_figures_arrive_as_png_and_svg(patient):
    plot = "import matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()"
    (output,) = patient.run(plot)
    assert output.data["image/png"].startswith("iVBOR")
    (output,) = patient.run("%config InlineBackend.figure_formats = ['svg']\n" + plot)
    assert "</svg>" in output.data["image/svg+xml"]


def test_a_progress_bar_leaves_its_last_state(patient):
    bar = "for i in range(30):\n    print('\\r' + 'x' * 9000 + f' {i}', end='', flush=True)\nprint()"
    assert shown(patient.run(bar)) == ["x" * 9000 + " 29\n"]
    assert shown(patient.run("from IPython.display import clear_output\nfor i in range(30):\n    clear_output(wait=True)\n    print('x' * 9000, i)")) == ["x" * 9000 + " 29\n"]
    assert shown(patient.run("print('x')\ndisplay('x')\nclear_output()")) == []
    assert shown(patient.run("display('x')\nsay('update_display_data', {'data': {'text/plain': 'y'}})")) == ["'x'"]
    updated = "shown = display('x' * 9000, display_id=True)\nfor i in range(30):\n    shown.update('x' * 9000 + str(i))\nprint('end')"
    assert shown(patient.run(updated)) == ["'" + "x" * 9000 + "29'", "end\n"]


def test_a_cell_without_a_reply_says_so(patient, monkeypatch):
    monkeypatch.setattr("grading.run.kernel.PATIENCE", 0.3)
    assert shown(told(patient.run, "'\ud800'")) == ["NoReply"]


def test_leaving_and_asking_for_input_do_not_hang(patient):
    assert shown(patient.run("input()")) == ["StdinNotImplementedError"]
    assert shown(patient.run("import sys\nsys.exit()"))[0] == "SystemExit"
    for leave in ("exit()", "quit()", "exit", "%quit"):
        patient.run(leave)
    time.sleep(0.3)
    assert shown(patient.run("'still here'")) == ["'still here'"]


# Too much


def test_too_much_text_is_cut_and_takes_no_memory(patient):
    with Memory() as memory:
        assert shown(patient.run("print('x' * 200_000_000)\n1 / 0")) == [LEFT_OUT, "ZeroDivisionError"]
        *kept, note, error = shown(patient.run("for i in range(200_000):\n    print(i)\n1 / 0"))
    assert memory.more < 60
    assert [note, error] == [LEFT_OUT, "ZeroDivisionError"] and "".join(kept).startswith("0\n1\n2\n") and 90_000 < len("".join(kept)) <= 100_000


def test_too_many_outputs_are_cut(patient):
    with Memory() as memory:
        for cell in ("for i in range(1000):\n    display(i)", "for i in range(1000):\n    print(i, flush=True, file=[sys.stdout, sys.stderr][i % 2])"):
            *kept, note = shown(patient.run(cell))
            assert note == LEFT_OUT and 400 < len(kept) <= 500
    assert memory.more < 30


def test_a_long_message_of_an_error_is_cut(patient):
    assert shown(patient.run("raise ValueError('x' * 5_000_000)"))[0] == LEFT_OUT
    (error,) = patient.run("raise ValueError('x' * 200_000)")
    assert len(error.evalue) <= 2000 and len("".join(error.traceback)) <= 20_000


def test_images_are_few_and_small(patient):
    show = "from IPython.display import Image\ndef show(size):\n    display(Image(b'\\x89PNG' + bytes(size), format='png'))\n"
    outputs = patient.run(show + "for i in range(10):\n    show(900_000)\nprint('end')")
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
    assert "an image was left out" in outputs[6].data["text/plain"] and outputs[-1].text == "end\n"
    assert "an image was left out" in shown(patient.run("show(1_100_000)"))[0]
    assert shown(patient.run("show(3_000_000)\nprint('end')")) == ["(an output of more than 2 MB was left out)", "end\n"]


def test_a_message_without_end_takes_no_memory(kernel):
    kernel.run(SPEAK + "import zmq")
    endless = "def send():\n    for _ in range(3000):\n        kernel.iopub_thread.socket.send(bytes(100_000), zmq.SNDMORE)\n    kernel.iopub_thread.socket.send(b'')\n"
    with Memory() as memory:
        told(kernel.run, endless + "kernel.iopub_thread.schedule(send)\ntime.sleep(0.5)")
    assert memory.more < 30


# What does not end, and what ends too early


def test_an_endless_cell_is_interrupted_and_the_next_one_works(patient, monkeypatch):
    monkeypatch.setattr(patient, "seconds_per_cell", 0.5)
    for cell in ("while True:\n    time.sleep(0)", "while True:\n    await asyncio.sleep(0)"):
        outputs = told(patient.run, "import asyncio\nprint('begun')\n" + cell)
        assert shown(outputs)[0] == "begun\n" and shown(outputs)[-1] == "Timeout"
        assert outputs[-1].evalue == "stopped after 0.5 s"
        assert shown(patient.run("'next'")) == ["'next'"]


STUBBORN = "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass"


IDLE = "import time\nwhile True:\n    try:\n        get_ipython().kernel._publish_status('idle', 'shell')\n        time.sleep(0.1)\n    except BaseException:\n        pass"


@pytest.mark.parametrize("cell", [STUBBORN, "sum(range(10**11))", "import os\nos.kill(os.getpid(), 19)"])
def test_what_cannot_be_interrupted_is_ended(impatient, cell):
    stubborn = "KernelDied: it did not stop within 0.4 s, even when interrupted"
    assert told(impatient.run, cell) == stubborn
    assert told(impatient.run, "1") == told(impatient.ask, ECHO, b"", 1) == stubborn


def test_a_cell_that_goes_on_saying_that_it_is_idle_is_left(tmp_path):
    with Kernel(tmp_path, 0.5) as kernel:
        told(kernel.run, IDLE)
        assert told(kernel.run, "1").startswith("KernelDied: it did not stop")


def test_who_does_not_know_the_key_cannot_use_the_kernel(kernel):
    assert not (kernel._scratch / "kernel.json").exists()
    kernel._key = "guessed"
    kernel.seconds_per_cell = 0.5
    assert told(kernel.run, "print('obeyed')").startswith("KernelDied: it did not stop")


ENDS = {
    "import os\nos._exit(3)": "it ended Python (os._exit or the like, exit code 3)",
    "import os\nos.kill(os.getpid(), 9)": "it ended Python (a crash or a signal: Killed)",
    "import ctypes\nctypes.string_at(0)": "it ended Python (a crash or a signal: Segmentation fault)",
    "import os\nif os.fork():\n    os._exit(4)\nelse:\n    import time\n    time.sleep(9)": "it ended Python (os._exit or the like, exit code 4)",
    "import os\nos.execv('/bin/sleep', ['sleep', '100'])": "it hung up on the grader",
    "import threading, os\nthreading.Timer(0.1, os._exit, [0]).start()": None,
}


@pytest.mark.parametrize("cell", ENDS)
def test_the_end_of_python_is_noticed_at_once(tmp_path, cell):
    with Kernel(tmp_path, 60) as kernel:
        said = told(kernel.run, cell)
        if ENDS[cell] is None:
            time.sleep(0.3)
            said = told(kernel.run, "1")
            assert said == "KernelDied: it ended Python (os._exit or the like, exit code 0)"
        else:
            assert said == f"KernelDied: {ENDS[cell]}"
    assert list(tmp_path.iterdir()) == []


# Forged and malformed messages

NO_CONTENT = [b"", b"[", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 100_000, b'{"x": ' + b"9" * 10_000 + b"}", b"{}"]
CONTENT = [
    b'{"name": "stdout", "text": "\\ud800"}',
    *({"name": name, "text": text} for name in ("stdout", 5, [], None) for text in (5, [], {}, None, "x")),
    *({"data": data, "transient": transient} for data in (5, [], None, {"text/plain": 5}, {"image/png": [1]}, {"x": {}}, {}) for transient in (5, [], {"display_id": []}, None)),
    {"data": {"text/plain": "x"}, "metadata": 5, "execution_count": "x"},
    {"data": {"text/plain": "x"}, "execution_count": -1},
    {"data": {"image/png": "no base64", "text/plain": "\x00\x1b"}},
    *({"ename": name, "evalue": [], "traceback": lines} for name in (5, "x", None) for lines in (5, {}, [1, None, "x"], "x")),
    {"execution_state": []},
    {"wait": []},
]
KINDS = ["stream", "error", "display_data", "execute_result", "update_display_data", "clear_output", "status", "execute_reply", "x", "", 5, None, [1], {"x": 1}]


def test_malformed_messages_are_passed_over(patient):
    nested = "say('display_data', b'{\"data\": {\"text/plain\": ' + b'[' * 900_000 + b']' * 900_000 + b'}}')\n"
    dense = "say('display_data', b'{\"data\": [' + b'[],' * 600_000 + b'[]]}')\n"
    cells = [f"for content in {CONTENT!r} + {NO_CONTENT!r}:\n    say({kind!r}, content)" for kind in KINDS]
    frames = "for frames in ([b''], [b'<IDS|MSG>'], [b'<IDS|MSG>', b''], [b'<IDS|MSG>', *[b'{'] * 5], [b'<IDS|MSG>'] * 50, [b''] * 5000):\n    iopub.send_multipart(frames)\n"
    with Memory() as memory:
        for source in (*cells, nested, dense, frames):
            shown(told(patient.run, source))
            assert shown(patient.run("'next'")) == ["'next'"]
    assert memory.more < 120


@pytest.fixture
def wire():
    """A connection to nobody: (what the grader holds, the other end)."""
    ours, theirs = socket.socketpair()
    theirs.sendall(bytes(64) + b"\4\0")  # a greeting and a command
    with ours, theirs:
        yield Wire(ours, b"SUB"), theirs


def test_a_message_without_end_is_not_gathered(wire):
    wire, theirs = wire
    with Memory() as memory, ThreadPoolExecutor(1) as pool:
        large = b"\3" + (1_900_000).to_bytes(8, "big") + bytes(1_900_000)
        for part, times in ((b"\1\0" * 100_000, 10), (b"\0\0", 1), (large, 30), (b"\0\0", 1)):
            sending = pool.submit(lambda part=part, times=times: [theirs.sendall(part) for _ in range(times)])
            messages = []
            while not sending.done() or not messages and times == 1:
                messages += wire.receive() if select.select([wire.socket], [], [], 0.01)[0] else []
            assert [len(message) for message in messages] == ([20] if times == 1 else [])
    assert memory.more < 25


def test_no_bytes_raise_anything_in_the_grader(wire):
    wire, theirs = wire
    chance = random.Random(0)
    parts = [b"<IDS|MSG>", b"", b"x" * 40, b'{"msg_type": "stream"}', b'{"msg_type": [1]}', b'{"msg_id": "request"}', b"{}", b"[", b"\xff"]
    heard = 0
    for _ in range(5000):
        frames = [b"<IDS|MSG>", *chance.choices(parts, k=chance.randrange(1, 7))]
        theirs.sendall(b"".join(bytes([number < len(frames), len(frame)]) + frame for number, frame in enumerate(frames, start=1)))
        theirs.sendall(chance.randbytes(chance.choice([0, 0, 5])))
        heard += sum(understood(message, "request") is not None for message in wire.receive())
        wire.to_skip, wire.unread, wire.frames, wire.held = 0, bytearray(), [], 0
    assert heard > 10


def test_forged_replies_do_no_harm(patient):
    patient.run(
        "original = session.send\ndef forged(stream, kind, content=None, *arguments, **options):\n    if kind == 'execute_reply':\n"
        f"        for content in {NO_CONTENT!r} + [{{'status': 5, 'ename': [], 'evalue': {{}}}}, {{'status': 'error', 'ename': 5, 'traceback': 5}}]:\n"
        "            original(stream, kind, content, *arguments, **options)\n"
        "    return original(stream, kind, content, *arguments, **options)\nsession.send = forged"
    )
    assert shown(told(patient.run, "'x'")) == ["'x'", "NoReply"]
    assert told(patient.ask, ECHO, b"abc", 10) == "NoAnswer: it ended without a word"
    patient.run("session.send = original")
    assert shown(patient.run("1")) == ["1"] and patient.ask(ECHO, b"abc", 1) == b"cba"


def test_a_forged_end_of_output_does_not_end_the_cell(patient):
    assert shown(patient.run("say('status', {'execution_state': 'idle'})\ntime.sleep(0.3)\nprint('after')")) == ["after\n"]


def test_bytes_that_are_no_message_end_the_kernel(impatient):
    impatient.run(SPEAK + "import stat")
    noise = "for number in range(3, 100):\n    try:\n        if stat.S_ISSOCK(os.fstat(number).st_mode):\n            os.write(number, b'\\xff' * 5000)\n    except OSError:\n        pass"
    assert told(impatient.run, noise).startswith("KernelDied: it ")


# Requests


def test_a_request_is_answered_and_what_it_prints_is_dropped(patient, tmp_path):
    before = sorted(patient._scratch.iterdir())
    request = os.urandom(2_000_000)
    assert told(patient.ask, "print('x')\ndisplay('x')\n" + ECHO + "\nx", request, 10) == "NoAnswer: NameError: name 'x' is not defined"
    assert patient.ask("print('x')\n" + ECHO, request, 10) == request[::-1]
    assert shown(patient.run("'request_path' in globals()")) == ["False"]
    assert sorted(patient._scratch.iterdir()) == before and patient.folder not in patient._scratch.parents


def test_a_request_is_heard_by_a_notebook_that_redefines_everything(kernel):
    kernel.run("def exec(*_): pass\ndef open(*_): pass\nprint = input = str = list = None")
    assert kernel.ask(ECHO, b"abc", 5) == b"cba"


REPLIES = {
    "pass": "it left no reply",
    "os.symlink(request_path, reply_path)": "its reply cannot be read: Too many levels of symbolic links",
    "os.mkfifo(reply_path)": "its reply is not a file",
    "os.mkdir(reply_path)": "its reply is not a file",
    "socket.socket(socket.AF_UNIX).bind(reply_path)": "its reply cannot be read: No such device or address",
    "open(reply_path, 'wb').truncate(10**12)": "its reply is larger than 8 MB",
    "raise ValueError('a\\nb\\x1b[31m' + 'x' * 1000)": "ValueError: a b[31m" + "x" * 281,
    "class E(Exception):\n    def __str__(self): 1 / 0\nraise E": "ZeroDivisionError: division by zero",
    "sys.exit()": "SystemExit",
}


@pytest.mark.parametrize("code", REPLIES)
def test_a_reply_that_is_none_has_its_reason(patient, code):
    assert told(patient.ask, "import os, socket, sys\n" + code, b"", 3) == f"NoAnswer: {REPLIES[code]}"


def test_a_request_that_cannot_be_sent_has_its_reason(kernel):
    assert told(kernel.ask, "import os, shutil; shutil.rmtree(os.path.dirname(reply_path))", b"", 3) == "NoAnswer: it left no reply"
    assert told(kernel.ask, ECHO, b"", 3) == "NoAnswer: the request did not reach it: No such file or directory"


def test_a_request_that_does_not_end_is_stopped(impatient):
    assert told(impatient.ask, "while True: [].sort()", b"", 0.4) == "NoAnswer: it did not finish within 0.4 s"
    assert impatient.ask(ECHO, b"abc", 5) == b"cba"
    assert told(impatient.ask, STUBBORN, b"", 0.4) == "KernelDied: it did not stop within 0.4 s, even when interrupted"


# Around it


def test_everything_started_is_ended_and_nothing_left_behind(tmp_path):
    start = (
        "import os, subprocess, time, tempfile\n"
        "started = [subprocess.Popen(['sleep', '1000'], **options).pid for options in ({}, {'start_new_session': True}, {'start_new_session': True, 'env': {}})]\n"
        "orphan = int(subprocess.run('setsid sleep 1000 >/dev/null & echo $!', shell=True, env={}, stdout=subprocess.PIPE).stdout)\n"
        "open(os.path.expanduser('~/.x'), 'w').close(); os.mkdir(os.path.expanduser('~/locked'), 0); print(tempfile.mkdtemp())\n"
        "[*started, orphan, os.getpid()]"
    )
    with Kernel(tmp_path, 10) as kernel:
        folder, numbers = shown(kernel.run(start))
        started = eval(numbers)
        assert all(map(running, started))
    assert gone(started) and not os.path.exists(folder.strip()) and not kernel._scratch.exists() and list(tmp_path.iterdir()) == []


def test_what_a_kernel_leaves_when_it_ends_itself_is_ended_too(tmp_path):
    with Kernel(tmp_path, 10) as kernel:
        started = int(shown(kernel.run("import os, subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True).pid"))[0])
        assert running(started)
        with pytest.raises(KernelDied):
            kernel.run("os._exit(0)")
        assert running(started)
    assert gone([started])


def test_a_failure_of_the_grader_ends_the_kernel(tmp_path):
    with pytest.raises(ZeroDivisionError), Kernel(tmp_path) as kernel:
        number = kernel._process.pid
        1 / 0
    assert gone([number]) and not kernel._scratch.exists()


def test_a_killed_grader_leaves_no_kernel_running():
    grader = "import sys, time\nfrom grading.run.kernel import Kernel\nwith Kernel('.') as kernel:\n    print(kernel._process.pid, flush=True)\n    time.sleep(60)"
    with tempfile.TemporaryDirectory(prefix="k") as folder:
        run = subprocess.Popen([sys.executable, "-c", grader], cwd=ROOT, env=os.environ | {"TMPDIR": folder}, stdout=subprocess.PIPE)
        with run:
            number = int(run.stdout.readline())
            assert running(number)
            run.kill()
        assert gone([number])


def test_a_thread_that_prints_for_ever_hinders_no_later_cell(tmp_path):
    with Kernel(tmp_path, 10) as kernel:
        kernel.run("import threading\ndef spam():\n    while True:\n        print('spam')\nthreading.Thread(target=spam, daemon=True).start()")
        for _ in range(3):
            assert "'next'" in shown(told(kernel.run, "'next'"))
        assert told(kernel.ask, ECHO, b"abc", 5) == b"cba"


def test_two_kernels_work_at_the_same_time(tmp_path):
    def work(number):
        with Kernel(tmp_path, 30) as kernel:
            kernel.run(f"x = {number}\nimport time\ntime.sleep(0.3)")
            return shown(kernel.run("x")), kernel.ask(ECHO, bytes([number]), 5)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(4))) == [([str(number)], bytes([number])) for number in range(4)]


def test_the_kernel_gets_nothing_of_the_users_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_PASSWORD", "x")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V4")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    (tmp_path / "helper.py").write_text("value = 7")
    (tmp_path / "random.py").write_text("1 / 0")  # a student's file that is named like a module the kernel needs
    with Kernel(tmp_path, 10) as kernel:
        cells = "import os, resource, sys, helper\n[resource.getrlimit(resource.RLIMIT_CORE), sys.stdin.read() == '', helper.value, os.getcwd(), os.environ['OMP_NUM_THREADS'], os.environ['NPY_DISABLE_CPU_FEATURES']]"
        assert eval(shown(kernel.run(cells))[0]) == [(0, 0), True, 7, str(tmp_path), "1", "X86_V4"]
        environment = eval(shown(kernel.run("dict(os.environ)"))[0])
    assert not {"SOME_PASSWORD", "PYTHONSTARTUP", "PYTEST_CURRENT_TEST", "USER"} & set(environment)
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["HOME"] == environment["MPLCONFIGDIR"] == str(kernel._scratch)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["helper.py", "random.py"]


def test_processor_time_is_measured_from_outside(kernel):
    before = kernel.cpu_seconds
    kernel.run("import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until:\n    pass\ntime.process_time = lambda: 0")
    kernel.run("import time\ntime.sleep(0.3)")
    assert 0.25 < kernel.cpu_seconds - before < 0.55
    with pytest.raises(KernelDied):
        kernel.run("import os\nos._exit(0)")
    assert kernel.cpu_seconds >= before + 0.25
