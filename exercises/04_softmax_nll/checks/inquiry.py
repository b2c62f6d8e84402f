"""The search for what explains the outcomes of one task.

A sentence speaks about a respect (see comparison.py), or about both kinds of values. It is said when the mistake that it
describes gives the student's outcome in every case of that respect: then no right case contradicts it either.
"""

import functools
import re
import textwrap
import warnings
from dataclasses import dataclass, replace

import numpy as np

from . import detectors
from .comparison import EDGE, KEPT, ORDINARY, REFUSAL, WARNING, alike, another_kind, differences, numbers, opened, single_precision, unlike
from .errors import explained
from .outcomes import Other, count, decode, is_tensor

VALUES = (ORDINARY, EDGE)
SCOPES = {ORDINARY: "In the ordinary cases: ", EDGE: "In the cases at an edge (nothing, 0, ties, infinities, very large numbers): "}
BEGINNINGS = ("You ", "Your ", "What ", "All ", "The ", "There ", "Every ", "Everything ", "In ", "Where ", "Wherever ", "These ", "This ", "One ", "No ")
VAGUE = ("factor of each case", "shift of each case", "confused", "only ", "edges_only")  # where a mistake of the list, in part of the cases, says more
ALONE = "It is shown as an example: this one case alone earns nothing."


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


def value_in(mistake, pair):
    return mistake["outcomes"][pair.number].get("value")


def arrow(sentence, see=None, book=""):
    """Return a sentence as it stands below a case, with the section that it sends to."""
    if not sentence:
        return ""
    lines = textwrap.fill(sentence, 80, initial_indent="→ ", subsequent_indent="  ", break_on_hyphens=False)
    return f"{lines}\n{section(see, book)}" if see else lines


def after(scope, sentence):
    """Return a sentence behind what it begins with."""
    lower = scope and sentence.startswith(BEGINNINGS)
    return scope + (sentence[0].lower() + sentence[1:] if lower else sentence)


def without(scope, sentence):
    """Undo `after`."""
    bare = sentence.removeprefix(scope)
    upper = bare != sentence and (bare[0].upper() + bare[1:]).startswith(BEGINNINGS)
    return bare[0].upper() + bare[1:] if upper else bare


def section(see, book=""):
    """Return the line that sends to a section of the book, with its address when the book has one."""
    where = textwrap.fill(f"Read again: “{see['title']}”, in the chapter “{see['chapter']}”", 80, initial_indent="  ", subsequent_indent="  ")
    return f"{where}\n  {book.rstrip('/')}/{see['page']}" if book else where


class Outcomes(list):
    """Encoded outcomes, each decoded when it is first asked for."""

    def __getitem__(self, number):
        self[number] = found = opened(super().__getitem__(number))
        return found


