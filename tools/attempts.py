"""Wrong attempts at the exercises, and some that are right: what students could write, and what a check then says.

They lie in tests/attempts/NAME.md, written by readers of the exercise who had not seen which mistakes its checks know.
Below the task's name a heading says what is wrong; the code is the text of the answer's cell.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_client.manager import start_new_kernel

from grading.author import source
from tools import classes, notebooks

HERE = notebooks.ROOT / "tests" / "attempts"
EXERCISES = source.EXERCISES
SECONDS = 5  # for a loop that never ends; a student waits longer
RIGHT = "Right: "


@dataclass
class Attempt:
    """`fault` says what is wrong; `before` is "right" when a right version had been run earlier; `missing` names a task whose cell had not been run.

    `may_say` lists the names of what would be true of it.
    """

    task: str
    fault: str
    code: str
    before: str = ""
    missing: str = ""
    may_say: tuple = ()

    @property
    def right(self):
        return self.fault.startswith(RIGHT)


def read(name):
    """Return the Attempts at an assignment."""
    found = []
    for section in re.split(r"^## ", (HERE / f"{name}.md").read_text(encoding="utf-8"), flags=re.M)[1:]:
        task, _, rest = section.partition("\n")
        for attempt in re.split(r"^### ", rest, flags=re.M)[1:]:
            fault, _, body = attempt.partition("\n")
            code = re.search(r"^```python\n(.*?)^```$", body, re.M | re.S)[1]
            marks = dict(re.findall(r"^- (\w[\w ]*): (.+)$", body[: body.index("```python")], re.M))
            true = tuple(filter(None, re.split(r"; ", marks.get("True", ""))))
            found.append(Attempt(task.strip(), fault.strip(), code, marks.get("Before", ""), marks.get("Missing", ""), true))
    return found


@dataclass
class Said:
    """What a check said: its text, the names of what it recognised, and whether all was right."""

    text: str
    names: list
    solved: bool
    html: str = ""

    @property
    def how(self):
        """How much an attempt that is wrong is told."""
        if self.names:
            return "named"
        if re.search(r"^ *(It returns|The result is right, but|And it comes|It raises|It was still running|It should raise a \w+ here)", self.text, re.M) :
            return "kind"
        return "case"


@contextmanager
def student(name):
    """Give a function that runs an Attempt in a real kernel, in the exercise's folder, and returns what its check Said."""
    origin = source.read(name)
    release = notebooks.read(EXERCISES / name / f"{name}.ipynb")
    given = [cell.source for _, cell in notebooks.code_cells(release) if cell.metadata.get("nbgrader", {}).get("locked")]
    stubs = {task.name: release.cells[classes.place(release, task.name)].source for task in origin.functions}
    answers = {task.name: task.source for task in origin.functions}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(EXERCISES / name))

    def run(code):
        texts, pages = [], []

        def keep(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                texts.append(content["text"])
            if message["msg_type"] in ("execute_result", "display_data"):
                pages.append(content["data"].get("text/html", ""))

        client.execute_interactive(code, output_hook=keep, timeout=120)
        return "".join(texts), "".join(pages)

    def attempt(attempt):
        run(answers[attempt.task] if attempt.before == "right" else stubs[attempt.task])
        if attempt.missing:
            run(f"del {attempt.missing}")
        run(attempt.code)
        text, html = run(f'check("{attempt.task}")')
        found, _ = run(f'verdict = _checks.verdicts["{attempt.task}"]\nprint(*verdict.names, sep="; ")')
        run(f"_checks.verdicts.clear(); _checks.examples.clear()\nfor name in set(globals()) - _known: del globals()[name]\n{answers[attempt.missing] if attempt.missing else ''}")
        run(answers[attempt.task])
        return Said(text, [one for one in found.strip().split("; ") if one], "✓" in text.split("\n")[0], html)

    try:
        for code in [*(code for code in given if not code.startswith(("check(", "score("))), *answers.values()]:
            run(code)
        run("torch.optim.SGD([torch.zeros(1)], lr=1)")  # the first optimiser imports for seconds
        run(f"import checks.notebook as _checks\n_checks.SECONDS = {SECONDS}\n_known = set(globals()) | {{'_known'}}")
        yield attempt
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
