"""The verdict on a task: which cases are right, and what is said about those that are not.

A sentence speaks about a respect (see comparison.py), or about both kinds of values. It is said when the mistake that it
describes gives the student's outcome in every case of that respect: then no right case contradicts it either.
"""

import functools
import inspect
import math
import textwrap
from dataclasses import dataclass, field

import numpy as np

from . import detectors
from .comparison import EDGE, KEPT, ORDINARY, REFUSAL, WARNING, alike, another_kind, arguments_of, differences, numbers, opened, raised, unlike
from .errors import explained
from .outcomes import Other, article, count, decode, is_tensor

VALUES = (ORDINARY, EDGE)
ALONE = "It is shown as an example: this one case alone earns nothing."
PASSED, FAILED, WAITING = "✓", "✗", "·"


@dataclass
class Fault:
    """What is wrong in one respect, and where it shows.

    case: the number of the case that is shown, from 1. problem: what differs there; details: that case, over several lines.
    sentence: what is likely wrong, if that was recognised; name: of the mistake; see: the section of the book that helps.
    """

    case: int
    problem: str
    details: str
    sentence: str = ""
    name: str = ""
    see: dict | None = None

    def text(self, book=""):
        return "\n\n".join(filter(None, [self.details, arrow(self.sentence, self.see, book)]))


@dataclass
class Verdict:
    """Whether a task is solved, and what there is to say about it.

    summary: how many cases are right. faults: what is wrong, a Fault for each respect. advice: more lines.
    """

    solved: bool
    summary: str
    faults: list = field(default_factory=list)
    advice: str = ""
    attempted: bool = True

    @property
    def case(self):
        return self.faults[0].case if self.faults else 0

    @property
    def example(self):
        """The number of the case of which was told what it should give, or None."""
        return next((fault.case for fault in self.faults if ALONE in fault.details), None)

    @property
    def sentences(self):
        return [fault.sentence for fault in self.faults if fault.sentence]

    @property
    def names(self):
        return [fault.name for fault in self.faults if fault.name]

    def text(self, book=""):
        sign = PASSED if self.solved else FAILED if self.attempted else WAITING
        said = [f"{sign} {self.summary}", *(fault.text(book) for fault in self.faults), self.advice]
        return "\n\n".join(line for line in said if line)

    def message(self):
        said = [fault.sentence or fault.problem for fault in self.faults]
        return " ".join(" ".join([self.summary, *said]).split())


def arrow(sentence, see=None, book=""):
    """Return a sentence as it stands below a case, with the section that it sends to."""
    if not sentence:
        return ""
    lines = textwrap.fill(sentence, 80, initial_indent="→ ", subsequent_indent="  ", break_on_hyphens=False)
    return lines + (f"\n  Read again: {section(see, book)}" if see else "")


def section(see, book=""):
    """Return the name of a section of the book, with its address when the book has one."""
    where = f"“{see['title']}”, in the chapter “{see['chapter']}”"
    return f"{where}\n  {book.rstrip('/')}/{see['page']}" if book else where


NOT_ATTEMPTED = Verdict(False, "not attempted yet", attempted=False)


def said(summary, sentence, name="", see=None):
    """Return the verdict on what has no cases: one fault without details."""
    return Verdict(False, summary, [Fault(0, sentence, "", sentence, name, see)])


def judge(task, got, example=None):
    """Compare the outcomes of all cases with the expected ones.

    task: a dict with "parameters" (the arguments' names), "results" (those of the parts of a result), "tolerance",
    "without_warning", "cases" (the encoded arguments), "edges" (the cases that are edges, counted from 0), "expected"
    (an outcome per case), "mistakes" (dicts of "name", "sentence", "about", the respects of which it speaks, "see" and
    "outcomes") and "see". got: what `call` returned. example: the number of the one case, from 1, of which may be told what
    it should give; None: of the first that is wrong.
    """
    if got and all(outcome.get("stub") for outcome in got):
        return NOT_ATTEMPTED
    inquiry = Inquiry(task, list(map(opened, got)))
    number = len(got)
    right = number - len(inquiry.wrong)
    if right == number:
        return Verdict(True, f"All {number} cases are right.")
    summary = f"{right} of {number} cases {'is' if right == 1 else 'are'} right." if right else f"None of the {number} cases is right."
    return Verdict(False, summary, inquiry.faults(example))


