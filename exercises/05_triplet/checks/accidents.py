"""What happens to a cell before its function is called, and to a notebook before it is handed in."""

import ast
import difflib
import json
import linecache
import os
import re
import sys
import types
from pathlib import Path

from .outcomes import article, call, count
from .verdicts import said

EMPTY = "*Your answer here, in place of this line.*"
CLOSENESS = 0.75  # of a misspelt name


def before(name, names, tasks):
    """Return the verdict on a function that cannot be checked, or is not the one that the student wrote last; None for others."""
    other = renamed(name, names, tasks)
    broken = broken_cell(name, names.get(name))
    later = broken and other and place_of(other) > place_of(name)
    if broken and not later:
        return broken
    if name not in names or (other and (later or untouched(names[name]))):
        if other:
            sentence = f"There is a function {other}, but the task wants it under the name {name}: mend the name after def and run the cell again."
            summary = f"There is no function {name} yet." if name not in names else f"{name} is not attempted yet."
            summary = f"The cell that you ran last defines {other}, and not {name}." if later else summary
            return said(summary, sentence, "renamed")
        return said(f"There is no function {name} yet.", "Its cell has not been run in this session, or ended in an error: run it, and the cells above it.", "not_run")
    if not callable(names[name]):
        sentence = f"{name} is {article(names[name])} now: a cell gave its name to something else. Give that another name, and run the cell of the function again."
        return said(f"There is no function {name} any more.", sentence, "overwritten")
    return None


def broken_cell(name, function):
    """Return the verdict when the cell that was run last for `name` did not define it."""
    cells = list(cells_run(name).values())
    if not cells:
        return None
    cell = cells[-1]
    older = "Python still has the function of before." if isinstance(function, types.FunctionType) else "So there is no such function yet."
    try:
        tree = ast.parse(cell)
    except SyntaxError as error:
        line = cell.splitlines()[error.lineno - 1].strip() if error.lineno and error.lineno <= len(cell.splitlines()) else ""
        kind = "IndentationError" if isinstance(error, IndentationError) else "SyntaxError"
        summary = f"The cell of {name} that you ran last ended in {'an' if kind[0] == 'I' else 'a'} {kind}."
        return said(summary, f"Line {error.lineno}, {line!r}: {error.msg}. {older} Mend the line, or the one before it, and run the cell again.", "syntax")
    defined = any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)
    code = getattr(function, "__code__", None)
    source = "".join(linecache.getlines(code.co_filename)).strip() if code else ""
    if not defined or source == cell.strip() or source not in [earlier.strip() for earlier in cells[:-1]]:
        return None
    return said(f"The cell of {name} that you ran last did not get as far as its function.", f"A line above def ended in an error. {older} Mend the line and run the cell again.", "older")


def place_of(name):
    """Return the place among all cells that were run of the last that defines `name`, or tried to; -1 without one."""
    return max(cells_run(name), default=-1)


def cells_run(name):
    """Return the sources of the cells that were run and define `name`, or tried to, by their places; none outside IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    wanted = re.compile(rf"^[ \t]*def\s+{re.escape(name)}\b", re.M)
    return {place: cell for place, cell in enumerate(shell.history_manager.input_hist_parsed) if wanted.search(cell)} if shell else {}


def renamed(name, names, tasks):
    """Return the function of the notebook whose name is nearly `name`, or None."""
    own = [other for other, value in names.items() if isinstance(value, types.FunctionType) and value.__module__ == "__main__" and other not in tasks]
    return next(iter(difflib.get_close_matches(name, own, 1, CLOSENESS)), None)


def run_later(name, names, tasks):
    """Say that a function whose name is nearly `name` was run after it; nothing without one."""
    other = renamed(name, names, tasks)
    later = other and place_of(other) > place_of(name) >= 0
    return f"You ran a cell that defines {other} after that of {name}: what is checked here is {name}, as you ran it before." if later else ""


def untouched(function):
    """Say whether nobody has written the function yet, without running anything that somebody wrote."""
    code = getattr(function, "__code__", None)
    if not code or code.co_names != ("NotImplementedError",):
        return False
    try:
        function(*[None] * code.co_argcount)
    except NotImplementedError:
        return True
    except Exception:
        return False
    return False


def called(function, arguments, others):
    """Return the names of those among `others`, functions by name, that a call of `function` really calls."""
    wanted = {other.__code__: name for name, other in others.items() if isinstance(other, types.FunctionType)}
    found = set()

    def watch(frame, event, _):
        if event == "call" and frame.f_code in wanted:
            found.add(wanted[frame.f_code])

    if wanted:
        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            call(function, arguments, seconds=5)
        finally:
            sys.setprofile(before)
    return sorted(found)


def names_missing(got, tasks, names):
    """Say of a name that Python does not know, if a task has it, that its cell comes first."""
    messages = " ".join(outcome["message"] for outcome in got if outcome.get("raised", [""])[0] == "NameError")
    missing = [name for name in re.findall(r"name '(\w+)' is not defined", messages) if name in tasks and name not in names]
    return [f"{name} is a task of its own: run its cell first." for name in dict.fromkeys(missing)]


# The notebook's file.


def written_answers(points, begun):
    """Say which written answers are empty in the notebook as it was saved, and what to hand in.

    points: by the name of a written answer. begun: whether anything was attempted.
    """
    total = count(sum(points.values()), "point", "points")
    path, cells = saved_notebook(points)
    if not cells:
        return f"Written answers ({total}) are read by your instructor.\nBefore you hand in: restart the kernel, run all cells, and save the notebook."
    lines = [f"Written answers, which your instructor reads: {total} wait."]
    empty = [name for name in points if not cells.get(name, "").replace(EMPTY, "").strip()]
    lines += [f"  still empty in the file as last saved: {numbered(name, cells)} ({count(points[name], 'point', 'points')})" for name in empty]
    if begun or len(empty) < len(points):
        size = max(1, round(path.stat().st_size / 1000))
        lines.append(f"Hand in the file {path.name} ({size} KB).\nRestart the kernel, run all cells and save first: what is not saved is not handed in.")
    return "\n".join(lines)


def numbered(name, cells):
    """Return a task's number, as its heading has it; its name where there is none."""
    found = re.match(r"## (\d+)\.", cells.get(f"{name}-task", ""))
    return f"task {found[1]}" if found else name


def saved_notebook(points):
    """Return the path of this notebook's file, and the text of its cells by name; (None, {}) where it cannot be found."""
    session = os.environ.get("JPY_SESSION_NAME", "")
    here = [Path(Path(session).name), *sorted(Path().glob("*.ipynb"))] if session else sorted(Path().glob("*.ipynb"))
    for path in here:
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            answers = {cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"]) for cell in cells if "grade_id" in cell["metadata"].get("nbgrader", {})}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if points.keys() & answers.keys():
            return path, answers
    return None, {}