class Inquiry:
    """The outcomes of all cases of one task beside the expected ones.

    task, got: as `judge` takes them, the outcomes opened. example: the case, from 1, of which may be told what it should give.
    """

    def __init__(self, task, got, example=None):
        self.task, self.got, self.expected, self.example = task, got, list(map(opened, task["expected"])), example
        rule = {name: task[name] for name in ("without_warning", "parameters", "results")}
        self.tolerance = tuple(task["tolerance"])
        self.found = [differences(one, other, self.tolerance, **rule) for one, other in zip(got, self.expected, strict=True)]
        self.wrong = [number for number, found in enumerate(self.found) if found]
        edges = set(task["edges"])
        self.asks = [REFUSAL if "raised" in one else EDGE if number in edges else ORDINARY for number, one in enumerate(self.expected)]
        self.visible, self.compared = task.get("visible", len(got)), {}

    @functools.cached_property
    def mistakes(self):
        """The known mistakes, whose outcomes are decoded when they are looked at: most are out after one case."""
        return [mistake | {"outcomes": Outcomes(mistake["outcomes"])} for mistake in self.task["mistakes"]]

    @functools.cached_property
    def of_other_kinds(self):
        """Whether some results are of another kind of thing than asked, so that their numbers are worth a look of their own."""
        values = [(one["value"], other["value"]) for one, other in zip(self.got, self.expected) if "value" in one and "value" in other]
        return any(another_kind(got, expected) or single_precision(got) for got, expected in values)

    def faults(self):
        """Return a Fault for every respect in which something is wrong; one for several if a mistake speaks about these."""
        known = next((mistake for mistake in self.mistakes if self.is_mistake(mistake)), None)
        about = known["about"] if known else []
        values = self.of_values() if not set(VALUES) & set(about) else []
        others = (self.of(respect) for respect in (REFUSAL, KEPT, WARNING) if respect not in about)
        return [*([self.of_mistake(known)] if known else []), *values, *filter(None, others)]

    def cases(self, *respects):
        """Return the numbers of the cases that are judged in any of these respects."""
        if respects[0] in (KEPT, WARNING):
            valued = [number for number, asked in enumerate(self.asks) if asked != REFUSAL and "value" in self.got[number]]
            return [number for number in valued if respects[0] == KEPT or ORDINARY not in self.found[number]]  # a wrong value's warning says nothing more
        return [number for number, asked in enumerate(self.asks) if asked in respects and not self.got[number].get("not_called")]

    def wrong_among(self, cases, respect=ORDINARY):
        return [number for number in cases if respect in self.found[number]]

    # A mistake that explains everything.

    def is_mistake(self, mistake):
        """Say whether all outcomes are those of a mistake, in every respect."""
        values = all(self.as_in(mistake, number, True) for number in self.cases(*VALUES))
        return values and all(self.same_in(respect, mistake, number) for respect in (REFUSAL, KEPT, WARNING) for number in self.cases(respect))

    def of_mistake(self, mistake):
        respect = mistake["about"][0]
        key = ORDINARY if respect in VALUES else respect
        cases = self.cases(*(each for each in mistake["about"] if each in VALUES)) if respect in VALUES else self.cases(respect)
        return self.fault(self.wrong_among(cases, key), mistake["name"], mistake["sentence"], self.see(mistake), key)

    def see(self, mistake):
        return mistake.get("see") or self.task.get("see")

    # Values.

    def of_values(self):
        cases = self.cases(*VALUES)
        wrong = self.wrong_among(cases)
        if not wrong:
            return []
        raising = [number for number in wrong if "raised" in self.got[number]]
        if not raising:
            return self.of_results(cases)
        whole = self.explanation(cases, VALUES, wrong)
        if whole[1] or len(raising) == len(wrong):
            return [self.fault(wrong, *whole)]
        rest = [number for number in cases if number not in raising]
        return [self.fault(raising, *self.error(raising), None), *(self.of_results(rest) if len(wrong) > len(raising) + 1 else [])]  # one wrong value proves little

    def of_results(self, cases):
        """Return what explains the results of these cases, in which nothing was raised: all together, by kind, or by an argument that chooses."""
        wrong = self.wrong_among(cases)
        found = self.explanation(cases, VALUES, wrong)
        if found[1] and not found[0].startswith(VAGUE):
            return [self.fault(wrong, *found)]
        choice, kinds = list(self.by_choice(cases)), list(self.by_kind(cases))
        one = sum(bool(self.wrong_among(group)) for _, _, group in choice) == 1
        for groups in (choice, kinds) if one else (kinds, choice):
            faults = []
            for scope, respects, group in groups:
                failing = self.wrong_among(group)
                if failing:
                    name, sentence, see = self.explanation(group, respects, failing, scope)
                    faults += [self.fault(failing, name, sentence, see)] if sentence else []
            bare = [fault.sentence.removeprefix(scope) for fault, (scope, _, _) in zip(faults, groups)]
            if len(faults) == 2 and bare[0] == bare[1]:
                faults = [replace(faults[0], sentence=without(groups[0][0], faults[0].sentence))]  # both say the same
            if faults:
                return faults
        return [self.fault(wrong, *(found if found[1] else (*self.only_edges(cases, wrong), None)))]

    def by_kind(self, cases):
        """Yield (what to begin with, respects, cases) for the ordinary cases and those at an edge, where there are both."""
        split = {respect: [number for number in cases if self.asks[number] == respect] for respect in VALUES}
        if all(split.values()):
            yield from ((SCOPES[respect], (respect,), group) for respect, group in split.items())

    def by_choice(self, cases):
        """Yield the same for each value of an argument that chooses between two ways, or a few."""
        for place, name in enumerate(self.task["parameters"]):
            values = [self.task["cases"][number][place] if place < len(self.task["cases"][number]) else None for number in cases]
            if all(isinstance(value, str | bool | None) for value in values) and 1 < len(set(values)) < 5 and min(map(values.count, values)) > 1:
                for value in dict.fromkeys(values):
                    yield f"With {name} = {value!r}: ", VALUES, [number for number, other in zip(cases, values) if other == value]
                return

    def only_edges(self, cases, wrong):
        kinds = {self.asks[number] for number in wrong}
        right = {self.asks[number] for number in cases if number not in wrong}
        if kinds == {EDGE} and ORDINARY in right and not any(self.asks[number] == ORDINARY for number in self.wrong):
            return "edges_only", "All ordinary cases are right. What is wrong is a special one, such as the one shown: it wants a rule of its own, or another form of the formula."
        return "", ""

    def explanation(self, cases, respects, wrong, scope=""):
        """Return (name, sentence, section) of what explains all values of these cases, or empty ones."""
        for exact in (True, False) if self.of_other_kinds else (True,):
            for mistake in self.mistakes:
                about = set(mistake["about"]) & set(VALUES)
                speaks = about and (about == set(respects) if len(respects) == 1 else True)
                shows = speaks and set(mistake["about"]) <= set(VALUES) and all(self.as_in(mistake, number, exact) for number in cases)
                if shows and not all(self.right_in(mistake, number, exact) for number in cases):
                    return mistake["name"], after(scope if scope.startswith("With") else "", mistake["sentence"]), self.see(mistake)
        if all("raised" in self.got[number] for number in wrong):
            return *self.error(wrong), None
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                name, sentence = detectors.detect(self.task, self.pairs(cases), self.of_mistakes(), not scope.startswith(tuple(SCOPES.values())))
        except (ArithmeticError, LookupError, TypeError, ValueError):  # a result may be anything; then nothing is recognised
            name = sentence = ""
        if not sentence and all(single_precision(self.got[number].get("value")) for number in wrong):
            name, sentence = "single_held", "Your result is held in fewer digits than float64 has: float32 keeps some 7 and nothing below 1e-45, float16 some 3. Not all of its numbers are right even so; but compute in float64 throughout, and look again."
        scope = "" if name == "more_than_asked" else scope
        return name, after(scope, sentence) if sentence else "", self.task.get("see") if sentence else None

    def error(self, wrong):
        """Return (name, sentence) on errors that are raised where a value is asked."""
        first = explained(self.got[wrong[0]], self.task)
        if not first[0] and all(": raise " in self.got[number].get("where", "") for number in wrong):
            return "refuses_good", "You refuse these arguments yourself, in the line shown, and the task asks for a result: which condition is true there, and should not be?"
        return first

    def right_in(self, mistake, number, exact):
        """Say whether a mistake gives what is right in this case."""
        outcome = mistake["outcomes"][number]
        return "value" in outcome and alike(outcome["value"], self.expected[number]["value"], self.tolerance, exact)

    def as_in(self, mistake, number, exact):
        """Say whether a mistake gives what came in this case; asked again for each group of cases."""
        key = id(mistake), number, exact
        if key not in self.compared:
            self.compared[key] = self.compare(mistake, number, exact)
        return self.compared[key]

    def compare(self, mistake, number, exact):
        got, other = self.got[number], mistake["outcomes"][number]
        if "raised" not in got and "raised" not in other:
            return alike(got["value"], other["value"], self.tolerance, exact)
        if got.get("raised", ["", ""])[0] != other.get("raised", [""])[0]:
            return False
        meaning = explained(got, self.task)
        return got["message"] == other["message"] or ": raise " in got.get("where", "") or (bool(meaning[0]) and meaning == explained(other, self.task))

    def pairs(self, cases):
        """Return the results of these cases beside the expected ones, in one kind of thing; none if one case raises."""
        return detectors.Pairs(map(self.pair, cases)) if all("value" in self.got[number] for number in cases) else []

    def pair(self, number):
        got, expected = self.got[number]["value"], self.expected[number]["value"]
        arguments = dict(zip(self.task["parameters"], self.task["cases"][number]))
        return detectors.Pair(numbers(got, expected), expected, arguments, number, got, self.tolerance)

    def of_mistakes(self):
        """Return the known mistakes about values, each with a function that tells what it gives in the case of a Pair: None where it raises."""
        known = (mistake for mistake in self.mistakes if set(mistake["about"]) & set(VALUES))
        return [(mistake, functools.partial(value_in, mistake)) for mistake in known]

    # The other respects.

    def of(self, respect):
        wrong = self.wrong_among(self.cases(respect), respect)
        if not wrong or (respect == REFUSAL and any(outcome.get("too_long") for outcome in self.got)):
            return None
        found = self.recognised(respect)
        if not found[1] and respect == REFUSAL:
            found = *self.refusals(wrong), None
        if not found[1] and respect == KEPT:
            found = *self.changes(wrong), None
        return self.fault(wrong, *found, respect)

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
        """Return (name, sentence) on how much of what should be refused is let through, or how it is refused instead."""
        asked = self.cases(REFUSAL)
        wanted = self.expected[wrong[0]]["raised"][0]
        raising = [number for number in wrong if "raised" in self.got[number]]
        through = [number for number in wrong if number not in raising]
        kinds = sorted({self.got[number]["raised"][0] for number in raising})
        values = [self.got[number].get("value") for number in wrong]
        if kinds == ["AssertionError"] and not through:
            return "assert", f"You do refuse it, but with an AssertionError. An assert is for what cannot happen, and is skipped when Python runs with -O: raise {wanted}(…)."
        if all(isinstance(value, Other) and wanted in value.what for value in values):
            return "returned_exception", f"You return a {wanted} where it should be raised: an exception that is returned stops nobody. Write raise in place of return."
        if raising and all(": raise " in self.got[number].get("where", "") for number in raising) and not through:
            return "other_exception", f"You do refuse it, but with {' and '.join(kinds)}. Who calls your function can catch only what was promised: raise {wanted}(…)."
        if raising:
            more = f" And {self.listed(through)} {'gets' if len(through) == 1 else 'get'} through without any error." if through else ""
            return "fails_instead", f"In {self.listed(raising)} comes {' or '.join(kinds)} in place of the {wanted} that is asked: ask before, and raise it yourself.{more}"
        if len(wrong) == len(asked):
            return "refuses_nothing", f"None of the {count(len(asked), 'case', 'cases')} in which the task asks for a {wanted} raises one."
        return "refuses_some", f"Of the {len(asked)} cases in which the task asks for a {wanted} you let through {self.listed(wrong)}. Which condition would have caught {'it' if len(wrong) == 1 else 'them'}?"

    def changes(self, wrong):
        """Return (name, sentence) on arguments that were changed."""
        changed = sorted({(position, number) for number in wrong[:1] for position in self.got[number].get("modified", {}) if position < len(self.task["parameters"])})
        if not changed:
            return "", ""
        position, number = changed[0]
        x, code = self.task["parameters"][position], self.task["cases"][number][position]
        if not isinstance(code, dict) or not code.keys() & {"array", "list", "strings"}:
            return "argument_changed", f"{x} is lent: whoever calls your function finds it changed afterwards. Work on a copy, or put back what you change."
        return "argument_changed", f"Arrays are lent: {x}[…] = …, {x} += … and out={x} write into the caller's own, and so does {x}.sort(). Write {x} = {x} + … for {x} += …, or begin with {x} = {x}.copy()."

    def listed(self, wrong):
        seen = [number for number in wrong if number < self.visible][:4]
        names = [str(number + 1) for number in seen] + ([count(len(wrong) - len(seen), "other", "others")] if len(wrong) > len(seen) else [])
        said = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
        return f"case{'s' if len(seen) > 1 else ''} {said}" if seen else said

    # A case as a student reads it.

    def fault(self, wrong, name, sentence, see, key=ORDINARY):
        """Return the Fault of the first of these cases in which the sentence shows."""
        number = next(filter(self.shows(wrong, name, sentence, key), wrong[:1] + [each for each in wrong if each < self.visible]), wrong[0])
        lines = self.lines(number, key)
        if not sentence and key == ORDINARY and number < self.visible and self.example in (None, number + 1) and not self.right_but_for_its_kind(number):
            lines += [wrapped(f"  expected: {short(self.expected[number]['value'], self.task['results'])}"), f"  {ALONE}"]
        return Fault(number + 1, self.found[number][key], "\n".join(lines), sentence, name, see)

    def shows(self, wrong, name, sentence, key):
        """Return a function that says of a case whether what the sentence speaks about is what is wrong there."""
        part = re.search(r"(?:^|: )In ([\w\[\]]+): ", sentence)
        if key == REFUSAL and name == "fails_instead":
            return lambda number: "raised" in self.got[number]
        if key == ORDINARY and part:
            return lambda number: f"at {part[1]}" in self.found[number][key]
        if key == ORDINARY and sentence:
            return lambda number: "raised" in self.got[number] or not self.right_but_for_its_kind(number)
        return lambda number: True

    def right_but_for_its_kind(self, number):
        return "value" not in self.got[number] or alike(self.got[number]["value"], self.expected[number]["value"], self.tolerance, exact=False)

    def lines(self, number, key):
        """Return a case in lines: its arguments, what came back, what is wrong with it."""
        got = self.got[number]
        which = f"Case {number + 1}" if number < self.visible else "A new case"
        lines = [f"{which}:", *map(wrapped, shown(self.task["cases"][number], self.task["parameters"]))]
        if "value" in got and not isinstance(got["value"], dict | Other | None):
            lines.append(wrapped(f"  returned: {short(got['value'], self.task['results'])}"))
        lines.append(f"  {self.found[number][key]}{self.kind_apart(number, key)}")
        if got.get("printed"):
            lines.append(f"  It printed: {got['printed'][:300].strip()}")
        return lines

    def kind_apart(self, number, key):
        """Say of a thing of the wrong kind whether its numbers are right."""
        got, expected = self.got[number].get("value"), self.expected[number].get("value")
        wrong_kind = key == ORDINARY and "value" in self.got[number] and another_kind(got, expected) and "not right" not in self.found[number][key]
        turned = numbers(got, expected)
        if not wrong_kind or turned is got:
            return ""
        entries = "entries" if isinstance(expected, np.ndarray) and expected.dtype.kind == "U" else "numbers"
        if self.right_but_for_its_kind(number):
            return f" Its {entries} are right."
        return f" Its {entries} are not right either." if same_shape(turned, expected) else ""