class Inquiry:
    """The outcomes of all cases of one task beside the expected ones, and the search for what explains them."""

    def __init__(self, task, got):
        self.task, self.got, self.expected = task, got, list(map(opened, task["expected"]))
        rule = {name: task[name] for name in ("without_warning", "parameters", "results")}
        self.tolerance = tuple(task["tolerance"])
        self.found = [differences(one, other, self.tolerance, **rule) for one, other in zip(got, self.expected, strict=True)]
        self.wrong = [number for number, found in enumerate(self.found) if found]
        edges = set(task["edges"])
        self.asks = [REFUSAL if "raised" in one else EDGE if number in edges else ORDINARY for number, one in enumerate(self.expected)]
        self.visible = task.get("visible", len(got))

    def faults(self, example):
        """Return a Fault for every respect in which something is wrong; one for several if a mistake speaks about these."""
        known = next((mistake for mistake in self.mistakes if self.is_mistake(mistake)), None)
        about = known["about"] if known else []
        found = self.of_values(example) if not set(VALUES) & set(about) else []
        rest = (self.of(respect) for respect in (REFUSAL, KEPT, WARNING) if respect not in about)
        return [*([self.of_mistake(known)] if known else []), *found, *filter(None, rest)]

    def is_mistake(self, mistake):
        """Say whether all outcomes are those of a mistake, in every respect."""
        values = all(self.as_in(mistake, number, True) for number in self.cases(*VALUES))
        return values and all(self.same_in(respect, mistake, number) for respect in (REFUSAL, KEPT, WARNING) for number in self.cases(respect))

    def of_mistake(self, mistake):
        respect = mistake["about"][0]
        if respect in VALUES:
            return self.fault([each for each in mistake["about"] if each in VALUES], mistake["name"], mistake["sentence"], self.see(mistake))
        number = self.wrong_in(respect)[0]
        return Fault(number + 1, self.found[number][respect], "\n".join(self.lines(number, respect)), mistake["sentence"], mistake["name"], self.see(mistake))

    def see(self, mistake):
        return mistake.get("see") or self.task.get("see")

    def cases(self, *respects):
        """Return the numbers of the cases that are judged in any of these respects."""
        if respects[0] in (KEPT, WARNING):
            valued = [number for number, asked in enumerate(self.asks) if asked != REFUSAL and "value" in self.got[number]]
            return [number for number in valued if respects[0] == KEPT or ORDINARY not in self.found[number]]  # a wrong value's warning says nothing more
        return [number for number, asked in enumerate(self.asks) if asked in respects]

    def wrong_in(self, *respects):
        key = ORDINARY if respects[0] in VALUES else respects[0]
        return [number for number in self.cases(*respects) if key in self.found[number]]

    @functools.cached_property
    def mistakes(self):
        """The known mistakes with their outcomes decoded; needed only when something is wrong."""
        return [mistake | {"outcomes": list(map(opened, mistake["outcomes"]))} for mistake in self.task["mistakes"]]

    # Values.

    def of_values(self, example):
        wrong = [respect for respect in VALUES if self.wrong_in(respect)]
        if not wrong:
            return []
        narrower = [(respect,) for respect in wrong if self.cases(respect) != self.cases(*VALUES)]
        for respects in [VALUES, *narrower]:
            name, sentence, see = self.explanation(respects)
            if sentence:
                rest = [respect for respect in wrong if respect not in respects]
                others = [self.fault(respect, *self.explanation((respect,)), example=example) for respect in rest]
                return [self.fault(respects, name, sentence, see), *(fault for fault in others if fault.sentence)]
        return [self.fault(VALUES, "", "", None, example)]

    def explanation(self, respects):
        """Return (name, sentence, section) of what explains all values of these respects, or empty ones."""
        respects = (respects,) if isinstance(respects, str) else respects
        cases = self.cases(*respects)
        wrong = self.wrong_in(*respects)
        for exact in (True, False):
            for mistake in self.mistakes:
                about = set(mistake["about"])
                speaks = about & set(VALUES) and (about <= set(respects) if len(respects) > 1 else about == set(respects))
                if speaks and all(self.as_in(mistake, number, exact) for number in cases):
                    return mistake["name"], mistake["sentence"], self.see(mistake)
        failing = self.errors(wrong)
        if failing:
            return failing
        try:
            with np.errstate(all="ignore"):
                name, sentence = detectors.detect(self.task, self.pairs(cases), self.of_mistakes(cases))
        except (ArithmeticError, LookupError, TypeError, ValueError):  # a result may be anything; then nothing is recognised
            name = sentence = ""
        return name, sentence, self.task.get("see") if sentence else None

    def errors(self, wrong):
        """Return what explains the errors raised where a value is asked, if all of them have one explanation."""
        if "raised" not in self.got[wrong[0]]:
            return None
        raising = all("raised" in self.got[number] for number in wrong)
        found = {explained(self.got[number], self.task) for number in wrong if raising or "raised" in self.got[number]}
        first = explained(self.got[wrong[0]], self.task)
        return (*first, None) if first[1] and (raising or len(found) == 1) else None

    def as_in(self, mistake, number, exact):
        got, other = self.got[number], mistake["outcomes"][number]
        if "raised" in got or "raised" in other:
            same = got.get("raised", ["", ""])[0] == other.get("raised", [""])[0]
            return same and (got["message"] == other["message"] or ": raise " in got.get("where", ""))
        return alike(got["value"], other["value"], self.tolerance, exact)

    def pairs(self, cases):
        """Return the results of these cases beside the expected ones, in one kind of thing; none if one case raises."""
        return detectors.Pairs(map(self.pair, cases)) if all("value" in self.got[number] for number in cases) else []

    def pair(self, number):
        got, expected = self.got[number]["value"], self.expected[number]["value"]
        arguments = dict(zip(self.task["parameters"], self.task["cases"][number]))
        return detectors.Pair(numbers(got, expected), expected, arguments, number, got, max(detectors.CLOSE, self.tolerance[1]))

    def of_mistakes(self, cases):
        """Return for each known mistake about values what it gives in these cases, None where it raises."""
        known = (mistake for mistake in self.mistakes if set(mistake["about"]) & set(VALUES))
        return [(mistake, [mistake["outcomes"][number].get("value") for number in cases]) for mistake in known]

    def fault(self, respects, name, sentence, see, example=None):
        respects = (respects,) if isinstance(respects, str) else respects
        wrong = self.wrong_in(*respects)
        number = wrong[0]
        lines = self.lines(number, ORDINARY)
        right = "value" not in self.got[number] or alike(self.got[number]["value"], self.expected[number]["value"], self.tolerance, exact=False)
        if not sentence and number < self.visible and example in (None, number + 1) and not right:
            lines += [f"  expected: {short(self.expected[number]['value'], self.task['results'])}", f"  {ALONE}"]
        return Fault(number + 1, self.found[number][ORDINARY], "\n".join(lines), sentence, name, see)

    # The other respects.

    def of(self, respect):
        wrong = self.wrong_in(respect)
        if not wrong:
            return None
        key = respect
        number = wrong[0]
        name, sentence, see = self.recognised(respect)
        if not sentence and respect == REFUSAL:
            name, sentence = self.refusals(wrong)
            see = None
        return Fault(number + 1, self.found[number][key], "\n".join(self.lines(number, key)), sentence, name, see)

    def recognised(self, respect):
        cases = self.cases(respect)
        for mistake in self.mistakes:
            if respect in mistake["about"] and all(self.same_in(respect, mistake, number) for number in cases):
                return mistake["name"], mistake["sentence"], self.see(mistake)
        return "", "", None

    def same_in(self, respect, mistake, number):
        got, other = self.got[number], mistake["outcomes"][number]
        if respect == REFUSAL:
            if "raised" in got or "raised" in other:
                return got.get("raised", [""])[0] == other.get("raised", [""])[0]
            return alike(got["value"], other["value"], self.tolerance, exact=False)
        if respect == WARNING:
            return bool(got.get("warned")) == bool(other.get("warned"))
        now, then = got.get("modified", {}), other.get("modified", {})
        return now.keys() == then.keys() and not any(unlike(now[position], then[position], self.tolerance) for position in now)

    def refusals(self, wrong):
        """Say how much of what should be refused is let through, and how it is refused instead."""
        asked = self.cases(REFUSAL)
        kinds = {self.got[number]["raised"][0] for number in wrong if "raised" in self.got[number]}
        wanted = self.expected[wrong[0]]["raised"][0]
        if kinds == {"AssertionError"} and all("raised" in self.got[number] for number in wrong):
            return "assert", f"You do refuse it, but with an AssertionError. An assert is for what cannot happen, and is skipped when Python runs with -O: raise {wanted}(…)."
        values = [self.got[number].get("value") for number in wrong]
        if all(isinstance(value, Other) and wanted in value.what for value in values):
            return "returned_exception", f"You return a {wanted} where it should be raised: an exception that is returned stops nobody. Write raise in place of return."
        if kinds:
            return "", ""
        if len(wrong) == len(asked):
            return "refuses_nothing", f"None of the {count(len(asked), 'case', 'cases')} in which the task asks for a {wanted} raises one."
        refused = len(asked) - len(wrong)
        return "refuses_some", f"You refuse {refused} of the {len(asked)} cases in which the task asks for a {wanted}, and let through {self.listed(wrong)}. Which condition would have caught that?"

    def listed(self, wrong):
        seen = [number for number in wrong if number < self.visible]
        names = [f"case {number + 1}" for number in seen[:4]] + ([f"{count(len(wrong) - len(seen[:4]), 'other', 'others')}"] if len(wrong) > len(seen[:4]) else [])
        return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]

    def lines(self, number, key):
        """Return a case as a student reads it: its arguments, what came back, what is wrong with it."""
        got = self.got[number]
        which = f"Case {number + 1}" if number < self.visible else "A new case"
        lines = [f"{which}:", *shown(self.task["cases"][number], self.task["parameters"])]
        if "value" in got and not isinstance(got["value"], dict | Other | None):
            lines.append(f"  returned: {short(got['value'], self.task['results'])}")
        lines.append(f"  {self.found[number][key]}{self.kind_apart(number, key)}")
        if got.get("printed"):
            lines.append(f"  It printed: {got['printed'][:300].strip()}")
        return lines

    def kind_apart(self, number, key):
        """Say of a thing of the wrong kind whether its numbers are right."""
        got, expected = self.got[number].get("value"), self.expected[number].get("value")
        if key != ORDINARY or "value" not in self.got[number] or not another_kind(got, expected) or numbers(got, expected) is got:
            return ""
        entries = "entries" if isinstance(expected, np.ndarray) and expected.dtype.kind == "U" else "numbers"
        return f" Its {entries} are right." if alike(got, expected, self.tolerance, exact=False) else f" Its {entries} are not right either."


