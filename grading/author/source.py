"""Read a solution notebook: its tasks, model answers, cases, mistakes and other right answers.

A cell's place and tags say what it is; solutions/README.md tells the order.
"""

import ast
import contextlib
import inspect
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grading.author.sections import section
from grading.author.variants import in_terms, variants, without_penalty
from grading.shared import checks
from grading.shared.checks.comparison import EDGE, ORDINARY, RESPECTS, TOLERANCE, differences
from grading.shared.checks.outcomes import call, decode, encode
from grading.shared.files import ROOT
from grading.shared.trouble import Trouble

SOLUTIONS = ROOT / "solutions"
EXERCISES = ROOT / "exercises"
CHAPTERS = ROOT / "chapters"
EXPECTED = "checks/expected.json"  # in the folder of an exercise

SETUP, HELPERS, ANSWER, WRITTEN, CHECK, CASES, MISTAKES, ALTERNATIVES = "setup", "helpers", "answer", "written", "check", "cases", "mistakes", "alternatives"
HELPER_MODULES = "checks/helpers"  # in the exercise's folder


class SourceError(Trouble):
    """What is wrong with a solution notebook, in one line."""


@dataclass
class Task:
    """One row of an assignment: a function, a function that trains a module, or a written answer.

    A written task has no `source`; one that trains has a `bar`. `texts` maps the tags of the cells to their source. What is
    known only once the notebook has run: `function`, the `settings` that are no plain values, `mistakes` and `alternatives`
    (functions by name), `names`.
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
        return not self.source

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
        expected = self.outcomes(self.function, cases)
        edges = [number for number, case in enumerate(drawn) if isinstance(case, Edge) or extreme([*cases[number], expected[number].get("value")])]
        without = without_penalty(self, cases, expected)
        known = [{"name": name, **told(mistake), "outcomes": self.outcomes(mistake, cases)} for name, mistake in self.mistakes.items()]
        for mistake in known:
            if without is not None:
                mistake |= in_terms(self, self.mistakes[mistake["name"]], mistake["outcomes"], cases, expected, without)
        known += [variant for variant in variants(self, cases, expected) if variant["outcomes"] not in [mistake["outcomes"] for mistake in known]]
        for mistake in known:
            wrong = self.wrong_in(mistake["outcomes"], expected, edges)
            values = [respect for respect in (ORDINARY, EDGE) if respect in wrong]
            declared = [respect for respect in mistake.get("about", []) if respect in wrong]
            mistake["about"] = declared or values or wrong[:1]
        return {"cases": cases, "edges": edges, "expected": expected, "mistakes": known} | ({"without_penalty": without} if without is not None else {})

    def wrong_in(self, outcomes, expected, edges):
        """Return the respects in which outcomes are wrong, in their order."""
        rule = self.rule()
        found = {}
        for number, pair in enumerate(zip(outcomes, expected, strict=True)):
            for respect in differences(*pair, **rule):
                found.setdefault(EDGE if respect == ORDINARY and number in edges else respect, None)
        return [respect for respect in RESPECTS if respect in found]

    def outcomes(self, function, cases):
        """Return what comes of each case, without what only a reader of the notebook sees."""
        outcomes = self.called(function, [[decode(argument, self.names) for argument in case] for case in cases])
        if function is self.function and '{"other": ' in json.dumps(outcomes):
            raise SourceError(f"The model answer of {self.name} returns something that a check cannot compare: give it a {self.name}_view.")
        return outcomes

    def called(self, function, cases):
        view = self.names.get(f"{self.name}_view")
        return [{key: value for key, value in call(function, case, view).items() if key not in ("printed", "where", "stub")} for case in cases]

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
        if "see" in self.settings:
            rules["see"] = seen(self.settings["see"])
        if self.bar is not None:
            sentences = {name: sentence(mistake) for name, mistake in self.mistakes.items()}
            return rules | {"bar": self.bar, "seconds": self.settings["seconds"], "shape": self.settings.get("shape"), "mistakes": sentences}
        return rules | self.rule()

    def rule(self):
        """Return how two outcomes are compared."""
        given = {"tolerance": TOLERANCE, "without_warning": False, "results": ()}
        return {name: self.settings.get(name, default) for name, default in given.items()} | {"parameters": list(self.signature.parameters)}


class Edge(tuple):
    """The arguments of a case that is no ordinary one: a 0, a tie, an infinity."""


def edge(*arguments):
    """Mark a case, in the cell of cases, as an edge. Those with nothing or something infinite in them are edges by themselves."""
    return Edge(arguments)


def extreme(codes):
    """Say whether any array or number among encoded data is empty or not finite."""
    return any(isinstance(value, np.ndarray | float) and (np.size(value) == 0 or not np.all(np.isfinite(value))) for code in codes for value in leaves(code))


def leaves(code):
    """Yield the numbers and arrays in encoded data."""
    if isinstance(code, dict):
        if "array" in code:
            yield decode(code)
            return
        code = list(code.values())
    if isinstance(code, list):
        for part in code:
            yield from leaves(part)
    else:
        yield code


def seen(place):
    try:
        return section(place)
    except LookupError as missing:
        raise SourceError(f"{str(missing).capitalize()}.") from None


def named(code):
    """Yield the names of the functions and makers that encoded arguments need."""
    if isinstance(code, dict):
        yield from (code[key] for key in ("function", "make") if key in code)
        code = list(code.values())
    if isinstance(code, list):
        for part in code:
            yield from named(part)


def sentence(mistake):
    """Return what a student reads of a mistake: the first paragraph of its docstring."""
    return " ".join(inspect.getdoc(mistake).split("\n\n")[0].split())


def told(mistake):
    """Return what the docstring of a mistake tells: the sentence, and below it, in lines such as "see: PAGE#ANCHOR" and "about: edge", what else."""
    rest = " ".join(inspect.getdoc(mistake).split("\n\n")[1:])
    more = dict(re.findall(r"^(see|about): (.+)$", inspect.getdoc(mistake), re.M)) if rest else {}
    found = {"sentence": sentence(mistake)}
    if "see" in more:
        found["see"] = seen(more["see"].strip())
    if "about" in more:
        found["about"] = [respect.strip() for respect in more["about"].split(",")]
        if not set(found["about"]) <= set(RESPECTS):
            raise SourceError(f"{mistake.__name__} speaks about {more['about']}; there are {', '.join(RESPECTS)}.")
    return found


class Cell(NamedTuple):
    """A cell of a solution notebook; `role` is one of those above, or None, `name` its id of nbgrader's."""

    id: str
    kind: str
    role: str | None
    source: str
    name: str | None
    points: float


