"""What a notebook of this book must be. Every check yields its problems, none when all is well."""

import ast
import json
import re
import statistics
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("chapters", "exercises", "solutions")

LARGEST_OUTPUT = 300_000
FIGURES_TOGETHER = 1_200_000
IMAGES = ("image/svg+xml", "image/png", "image/jpeg")

TURN_NBVAL_OFF = {"nbval-skip", "nbval-raises-exception", "raises-exception", "nbval-check-output", "pytest-validate-ignore-output"}
PICTURES_ONLY = "nbval-ignore-output"
DETOUR = "{.detour}"  # on the line above a heading: what stands below it folds

MACHINE = {
    "a path of one machine": r"/(home|root|tmp|Users)/|\b[A-Z]:\\\w|site-packages",
    "an address in memory": r"\b0x[0-9a-fA-F]{6,}",
    "a measured time": r"\b\d+(\.\d+)?\s?(ns|µs|us|ms|s|sec|secs|seconds?|minutes?)\b",
}
HOLDS = re.compile(r"eq-\S+ \| .+: error at most \S+: True$")


def all_notebooks(*folders):
    """Return the path of every notebook of the book, in order."""
    found = (path for folder in folders or FOLDERS for path in (ROOT / folder).rglob("*.ipynb"))
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def read(path):
    """Read a notebook, or a Markdown page as a notebook without code."""
    if path.suffix == ".md":
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"))])
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    """Return the code cells with their number, counted from 1."""
    return list(enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1))


def tags(cell):
    return cell.metadata.get("tags", [])


def printed(cell):
    """Return everything a cell shows as text, as one string."""
    return "\n".join(
        text
        for output in cell.outputs
        for text in [output.get("text", ""), *(text for kind, text in sorted(output.get("data", {}).items()) if kind.startswith("text/"))]
    )


def images(cell):
    """Yield (kind, size in bytes as a page carries it) for each image a cell shows."""
    for output in cell.outputs:
        data = output.get("data", {})
        for kind in IMAGES:
            if kind in data:
                yield kind, len(data[kind].encode()) if kind.endswith("xml") else len(data[kind]) * 3 // 4


def not_run_in_order(notebook):
    """nbval does not compare a cell without a count: an unrun notebook would pass."""
    for number, cell in code_cells(notebook):
        if not cell.source.strip():
            yield f"code cell {number} is empty"
        elif cell.execution_count != number:
            yield f"code cell {number} has the execution count {cell.execution_count}"


def errors_and_warnings(notebook):
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"code cell {number} raised {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"code cell {number} wrote to stderr: {output.text.strip()[:200]}"


def hidden_from_nbval(notebook):
    """Nothing turns nbval off, except for pictures that a trained network or another CPU changes."""
    for number, cell in code_cells(notebook):
        comments = {line.strip("# \t").lower().replace("_", "-") for line in cell.source.splitlines() if line.lstrip().startswith("#")}
        for marker in sorted((comments & (TURN_NBVAL_OFF | {PICTURES_ONLY})) | (TURN_NBVAL_OFF & set(tags(cell)))):
            yield f"code cell {number} is marked {marker}"
        if PICTURES_ONLY in tags(cell) and not only_pictures(cell):
            yield f"code cell {number} is marked {PICTURES_ONLY} but does not show figures only"


def only_pictures(cell):
    return bool(cell.outputs) and all(
        any(kind in IMAGES for kind in output.get("data", {}))
        and set(output.data) <= {*IMAGES, "text/plain"}
        and output.data.get("text/plain", "<Figure").startswith("<Figure")
        for output in cell.outputs
    )


def bound_to_a_machine(notebook):
    for number, cell in code_cells(notebook):
        for what, pattern in MACHINE.items():
            match = re.search(pattern, printed(cell))
            if match:
                yield f"code cell {number} shows {what}: {match[0]}"


def too_heavy(notebook):
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            size = len(json.dumps(output).encode())
            if size > LARGEST_OUTPUT:
                yield f"code cell {number} has an output of {size / 1000:.0f} kB, more than {LARGEST_OUTPUT / 1000:.0f}"
    figures = sum(size for _, cell in code_cells(notebook) for _, size in images(cell))
    if figures > FIGURES_TOGETHER:
        yield f"the figures weigh {figures / 1000:.0f} kB together, more than {FIGURES_TOGETHER / 1000:.0f}"


def undescribed_figures(notebook):
    for number, cell in code_cells(notebook):
        if any(images(cell)):
            book = cell.metadata.get("mystnb", {})
            for part in ("caption", "name"):
                if not str(book.get("figure", {}).get(part, "")).strip():
                    yield f"code cell {number} shows a figure without mystnb.figure.{part}"
            if len(str(book.get("image", {}).get("alt", "")).split()) < 5:
                yield f"code cell {number} shows a figure whose mystnb.image.alt says next to nothing"


