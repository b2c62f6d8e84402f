"""What nbgrader's metadata say of a notebook's cells, which may also be plain data."""


def about(cell):
    """Return what nbgrader's metadata say of a cell."""
    return said(cell, "nbgrader")


def said(cell, key):
    """Return what a cell's metadata say under a key; nothing of what is no mapping."""
    found = cell["metadata"].get(key, {})
    return found if isinstance(found, dict) else {}


def name_of(cell):
    """Return nbgrader's id of a released cell, None of a student's own."""
    return about(cell).get("grade_id")


def is_answer(cell):
    return bool(about(cell).get("solution"))


def is_written(cell):
    return is_answer(cell) and bool(about(cell).get("grade"))


def is_check(cell):
    return not is_answer(cell) and bool(about(cell).get("grade"))


def by_grade_id(notebook):
    """Return the cells that nbgrader knows."""
    return {name_of(cell): cell for cell in notebook["cells"] if "grade_id" in about(cell)}


def source_of(cell):
    """Return the source of a cell, which a notebook's file holds as a list of lines."""
    return "".join(cell["source"])