@dataclass
class Source:
    """A solution notebook: `tasks` in order, `helpers` the source of what arguments are made of, `modules` of the chapters that it uses."""

    name: str
    path: Path
    cells: list
    tasks: list
    helpers: str
    modules: list
    has_run: bool = False

    @property
    def functions(self):
        return [task for task in self.tasks if not task.written]

    def run(self):
        """Run what the notebook defines, unless that was done, and complete the tasks. Raises SourceError."""
        if self.has_run:
            return
        if str(CHAPTERS) not in sys.path:
            sys.path.append(str(CHAPTERS))
        names, waiting = {"__name__": "source"}, iter(self.functions)
        for cell in self.cells:
            if cell.role == SETUP:
                exec(imports(cell.source), names)
            elif cell.role == HELPERS:
                execute(cell, names)
            elif cell.role == ANSWER:
                execute(cell, names)
                task = next(waiting)
                task.function, task.names = names.get(task.name), names
                if task.function is None:
                    raise SourceError(f"The answer cell {task.name} of {self.path.name} does not define {task.name}.")
            elif cell.role in (CASES, MISTAKES, ALTERNATIVES):
                attach(task, cell, names)
        for task in self.functions:
            if "bar" not in task.settings and "cases" not in task.settings:
                raise SourceError(f"The task {task.name} of {self.path.name} has neither cases nor a bar.")
        self.has_run = True

    def expected(self):
        """Return what the checks of the exercise compare with: for each function the visible cases, drawn with the seed 0."""
        written = [{"name": task.name, "points": task.points, "written": True} for task in self.tasks if task.written]
        return [*(task.rules() | self.visible(task) for task in self.functions), *written]

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

    def helper_modules(self):
        """Return the modules with what the checks of the tasks call: source by path in the exercise's folder. Raises SourceError."""
        setup = "\n\n".join(imports(cell.source) for cell in self.cells if cell.role == SETUP)
        code = {}
        for cell in self.cells:
            if cell.role == HELPERS:
                code.setdefault(cell.id.rpartition("-")[0], []).append(cell.source)
        strangers = sorted(code.keys() - {task.name for task in self.functions})
        if strangers:
            raise SourceError(f"Helper cells of {self.path.name} belong to no task: the id of a cell should be TASK-helpers, but TASK is {strangers}.")
        modules = {f"{HELPER_MODULES}/{name}.py": helper_module(name, setup, "\n\n".join(sources)) for name, sources in code.items()}
        return {f"{HELPER_MODULES}/__init__.py": '"""What the checks of the tasks call."""\n'} | modules if modules else {}

    def support(self):
        """Return what lies beside the exercise's notebook, except the numbers: content by name."""
        package = Path(checks.__file__).parent
        modules = {f"{package.name}/{module.name}": module.read_bytes() for module in sorted(package.glob("*.py"))}
        return modules | {name: text.encode() for name, text in self.helper_modules().items()} | {module.name: module.read_bytes() for module in self.modules}


