"""Read a solution notebook: its tasks, model answers, cases, mistakes and other right answers.

A cell's place and tags say what it is; solutions/README.md tells the order.
"""

import ast
import inspect
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import numpy as np

from grading.shared import checks
from grading.shared.checks import TOLERANCE, call, decode, encode
from grading.shared.files import ROOT

SOLUTIONS = ROOT / "solutions"
EXERCISES = ROOT / "exercises"
CHAPTERS = ROOT / "chapters"

CASES, MISTAKES, ALTERNATIVES, HELPERS = "cases", "mistakes", "alternatives", "helpers"


class SourceError(Exception):
    """What is wrong with a solution notebook, in one line."""


@dataclass
class Task:
    """One row of an assignment: a function, a function that trains a module, or a written answer.

    A written task has no `function`; one that trains has a `bar`. `mistakes` and `alternatives` map names to functions,
    `texts` the tags of the cells to their source.
    """

    name: str
    points: float
    check: str
    function: object = None
    source: str = ""
    settings: dict = field(default_factory=dict)
    mistakes: dict = field(default_factory=dict)
    alternatives: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)

    @property
    def written(self):
        return self.function is None

    @property
    def bar(self):
        return self.settings.get("bar")

    @property
    def signature(self):
        return inspect.signature(self.function)

    def numbers(self, rng):
        """Return cases drawn from `rng` with what the model answer, and each mistake, makes of them, as plain data."""
        drawn = list(self.settings["cases"](rng))
        if not all(isinstance(case, tuple) for case in drawn):
            raise SourceError(f"A case of {self.name} is not a tuple of arguments: is a comma missing?")
        cases = [[encode(argument) for argument in case] for case in drawn]
        return {
            "cases": cases,
            "expected": self.outcomes(self.function, cases),
            "mistakes": [{"sentence": sentence(mistake), "outcomes": self.outcomes(mistake, cases)} for mistake in self.mistakes.values()],
        }

    def outcomes(self, function, cases):
        """Return what comes of each case, without what only a reader of the notebook sees."""
        view = self.names.get(f"{self.name}_view")
        outcomes = [call(function, [decode(argument, self.names) for argument in case], view) for case in cases]
        if function is self.function and '{"other": ' in json.dumps(outcomes):
            raise SourceError(f"The model answer of {self.name} returns something that a check cannot compare: give it a {self.name}_view.")
        return [{key: value for key, value in outcome.items() if key not in ("printed", "where", "stub")} for outcome in outcomes]

    def trial(self, rng):
        """Return (arguments, unseen inputs, their truth) of a task that trains."""
        return self.names[f"{self.name}_trial"](rng)

    @property
    def score(self):
        """The function that maps outputs on unseen inputs and their truth to a number."""
        return self.names[f"{self.name}_score"]

    @property
    def signs(self):
        """The function that maps them to the names of the mistakes that they show."""
        return self.names[f"{self.name}_signs"]

    def rules(self):
        """Return what a check must know besides the numbers."""
        rules = {"name": self.name, "points": self.points, "parameters": list(self.signature.parameters)}
        if self.bar is not None:
            sentences = {name: sentence(mistake) for name, mistake in self.mistakes.items()}
            return rules | {"bar": self.bar, "seconds": self.settings["seconds"], "shape": self.settings.get("shape"), "mistakes": sentences}
        return rules | {"tolerance": self.settings.get("tolerance", TOLERANCE), "without_warning": self.settings.get("without_warning", False)}


def named(code):
    """Yield the names of the functions and makers that encoded arguments need."""
    if isinstance(code, dict):
        yield from (code[key] for key in ("function", "make") if key in code)
        code = list(code.values())
    if isinstance(code, list):
        for part in code:
            yield from named(part)


def sentence(mistake):
    return " ".join(inspect.getdoc(mistake).split())


@dataclass
class Source:
    """A solution notebook: `tasks` in order, `helpers` the source of what arguments are made of, `modules` of the chapters that it uses."""

    name: str
    path: Path
    tasks: list
    helpers: str
    modules: list

    @property
    def functions(self):
        return [task for task in self.tasks if not task.written]

    def expected(self):
        """Return what the checks of the exercise compare with: for each function the visible cases, drawn with the seed 0."""
        return [task.rules() | self.visible(task) for task in self.functions]

    @staticmethod
    def visible(task):
        if task.bar is None:
            numbers = task.numbers(np.random.default_rng(0))
            needed = set(named(numbers["cases"])) | {f"{task.name}_view"} & task.names.keys()
            return {"helpers": sorted(needed)} | numbers
        return {"helpers": [f"{task.name}_{ending}" for ending in ("trial", "score", "signs")]}

    def with_answers(self, before):
        """Return the helpers' source with the model answers of all tasks before the one named."""
        names = [task.name for task in self.functions]
        return "\n\n".join([self.helpers, *(task.source for task in self.functions[: names.index(before)])])

    def support(self):
        """Return what lies beside the exercise's notebook, except the numbers: content by name."""
        return {module.name: module.read_bytes() for module in [Path(checks.__file__), *self.modules]}


