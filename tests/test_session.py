"""A student's Python, asked to do what students' code does: by mistake or on purpose."""

import io
import os
import random
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from grading.run.behind.frames import SIZES
from grading.run.limits import processes
from grading.run.outputs import LEFT_OUT, Outputs
from grading.run.session import Died, NoAnswer, Session, parts
from grading.run.wall import Wall
from tools.bubblewrap import stands

pytestmark = pytest.mark.skipif(not stands(), reason="bubblewrap is not installed, or refused here")

ROOT = Path(__file__).resolve().parent.parent

ECHO = "reply = request[::-1]"

# What a student's code needs to speak to the grader itself.
SPEAK = """
import json, os, struct, time
speaker = get_ipython().speaker

def send(header, payload=b"", sizes=None):
    \"\"\"Send a message, of which `header` may be anything.\"\"\"
    with speaker.lock:
        speaker.socket.sendall(struct.pack(">II", *sizes or (len(header), len(payload))) + header + payload)

def say(kind, content, payload=b""):
    \"\"\"Send a message that seems to come from this cell; content may be JSON already.\"\"\"
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    send(b'{"number": "%s", "kind": %s, "content": %s}' % (speaker.number.encode(), json.dumps(kind).encode(), content), payload)
"""


@pytest.fixture(scope="module")
def wall():
    import matplotlib.font_manager  # noqa: F401  it leaves a list of fonts, which the wall hands on

    with Wall(modules=["numpy", "matplotlib.pyplot"]) as wall:
        wall.ready()
        yield wall


@pytest.fixture
def session(wall):
    with Session(wall, seconds_per_cell=20) as session:
        yield session


@pytest.fixture
def impatient(session, monkeypatch):
    """A student's Python that is soon given up."""
    monkeypatch.setattr("grading.run.session.PATIENCE", 0.3)
    session.seconds_per_cell = 0.4
    return session


@pytest.fixture(scope="module")
def patient(wall):
    """A student's Python shared by the cells that leave it as it was."""
    with Session(wall, seconds_per_cell=60) as session:
        session.run(SPEAK)
        yield session
        assert shown(session.run("1 + 1")) == ["2"], "one of these tests has broken it"


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
    except (Died, NoAnswer) as error:
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


def below(session):
    """Return the processes of a student's Python, as the grader counts them."""
    return [psutil.Process(number) for number in processes(session._place.first)]


def gone(found):
    """Say whether these processes end within five seconds, if they have not ended."""
    return not psutil.wait_procs(found, timeout=5)[1]


# What a cell shows


def test_a_cell_that_raises_does_not_stop_the_next(patient):
    outputs = patient.run("x = 3\nprint('before')\n1 / 0\nprint('after')")
    assert shown(outputs) == ["before\n", "ZeroDivisionError"]
    assert outputs[1].evalue == "division by zero" and "1 / 0" in re.sub(r"\x1b\[[\d;]+m", "", "\n".join(outputs[1].traceback))
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
    assert "</svg>" in output.data["image/svg+xml"] and output.data["image/png"].startswith("iVBOR")  # no page shows a student's SVG


def test_a_progress_bar_leaves_its_last_state(patient):
    bar = "for i in range(30):\n    print('\\r' + 'x' * 9000 + f' {i}', end='', flush=True)\nprint()"
    assert shown(patient.run(bar)) == ["x" * 9000 + " 29\n"]
    assert shown(patient.run("from IPython.display import clear_output\nfor i in range(30):\n    clear_output(wait=True)\n    print('x' * 9000, i)")) == ["x" * 9000 + " 29\n"]
    assert shown(patient.run("print('x')\ndisplay('x')\nclear_output()")) == []
    assert shown(patient.run("display('x')\nsay('update_display_data', {'data': {'text/plain': 'y'}})")) == ["'x'"]
    updated = "shown = display('x' * 9000, display_id=True)\nfor i in range(30):\n    shown.update('x' * 9000 + str(i))\nprint('end')"
    assert shown(patient.run(updated)) == ["'" + "x" * 9000 + "29'", "end\n"]


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
        assert shown(patient.run("print('x' * 700_000_000)\n1 / 0")) == [LEFT_OUT, "ZeroDivisionError"]
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