def assignments(solutions=SOLUTIONS):
    """Return the names of the assignments that have a solution notebook."""
    return sorted(path.stem for path in Path(solutions).glob("*/*.ipynb") if path.stem == path.parent.name)


def read(name, solutions=SOLUTIONS):
    """Read solutions/NAME/NAME.ipynb and run what it defines. Raises SourceError."""
    origin = outline(name, solutions)
    origin.run()
    return origin


def outline(name, solutions=SOLUTIONS):
    """Read solutions/NAME/NAME.ipynb without running anything: what it is asked for, not what is right. Raises SourceError."""
    path = Path(solutions, name, f"{name}.ipynb")
    if not path.is_file():
        raise SourceError(f"There is no assignment {name}: {path} is missing. Known are: {', '.join(assignments(solutions)) or 'none'}.")
    cells = [understood(raw) for raw in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    helpers = [imports(cell.source) if cell.role == SETUP else cell.source for cell in cells if cell.role in (SETUP, HELPERS)]
    return Source(name, path, cells, outlined(cells, path), "\n\n".join(helpers), used_modules(cells))


def understood(raw):
    grading, tags = raw["metadata"].get("nbgrader", {}), raw["metadata"].get("tags", [])
    role = role_of(raw["cell_type"], grading, tags)
    return Cell(raw["id"], raw["cell_type"], role, "".join(raw["source"]), grading.get("grade_id"), grading.get("points", 0))


def role_of(kind, grading, tags):
    if grading.get("grade"):
        return CHECK if kind == "code" else WRITTEN
    if kind != "code":
        return None
    if grading.get("solution"):
        return ANSWER
    if grading.get("grade_id") == SETUP:
        return SETUP
    return next((tag for tag in (HELPERS, CASES, MISTAKES, ALTERNATIVES) if tag in tags), None)


def outlined(cells, path):
    """Return the tasks with all that their cells tell without being run."""
    tasks, task = [], None
    for cell in cells:
        if task is None and cell.role in (CHECK, CASES, MISTAKES, ALTERNATIVES):
            raise SourceError(f"The cell {cell.id} of {path.name} belongs to an answer, but none comes before it.")
        if cell.role == WRITTEN:
            tasks.append(Task(cell.name, cell.points, cell.name))
        elif cell.role == ANSWER:
            task = Task(cell.name, 0, "", source=cell.source)
            tasks.append(task)
        elif cell.role == CHECK:
            task.check, task.points = cell.name, cell.points
        elif cell.role in (CASES, MISTAKES, ALTERNATIVES):
            task.texts[cell.role] = cell.source
            if cell.role == CASES:
                task.settings = plain_values(cell.source)
    for task in tasks:
        if not task.check:
            raise SourceError(f"The task {task.name} of {path.name} has no check.")
    return tasks


def plain_values(source):
    """Return what a cell sets to a plain value, by name."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(ValueError):
                found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def execute(cell, names):
    exec(compile(cell.source, f"<{cell.id}>", "exec"), names)


def attach(task, cell, names):
    """Add to a task what a cell for authors defines."""
    defined = names | ({"edge": edge} if cell.role == CASES else {})
    execute(cell, defined)
    new = {name: value for name, value in defined.items() if names.get(name) is not value and value is not edge}
    names.update({name: value for name, value in new.items() if name.startswith("_")})
    if cell.role == CASES:
        if new.get("bar") != task.bar or new.get("seconds") != task.settings.get("seconds"):
            raise SourceError(f"The bar and the seconds of {task.name} should be plain numbers.")
        task.settings = new
        return
    functions = {name: value for name, value in new.items() if not name.startswith("_") and inspect.isfunction(value) and value.__module__ == names["__name__"]}
    if not all(inspect.getdoc(function) for function in functions.values()):
        raise SourceError(f"Each function in the {cell.role} of {task.name} needs a docstring: it is what a student reads.")
    setattr(task, cell.role, functions)


def imports(source):
    """Return the import statements of a cell, without those of the checks, which the grader does not use."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in found if getattr(node, "module", None) != "checks")


def helper_module(name, setup, code):
    """Return the source of a module with this code, and of the imports in `setup` and in the code what it uses."""
    lines, tree = code.splitlines(), ast.parse(code)
    parts, start = [], 0
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            parts.append("\n".join(lines[start : node.end_lineno]).strip("\n"))  # with the comments above it
        start = node.end_lineno
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    title = f'"""What the check of {name} calls. You need not read it to solve the task."""'
    return "\n\n".join([title, *needed_imports(f"{setup}\n{imports(code)}", used)]) + "\n\n\n" + "\n\n\n".join(parts) + "\n"


def needed_imports(source, used):
    """Return the imports of this source that bind a used name, sorted: a block of Python's own modules, a block of others."""
    standard, others = {}, {}
    for node in ast.parse(source).body:
        for alias in node.names:
            if (alias.asname or alias.name.split(".")[0]) in used:
                from_it = isinstance(node, ast.ImportFrom)
                start = f"from {node.module} import " if from_it else f"import {ast.unparse(alias)}"
                block = standard if start.split()[1].split(".")[0] in sys.stdlib_module_names else others
                block.setdefault((from_it, start), set()).update({ast.unparse(alias)} if from_it else ())
    return ["\n".join(start + ", ".join(sorted(names)) for (_, start), names in sorted(block.items())) for block in (standard, others) if block]


def used_modules(cells):
    """Return the chapters' modules that the notebook imports."""
    imported = imported_by(cell.source for cell in cells if cell.kind == "code")
    return sorted(CHAPTERS / f"{name}.py" for name in imported if (CHAPTERS / f"{name}.py").is_file())


def needed(origin):
    """Return the names of the modules that the solution imports, and that the chapters' modules import which it uses."""
    solution = [cell.source for cell in origin.cells if cell.kind == "code" and cell.role not in (CASES, MISTAKES, ALTERNATIVES)]
    found = imported_by([*solution, *(module.read_text(encoding="utf-8") for module in origin.modules)])
    return sorted(module for module in found - {module.stem for module in origin.modules} if module.split(".")[0] != "checks")


def imported_by(sources):
    """Return the full names of the modules that any of these sources imports."""
    nodes = [node for source in sources if "import" in source for node in ast.walk(ast.parse(source))]
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
