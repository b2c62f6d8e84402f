"""How a class did, on one page: to read, to print, and to show, when its names can be hidden.

Whatever a student wrote is text there: it is escaped, and the page forbids every script but its own and every other host.
"""

import base64
import hashlib
import json
import math
import re
from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from statistics import mean, median
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from grading.author import sections
from grading.author.source import EXERCISES, EXPECTED
from grading.collect.times import FILE
from grading.report.results import FAILED, GRADED
from grading.report.standing import CHANGED, NOT_GRADED, NOTHING
from grading.report.summary import kinds, met
from grading.report.table import NEEDS_MARKING
from grading.shared.checks.inquiry import SCOPES, without
from grading.shared.checks.verdicts import NOT_ATTEMPTED
from grading.shared.files import write as write_file
from grading.shared.text import plain, text

RIGHT, PARTLY, WRONG, UNTRIED, WAITS = STATES = ("right", "partly", "wrong", "untried", "waits")
WITHOUT_TOTAL = {  # why there is no total: what is said of how many
    NEEDS_MARKING: "wait for a written answer to be marked",
    FAILED: "could not be graded",
    CHANGED: "handed in again and not graded since",
    NOT_GRADED: "not graded yet",
    NOTHING: "handed nothing in",
}
MOST_BARS = 26
WIDTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # of a bar, in points
SECONDS = (1, 2, 5, 10, 30, 60, 120)  # up to which a bar of running times goes
SLOWEST = 5
MOST_CHARACTERS = 300  # of a name, a reason, a note
WORD = re.compile(r"(?<!\w)'(?:[^'\n]|'(?=\w))*'(?!\w)|“[^”\n]*”|\S*\w\.[^\W\d_]\w{0,7}\b|[^\W_]+")  # what is quoted or a file's name is a student's, too
SHORTEST = 3  # letters of a word that is looked for as part of a name


class Member(NamedTuple):
    """A student on the page. number: drawn by lot, all that is left when names are hidden. page: the address of the feedback page, "" without one."""

    number: int
    name: str
    folder: str
    page: str
    standing: object


class Bar(NamedTuple):
    """A bar of a histogram."""

    label: str
    count: int
    height: float  # per cent of the highest


def write(path, name, standings, origin, names=None, due=None):
    """Write the report on the assignment `name` to the file `path`, which is OUT/NAME/report.html, in one step.

    standings: a Standing for each student. origin: the assignment's Source. names: what people are called, by folder. due: an aware datetime, or None.
    """
    write_file(Path(path), page(Path(path), name, standings, origin, names or {}, due).encode())