def test_an_update_gives_back_no_more_than_it_takes():
    outputs, image = Outputs(), {"image/png": "x" * 1_000_000}
    outputs.hear("display_data", {"data": image, "transient": {"display_id": "a"}})
    for data in ({}, None, 5):
        for _ in range(10):
            outputs.hear("update_display_data", {"data": data, "transient": {"display_id": "a"}})
    for _ in range(10):
        outputs.hear("display_data", {"data": image})
    assert sum("image/png" in output.data for output in outputs.kept) == 6


def test_all_cells_together_keep_so_much(session):
    session._room = 3_000, 2_000_000
    show = "from IPython.display import Image\ndisplay(Image(b'\\x89PNG' + bytes(900_000), format='png'))"
    assert ["image/png" in session.run(show)[0].data for _ in range(3)] == [True, False, False]
    assert shown(session.run("print('x' * 1000)")) == ["x" * 1000 + "\n"]
    assert shown(session.run("print('x' * 3000)"))[-1] == LEFT_OUT == shown(session.run("'more'"))[-1]


# What does not end, and what ends too early


def test_an_endless_cell_is_interrupted_and_the_next_one_works(patient, monkeypatch):
    monkeypatch.setattr(patient, "seconds_per_cell", 0.5)
    for cell in ("while True:\n    time.sleep(0)", "while True:\n    await asyncio.sleep(0)"):
        outputs = told(patient.run, "import asyncio\nprint('begun')\n" + cell)
        assert shown(outputs)[0] == "begun\n" and shown(outputs)[-1] == "Timeout"
        assert outputs[-1].evalue == "stopped after 0.5 s"
        assert shown(patient.run("'next'")) == ["'next'"]


STUBBORN = "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass"


@pytest.mark.parametrize("cell", [STUBBORN, "sum(range(10**11))"])
def test_what_cannot_be_interrupted_is_ended(impatient, cell):
    stubborn = "Died: it did not stop within 0.4 s, even when interrupted"
    assert told(impatient.run, cell) == stubborn
    assert told(impatient.run, "1") == told(impatient.ask, ECHO, b"", 1) == stubborn


def test_an_interrupt_falls_into_no_message(patient, monkeypatch):
    monkeypatch.setattr(patient, "seconds_per_cell", 0.1)
    for _ in range(10):
        assert shown(told(patient.run, "while True:\n    print('x' * 300_000)"))[-1] == "Timeout"
        assert told(patient.ask, ECHO, b"abc", 5) == b"cba"


ENDS = {
    "import os\nos._exit(3)": "it ended Python (os._exit or the like, exit code 3)",
    "import ctypes\nctypes.string_at(0)": "it ended Python (a crash or a signal: Segmentation fault)",
    "import os\nif os.fork():\n    os._exit(4)\nelse:\n    import time\n    time.sleep(9)": "it ended Python (os._exit or the like, exit code 4)",
    "import os\nos.execv('/bin/sleep', ['sleep', '100'])": "it hung up on the grader",
    "import threading, os\nthreading.Timer(0.1, os._exit, [0]).start()": None,
}


@pytest.mark.parametrize("cell", ENDS)
def test_the_end_of_python_is_noticed_at_once(wall, cell):
    with Session(wall, seconds_per_cell=2 * HANG) as session:
        said = told(session.run, cell)
        if ENDS[cell] is None:
            time.sleep(0.3)
            said = told(session.run, "1")
            assert said == "Died: it ended Python (os._exit or the like, exit code 0)"
        else:
            assert said == f"Died: {ENDS[cell]}"