def unmentioned_figures(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for number, cell in code_cells(notebook):
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        if name and f"{{numref}}`{name}`" not in prose:
            yield f"the text never refers to {name}, the figure of code cell {number}"


def long_cells(notebook):
    lengths = [len(cell.source.splitlines()) for _, cell in code_cells(notebook)]
    if lengths and statistics.median(lengths) > 8:
        yield f"half of the code cells are longer than {statistics.median(lengths):g} lines; 8 is the limit"
    for number, length in enumerate(lengths, start=1):
        if length > 25:
            yield f"code cell {number} has {length} lines; 25 is the limit"


def imports_from_elsewhere(notebook, folder):
    """A notebook runs alone: it imports what is beside it and what requirements.in names."""
    for number, cell in code_cells(notebook):
        try:
            modules = imported(cell.source)
        except SyntaxError as error:
            yield f"code cell {number} is not plain Python: {error.msg}"
        else:
            yield from (f"code cell {number} imports {module}" for module in foreign(modules, folder))


def module_imports_from_elsewhere(path):
    """The same for a module beside the notebooks."""
    return [f"{path.name} imports {module}" for module in foreign(imported(path.read_text(encoding="utf-8")), path.parent)]


def imported(source):
    """Return the top-level names that `source` imports. Raises SyntaxError."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or "").split(".")[0])
    return names


installed = cache(packages_distributions)


def foreign(modules, folder):
    wanted = direct_requirements()
    distributions = installed()
    for module in sorted(modules):
        own = module[1:] if module.startswith(".") and (folder / "__init__.py").exists() else module  # a package may import from itself
        beside = (folder / f"{own or '__init__'}.py").exists() or (folder / own / "__init__.py").exists()
        required = any(canonicalize_name(name) in wanted for name in distributions.get(module, []))
        if not (module in sys.stdlib_module_names or module == "__main__" or beside or required):
            yield module


def direct_requirements():
    """Return the names in requirements.in."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines())
    return {canonicalize_name(Requirement(line).name) for line in lines if line}


MARKDOWN = MarkdownIt("commonmark").use(dollarmath_plugin, allow_labels=True).use(amsmath_plugin).use(colon_fence_plugin)


def equations(markdown):
    """Yield (label, first line) of each displayed equation, also of those inside directives; label "" if it has none."""
    for token in MARKDOWN.parse(markdown):
        if token.type in ("math_block", "amsmath"):
            yield "", token.content.strip().split("\n")[0]
        elif token.type == "math_block_label":
            yield token.info, token.content.strip().split("\n")[0]
        elif token.type in ("fence", "colon_fence") and token.info.startswith("{math}"):
            label = re.search(r"^:label: *(\S+)", token.content, re.MULTILINE)
            yield label[1] if label else "", token.content.strip().split("\n")[-1]
        elif token.type in ("fence", "colon_fence") and token.info.startswith("{"):
            yield from equations(token.content)


def labels(notebook):
    """Return the label of each displayed equation of a notebook, in order."""
    return [label for cell in notebook.cells if cell.cell_type == "markdown" for label, _ in equations(cell.source)]


def unchecked_claims(notebook):
    """Each displayed equation is a definition (def-…) or a claim (eq-…) that a cell verifies and finds to hold."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for label, first in equations(cell.source):
                if not label.startswith(("def-", "eq-")):
                    yield f"the displayed equation {label or 'without a label'} is neither def-… nor eq-…: {first}"
    claims = {label for label in labels(notebook) if label.startswith("eq-")}
    verified = set()
    for number, cell in code_cells(notebook):
        lines = printed(cell).splitlines()
        for label in (tag.removeprefix("verifies:") for tag in tags(cell) if tag.startswith("verifies:")):
            verified.add(label)
            if label not in claims:
                yield f"code cell {number} verifies {label}, which is no claim of this notebook"
            if not any(line.startswith(f"{label} | ") for line in lines):
                yield f"code cell {number} says it verifies {label} but prints no check of it"
        yield from (f"code cell {number} does not find it to hold: {line}" for line in lines if line.startswith("eq-") and not HOLDS.match(line))
    yield from (f"no code cell is tagged verifies:{label}" for label in sorted(claims - verified))


def unfolded(notebook):
    """Return (words of prose, lines of code) that a page shows before anything is folded open.

    Folded are sections below a heading with the class `detour` and directives with the class `dropdown`.
    """
    words = lines = 0
    detour = None  # the level of the heading that folds
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines += 0 if detour else len([line for line in cell.source.splitlines() if line.strip()])
            continue
        fences, dropdown, marked = [], 0, False
        for line in cell.source.splitlines():
            if fence := re.match(r"(:{3,}|`{3,})(.*)", line):
                if fence[2].strip():
                    fences.append(fence[1])
                    dropdown = dropdown or ("{dropdown}" in fence[2]) * len(fences)
                elif fence[1] in fences:
                    fences.pop()
                    dropdown = dropdown if len(fences) >= dropdown else 0
                continue
            if not fences and (heading := re.match(r"(#+) ", line)):
                if detour and len(heading[1]) <= detour:
                    detour = None
                if marked:
                    detour = len(heading[1])
            marked = line.strip() == DETOUR
            if not (detour or dropdown or marked):
                words += len(line.split())
    return words, lines