def page(path, name, standings, origin, names, due):
    """Return the report as HTML."""
    templates = Path(__file__).with_name("templates") / "classroom"
    script = (templates / "report.js").read_text(encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(templates), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters |= {"number": number, "took": took, "broken": broken}
    return environment.get_template("report.html.j2").render(
        Report(path, name, standings, origin, names, due).parts(),
        script=Markup(script),
        style=Markup((templates / "report.css").read_text(encoding="utf-8")),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


class Report:
    """What the page says."""

    def __init__(self, path, name, standings, origin, names, due):
        self.name, self.tasks, self.due = name, origin.tasks, due
        self.members = members(path, name, standings, names)
        self.by_folder = {member.standing.student: member for member in self.members}
        self.graded = [member for member in self.members if member.standing.status in (GRADED, NEEDS_MARKING)]
        self.hidden = {word for member in self.members for word in words(f"{member.name} {member.folder}") if len(word) >= SHORTEST or not word.isascii()}
        self.most = sum(task.points for task in origin.tasks)
        self.seen = sections_of(name)

    def parts(self):
        functions = [task.name for task in self.tasks if not task.written]
        totals = [member.standing.points for member in self.graded if member.standing.points is not None]
        of_functions = [sum(float(row.points or 0) for row in member.standing.rows if row.task in functions) for member in self.graded]
        return {
            "name": self.name,
            "title": next(iter(sections.headings(self.name).values()), self.name),
            "made": datetime.now().astimezone(self.due.tzinfo if self.due else None),
            "due": self.due,
            "members": sorted(self.members, key=lambda member: (-(member.standing.points if member.standing.points is not None else -1), member.number)),
            "handed_in": [member for member in self.members if member.standing.status != NOTHING],
            "graded": self.graded,
            "most": self.most,
            "totals": distribution(totals, self.most),
            "few_totals": 2 * len(totals) < len(self.members) - len(self.having(NOTHING)),
            "without_total": self.without_total(),
            "most_of_functions": sum(task.points for task in self.tasks if not task.written),
            "functions": distribution(of_functions, sum(task.points for task in self.tasks if not task.written)),
            "has_written": any(task.written for task in self.tasks),
            "tasks": [self.task(place, task) for place, task in enumerate(self.tasks)],
            "mistakes": self.mistakes(),
            "unexplained": self.unexplained(),
            "failed": self.grouped((member.standing.result.get("reason", ""), member) for member in self.having(FAILED)),
            "number_failed": len(self.having(FAILED)),
            "met": self.told(met(self.results())),
            "notes": self.told(kinds(self.results())),
            "waiting": self.waiting(),
            "open": [(said, those) for status, said in WITHOUT_TOTAL.items() if status in (CHANGED, NOT_GRADED, NOTHING) if (those := self.having(status))],
            "late": sorted((member for member in self.members if is_late(member)), key=lambda member: (-lateness(member), member.number)),
            "without_time": [member for member in self.members if member.standing.status != NOTHING and not member.standing.handed_in],
            "runs": self.runs(),
            "stopped": sum(stopped_at(member.standing.rows) is not None for member in self.graded),
            "state": state,
            "when": self.when,
            "said_by": said_by,
            "late_by": late_by,
            "lateness": lateness,
        }

    def having(self, status):
        return [member for member in self.members if member.standing.status == status]

    def results(self):
        return {member.standing.student: {"notes": [], **member.standing.result} for member in self.graded}

    def without_total(self):
        found = [(status, said, len(self.having(status))) for status, said in WITHOUT_TOTAL.items()]
        return [each for each in found if each[2]]

    def task(self, place, task):
        """Return what a task came to: its members by state, those who went no further, and the mean of the points, where all are given."""
        rows = [(member, member.standing.rows[place]) for member in self.graded]
        by_state = {each: [member for member, row in rows if state(row) == each] for each in STATES}
        average = mean(float(row.points) for _, row in rows) if rows and not by_state[WAITS] else None
        stopped = [member for member in self.graded if stopped_at(member.standing.rows) == place]
        return {"name": task.name, "points": task.points, "written": task.written, "states": by_state, "mean": average, "stopped": stopped}

    def mistakes(self):
        """Return tuples (place of the task, task, sentence, section, members) of all recognised mistakes, those of most members first."""
        found = {}
        for member in self.graded:
            for place, task in enumerate(self.tasks):
                for said in member.standing.result.get("mistakes", {}).get(task.name, []):
                    found.setdefault((place, bare(said)), {})[member.number] = member
        ordered = sorted(found.items(), key=lambda each: (-len(each[1]), each[0][0]))
        return [(place, *self.mistake(self.tasks[place].name, said), list(those.values())) for (place, said), those in ordered]

    def mistake(self, task, said):
        """Return the task, the sentence, and title, chapter and address ("" without one) of the section that treats it; None where there is none."""
        known, of_task, book = *self.seen.get(task, ({}, None)), self.seen[""]
        found = known.get(said) or of_task
        section = found and (found["title"].replace("$", ""), found["chapter"], f"{book}/{found['page']}" if book else "")
        return task, said if said in known else self.masked(said), section

    def unexplained(self):
        """Return pairs of a task and what its check said to whom, of those who tried and have no points, without a recognised mistake."""
        found = []
        for place, task in enumerate(self.tasks):
            rows = [(member.standing.rows[place], member) for member in self.graded if not task.written]
            said = self.grouped((row.message, member) for row, member in rows if state(row) == WRONG and not row.mistake)
            found += [(task.name, said)] if said else []
        return found

    def grouped(self, pairs):
        """Return pairs of what is said and the members of whom it is said, those of most first."""
        found = {}
        for said, member in pairs:
            found.setdefault(said, []).append(member)
        return [(self.masked(said), those) for said, those in sorted(found.items(), key=lambda each: -len(each[1]))]

    def told(self, pairs):
        return [(self.masked(said), [self.by_folder[student] for student in students]) for said, students in pairs]

    def waiting(self):
        """Return for each task that waits its name, its points, and the members who wait."""
        found = []
        for place, task in enumerate(self.tasks):
            those = [member for member in self.graded if state(member.standing.rows[place]) == WAITS]
            found += [(task.name, task.points, those)] if those else []
        return found

    def runs(self):
        """Return bars of how long submissions ran, the median, the slowest members, and how many times are not known; None without any."""
        ran = [(member.standing.result["seconds"], member) for member in self.graded if member.standing.result.get("seconds") is not None]
        if not ran:
            return None
        bounds = list(zip((0, *SECONDS), (*SECONDS, math.inf), strict=True))
        counts = [sum(low <= seconds < high for seconds, _ in ran) for low, high in bounds]
        while not counts[-1]:
            counts.pop()
        said = [f"{took(low)} or more" if high == math.inf else f"{took(low)} to {took(high)}" if low else f"under {took(high)}" for low, high in bounds]
        slowest = sorted(ran, key=lambda each: (-each[0], each[1].number))[:SLOWEST]
        return {"bars": bars(said, counts), "median": median(seconds for seconds, _ in ran), "slowest": slowest, "unknown": len(self.graded) - len(ran)}

    def when(self, member):
        at = member.standing.handed_in
        return at.astimezone(self.due.tzinfo if self.due else at.tzinfo).strftime("%Y-%m-%d %H:%M") if at else ""

    def masked(self, said):
        """Return what is said of a student, in which all that may tell who it is goes when names are hidden."""
        said, parts, place = short(said), [], 0
        for found in WORD.finditer(said):
            if found[0].casefold() in self.hidden or not (found[0].isalnum() or found[0] == f"{self.name}.ipynb"):
                parts += [said[place : found.start()], Markup('<span class="w"><span>{}</span><i>…</i></span>').format(found[0])]
                place = found.end()
        return Markup("").join([*parts, said[place:]])


def members(path, name, standings, names):
    """Return a Member for each standing, in the order of numbers that were drawn by lot."""
    numbers, feedback = list(range(1, len(standings) + 1)), path.parents[1] / "feedback"
    have_pages = {student.name for student in feedback.iterdir()} if feedback.is_dir() else set()
    SystemRandom().shuffle(numbers)
    found = []
    for lot, one in zip(numbers, standings, strict=True):
        inside = f"{one.student}/{name}/{name}.html"
        address = quote(f"../feedback/{inside}") if one.student in have_pages and (feedback / inside).exists() else ""
        called = short(names.get(one.student, "")) or short(one.student)
        found.append(Member(lot, called, short(one.student), address, one))
    return sorted(found, key=lambda member: member.number)


def short(said):
    said = plain(said[: 10 * MOST_CHARACTERS])
    return said if len(said) <= MOST_CHARACTERS else said[: MOST_CHARACTERS - 1] + "…"


def words(said):
    return {word.casefold() for word in re.findall(r"[^\W_]+", said)}


def state(row):
    """Return what became of a task in a student's hands: one of STATES."""
    if row.status != GRADED:
        return WAITS
    points = float(row.points)
    if points > 0:
        return RIGHT if points >= row.max_points else PARTLY
    return UNTRIED if row.message == NOT_ATTEMPTED.summary else WRONG


def stopped_at(rows):
    """Return the place of the task behind which nothing was tried: the last one tried if that is wrong, else the one after it; None where none is left."""
    states = [state(row) for row in rows]
    last = max((place for place, each in enumerate(states) if each != UNTRIED), default=-1)
    if last == len(states) - 1:
        return None
    return last if last >= 0 and states[last] == WRONG else last + 1


def distribution(values, most):
    """Return the bars of these points, of which the last is for those who have all of `most`, with median, mean, least and greatest; None without any."""
    if not values:
        return None
    width = next((width for width in WIDTHS if most / width < MOST_BARS), most / MOST_BARS)
    starts = [place * width for place in range(math.ceil(most / width) + 1) if place * width < most] + [most]
    counts = [sum(start <= value < end for value in values) for start, end in zip([-math.inf, *starts[1:]], [*starts[1:], math.inf])]
    figures = {"median": median(values), "mean": mean(values), "least": min(values), "greatest": max(values)}
    return {"bars": bars([number(start) for start in starts], counts), "count": len(values), "width": width, **figures}


def bars(labels, counts):
    most = max(counts) or 1
    return [Bar(label, count, round(100 * count / most, 2)) for label, count in zip(labels, counts)]


def bare(sentence):
    """Return a sentence without what it says it holds for."""
    for scope in SCOPES.values():
        sentence = without(scope, sentence)
    return sentence


def sections_of(name):
    """Return for each task a pair: the section of each known mistake, None for many, by its sentence; and the task's. And by "" where the book is published."""
    found = {"": sections.address()}
    path = EXERCISES / name / EXPECTED
    for task in json.loads(path.read_text(encoding="utf-8")) if path.exists() else []:
        mistakes = task.get("mistakes", [])
        known = {text(each["sentence"]): each.get("see") for each in mistakes} if isinstance(mistakes, list) else dict.fromkeys(map(text, mistakes.values()))
        found[task["name"]] = known, task.get("see")
    return found


def is_late(member):
    one = member.standing
    return bool(one.late_by) or (one.late_by is None and bool(one.late))


def lateness(member):
    return (member.standing.late_by or timedelta()).total_seconds()


def late_by(member):
    """Return by how much something is late, in words."""
    seconds = lateness(member)
    if not seconds:
        return short(member.standing.late) if is_late(member) else ""
    minutes = math.ceil(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{amount} {unit}" for amount, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if amount]
    return " ".join(parts[:2])


def said_by(member):
    """Return whose time it is when something was handed in, as it goes on after the time."""
    source = short(member.standing.time_from)
    return f", as {'the time of its file' if source == FILE else source if source[:1].isupper() else f'the {source}'} says" if source else ""


def took(seconds):
    """Return a running time, with no more digits than it is known to."""
    if seconds >= 60:
        return f"{number(round(seconds / 60, 1))} min"
    return f"{seconds:.0f} s" if seconds >= 10 or not seconds % 1 else f"{seconds:.1f} s"


def number(value):
    return f"{round(value, 2):g}"


def broken(name):
    """Return a name of Python's that may break behind its underscores."""
    return Markup("_<wbr>").join(map(escape, name.split("_")))