@pytest.mark.parametrize("cell", ["os.close(3)", "os.closerange(0, 100)", "speaker.socket.close()", "speaker.socket = None"])
def test_who_breaks_its_own_end_is_not_waited_for(wall, cell):
    with Session(wall, seconds_per_cell=2 * HANG) as session:
        session.run(SPEAK)
        assert told(session.run, cell).startswith("Died: it ")


# Forged and malformed messages

NO_MESSAGE = {
    **dict.fromkeys((b"", b"[", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 100_000), "it sent the grader what is no message"),
    b'{"x": ' + b"9" * 10_000 + b"}": "it sent the grader what is no message",
    b'{"x": {"y": ' + b"[" * 900_000 + b"]" * 900_000 + b"}}": "it sent the grader what is no message",
    b'{"x": [' + b"[]," * 600_000 + b"[]]}": "it sent the grader what is no message",
    '{"x": []}'.encode("utf-16"): "it sent the grader what is no message",
    b'{"x": "' + b"x" * 2_000_000 + b'"}': "it sent the grader more than it takes",
    (3 << 30, 0): "it sent the grader more than it takes",
    (10, 3 << 30): "it sent the grader more than it takes",
    (0xFFFFFFFF, 0xFFFFFFFF): "it sent the grader more than it takes",
}
CONTENT = [b"", b"[", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 100_000, b'{"x": ' + b"9" * 10_000 + b"}", b"{}"]
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
KINDS = ["stream", "error", "display_data", "execute_result", "update_display_data", "clear_output", "status", "x", "", 5, None, [1], {"x": 1}]


@pytest.mark.parametrize("message", NO_MESSAGE, ids=range(len(NO_MESSAGE)))
def test_what_is_no_message_ends_the_session_at_once(wall, message):
    with Session(wall, seconds_per_cell=2 * HANG) as session, Memory() as memory:
        session.run(SPEAK)
        sent = f"send({message!r})" if isinstance(message, bytes) else f"send(b'', sizes={message})"
        for call, *arguments in ((session.run, sent + "\ntime.sleep(99)"), (session.ask, ECHO, b"", 1)):
            assert told(call, *arguments) == f"Died: {NO_MESSAGE[message]}"
    assert memory.more < 60


def test_malformed_messages_are_passed_over(patient):
    cells = [f"for content in {CONTENT!r} + [b'null', b'5', b'[]', b'{{}}']:\n    say({kind!r}, content)" for kind in KINDS]
    odd = "for header in (b'{}', b'{\"number\": [1]}', b'{\"number\": null, \"kind\": \"done\"}'):\n    send(header, bytes(1000))"
    with Memory() as memory:
        for source in (*cells, odd):
            shown(told(patient.run, source))
            assert shown(patient.run("'next'")) == ["'next'"]
    assert memory.more < 120


def test_messages_of_another_request_are_not_heard(patient):
    forged = "for number in ('', 'x', None, 0):\n    send(json.dumps({'number': number, 'kind': 'done', 'content': {'status': 'ok'}}).encode(), b'forged')\n"
    assert shown(patient.run("say('stream', {'name': 'stdout', 'text': 'x'})\nold = speaker.number")) == ["x"]
    late = "send(json.dumps({'number': old, 'kind': 'stream', 'content': {'name': 'stdout', 'text': 'late'}}).encode())\n"
    assert shown(patient.run(forged + late + "'own'")) == ["'own'"]
    assert patient.ask("import __main__\nexec(" + repr(forged) + ", vars(__main__))\n" + ECHO, b"abc", 5) == b"cba"


