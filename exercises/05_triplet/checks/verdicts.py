"""The verdict on a task: whether it is solved, and what there is to say about it."""

import inspect
import math
from dataclasses import dataclass, field

import numpy as np

from .comparison import arguments_of, opened, raised
from .errors import explained
from .inquiry import ALONE, Fault, Inquiry
from .outcomes import article, count

PASSED, FAILED, WAITING = "✓", "✗", "·"


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
    inquiry = Inquiry(task, list(map(opened, got)), example)
    right = len(got) - len(inquiry.wrong)
    if right == len(got):
        return Verdict(True, f"All {right} cases are right.")
    left = sum(bool(outcome.get("not_called")) for outcome in got)
    number = len(got) - left
    summary = f"{right} of {number} cases {'is' if right == 1 else 'are'} right." if right else f"None of the {number} cases is right." if number > 1 else "The first case is not right."
    if left:
        summary += f" {count(left, 'more was', 'more were')} not run."
    return Verdict(False, summary, inquiry.faults())


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
        if shown:
            return said(summary, task["mistakes"][shown[0]], shown[0], task.get("see"))
    apart = of_the_batch(task, truth, got)
    if apart or reached < task["bar"]:
        return apart or Verdict(False, summary)
    if seconds > task["seconds"]:
        return Verdict(False, f"{summary} But it took {seconds:.0f} s, and {task['seconds']:g} are allowed.")
    return Verdict(True, summary)


def unmeasured(task, truth, got):
    """Return the verdict on outputs of which nothing can be measured; None for others."""
    if got.get("stub"):
        return NOT_ATTEMPTED
    if "raised" in got:
        name, sentence = explained(got, task)
        if name == "no_module":
            returned = got["message"].partition(", not ")[2]
            return said(f"It returns {returned}, where a torch.nn.Module is asked{': is the return missing?' if returned == 'None' else '.'}", sentence, name)
        problem = raised(got)
        return Verdict(False, "Nothing can be measured yet.", [Fault(0, problem, f"  {problem}", sentence, name)])
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
    return None


def of_the_batch(task, truth, got):
    """Return the verdict on a module whose output for an input depends on the others; None for others."""
    outputs, part = got["value"], got.get("part")
    if isinstance(part, np.ndarray) and part.shape == outputs[: len(part)].shape and close(part, outputs[: len(part)]):
        return None
    sentence = """What your module answers for an image depends on which others are given beside it, also in eval() mode. Does something in
    forward run over the batch, dim=0, such as a mean, a softmax or a normalisation that belongs to dim=1?"""
    summary = f"For the first {len(truth) // 3} of the {len(truth)} unseen inputs alone the module gives other outputs than among all."
    return said(summary, " ".join(sentence.split()), "depends_on_the_batch", task.get("see"))


def close(part, outputs):
    """Say whether outputs are the same but for the order of sums."""
    return bool(np.all(np.abs(part - outputs) <= 1e-2 * np.abs(outputs).max()))