# A task that trains.


def judge_training(task, measure, signs, truth, got, seconds):
    """Judge the outputs of a trained module on unseen inputs.

    task: a dict with "bar", "seconds", "shape", that of one output (None, there or in place of a size: any), "see" and
    "mistakes", a dict of sentences. measure: maps outputs and truth to a number. signs: maps them to the names of the
    mistakes that they show, the most telling first. got: what `train` returned. seconds: how long that took.
    """
    got = opened(got)
    fault = unmeasured(task, truth, got)
    if fault:
        return fault
    outputs = got["value"]
    reached = math.floor(float(measure(outputs, truth)) * 1000) / 1000
    what = inspect.getdoc(measure).splitlines()[0].rstrip(".")
    summary = f"{what}: {reached:.3f} ({task['bar']:.2f} is asked)."
    if reached < task["bar"]:
        shown = [name for name in signs(outputs, truth) if name in task["mistakes"]]
        return said(summary, task["mistakes"][shown[0]], shown[0], task.get("see")) if shown else Verdict(False, summary)
    if seconds > task["seconds"]:
        return Verdict(False, f"{summary} But it took {seconds:.0f} s, and {task['seconds']:g} are allowed.")
    return Verdict(True, summary)


def unmeasured(task, truth, got):
    """Return the verdict on outputs of which nothing can be measured; None for others."""
    if got.get("stub"):
        return NOT_ATTEMPTED
    if "raised" in got:
        name, sentence = explained(got, task)
        problem = raised(got)
        return Verdict(False, "It raises an error.", [Fault(0, problem, problem, sentence, name)])
    if got.get("modified"):
        return Verdict(False, f"It changes its {arguments_of(got['modified'], task['parameters'])}: it should work on a copy.")
    outputs = got["value"]
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f":
        return Verdict(False, f"The module should give floats, and gives {article(outputs)}.")
    asked = [len(truth), *(outputs.shape[1:] if task["shape"] is None else task["shape"])]
    if outputs.ndim != len(asked) or any(wanted not in (None, size) for wanted, size in zip(asked, outputs.shape)):
        shape = ", ".join("any" if wanted is None else str(wanted) for wanted in asked)
        return Verdict(False, f"For {len(truth)} unseen inputs the module gives outputs of shape {outputs.shape}, where ({shape}) is asked.")
    if not np.all(np.isfinite(outputs)):
        return Verdict(False, "The module gives NaN or infinite values: did the training diverge?")
    part = got.get("part")
    if not isinstance(part, np.ndarray) or part.shape != outputs[: len(part)].shape or not close(part, outputs[: len(part)]):
        sentence = "What your module answers for an image depends on which others are given beside it, also in eval() mode. Does something in forward run over the batch, dim=0, such as a mean, a softmax or a normalisation that belongs to dim=1?"
        return said(f"For the first {len(truth) // 3} of the {len(truth)} unseen inputs alone the module gives other outputs than among all.", sentence, "depends_on_the_batch", task.get("see"))
    return None