def test_a_forged_end_shifts_no_later_answer(patient):
    for content in ({"status": "ok"}, {"status": 5, "ename": [], "evalue": {}}, {"status": "error", "ename": 5, "traceback": 5}, None, [], 5):
        shown(told(patient.run, f"say('done', {content!r})\nsay('done', {content!r})\nprint('lost')"))
        assert shown(patient.run("'next'")) == ["'next'"]
        assert patient.ask(ECHO, b"abc", 5) == b"cba"
    assert told(patient.ask, "import __main__; __main__.say('done', {'status': 5, 'ename': [], 'evalue': {}})", b"", 10) == "NoAnswer: it ended without a word"
    assert told(patient.ask, "import __main__; __main__.say('done', {'status': 'error', 'ename': 'a\\nb'})", b"", 10) == "NoAnswer: a b"


def test_who_says_it_is_done_and_goes_on_is_left(impatient):
    impatient.run(SPEAK)
    told(impatient.run, "while True:\n    try:\n        say('done', {'status': 'ok'})\n        time.sleep(0.1)\n    except BaseException:\n        pass")
    assert told(impatient.run, "1").startswith("Died: it did not stop")


def test_who_does_not_read_is_left_and_takes_no_memory(impatient):
    impatient.run(SPEAK)
    told(impatient.run, "say('done', {'status': 'ok'})\n" + STUBBORN)
    request = bytes(50_000_000)
    with Memory() as memory:
        assert told(impatient.ask, ECHO, request, 0.4) == "Died: it did not stop within 0.4 s, even when interrupted"
    assert memory.more < 80


FLOODS = [
    "send(bytes(100), bytes(7_000_000), sizes=(100, 8_000_000))\nspeaker.socket.sendall(bytes(900_000))",
    "while True:\n    send(b'{}', bytes(1_000_000))",
]


@pytest.mark.parametrize("flood", FLOODS)
def test_a_message_without_end_takes_no_memory(impatient, flood):
    impatient.run(SPEAK)
    with Memory() as memory:
        told(impatient.run, flood + "\ntime.sleep(99)")
    assert memory.more < 60


def test_no_bytes_raise_anything_in_the_grader(wall):
    chance = random.Random(0)
    headers = [b'{"number": 1}', b"{}", b"", b"[", b"\xff", b'{"content": 5, "kind": "done"}']
    for _ in range(40):
        messages = [SIZES.pack(len(header), 5) + header + bytes(5) for header in chance.choices(headers, weights=[9, 9, 1, 1, 1, 9], k=4)]
        noise = b"".join(messages) + chance.randbytes(chance.choice([0, 5, 5000]))
        with Session(wall, seconds_per_cell=5) as session:
            said = told(session.run, f"get_ipython().speaker.socket.sendall({noise!r}); 1")
            assert said[:3] == "Die" or shown(said) == ["1"]


def test_no_text_is_long_to_look_at():
    assert told(parts, b'"' + b'\\"' * 150_000 + b"\\") == 0


NAMED = """
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b"\\xff\\x0b\\x85 x")
kept = [socket.socket(socket.AF_UNIX) for _ in range(40)]
for number, plug in enumerate(kept):
    plug.bind(f"a\\n{number}")
time.sleep(0.5)
"""


def test_who_is_named_oddly_is_watched(session):
    assert shown(told(session.run, NAMED + "'watched'")) == ["'watched'"]


def test_who_cannot_be_watched_is_ended(session, monkeypatch):
    monkeypatch.setattr("grading.run.limits.memory", lambda *_: 1 / 0)
    assert told(session.run, "import time\ntime.sleep(9)") == "Died: it could not be watched"


# Requests


def test_a_request_is_answered_and_what_it_prints_is_dropped(patient):
    request = os.urandom(2_000_000)
    assert told(patient.ask, "print('x')\ndisplay('x')\n" + ECHO + "\nx", request, 10) == "NoAnswer: NameError: name 'x' is not defined"
    assert told(patient.ask, "print('x')\nimport os; os.write(1, b'x')\n" + ECHO + "\nx", request, 10) == "NoAnswer: NameError: name 'x' is not defined"
    assert patient.ask("print('x')\n" + ECHO, request, 10) == request[::-1]
    assert shown(patient.run("'request' in globals(), 'reply' in globals(), os.listdir()")) == ["(False, False, [])"]


