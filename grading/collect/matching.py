"""Which cell of the assignment each of a student's cells is: programs lose nbgrader's ids, and so does copying into a new notebook."""

import ast
import re

from grading.shared.cells import is_answer, is_check, is_written
from grading.shared.links import without_addresses

LINE_BREAK = re.compile(r"\r\n|\r|\n")
HEADING = re.compile(r"#+ +(?:\d+\. *)?([^(\n]*)")
LONGEST = 20_000  # characters of code that is looked into
MAGIC = re.compile(r"^([ \t]*)[%!?].*$|^[^#'\"\n]*[^#'\"\n?]\?{1,2}[ \t]*$", re.MULTILINE)


def same(one, other):
    return lines(one) == lines(other)


def lines(source):
    """Return the lines of a text without what programs change: how they end, and which kind of space they have."""
    return [line.rstrip() for line in LINE_BREAK.split(source.replace("\xa0", " ").rstrip())]


def check_of(name, released):
    """Return the name of the check that follows an answer in the release; a written answer has none."""
    if is_written(released[name]):
        return None
    later = list(released)[list(released).index(name) :]
    return next((other for other in later if is_check(released[other])), None)


def named(cells, released):
    """Return the Cells with the names that they have lost, and these names: by the cell's id, the released text, the function, the released lines, or the place."""
    cells, found = list(cells), []
    for find in (by_id, by_text, by_function, by_lines, by_place):
        present = {cell.name for cell in cells}
        missing = {name: cell for name, cell in released.items() if name not in present}
        for name, number in find(cells, missing, released) if missing else ():
            cells[number] = cells[number]._replace(name=name, as_released=False)
            found.append(name)
    return cells, sorted(found, key=list(released).index)


def nameless(cells, released):
    return [(number, cell) for number, cell in enumerate(cells) if cell.name not in released]


def by_id(cells, missing, released):
    names = {cell.id: name for name, cell in missing.items() if "id" in cell}
    for number, cell in nameless(cells, released):
        if cell.id in names:
            yield names.pop(cell.id), number


def by_text(cells, missing, released):
    """A text counts if it is the released one, or begins with the same heading."""
    missing = {name: cell for name, cell in missing.items() if not is_written(cell)}  # before they are written they are all the same
    texts = {wording(cell.source): name for name, cell in missing.items()}
    headings = {heading(cell.source): name for name, cell in missing.items() if cell.cell_type == "markdown"}
    taken = set()
    for number, cell in nameless(cells, released):
        name = texts.get(wording(cell.source)) or (headings.get(heading(cell.source)) if cell.kind == "markdown" and heading(cell.source) else None)
        if name and name not in taken:
            taken.add(name)
            yield name, number


def wording(source):
    return "\n".join(lines(without_addresses(source).strip()))


def heading(source):
    """Return what the first line says, if it is a heading, without its number and points, which differ between versions."""
    found = HEADING.match(lines(source.strip())[0])
    return found[1].strip().casefold() if found else ""


def by_function(cells, missing, released):
    """The last cell that defines an answer's function before its check, or at all; one that defines several answers' functions is no one's."""
    answers = {name for name, cell in released.items() if is_answer(cell) and not is_written(cell)}
    if not answers & missing.keys():
        return
    defines = {number: answers & defined(cell.source) for number, cell in nameless(cells, released) if cell.kind == "code"}
    checks = {cell.name: number for number, cell in enumerate(cells)}
    for name in answers & missing.keys():
        places = [number for number, names in defines.items() if names == {name}]
        check = checks.get(check_of(name, released), len(cells))
        if places:
            yield name, ([number for number in places if number < check] or places)[-1]


def by_lines(cells, missing, released):
    """A locked cell of code is known by its lines when something was added to them."""
    locked = {name: set(lines(cell.source)) for name, cell in missing.items() if cell.cell_type == "code" and not is_answer(cell)}
    taken = set()
    for number, cell in nameless(cells, released) if locked else ():
        there = set(lines(cell.source)) if cell.kind == "code" else set()
        name = next((name for name, ours in locked.items() if name not in taken and ours <= there), None)
        if name:
            taken.add(name)
            yield name, number


def by_place(cells, missing, released):
    """A written answer may be the one text that stands below its task."""
    order = list(released)
    for name in (name for name, cell in missing.items() if is_written(cell)):
        task = order[order.index(name) - 1]
        above = next((number for number, cell in enumerate(cells) if cell.name == task), len(cells))
        below = next((number for number in range(above + 1, len(cells)) if cells[number].name in released), len(cells))
        texts = [number for number in range(above + 1, below) if cells[number].kind != "code" and cells[number].source.strip()]
        untouched = [number for number in texts if same(cells[number].source, released[name].source)]
        if len(untouched or texts) == 1:
            yield name, (untouched or texts)[0]


def defined(source):
    """Return the names that code binds with `def`, `class` or `=` at its outermost level."""
    tree = parsed(source)
    if tree is None:
        return set(re.findall(r"(?m)^(?:async )?(?:def|class)[ \t]+(\w+)", source[:LONGEST]))
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)} | {
        target.id for target in targets if isinstance(target, ast.Name)
    }


def parsed(source):
    """Return the syntax tree of a cell, in which IPython's own commands do nothing; None if there is none."""
    if len(source) > LONGEST:
        return None
    try:
        return ast.parse(MAGIC.sub(lambda match: f"{match[1] or ''}pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
