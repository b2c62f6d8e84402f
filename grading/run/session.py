"""The grader's end of a conversation with a student's Python, of which nothing is believed."""

import codecs
import json
import os
import re
import secrets
import select
import signal
from contextlib import suppress
from time import monotonic

from grading.run import limits
from grading.run.behind.frames import LARGEST_HEADER, LARGEST_PAYLOAD, SIZES, packed
from grading.run.outputs import OF_ALL_CELLS, Outputs, plain

START = 60  # seconds for it to be there and take in a file
PATIENCE = 1.5  # seconds for an interrupt to help, and for what has hung up to end
INTERRUPTS = 2
WATCH = 0.1  # seconds between two looks at the memory taken
MOST_PARTS = {"header": 50_000, "payload": 500_000}  # of a message's JSON, each of which may take a hundred times its size in memory
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)  # matches wherever it starts


class Died(Exception):
    """The student's Python has ended, or was ended."""


class NoAnswer(Exception):
    """No usable reply came to a request."""


class Session:
    """A student's Python: `with Session(wall, files) as session: session.run("1 + 1")`.

    wall: a Wall. files: the content of its folder, bytes by path. To be used by one thread at a time. Every method raises Died from the
    moment on that it has.
    """

    def __init__(self, wall, files=(), seconds_per_cell: float = 120):
        self.wall, self.files, self.seconds_per_cell = wall, dict(files), seconds_per_cell
        self._bounds = wall.bounds
        self._died, self._cpu_seconds, self._looked = None, 0.0, 0.0
        self._unread, self._decoders = bytearray(), {}
        self._room = OF_ALL_CELLS

    def __enter__(self):
        self._place = self.wall.place()
        try:
            self._place.channel.setblocking(False)
            for name, number in (("stdout", self._place.out), ("stderr", self._place.err)):
                os.set_blocking(number, False)
                self._decoders[number] = name, codecs.getincrementaldecoder("utf-8")("replace")
            for path, content in self.files.items():
                self._request("file", content, START + len(content) / 1e6, path=path)
        except BaseException:
            self._place.close()
            raise
        return self

    def __exit__(self, *_):
        self._place.close()

    @property
    def cpu_seconds(self) -> float:
        """Processor time of everything it started, as the system counts it."""
        if self._place.ended() is None:
            self._cpu_seconds = max(self._cpu_seconds, limits.cpu_seconds(limits.processes(self._place.first)))
        return self._cpu_seconds

    def run(self, source):
        """Run one code cell; return its outputs (nbformat 4), bounded.

        A cell that takes longer than `seconds_per_cell` is interrupted; its last output is then an error named Timeout.
        """
        outputs = Outputs(self._room)
        done, _, stopped = self._request("cell", source.encode("utf-8", "surrogatepass"), self.seconds_per_cell, outputs.hear)
        if done.get("status") == "error" and not any(output.get("ename") == done.get("ename") for output in outputs.kept):
            outputs.error({name: done.get(name) for name in ("ename", "evalue")})
        if stopped:
            outputs.error({"ename": "Timeout", "evalue": f"stopped after {self.seconds_per_cell:g} s"})
        self._room = outputs.room_left()
        return outputs.kept

    def ask(self, code, request, seconds, chance=False):
        """Execute `code`, which finds the bytes `request` and leaves bytes or text, `reply`; return it as bytes.

        It is the student's to choose. What the code prints is dropped. chance: in a copy of the student's Python, of which nothing but
        the reply is left. Raises NoAnswer, too.
        """
        done, reply, stopped = self._request("chance" if chance else "ask", request, seconds, code=code)
        if stopped:
            raise NoAnswer(f"it did not finish within {seconds:g} s")
        if done.get("status") != "ok":
            raise NoAnswer(one_line(f"{plain(done.get('ename'))}: {plain(done.get('evalue'))}") or "it ended without a word")
        if parts(reply) > MOST_PARTS["payload"]:
            raise NoAnswer("its reply holds too much")
        return reply

    def _request(self, do, payload, seconds, hear=None, **details):
        """Send a request, and let `hear` hear what comes of it, as (kind, content). Returns how it was done, the reply, and whether it had to be stopped."""
        if self._died:
            raise Died(self._died)
        number = secrets.token_hex(8)
        unsent = memoryview(packed({"number": number, "do": do, "with": details}, payload))
        interrupts, deadline = 0, monotonic() + seconds
        while True:
            now = monotonic()
            if now > deadline:
                if interrupts == INTERRUPTS:
                    self._end(f"it did not stop within {seconds:g} s, even when interrupted")
                self._place.signal(signal.SIGINT)
                interrupts, deadline = interrupts + 1, now + PATIENCE
            self._watch(now)
            unsent, readable = self._exchange(unsent, max(0.0, min(WATCH, deadline - now)))
            for header, reply in self._messages() if self._place.channel.fileno() in readable else ():
                if header.get("number") != number:
                    continue
                content = header["content"] if isinstance(header.get("content"), dict) else None
                if header.get("kind") == "done":
                    for number_of_pipe in list(self._decoders):
                        self._printed(number_of_pipe, hear, most=16)
                    return content or {}, reply, interrupts > 0
                if hear:
                    hear(plain(header.get("kind")), content)
            for number_of_pipe in readable & self._decoders.keys():  # after the messages: what was written earlier was read before these were sent
                self._printed(number_of_pipe, hear)

    def _exchange(self, unsent, seconds):
        """Send what can be sent and wait for something to read; return what is left to send, and which files can be read."""
        poll = select.poll()
        channel = self._place.channel.fileno()
        poll.register(channel, select.POLLIN | (select.POLLOUT if unsent else 0))
        for number in self._decoders:
            poll.register(number, select.POLLIN)
        found = dict(poll.poll(seconds * 1000))
        if found.get(channel, 0) & select.POLLOUT:
            try:
                unsent = unsent[self._place.channel.send(unsent[: 1 << 20]) :]
            except BlockingIOError:
                pass
            except OSError:
                self._hung_up()
        return unsent, {number for number, event in found.items() if event & ~select.POLLOUT}

    def _messages(self):
        """Return the messages that have arrived whole, as (header, payload)."""
        try:
            arrived = self._place.channel.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            arrived = b""
        if not arrived:
            self._hung_up()
        self._unread += arrived
        messages = []
        while len(self._unread) >= SIZES.size:
            header, payload = SIZES.unpack_from(self._unread)
            if header > LARGEST_HEADER or payload > LARGEST_PAYLOAD:
                self._end("it sent the grader more than it takes")
            end = SIZES.size + header + payload
            if len(self._unread) < end:
                break
            messages.append((self._understood(self._unread[SIZES.size : SIZES.size + header]), bytes(self._unread[SIZES.size + header : end])))
            del self._unread[:end]
        return messages

    def _understood(self, header):
        try:
            found = json.loads(header.decode()) if parts(header) <= MOST_PARTS["header"] else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._end("it sent the grader what is no message")
        return found

    def _printed(self, number, hear, most=1):
        """Hear what was written past the channel: by programs and by processes that the student forked."""
        name, decoder = self._decoders[number]
        for _ in range(most):
            try:
                text = os.read(number, 1 << 16)
            except BlockingIOError:
                return
            if not text:  # closed for good
                del self._decoders[number]
                return
            if hear:
                hear("stream", {"name": name, "text": decoder.decode(text)})

    def _watch(self, now):
        """End what takes too much, and notice what has ended."""
        if now < self._looked + WATCH:
            return
        self._looked = now
        if self._place.ended() is not None:
            self._die(how_it_ended(self._place.ended()))
        try:
            found = limits.processes(self._place.first)
            memory, cpu_seconds = limits.memory(found, self._bounds.memory), limits.cpu_seconds(found)
        except Exception:
            self._hung_up("it could not be watched")
        if memory > self._bounds.memory:
            self._end(f"it took more than {self._bounds.memory / 1e9:g} GB of memory")
        self._cpu_seconds = max(self._cpu_seconds, cpu_seconds)
        if self._cpu_seconds > self._bounds.cpu_seconds:
            self._end(f"it took more than {self._bounds.cpu_seconds} s of processor time")

    def _hung_up(self, how="it hung up on the grader"):
        until = monotonic() + 0.5
        while self._place.ended() is None and monotonic() < until:
            select.select([], [], [], 0.005)
        code = self._place.ended()
        self._end(how if code is None else how_it_ended(code))

    def _end(self, reason):
        with suppress(OSError):
            self._place.kill()
        self._die(reason)

    def _die(self, reason):
        self._died = reason
        raise Died(reason)


def parts(text):
    """Return how many things a JSON text makes, at most; a string, whatever it holds, is one."""
    return sum(map(STRING.sub(b"", text).count, (b"[", b"{", b",")))


def how_it_ended(code):
    how = f"os._exit or the like, exit code {code}" if code >= 0 else f"a crash or a signal: {signal.strsignal(-code)}"
    return f"it ended Python ({how})"


def one_line(text):
    return "".join(letter for letter in " ".join(text[:2000].split()) if letter.isprintable())[:300].rstrip(": ")