def test_large_requests_arrive(patient):
    assert patient.ask("reply = str(len(request))", bytes(50_000_000), 20) == b"50000000"


def test_a_request_is_heard_by_a_notebook_that_redefines_everything(session):
    session.run("def exec(*_): pass\ndef open(*_): pass\nprint = input = str = list = None")
    session.run("import json, os, time\njson.dumps = json.loads = json.JSONEncoder.default = time.monotonic = os.getpid = None")
    assert session.ask(ECHO, b"abc", 5) == b"cba"
    assert shown(session.run("'heard'")) == ["'heard'"]


REPLIES = {
    "pass": "it left no reply",
    "reply = None": "TypeError: cannot convert 'NoneType' object to bytes",
    "reply = bytes(8_000_001)": "its reply is larger than 8 MB",
    "reply = '[' + ','.join('1' * 500_001) + ']'": "its reply holds too much",
    "raise ValueError('a\\nb\\x1b[31m' + 'x' * 1000)": "ValueError: a b[31m" + "x" * 281,
    "class E(Exception):\n    def __str__(self): 1 / 0\nraise E": "ZeroDivisionError: division by zero",
    "class E(Exception):\n    def __str__(self): raise self\nraise E": "E",
    "sys.exit()": "SystemExit",
}


@pytest.mark.parametrize("code", REPLIES)
def test_a_reply_that_is_none_has_its_reason(patient, code):
    assert told(patient.ask, "import sys\n" + code, b"", 3) == f"NoAnswer: {REPLIES[code]}"


def test_a_request_that_does_not_end_is_stopped(impatient):
    assert told(impatient.ask, "while True: [].sort()", b"", 0.4) == "NoAnswer: it did not finish within 0.4 s"
    assert impatient.ask(ECHO, b"abc", 5) == b"cba"
    assert told(impatient.ask, STUBBORN, b"", 0.4) == "Died: it did not stop within 0.4 s, even when interrupted"