def assignments(solutions=SOLUTIONS):
    """Return the names of the assignments that have a solution notebook."""
    return sorted(path.stem for path in Path(solutions).glob("*/*.ipynb") if path.stem == path.parent.name)


def read(name, solutions=SOLUTIONS):
    """Read solutions/NAME/NAME.ipynb and run what it defines. Raises SourceError."""
    path = Path(solutions, name, f"{name}.ipynb")
    if not path.is_file():
        raise SourceError(f"There is no assignment {name}: {path} is missing. Known are: {', '.join(assignments(solutions)) or 'none'}.")
    notebook = nbformat.read(path, as_version=4)
    if str(CHAPTERS) not in sys.path:
        sys.path.append(str(CHAPTERS))
    names, tasks, helpers, task = {"__name__": "source"}, [], [], None
    for cell in notebook.cells:
        tags, grading = cell.metadata.get("tags", []), cell.metadata.get("nbgrader", {})
        tag = next((tag for tag in tags if tag in (CASES, MISTAKES, ALTERNATIVES)), None)
        if task is None and (tag or (cell.cell_type == "code" and grading.get("grade"))):
            raise SourceError(f"The cell {cell.id} of {path.name} belongs to an answer, but none comes before it.")
        if cell.cell_type == "code" and grading.get("grade"):
            task.check, task.points = grading["grade_id"], grading["points"]
        elif cell.cell_type == "code" and grading.get("solution"):
            run(cell, names)
            task = Task(grading["grade_id"], 0, "", names.get(grading["grade_id"]), cell.source, names=names)
            if task.function is None:
                raise SourceError(f"The answer cell {task.name} of {path.name} does not define {task.name}.")
            tasks.append(task)
        elif grading.get("grade"):
            tasks.append(Task(grading["grade_id"], grading["points"], grading["grade_id"]))
        elif grading.get("grade_id") == "setup":
            helpers.append(imports(cell.source))
            exec(helpers[-1], names)
        elif HELPERS in tags:
            run(cell, names)
            helpers.append(cell.source)
        elif cell.cell_type == "code" and tag:
            attach(task, tag, cell, names)
    for task in tasks:
        if not task.written and "bar" not in task.settings and "cases" not in task.settings:
            raise SourceError(f"The task {task.name} of {path.name} has neither cases nor a bar.")
        if not task.check:
            raise SourceError(f"The task {task.name} of {path.name} has no check.")
    return Source(name, path, tasks, "\n\n".join(helpers), used_modules(notebook))


def run(cell, names):
    exec(compile(cell.source, f"<{cell.id}>", "exec"), names)


def attach(task, tag, cell, names):
    """Add to a task what a cell for authors defines."""
    defined = dict(names)
    run(cell, defined)
    new = {name: value for name, value in defined.items() if names.get(name) is not value}
    names.update({name: value for name, value in new.items() if name.startswith("_")})
    task.texts[tag] = cell.source
    if tag == CASES:
        task.settings = new
        return
    functions = {name: value for name, value in new.items() if not name.startswith("_") and inspect.isfunction(value) and value.__module__ == names["__name__"]}
    if not all(inspect.getdoc(function) for function in functions.values()):
        raise SourceError(f"Each function in the {tag} of {task.name} needs a docstring: it is what a student reads.")
    setattr(task, tag, functions)


def imports(source):
    """Return the import statements of a cell, without those of the checks, which the grader does not use."""
    statements = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in statements if getattr(node, "module", None) != "checks")


def used_modules(notebook):
    """Return the chapters' modules that the notebook imports."""
    nodes = [node for cell in notebook.cells if cell.cell_type == "code" for node in ast.walk(ast.parse(cell.source))]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return sorted(CHAPTERS / f"{name}.py" for name in imported if (CHAPTERS / f"{name}.py").is_file())


def needed(origin):
    """Return the names of the modules that the solution imports, and that the chapters' modules import which it uses."""
    cells = [cell for cell in nbformat.read(origin.path, as_version=4).cells if cell.cell_type == "code"]
    own = [cell.source for cell in cells if not {CASES, MISTAKES, ALTERNATIVES} & set(cell.metadata.get("tags", []))]
    nodes = [node for text in [*own, *(module.read_text(encoding="utf-8") for module in origin.modules)] for node in ast.walk(ast.parse(text))]
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return sorted(found - {"checks"} - {module.stem for module in origin.modules})
