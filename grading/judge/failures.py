"""What went wrong in the cells of a submission, and which of it kept a function, or a name, from being there.

Read from the cells' sources and outputs, of which nothing is believed: what is said of them is short and harmless. Sources are not
parsed here: many of these cells are what Python could not understand.
"""

import functools
import itertools
import platform
import re
import unicodedata
from dataclasses import dataclass

from grading.collect.handed_in import CONFLICT
from grading.shared.text import plain, text

LONGEST, LONGEST_LINE = 200_000, 200  # characters of all cells, and of one line, that are looked at
PATIENCE = 5_000_000  # characters of cells that are looked through for names, each as often as that happens
HERE = platform.python_version()
OF_A_FILE = re.compile(r"(.*) \((<[^<>()]*>|[^()]{1,200}), line (\d{1,6})\)", re.S)  # so ends the message of a SyntaxError
ODD = re.compile(r"invalid (?:non-printable )?character .{0,9}U\+([0-9A-F]{4,6})")
NEWER = re.compile(r"\s*+(?:(?:async\s+)?(?:def|class)\s+\w+\s*\[|type\s+\w+[^=]*=|except\s+[\w.]+\s*,)|.*\bt['\"]")  # lines that Python 3.11 does not know
STARS = re.compile(r"\s*+(?:from\s+[\w.]+\s+import\s*\*|%run\b|exec\()")  # what may make any name
NAMED_ODD = {"\xa0": "a non-breaking space", "\u200b": "a zero-width space", "\ufeff": "a byte order mark"}
TYPED = {"×": "*", "·": "*", "∗": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!="} | dict.fromkeys("‐‑‒–—―−", "-")
TYPED |= dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‘’‚‛´′", "'")


@dataclass(frozen=True)
class Failure:
    """Why a cell did not come to its end.

    said: as a sentence goes on after "its cell". line: of the source, where it stopped; 0: nothing of it ran; None: unknown. cause: what other
    submissions may share, as it goes on after "they", or "". lost: the name that it found undefined. earlier: of a cell that should have made that.
    """

    said: str
    line: int | None = None
    cause: str = ""
    lost: str = ""
    earlier: str = ""

    @property
    def first(self):
        """What went wrong first, as a sentence goes on after "an earlier cell"."""
        return self.earlier or self.said


@dataclass(frozen=True)
class Ran:
    """A cell whose turn has come: its source, nbgrader's id if it has one, and its Failure if it has one."""

    source: str
    name: str | None
    failure: Failure | None


class Failures:
    """The cells of a submission, in the order in which they were run. python: with which the notebook was last run, "" if that is not known."""

    def __init__(self, python=""):
        self.python, self.ran, self.room, self.patience = python, [], LONGEST, PATIENCE

    def add(self, source, name, outputs=(), left_out=""):
        """Add a cell with its outputs; one that was left out has a reason."""
        failure = Failure(f"was left out, because {left_out}", 0) if left_out else failure_of(source, outputs, self.python)
        if failure and failure.lost and (behind := self.behind(failure.lost)):
            failure = Failure(f"{failure.said}: an earlier cell {behind.first}", failure.line, behind.cause, failure.lost, behind.first)
        self.ran.append(Ran(source[: self.room], name, failure))
        self.room -= len(self.ran[-1].source)

    def of(self, name):
        """Return the Failure that kept a function that is not there from being made, or None; and whether it is that of its own cell."""
        failed = [ran for ran in self.ran if ran.failure and self.line_of(name, ran)]
        if failed:
            return failed[-1].failure, True
        own = [ran for ran in self.ran if ran.name == name]
        if own and own[-1].failure:
            return own[-1].failure, True
        if not any("def " in ran.source for ran in own) and (star := self.of_stars()):
            return star, True
        near = itertools.takewhile(lambda ran: ran.name is None, reversed(self.ran))
        return next((ran.failure for ran in near if ran.failure and ran.failure.lost != name), None), False

    def of_stars(self):
        """Return the Failure of the last cell of which nobody knows what it would have made, or None."""
        return next((ran.failure for ran in reversed(self.ran) if ran.failure and may_make_any(ran.source)), None)

    def later(self, name):
        """Return the Failure of a cell that would have made a function anew, after it was made, and did not come to that; or None."""
        for ran in reversed(self.ran):
            line = self.line_of(name, ran)
            if line and (not ran.failure or ran.failure.line is None or ran.failure.line > line):
                return None
            if line and "raise NotImplementedError" not in ran.source:  # else that is the untouched one
                return ran.failure
        return None

    def line_of(self, name, ran):
        """Return the line of a cell that makes a name, as `line_of` does, while there is patience; 0 afterwards."""
        if name not in ran.source or self.patience < 0:
            return 0
        self.patience -= len(ran.source)
        return line_of(name, ran.source)

    def behind(self, name):
        """Return the Failure that kept a name from being there, or None."""
        failed = [ran.failure for ran in self.ran if ran.failure and self.line_of(name, ran)]
        return failed[-1] if failed else self.of_stars()


def failure_of(source, outputs, python):
    """Return the Failure that a cell's outputs show, or None."""
    errors = [output for output in outputs if output.output_type == "error"]
    if not errors:
        return None
    kind, message = errors[-1].ename, errors[-1].evalue
    if kind == "Timeout" and re.fullmatch(r"stopped after [\d.e+]{1,9} s", message):
        return Failure(f"was {message}", stopped_at(source, errors[0].traceback))
    in_a_file = OF_A_FILE.fullmatch(message) if kind in ("SyntaxError", "IndentationError", "TabError") else None
    if in_a_file:
        return of_syntax(kind, *in_a_file.groups(), source, errors[-1].traceback, python)
    if kind in ("ImportError", "ModuleNotFoundError"):
        message = re.sub(r" \((?:/[^()]*|unknown location)\)$", "", message)
    lost = re.match(r"name '(\w{1,200})' is not defined", message) if kind == "NameError" else None
    return Failure(raises(kind, message), stopped_at(source, errors[-1].traceback), shared(kind, message), lost[1] if lost else "")


def raises(kind, message):
    kind, message = text(kind, 80), text(message, 200)
    return f"raises {kind}: {message}".rstrip(": .")


def shared(kind, message):
    """Return of an error what other submissions may share, as it goes on after "they"; "" for what is each one's own."""
    module = re.match(r"No module named '([\w.]{1,80})'", message) if kind == "ModuleNotFoundError" else None
    name = re.match(r"cannot import name '(\w{1,80})' from '([\w.]{1,80})'", message) if kind == "ImportError" else None
    file = re.match(r"\[Errno 2\] No such file or directory: '([^']{1,80})'", message) if kind == "FileNotFoundError" else None
    attribute = re.match(r"module '([\w.]{1,80})' has no attribute '(\w{1,80})'", message) if kind == "AttributeError" else None
    if module:
        return f"import {module[1]}, which is not installed here"
    if name:
        return f"import {name[1]} from {name[2]}, which the {name[2]} here does not have"
    if attribute:
        return f"use {attribute[1]}.{attribute[2]}, which the {attribute[1]} here does not have"
    return f"open {text(file[1], 80)}, which is not there" if file else ""


def of_syntax(kind, message, file, line, source, traceback, python):
    """Return the Failure of a source that Python does not understand: the cell's own, or that of a file."""
    own, line = file.startswith("<"), int(line)
    line += offset(source) if own else 0
    where = f"line {line}" if own else f"line {line} of {text(file, 80)}"
    stopped = 0 if own else stopped_at(source, traceback)
    odd = ODD.match(message)
    if odd and int(odd[1], 16) <= 0x10FFFF:
        return Failure(f"raises {kind}: {where} holds {of_character(chr(int(odd[1], 16)))}", stopped)
    if kind != "SyntaxError":
        return Failure(f"{raises(kind, message)} ({where})", stopped)
    if own and CONFLICT.match(line_at(source, line)):
        return Failure(f"{raises(kind, message)} ({where} is git's mark of a conflict: keep one of the two versions)", stopped)
    here, there = minor(HERE), minor(python)
    newer = there > here if there else message.startswith("f-string") or bool(own and NEWER.match(line_at(source, line)))
    pythons = f"; here is Python {HERE}, a newer one may take it" if newer else ""
    if there and there != here:
        pythons = f"; this notebook was last run with Python {python}, here is {HERE}"
    cause = f"need a newer Python than {here[0]}.{here[1]}, it seems (SyntaxError)" if newer else ""
    return Failure(f"{raises(kind, message)} ({where}{pythons})", stopped, cause)


def minor(python):
    """Return the first two numbers of a version; () of what is none."""
    return tuple(map(int, python.split(".")[:2])) if re.fullmatch(r"\d{1,3}\.\d{1,3}(?:\.\w{1,9})?", python) else ()


def of_character(letter):
    """Say which character it is that Python does not take, and what to type."""
    code, seen = f"U+{ord(letter):04X}", unicodedata.category(letter)[0] not in "CZ"
    name = NAMED_ODD.get(letter) or f"the character {unicodedata.name(letter, 'without a name').lower()}"
    usual = unicodedata.normalize("NFKC", letter)
    if unicodedata.category(letter) == "Zs":
        return f"{name} ({code}), which only looks like a space: type a space in its place"
    if not seen:
        return f"{name} ({code}), which cannot be seen: delete it"
    if letter in TYPED or (len(usual) == 1 and usual.isascii()):
        kind = "a curly quotation mark" if TYPED.get(letter, "") in ("'", '"') else "a full-width character" if letter >= "\uff00" else "the character"
        return f"{kind} {letter} ({code}): type {TYPED.get(letter, usual)} in its place"
    return f"the character {letter} ({code}), which Python does not know outside of strings"


def offset(source):
    """Return how many lines at the top of a cell Python does not count: empty ones, and a magic of the cell."""
    lines = source[:LONGEST].split("\n")
    empty = next((number for number, line in enumerate(lines) if line.strip()), 0)
    return empty + lines[empty].startswith("%%")


def line_at(source, number):
    return "".join(source[:LONGEST].split("\n")[number - 1 : number])[:LONGEST_LINE]


def stopped_at(source, traceback):
    """Return the line of a cell that a traceback shows, counted from 1, or None."""
    shown = plain("\n".join(traceback))
    found = re.search(r"<timed exec>:(\d{1,6})\b", shown) or re.search(r"Cell In ?\[\d+\], line (\d{1,6})\b", shown)
    return int(found[1]) + offset(source) if found else None


@functools.lru_cache(1000)
def making(name):
    """Return what a line matches that makes a name, and one that may go on making several."""
    word = re.escape(name)
    statements = [
        rf"(?:async\s+)?(?:def|class)\s+{word}\b",
        rf"[\w\s,*]*\b{word}\b[\w\s,*:]*=(?!=)",
        rf"(?:from\s+[\w.]+\s+)?import\b[^#]*\b{word}\b(?!\s*\.|\s+as\b)",
        rf"import\s(?:[^#]*,)?\s*{word}\.[\w.]+\s*(?:[,;#]|$)",
        rf"(?:async\s+)?with\b[^#]*\bas\s+\(?{word}\b",
        rf"(?:async\s+)?for\s+[\w\s,()*]*\b{word}\b[\w\s,()*]*\bin\b",
    ]
    return re.compile(rf"\s*+(?:{'|'.join(statements)})"), re.compile(rf"[^#]*\b{word}\b(?!\s+as\b)")


def line_of(name, source):
    """Return the line of a cell, counted from 1, where it makes a name outside of functions and classes; 0 if it does not."""
    if name not in source:
        return 0
    makes, lists = making(name)
    inside = listing = False
    for number, line in enumerate(source.split("\n"), start=1):
        line = line[:LONGEST_LINE]
        top = line[:1] not in ("", " ", "\t", "#", ")", "]", "}")
        inside = inside and not top
        if name in line and not inside and (makes.match(line) or (listing and lists.match(line))):
            return number
        inside = inside or bool(top and re.match(r"(?:async\s+)?(?:def|class)\b", line))
        listing = ")" not in line and (listing or bool(re.match(r"\s*from\s+[\w.]+\s+import\s*\(", line)))
    return 0


@functools.lru_cache(1000)
def may_make_any(source):
    return any(STARS.match(line[:LONGEST_LINE]) for line in source.split("\n"))