def test_of_a_second_chance_nothing_is_left_but_its_reply(session):
    session.run("import signal\nx = 1\nhandler = signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    for _ in range(2):
        assert session.ask("import __main__, os\n__main__.x = 2\nopen('left', 'w').close() if 0 else print('x')\n" + ECHO, b"abc", 5, chance=True) == b"cba"
        session.run("signal.signal(signal.SIGCHLD, signal.SIG_DFL)")
    assert shown(session.run("x")) == ["1"] and len(below(session)) == 1
    assert told(session.ask, "while True: pass", b"", 0.3, True) == "NoAnswer: it did not finish within 0.3 s"
    assert session.ask("import os\nos._exit(3)", b"", 5, chance=True) == b""
    assert len(below(session)) == 1


# As in Jupyter


def test_programs_and_cells_are_heard_in_order(patient):
    cell = "import os\nfor i in range(100):\n    os.write(1, b'program %d\\n' % i)\n    print('cell', i, flush=True)"
    assert shown(patient.run(cell)) == ["".join(f"program {i}\ncell {i}\n" for i in range(100))]
    assert shown(patient.run("print('a')\n!echo b\nprint('c')\nos.system('echo d')\nprint('e')")) == ["a\nb\r\nc\nd\ne\n"]


def test_a_long_list_is_printed_as_far_as_there_is_room(patient):
    kept, note = shown(patient.run("print(list(range(60_000)))"))
    assert kept.startswith("[0, 1, 2, ") and 90_000 < len(kept) <= 100_000 and note == LEFT_OUT


def test_processes_of_every_kind_work(patient):
    patient.run("import math, multiprocessing, os, sys\ndef f(x):\n    print('child', x)\n    return x * x")
    assert shown(patient.run("with multiprocessing.Pool(1) as pool:\n    print(pool.map(f, [1, 2]))")) == ["child 1\nchild 2\n[1, 4]\n"]
    assert shown(patient.run("with multiprocessing.get_context('spawn').Pool(1) as pool:\n    print(pool.map(math.sqrt, [1, 4]))")) == ["[1.0, 2.0]\n"]
    fork = "print('parent', end=' ')\nchild = os.fork()\nif child == 0:\n    print('child')\n    os._exit(0)\nos.waitpid(child, 0)[1]"
    assert shown(patient.run(fork)) == ["parent child\n", "0"]
    assert shown(patient.run("import threading\nif child := os.fork():\n    os.waitpid(child, 0)\n'once'")) == ["'once'"]


def test_a_forked_copy_waits_for_no_lock_of_a_thread(patient):
    spam = (
        "import os, threading\nstop = threading.Event()\ndef spam():\n    while not stop.is_set():\n        print('spam', flush=True)\n"
        "thread = threading.Thread(target=spam)\nthread.start()\n"
    )
    fork = "for _ in range(8):\n    child = os.fork()\n    if child == 0:\n        !true\n        display('x')\n        os._exit(0)\n    assert os.waitpid(child, 0)[1] == 0\n"
    assert shown(told(patient.run, spam + fork + "stop.set(); thread.join()\n'all'"))[-1] in ("'all'", LEFT_OUT)
    assert shown(patient.run("'next'")) == ["'next'"]


def test_cells_share_a_running_loop(patient):
    patient.run("import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 3\ntask = asyncio.create_task(f())")
    assert shown(patient.run("await task, await f(), asyncio.get_running_loop() is asyncio.get_event_loop()")) == ["(3, 3, True)"]
    assert shown(patient.run("coroutine = f()\ntry:\n    asyncio.run(coroutine)\nfinally:\n    coroutine.close()")) == ["RuntimeError"]


def test_what_was_interrupted_does_not_go_on_beside_later_cells(patient, monkeypatch):
    monkeypatch.setattr(patient, "seconds_per_cell", 0.5)
    assert shown(patient.run("import asyncio\nn = 0\nwhile True:\n    n += 1\n    await asyncio.sleep(0.01)"))[-1] == "Timeout"
    assert shown(patient.run("before = n\nawait asyncio.sleep(0.1)\nn - before")) == ["0"]


def test_what_a_notebook_asks_of_jupyter(patient):
    assert shown(patient.run("print?")) == shown(patient.run("%pinfo print")) == []
    (error,) = patient.run("import getpass\ngetpass.getpass()")
    assert error.evalue == "getpass was called, but this frontend does not support input requests."
    assert shown(patient.run("get_ipython().__class__.__name__")) == ["'ZMQInteractiveShell'"]


AROUND = {
    "%load_ext tensorboard": "ModuleNotFoundError: No module named 'tensorboard' (The cell goes on.)",
    "%load_ext google.colab.data_table": "ModuleNotFoundError: No module named 'google' (The cell goes on.)",
    "%tensorboard --logdir logs": "UsageError: Line magic function `%tensorboard` not found. (The cell goes on.)",
    "%memit 1": "UsageError: Line magic function `%memit` not found. (The cell goes on.)",
    "%autosave 60": "UsageError: Line magic function `%autosave` not found. (The cell goes on.)",
    "%store -r y": "UsageError: Line magic function `%store` not found. (The cell goes on.)",
    "%env NO_SUCH": "UsageError: Environment does not have key: NO_SUCH (The cell goes on.)",
    "%conda install x": "ValueError: The python kernel does not appear to be a conda environment.",
    "%pip install tqdm": "No matching distribution found for tqdm",
    "get_ipython().magic('load_ext nb_black')": "ModuleNotFoundError: No module named 'nb_black' (The cell goes on.)",
    "%config InlineBackend.figure_format = 'retina'": "",
    "%load_ext autoreload\n%autoreload 2": "",
    "%cd /content/drive/MyDrive": "No such file or directory",
    "breakpoint()": "",
}


@pytest.mark.parametrize("line", AROUND)
def test_what_is_around_the_code_costs_no_cell(session, line):
    *said, done = shown(session.run(f"{line}\n'done'"))
    assert done == "'done'" and AROUND[line] in "".join(said)
    assert bool(said) == bool(AROUND[line])


@pytest.mark.parametrize("backend", ["widget", "ipympl", "notebook", "qt", "tk", "inline", ""])
def test_figures_are_pictures_whatever_shows_them_at_home(session, backend):
    *_, figure = session.run(f"%matplotlib {backend}\nimport matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()")
    assert figure.data["image/png"].startswith("iVBOR")


@pytest.mark.parametrize("line", ["%run no_such.py", "%time 1 / 0", "import tensorboard", "%%no_such", "get_ipython().run_cell_magic('no_such', '', '')"])
def test_what_belongs_to_the_code_stops_its_cell(patient, line):
    outputs = patient.run(f"{line}\n'done'")
    assert outputs[-1].output_type == "error" and "'done'" not in shown(outputs)


def test_a_magic_sees_the_variables_of_its_function(patient):
    cell = "def f():\n    here = 5\n    %time print(here)\n    %env FOUND={here}\n    get_ipython().magic('time print(here + 1)')\nf()\n%env FOUND"
    *said, found = shown(patient.run(cell))
    assert found == "'5'" and "".join(said).startswith("5\n") and "\n6\n" in "".join(said)


def test_a_notebook_in_its_folder_can_be_run(wall):
    cells = [nbformat.v4.new_code_cell(source) for source in ("x = 3", "def f():\n    return x")]
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
    with Session(wall, {"helpers.ipynb": notebook, "my/other helpers.ipynb": notebook}, 20) as session:
        assert shown(session.run("%run helpers.ipynb\nf()")) == ["3"]
        assert shown(session.run("del f, x\n%run 'my/other helpers.ipynb'\nf()")) == ["3"]


# Around it


def test_everything_started_is_ended(wall):
    start = (
        "import os, subprocess\n"
        "started = [subprocess.Popen(['sleep', '1000'], **options).pid for options in ({}, {'start_new_session': True}, {'start_new_session': True, 'env': {}})]\n"
        "orphan = int(subprocess.run('setsid sleep 1000 >/dev/null & echo $!', shell=True, env={}, stdout=subprocess.PIPE).stdout)"
    )
    with Session(wall) as session:
        session.run(start)
        found = below(session)
        assert len(found) == 5
    assert gone(found)


def test_what_python_leaves_when_it_ends_itself_is_ended_too(session):
    session.run("import os, subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True).pid")
    found = below(session)
    assert len(found) == 2
    with pytest.raises(Died):
        session.run("os._exit(0)")
    assert gone(found)


def test_a_failure_of_the_grader_ends_it(wall):
    with pytest.raises(ZeroDivisionError), Session(wall) as session:
        found = below(session)
        1 / 0
    assert gone(found)


def test_sessions_leave_nothing_in_the_grader(wall):
    def held():
        behind = [psutil.Process(number).status() for number in processes(wall.process.pid)]
        return len(os.listdir("/proc/self/fd")), len(behind) - behind.count(psutil.STATUS_ZOMBIE)  # which the template lets go of at the next submission

    before = held()
    for cell in ("1", "import os; os._exit(1)", "import os; os.closerange(0, 100)", "!sleep 1000 &"):
        with Session(wall) as session:
            told(session.run, cell)
    until = time.monotonic() + 5
    while held() != before and time.monotonic() < until:
        time.sleep(0.01)
    assert held() == before


def test_a_killed_grader_leaves_nothing_running():
    grader = (
        "import time\nfrom grading.run.limits import processes\nfrom grading.run.session import Session\nfrom grading.run.wall import Wall\n"
        "with Wall() as wall:\n    wall.ready()\n    with Session(wall):\n        print(*processes(wall.process.pid), flush=True)\n        time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", grader], cwd=ROOT, stdout=subprocess.PIPE) as run:
        found = [psutil.Process(int(number)) for number in run.stdout.readline().split()]
        assert len(found) >= 4 and all(process.is_running() for process in found)
        run.kill()
    assert gone(found)


