"""What a student wrote into a locked cell: kept as a cell of the student's own, and said in a line above it."""

import ast
import difflib

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from grading.collect.matching import LINE_BREAK, lines, parsed, same
from grading.shared.links import without_addresses

KINDS = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
MOST_LINES = 300  # that are compared one by one
HARMLESS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom

IN_TEXT = "*The text above belongs to the assignment; what stood in it besides is kept here.*"
IN_CODE = "*The cell above belongs to the assignment; what stood in it besides is kept here, and runs here.*"
IN_VERSION = "*The cell above was another one in the version of the assignment that was handed in; what differs runs here.*"
IN_CHECK = (
    "*The cell below belongs to the assignment; what stood in it besides is kept here: definitions, assignments and imports run, "
    "the rest is a comment.*"
)


def kept(cell, released, checks):
    """Return the cells that keep what a Cell has and the released one has not; none if that is nothing. checks: whether it decides on points."""
    if cell.kind != "code" or released.cell_type != "code":
        source = added_text(cell.source, released.source)
        runs = cell.kind == "code" and released.cell_type == "markdown" and parsed(source) is not None
        own, said = KINDS["code" if runs else "markdown" if cell.kind == "code" else cell.kind](source), IN_CODE if runs else IN_TEXT
    elif checks:
        own, said = new_code_cell(definitions(added_code("\n".join(LINE_BREAK.split(cell.source)), released.source))), IN_CHECK
    else:
        own, said = new_code_cell(added_code("\n".join(LINE_BREAK.split(cell.source)), released.source)), IN_VERSION if cell.as_released else IN_CODE
    if cell.as_released and (checks or own.cell_type != "code"):
        return []
    if cell.pictures and own.cell_type == "markdown":
        own.attachments = nbformat.from_dict(cell.pictures)
    return [explaining(said), own] if own.source.strip() else []


def explaining(said):
    """Return a cell of ours that says something about the hand-in."""
    return new_markdown_cell(said, metadata={"grading": {"explains": True}})


def added_text(text, released):
    """Return the lines that are new; of a text that was rewritten, all."""
    ours, theirs = (lines(without_addresses(one)) for one in (released, text))
    if len(theirs) > MOST_LINES:
        return text
    changes = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    return "\n".join("\n".join(theirs[first:last]) for change, _, _, first, last in changes if change in ("insert", "replace")).strip("\n")


def added_code(code, released):
    """Return the code without the statements that stand in the released cell, too; what cannot be taken apart, whole."""
    theirs, ours = parsed(code), parsed(released)
    if same(code, released):
        return ""
    if theirs is None or ours is None:
        return code
    known, new = set(map(dumped, ours.body)), set()
    for statement in theirs.body:
        if dumped(statement) not in known:
            new |= set(range(first_line(statement), statement.end_lineno + 1))
    repeated = {line for statement in theirs.body for line in range(first_line(statement), statement.end_lineno + 1)} - new
    comments = {line.strip() for line in released.split("\n")}
    left = [line for number, line in enumerate(code.split("\n"), start=1) if number not in repeated and (number in new or line.strip() not in comments)]
    return "\n".join(left).strip("\n")


def dumped(statement):
    """Return a statement as text, without where it stands; None of one that is nested too deeply."""
    try:
        return ast.dump(statement)
    except RecursionError:
        return None


def definitions(code):
    """Return code in which nothing but definitions, assignments and imports is left; the rest is comments."""
    tree, run = parsed(code), set()
    for statement in tree.body if tree else ():
        if isinstance(statement, HARMLESS):
            run |= set(range(first_line(statement), statement.end_lineno + 1))
    for statement in tree.body if tree else ():
        if not isinstance(statement, HARMLESS):
            run -= set(range(statement.lineno, statement.end_lineno + 1))  # on a line with another
    return "\n".join(line if number in run or not line.strip() or line.startswith("#") else f"# {line}" for number, line in enumerate(code.split("\n"), start=1))


def first_line(statement):
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