def same_shape(got, expected):
    """Say whether results can be compared number by number."""
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(expected) and all(map(same_shape, got, expected))
    wanted = expected.numpy() if is_tensor(expected) else expected
    return isinstance(got, np.ndarray | bool | int | float) and np.shape(got) == np.shape(wanted)


# How arguments and results are shown.


def shown(case, parameters):
    """Return a line for each argument of a case."""
    return [f"  {name} = {described(code)}" for name, code in zip(parameters, case)]


def wrapped(line):
    """Break a line between numbers, where a notebook would break it within one."""
    return textwrap.fill(line, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def described(code):
    """Write an encoded argument as one would in Python, shortened."""
    if isinstance(code, dict) and "function" in code:
        return code["function"]
    if isinstance(code, dict) and "make" in code:
        keywords = [f"{decode(key)}={short(decode(value))}" for key, value in code["and"]["dict"]]
        return f"{code['make']}({', '.join([*(short(value) for value in decode(code['with'])), *keywords])})"
    return exact(decode(code)) or short(decode(code))


def exact(value):
    """Write a number, or a few in a row, with all digits where some are a little off a round number that they would be taken for; else ""."""
    array = np.asarray(value) if isinstance(value, float | np.ndarray) else np.zeros(0)
    if array.dtype.kind != "f" or not 0 < array.size <= 6 or array.ndim > 1:
        return ""
    with np.errstate(all="ignore"):
        off = np.abs(array - np.round(array, 2))
        seeming = (1e-15 * np.abs(array) < off) & (off < 1e-6) & (np.abs(array) > 1e-3)
    if not seeming.any():
        return ""
    return f"[{', '.join(map(repr, array.tolist()))}]" if array.ndim else repr(array.item())


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
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item if isinstance(item, str) else short(item)}" for key, item in value.items())
    if isinstance(value, float | np.ndarray):
        return f"{float(value):.6g}" if np.asarray(value).dtype.kind == "f" else str(value)
    return repr(value)