def test_a_thread_that_prints_for_ever_hinders_no_later_cell(session):
    session.run("import threading\ndef spam():\n    while True:\n        print('spam')\nthreading.Thread(target=spam).start()")
    for _ in range(3):
        assert "'next'" in shown(told(session.run, "'next'"))
    assert told(session.ask, ECHO, b"abc", 5) == b"cba"


def test_who_closes_its_outputs_costs_the_grader_no_rest(session):
    looks, exchange = [], session._exchange
    session._exchange = lambda *arguments: looks.append(1) or exchange(*arguments)
    assert shown(session.run("import os, time\nos.close(1); os.close(2)\ntime.sleep(1)\nprint('heard')")) == ["heard\n"]
    assert len(looks) < 100


def test_two_sessions_work_at_the_same_time(wall):
    def work(number):
        with Session(wall, seconds_per_cell=30) as session:
            session.run(f"x = {number}\nimport time\ntime.sleep(0.3)")
            return shown(session.run("x")), session.ask(ECHO, bytes([number]), 5)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(4))) == [([str(number)], bytes([number])) for number in range(4)]


def test_a_notebook_may_lose_its_folder_and_its_handles(session):
    session.run("import os, resource, shutil\nos.mkdir('below'); os.chdir('below'); shutil.rmtree('/submission/work')")
    assert shown(session.run("1 + 1")) == ["2"] and session.ask(ECHO, b"abc", 5) == b"cba"
    session.run("os.chdir('/'); resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))")
    assert shown(session.run("1 + 1")) == ["2"] and session.ask(ECHO, b"abc", 5) == b"cba"
    assert told(session.ask, ECHO, b"abc", 5, True) == "NoAnswer: OSError: [Errno 24] Too many open files"