def close(part, outputs):
    """Say whether outputs are the same but for the order of sums."""
    return bool(np.all(np.abs(part - outputs) <= 1e-2 * np.abs(outputs).max()))


# How arguments and results are shown.


def shown(case, parameters):
    """Return a line for each argument of a case."""
    return [f"  {name} = {described(code)}" for name, code in zip(parameters, case)]


def described(code):
    """Write an encoded argument as one would in Python, shortened."""
    if isinstance(code, dict) and "function" in code:
        return code["function"]
    if isinstance(code, dict) and "make" in code:
        keywords = [f"{decode(key)}={short(decode(value))}" for key, value in code["and"]["dict"]]
        return f"{code['make']}({', '.join([*(short(value) for value in decode(code['with'])), *keywords])})"
    return short(decode(code))


def short(value, names=()):
    if names and isinstance(value, list | tuple) and len(value) == len(names):
        return ", ".join(f"{name} = {short(item)}" for name, item in zip(names, value))
    if isinstance(value, list | tuple):
        start, end = "[]" if isinstance(value, list) else "()"
        return start + ", ".join(short(item) for item in value[:4]) + (f", …{end}" if len(value) > 4 else end)
    if isinstance(value, np.ndarray) and value.ndim:
        text = np.array2string(value, precision=4, threshold=30, edgeitems=2, separator=", ", max_line_width=10_000)
        return " ".join(text.split()) + ("" if value.size <= 30 else f", shape {value.shape}")
    if is_tensor(value):
        return f"tensor({short(value.numpy())})"
    if isinstance(value, float | np.ndarray):
        return f"{float(value):.6g}" if np.asarray(value).dtype.kind == "f" else str(value)
    return repr(value)