def test_it_gets_nothing_of_the_users_settings(monkeypatch):
    monkeypatch.setenv("SOME_PASSWORD", "x")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V4")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    # A student's files, two of which are named like modules that are needed, or that the notebook means.
    files = {"helper.py": b"value = 7", "random.py": b"1 / 0", "wave.py": b"1 / 0", "data/x.txt": b"x"}
    with Wall() as wall, Session(wall, files, 10) as session:
        cells = "import os, resource, sys, helper, wave\n[resource.getrlimit(resource.RLIMIT_CORE), sys.stdin.read() == '', helper.value, os.getcwd(), os.environ['OMP_NUM_THREADS'], os.environ['NPY_DISABLE_CPU_FEATURES']]"
        assert eval(shown(session.run(cells))[0]) == [(0, 0), True, 7, "/submission/work", "1", "X86_V4"]
        environment = eval(shown(session.run("dict(os.environ)"))[0])
        assert shown(session.run("sorted(os.listdir()), open('data/x.txt').read()")) == ["(['data', 'helper.py', 'random.py', 'wave.py'], 'x')"]
    assert not {"SOME_PASSWORD", "PYTHONSTARTUP", "PYTEST_CURRENT_TEST"} & set(environment)
    assert environment["USER"] == "student" and environment["PYTHONHASHSEED"] == "0"
    assert environment["HOME"] == environment["MPLCONFIGDIR"] == "/submission/home"


def test_processor_time_is_measured_from_outside(session):
    before = session.cpu_seconds
    session.run("import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until:\n    pass\ntime.process_time = lambda: 0")
    session.run("import time\ntime.sleep(0.3)")
    assert 0.25 < session.cpu_seconds - before < 0.55
    with pytest.raises(Died):
        session.run("import os\nos._exit(0)")
    assert session.cpu_seconds >= before + 0.25
