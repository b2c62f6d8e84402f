"""What students really hand in: notebooks that are none, under another name, with cells changed, lost and copied."""

import json
import os
import re
import time
import unicodedata

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.utils import compute_checksum

from grading.collect import folders
from grading.collect import handed_in as reading
from grading.collect.folders import students
from grading.collect.handed_in import Refused
from grading.collect.preflight import read

NAME = "01_mse"
STUB = "def f():\n    raise NotImplementedError"
LINK = "See [When `f` is 0](../../chapters/01_mse.ipynb#when-f-is-0)."


def marks(name, **more):
    return {"nbgrader": {"grade_id": name, "grade": False, "solution": False, "locked": True, "schema_version": 3, "task": False, "checksum": name} | more}


def an_answer(**more):
    return {"solution": True, "locked": False} | more


RELEASE = new_notebook(
    cells=[
        new_markdown_cell("# Assignment\n\nAbout it.", metadata=marks("intro"), id="intro"),
        new_code_cell("import numpy as np", metadata=marks("setup") | {"tags": ["ours"]}, id="setup"),
        new_markdown_cell(f"Write `f`.\n\n{LINK}\nIt is short.", metadata=marks("f-task"), id="f-task"),
        new_code_cell(STUB, metadata=marks("f", **an_answer()), id="f"),
        new_code_cell('check("f")', metadata=marks("f-check", grade=True, points=2), id="f-check"),
        new_markdown_cell("Your answer here", metadata=marks("w", **an_answer(grade=True, points=3)), id="w"),
        new_markdown_cell("Write `g`.", metadata=marks("g-task"), id="g-task"),
        new_code_cell(STUB.replace("f()", "g()"), metadata=marks("g", **an_answer()), id="g"),
        new_code_cell('check("g")', metadata=marks("g-check", grade=True, points=2), id="g-check"),
        new_code_cell("score()", metadata=marks("score"), id="own-2"),
    ],
    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}},
)
IDS = [cell.metadata.nbgrader.grade_id for cell in RELEASE.cells]


def worked_on():
    """A submission as it should be."""
    notebook = nbformat.from_dict(RELEASE)
    cell(notebook, "f").source = "def f():\n    return 1"
    cell(notebook, "g").source = "def g():\n    return 2"
    cell(notebook, "w").source = "Because."
    return notebook


def cell(notebook, name):
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def copy(cell, source):
    return nbformat.from_dict(cell | {"source": source, "id": f"copy-{len(source)}"})


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "submitted" / "anna" / NAME
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def handed_in(folder):
    """Return a function that hands in a notebook, or bytes, and reads it."""

    def read_back(notebook):
        data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
        (folder / f"{NAME}.ipynb").write_bytes(data)
        submission = read([folder], NAME, RELEASE)
        nbformat.validate(submission.notebook)
        ids = [cell.id for cell in submission.notebook.cells]
        assert len(ids) == len(set(ids))
        assert sorted(filter(None, map(grade_id, submission.notebook.cells))) == sorted(IDS)
        return submission

    return read_back


def notebook_bytes(**changes):
    return json.dumps(worked_on() | changes).encode()


DEEP = b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
OTHER = new_notebook(cells=[new_code_cell("x", metadata=marks(name)) for name in ("setup", "huber", "quantile", "score", "other")])

BROKEN = {
    "empty": (b"", "is empty"),
    "spaces": (b" \n", "is empty"),
    "cut short": (notebook_bytes()[:700], "ends in the middle"),
    "cut short in a text": (notebook_bytes().partition(b"cause.")[0], "ends in the middle"),
    "cut short at the end": (notebook_bytes().rstrip(b"}"), "ends in the middle"),
    "damaged": (json.dumps(worked_on(), indent=1).encode().replace(b'"cell_type"', b"cell", 1), r"damaged at line \d+:"),
    "conflict": (json.dumps(worked_on(), indent=1).encode().replace(b"\n ", b"\n<<<<<<< HEAD\n ", 1), r"git's conflict marks .*line 2"),
    "control character": (notebook_bytes().replace(b"Because.", b"a\nb"), r"damaged at line"),
    "script": (b"import numpy as np\ndef f(): return 1\n", "not a notebook"),
    "page": (b"<!DOCTYPE html><html></html>", "HTML"),
    "archive": (b"PK\x03\x04\xff\xfe\x00", "binary"),
    "number": (b"3", "no notebook"),
    "list": (b"[]", "no notebook"),
    "data": (b'{"a": 1}', "no notebook"),
    "cells that are none": (b'{"nbformat": 4, "cells": {"a": 1}}', "no notebook"),
    "old without cells": (b'{"nbformat": 3, "worksheets": [1]}', "old format and damaged"),
    "newer format": (notebook_bytes(nbformat=5), "format 5, not 4"),
    "strange format": (notebook_bytes(nbformat=["4"] * 100), "format"),
    "deep": (DEEP, "nested too deeply"),
    "huge number": (b'{"a": ' + b"1" * 10_000 + b"}", "damaged"),
    "too many cells": (notebook_bytes(cells=[new_code_cell("x")] * 1001), "more than 1000 cells"),
    "no cells": (notebook_bytes(cells=[]), "none of its cells"),
    "none of our cells": (notebook_bytes(cells=[new_code_cell("x")]), "none of its cells"),
    "other assignment": (json.dumps(OTHER).encode(), "another assignment.*huber"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_graded_is_refused_with_its_reason(broken, handed_in):
    data, reason = BROKEN[broken]
    with pytest.raises(Refused, match=reason) as refused:
        handed_in(data)
    assert len(str(refused.value).splitlines()) == 1 and len(str(refused.value)) < 250


def test_a_large_file_is_refused_without_being_read(folder, monkeypatch):
    with open(folder / f"{NAME}.ipynb", "wb") as file:
        file.truncate(10**12)  # sparse
    monkeypatch.setattr(reading, "LARGEST_FILE", 1_000_000)
    with pytest.raises(Refused, match="larger than 1 MB"):
        read([folder], NAME, RELEASE)


def test_a_file_that_would_fill_the_memory_is_refused(handed_in):
    for data in (b"[],", b"{},", b"1.5,"):
        with pytest.raises(Refused, match="holds too much"):
            handed_in(b'{"nbformat": 4, "cells": [' + data * 3_000_000 + b"1]}")


@pytest.mark.parametrize(
    "names, reason",
    [
        ([], "folder is empty: it should hold 01_mse.ipynb"),
        ([".ipynb_checkpoints"], "folder is empty"),
        (["01_mse.py"], "no 01_mse.ipynb but '01_mse.py': hand in the notebook"),
        (["01_MSE.ipynb"], "no 01_mse.ipynb but '01_MSE.ipynb': the file holds data but no notebook"),
        (["a.ipynb", "b.ipynb", "c.ipynb", "d.ipynb"], "'a.ipynb', 'b.ipynb', 'c.ipynb' and 1 more: the file holds data"),
        (["<script>\x1b[31m\n.ipynb"], "but '< script> .ipynb'"),
    ],
)
def test_what_lies_there_instead_is_said(names, reason, folder):
    for name in names:
        (folder / name).write_text("{}")
    with pytest.raises(Refused, match=reason):
        read([folder], NAME, RELEASE)


ELSEWHERE = ["01_MSE.ipynb", "01_mse (1).ipynb", "01_mse-Copy1.ipynb", "Copy of 01_mse.ipynb", "01_mse.ipynb.txt", "01_mse.ipynb.json", "01_mse", "Übung 1.ipynb", "01_mse/01_mse.ipynb", "a/b/x.ipynb"]


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("named", ["missing", "untouched", "damaged"])
def test_the_one_worked_notebook_counts_wherever_it_lies(path, named, folder):
    if named != "missing":
        (folder / f"{NAME}.ipynb").write_text("{" if named == "damaged" else json.dumps(RELEASE))
    (folder / "untouched copy.ipynb").write_text(json.dumps(RELEASE))
    (folder / "notes.ipynb").write_text(json.dumps(OTHER))
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(notebook_bytes())
    submission = read([folder], NAME, RELEASE)
    assert cell(submission.notebook, "f").source == "def f():\n    return 1"
    assert f"'{path}' was graded" in submission.notes[0] and {"missing": "no 01_mse", "untouched": "as it was", "damaged": "cannot be read"}[named] in submission.notes[0]
    assert "'notes.ipynb'" in submission.notes[1]
    assert submission.notebook.cells[0].metadata == {"grading": {"explains": True}} and f"'{path}' was graded" in submission.notebook.cells[0].source


def test_the_rightly_named_notebook_counts_when_it_was_worked_on(folder):
    other = worked_on()
    cell(other, "f").source = "def f():\n    return 2"
    (folder / "other.ipynb").write_text(json.dumps(other))
    (folder / f"{NAME}.ipynb").write_bytes(notebook_bytes())
    submission = read([folder], NAME, RELEASE)
    assert cell(submission.notebook, "f").source == "def f():\n    return 1" and submission.notes == ["also handed in: 'other.ipynb'"]


def test_of_several_worked_notebooks_none_is_chosen(folder):
    other = worked_on()
    cell(other, "f").source = "def f():\n    return 2"
    (folder / "a.ipynb").write_bytes(notebook_bytes())
    (folder / "b.ipynb").write_bytes(notebook_bytes())
    assert read([folder], NAME, RELEASE).notes[0].startswith("'a.ipynb' was graded")  # they say the same
    (folder / "c.ipynb").write_text(json.dumps(other))
    with pytest.raises(Refused, match="3 notebooks with answers, 'a.ipynb', 'b.ipynb', 'c.ipynb': hand in one, named 01_mse.ipynb"):
        read([folder], NAME, RELEASE)


def test_a_notebook_of_another_name_and_assignment_is_not_taken(folder):
    (folder / "x.ipynb").write_text(json.dumps(OTHER))
    with pytest.raises(Refused, match="no 01_mse.ipynb but 'x.ipynb': a notebook of another assignment"):
        read([folder], NAME, RELEASE)


def test_what_code_needs_lies_beside_it_and_nothing_else(folder, monkeypatch):
    (folder / f"{NAME}.ipynb").write_bytes(notebook_bytes())
    for path in ("data/x.txt", "my/lib.py", "help.ipynb", "weights.pt", "venv/pyvenv.cfg", "venv/lib/big.py", "node_modules/a.js", ".git/config", "__MACOSX/a", "checks/notebook.py"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    os.truncate(folder / "weights.pt", 60_000_000)
    (folder / "link.txt").symlink_to("/etc/hostname")
    submission = read([folder], NAME, RELEASE)
    assert list(submission.files) == ["checks/notebook.py", "data/x.txt", "help.ipynb", "my/lib.py"]
    assert "'weights.pt (60 MB)'" in submission.notes[0]
    assert submission.notes[1:] == ["also handed in: 'help.ipynb', 'weights.pt', 'data/x.txt', 'my/lib.py'"]
    monkeypatch.setattr(folders, "MOST_FILES", 3)
    submission = read([folder], NAME, RELEASE)
    assert len(submission.files) == 3 and "too many" in submission.notes[0]


def test_outputs_are_not_read(handed_in, monkeypatch):
    notebook = worked_on()
    notebook.cells[1].outputs = [{"output_type": "display_data", "metadata": {}, "data": {"x": [[1.5, {"a": "]}"}]] * 100_000}}]
    monkeypatch.setattr(reading, "MOST_PARTS", 10_000)
    submission = handed_in(notebook)
    assert not submission.notes and cell(submission.notebook, "g").source == "def g():\n    return 2"
    for data, reason in ((json.dumps(notebook)[:-1000], "ends in the middle"), ('{"cells": ' + "[" * 20_000, "nested too deeply")):
        with pytest.raises(Refused, match=reason):
            handed_in(data.encode())


def test_what_is_no_file_is_refused(folder, tmp_path):
    path = folder / f"{NAME}.ipynb"
    for make, reason in (
        (path.mkdir, "not a file|cannot be opened"),
        (lambda: os.mkfifo(path), "not a file"),
        (lambda: path.symlink_to("/dev/zero"), "symbolic link"),
        (lambda: path.symlink_to(tmp_path / "missing"), "symbolic link"),
        (lambda: path.symlink_to(path), "symbolic link"),
    ):
        make()
        with pytest.raises(Refused, match=reason):
            read([folder], NAME, RELEASE)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with pytest.raises(Refused, match="cannot be read"):
        read([folder / "missing"], NAME, RELEASE)


def test_a_right_submission_stays_as_it_is(handed_in):
    notebook = worked_on()
    notebook.cells.insert(3, new_code_cell("x = 1"))
    submission = handed_in(notebook)
    assert not submission.notes and not submission.missing
    assert [cell.source for cell in submission.notebook.cells] == [cell.source for cell in notebook.cells]
    assert submission.notebook.metadata == RELEASE.metadata


def test_the_untouched_exercise_passes(handed_in):
    submission = handed_in(RELEASE)
    assert submission.notebook.cells == RELEASE.cells and not submission.notes and not submission.missing


def test_locked_cells_are_as_released(handed_in):
    notebook = worked_on()
    cell(notebook, "f-check").source = "2.0"
    cell(notebook, "intro").source = "# Assignment  \r\n\nAbout it.\n\n"  # what editors do
    notebook.cells[IDS.index("setup")] = new_raw_cell("import numpy as np", metadata=marks("setup"))
    submission = handed_in(notebook)
    assert [cell(submission.notebook, name).source for name in ("intro", "f-check")] == ["# Assignment\n\nAbout it.", 'check("f")']
    assert cell(submission.notebook, "setup") == cell(RELEASE, "setup")
    assert sorted(note.split(":")[0] for note in submission.notes) == ["f-check", "setup"]


SAME_LINK = {
    "in_the_project": LINK,
    "in_a_zip": "See *When `f` is 0*.",
    "in_a_zip_that_leads_to_the_site": "See [When `f` is 0](https://ada.example.org/losses/chapters/01_mse.html#when-f-is-0).",
    "to_where_the_section_was": "See [When `f` is 0](http://localhost:8000/chapters/02_old.html#zero).",
}
OTHER_LINK = {
    "title": "See *When `f` is 1*.",
    "title_of_a_link": LINK.replace("is 0", "is 1"),
    "no_emphasis": "See When `f` is 0.",
    "no_chapter": LINK.replace("chapters/", "pages/"),
    "no_section": LINK.replace("#when-f-is-0", ""),
    "more_in_it": LINK.replace(").", " 'the site')."),
    "more_after_it": f"{LINK} Or not.",
    "another_line": f"{LINK}\n",
    "nothing": "",
}


@pytest.mark.parametrize("form", SAME_LINK)
def test_a_link_to_the_book_may_have_any_form_that_a_zip_gives_it(form, handed_in):
    notebook = worked_on()
    cell(notebook, "f-task").source = cell(RELEASE, "f-task").source.replace(LINK, SAME_LINK[form])
    submission = handed_in(notebook)
    assert not submission.notes and cell(submission.notebook, "f-task") == cell(RELEASE, "f-task")


@pytest.mark.parametrize("form", OTHER_LINK)
def test_another_link_is_a_change(form, handed_in):
    notebook = worked_on()
    cell(notebook, "f-task").source = cell(RELEASE, "f-task").source.replace(LINK, OTHER_LINK[form])
    submission = handed_in(notebook)
    kept = "" if form == "nothing" or form == "another_line" else " and what was written into it is kept"
    assert submission.notes == [f"f-task: the cell is locked but was changed, the released one is back{kept}"]
    assert cell(submission.notebook, "f-task") == cell(RELEASE, "f-task")


def test_links_of_any_length_are_looked_at_in_no_time(handed_in):
    notebook = worked_on()
    part = "/chapters/a.html#"
    cell(notebook, "f-task").source = "[a](" + part * 20_000 + "[" * 100_000 + "[a](" * 100_000
    started = time.process_time()
    assert len(handed_in(notebook).notes) == 1
    assert time.process_time() - started < 2


def test_what_a_student_says_in_metadata_is_dropped(handed_in):
    notebook = worked_on()
    for one in notebook.cells:
        one.metadata["nbgrader"] |= {"points": 100, "checksum": "forged", "locked": False}
        one.metadata |= {"tags": ["raises-exception"], "transient": {"remove_source": True}}
    notebook.cells[4].outputs = [new_output("stream", text="14 points")]
    notebook.cells[4].execution_count = 7
    for strange in (["x"], 3, {}):
        notebook.cells.append(new_code_cell("x", metadata={"tags": ["skip-execution"], "nbgrader": {"grade_id": strange}}))
    notebook.metadata = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}, "widgets": {"x": {}}}
    submission = handed_in(notebook)
    assert [one.metadata for one in submission.notebook.cells[:-3]] == [one.metadata for one in RELEASE.cells]
    assert not submission.notes and submission.notebook.cells[-1].metadata == {} and submission.notebook.metadata == RELEASE.metadata
    assert not any(one.outputs or one.execution_count for one in submission.notebook.cells if one.cell_type == "code")


def test_missing_locked_cells_come_back_in_their_places(handed_in):
    notebook = worked_on()
    notebook.cells = [one for one in notebook.cells if grade_id(one) not in ("intro", "setup", "g-task", "g-check")]
    submission = handed_in(notebook)
    assert list(map(grade_id, submission.notebook.cells)) == IDS
    assert not submission.missing and len(submission.notes) == 4


def test_a_missing_check_comes_after_what_the_student_wrote_for_it(handed_in):
    notebook = worked_on()
    notebook.cells[IDS.index("f-check")] = new_code_cell("def f():\n    return 'better'")
    assert list(map(grade_id, handed_in(notebook).notebook.cells)) == [*IDS[:4], None, *IDS[4:]]


def test_a_missing_answer_is_reported_and_its_place_kept(handed_in):
    notebook = worked_on()
    notebook.cells[IDS.index("f")] = new_code_cell("def f():\n    return 1\ndef g():\n    return 1")  # a new cell in place of ours
    del notebook.cells[IDS.index("w")]
    submission = handed_in(notebook)
    assert submission.missing == {"f", "w"} and len(submission.notes) == 2
    assert cell(submission.notebook, "f").source == STUB
    assert [grade_id(one) for one in submission.notebook.cells] == [*IDS[:3], "f", None, *IDS[4:]]
    assert submission.notebook.cells[4].source.startswith("def f():\n    return 1")


def test_an_answer_that_lost_its_id_is_known_by_its_function_or_its_place(handed_in):
    notebook = worked_on()
    notebook.cells[IDS.index("f")] = new_code_cell("def f():\n    return 1")
    notebook.cells[IDS.index("w")] = new_markdown_cell("Because.")
    notebook.cells[IDS.index("g")] = new_code_cell("g = 2")
    submission = handed_in(notebook)
    assert cell(submission.notebook, "f").source == "def f():\n    return 1" and cell(submission.notebook, "g").source == "g = 2"
    assert cell(submission.notebook, "w").source == "Because."
    assert not submission.missing and [note for note in submission.notes if "had lost" in note]


def test_all_answers_missing(handed_in):
    notebook = new_notebook(cells=[one for one in RELEASE.cells if grade_id(one) == "score"])
    assert handed_in(notebook).missing == {"f", "g", "w"}


def test_copies_of_locked_cells_are_dropped(handed_in):
    notebook = worked_on()
    notebook.cells += [copy(cell(RELEASE, "f-check"), 'check("f")'), copy(cell(RELEASE, "setup"), "import numpy as np\n")]
    submission = handed_in(notebook)
    assert list(map(grade_id, submission.notebook.cells)) == IDS
    assert sorted(note.split(":")[0] for note in submission.notes) == ["f-check", "setup"]


def sources_of(submission, name):
    """Return the source that counts and the sources that are ordinary cells."""
    return cell(submission.notebook, name).source, [one.source for one in submission.notebook.cells if "nbgrader" not in one.metadata]


def test_of_copied_answers_the_last_one_worked_on_before_the_check_counts(handed_in):
    first, second, later = "def f():\n    return 1", "def f():\n    return 22", "def f():\n    return 333"
    released = cell(RELEASE, "f")
    for before, after, counts in (
        ([STUB, first], [], first),
        ([first, second], [], second),
        ([first, STUB], [], first),
        ([first, second], [later], second),
        ([STUB], [later, STUB], later),
        ([STUB, STUB + "\n"], [], STUB + "\n"),
    ):
        notebook = worked_on()
        notebook.cells[IDS.index("f") : IDS.index("f") + 2] = [
            *(copy(released, source) for source in before),
            cell(notebook, "f-check"),
            *(copy(released, source) for source in after),
        ]
        submission = handed_in(notebook)
        kept, ordinary = sources_of(submission, "f")
        worked = [source for source in before + after if source.strip() != STUB]  # a second stub would undo the answer
        assert kept == counts and [source for source in [kept, *ordinary] if source.strip() == STUB] == [counts] * (not worked)
        assert [one.source for one in submission.notebook.cells if "def f" in one.source and one.source.strip() != STUB] == worked  # all still run, in their order
        assert not submission.missing and len(submission.notes) == (2 if counts == later else 1)
        assert list(map(grade_id, submission.notebook.cells)).index("f") < list(map(grade_id, submission.notebook.cells)).index("f-check")


def test_of_copied_written_answers_the_last_one_worked_on_counts(handed_in):
    notebook = worked_on()
    released = cell(RELEASE, "w")
    notebook.cells += [copy(released, "Because, at length."), copy(released, released.source)]
    kept, ordinary = sources_of(handed_in(notebook), "w")
    assert kept == "Because, at length." and ordinary == ["Because."]


def test_answers_get_their_kind_back(handed_in):
    notebook = worked_on()
    notebook.cells[IDS.index("f")] = new_markdown_cell("def f():\n    return 1", metadata=marks("f"))
    notebook.cells[IDS.index("w")] = new_code_cell("Because.", metadata=marks("w"))
    submission = handed_in(notebook)
    assert [(one.cell_type, one.source) for one in submission.notebook.cells if grade_id(one) in "fw"] == [
        ("code", "def f():\n    return 1"),
        ("markdown", "Because."),
    ]
    assert [note.split(":")[0] for note in submission.notes] == ["f", "w"] and not submission.missing


def test_the_students_order_stays(handed_in):
    notebook = worked_on()
    order = [9, 6, 7, 5, 3, 4, 2, 8, 1, 0]
    notebook.cells = [notebook.cells[number] for number in order]
    submission = handed_in(notebook)
    assert [IDS.index(grade_id(one)) for one in submission.notebook.cells] == order and not submission.notes


def test_a_few_cells_of_another_assignment_are_the_students_own(handed_in):
    notebook = worked_on()
    notebook.cells.append(new_code_cell("helper = 1", metadata=marks("<b>huber")))
    submission = handed_in(notebook)
    assert submission.notebook.cells[-1].metadata == {} and "< b>huber" in submission.notes[0]


def test_cells_get_ids_that_are_their_own(handed_in):
    notebook = worked_on()
    for one in notebook.cells:
        one.id = "same"
    notebook.cells += [new_code_cell("x", id="setup"), new_markdown_cell("y", id="same"), new_raw_cell("z", id="own-1")]
    ids = [one.id for one in handed_in(notebook).notebook.cells]
    assert ids == [*(one.id for one in RELEASE.cells), "own-1", "own-3", "own-4"]
    assert ids == [one.id for one in handed_in(notebook).notebook.cells]


def test_pasted_pictures_stay_with_answers_and_own_cells(handed_in):
    notebook = worked_on()
    pictures = {"a.png": {"image/png": "aGVsbG8="}}
    cell(notebook, "w").attachments = pictures
    for one in notebook.cells[:2]:
        one["attachments"] = pictures
    notebook.cells.append(new_code_cell("x") | {"attachments": pictures})
    notebook.cells.append(new_markdown_cell("![](attachment:a.png)") | {"attachments": {"b": 3, "c": {"image/png": 3}, "": {"<b>": ["x", "y"]}} | pictures})
    cells = handed_in(notebook).notebook.cells
    assert [one.get("attachments") for one in cells if one.get("attachments")] == [pictures, {"c": {}, "": {"<b>": "xy"}} | pictures]


def own(submission):
    """Return what stands in the cells that are no released ones, and which of them are ours."""
    return [(one.source, bool(one.metadata)) for one in submission.notebook.cells if not grade_id(one)]


WRITTEN_INTO = {
    "an import into the set-up": ("setup", "import math\nimport numpy as np\nK = 3  # classes", "import math\nK = 3  # classes"),
    "a magic into the set-up": ("setup", "import numpy as np\n%matplotlib inline\n", "%matplotlib inline"),
    "what cannot be taken apart": ("setup", "import numpy as np\nif:", "import numpy as np\nif:"),
    "a comment": ("setup", "# by Ada\nimport numpy as np", "# by Ada"),
    "what is nested deeply": ("setup", "import numpy as np\n" + "lambda:" * 2000 + "1", "lambda:" * 2000 + "1"),
    "another import in its place": ("setup", "import numpy as xp", "import numpy as xp"),
    "a function into a check": ("f-check", '@cache\ndef f():\n    return 7\n\ncheck("f")', "@cache\ndef f():\n    return 7"),
    "all kinds into a check": ("f-check", 'import os\nx = 1\nprint(x)\nfor i in x:\n    y = 2\ncheck("f")', "import os\nx = 1\n# print(x)\n# for i in x:\n#     y = 2"),
    "lines of an old system into a check": ("f-check", 'x = 1\rprint(x)\ry = 2\rcheck("f")', "x = 1\n# print(x)\ny = 2"),
    "no code into a check": ("f-check", "my answer is: 3", "# my answer is: 3"),
    "points into the last cell": ("score", "score = 14\nscore()\nscore", "score = 14\n# score"),
    "an answer into a task": ("f-task", f"Write `f`.\n\n{LINK}\nIt is short.\n\nMine: $x$.\nAnd so on.", "Mine: $x$.\nAnd so on."),
    "an answer in place of a task": ("g-task", "$$\nx\n$$", "$$\nx\n$$"),
    "lines of another system": ("f-task", f"Write\xa0`f`.\r\r{LINK}\rIt is short.\r\rMine: $x$.\rAnd so on.", "Mine: $x$.\nAnd so on."),
    "lines into the middle": ("f-task", f"Write `f`.\nMine.\n{LINK}\nAlso mine.\nIt is short.", "Mine.\nAlso mine."),
}


@pytest.mark.parametrize("what", WRITTEN_INTO)
def test_what_was_written_into_a_locked_cell_is_kept(what, handed_in):
    name, source, kept = WRITTEN_INTO[what]
    notebook = worked_on()
    cell(notebook, name).source = source
    submission = handed_in(notebook)
    (explanation, ours), (found, students) = own(submission)
    assert ours and "belongs to the assignment" in explanation and found == kept and not students
    assert cell(submission.notebook, name).source == cell(RELEASE, name).source
    places = list(map(grade_id, submission.notebook.cells))
    assert places[places.index(name) - 2 : places.index(name)] == [None, None] if name in ("f-check", "score") else places[places.index(name) + 1 :][:2] == [None, None]
    assert submission.notes == [f"{name}: the cell is locked but was changed, the released one is back and what was written into it is kept"]


@pytest.mark.parametrize("source", ["", "import  numpy as np", "import numpy as np\nimport numpy as np"])
def test_what_only_repeats_the_released_is_not_kept(source, handed_in):
    notebook = worked_on()
    cell(notebook, "setup").source = source
    submission = handed_in(notebook)
    assert not own(submission) and len(submission.notes) == 1


def test_a_function_in_a_text_that_was_turned_into_code_runs(handed_in):
    notebook = worked_on()
    notebook.cells[IDS.index("f-task")] = new_code_cell(cell(RELEASE, "f-task").source + "\ndef f():\n    return 3", metadata=marks("f-task"))
    assert [(one.cell_type, one.source) for one in handed_in(notebook).notebook.cells][IDS.index("f-task") + 2] == ("code", "def f():\n    return 3")


def test_a_picture_in_a_task_is_kept(handed_in):
    notebook = worked_on()
    cell(notebook, "f-task").source += "\n![](attachment:a.png)"
    cell(notebook, "f-task").attachments = {"a.png": {"image/png": "aGVsbG8="}}
    assert handed_in(notebook).notebook.cells[IDS.index("f-task") + 2].attachments == {"a.png": {"image/png": "aGVsbG8="}}


def test_a_function_counts_wherever_it_was_written(handed_in):
    for name, at in (("setup", IDS.index("f")), ("f-check", IDS.index("f")), ("g-task", None)):
        notebook = worked_on()
        cell(notebook, "f").source = STUB
        if at is None:
            notebook.cells.insert(IDS.index("g"), new_code_cell("def f():\n    return 5"))
        else:
            cell(notebook, name).source += "\ndef f():\n    return 5"
        submission = handed_in(notebook)
        places = [one.source for one in submission.notebook.cells]
        assert submission.missing == {"f"} and places.index("def f():\n    return 5") < places.index('check("f")')


def test_a_function_in_another_answers_cell_counts(handed_in):
    notebook = worked_on()
    cell(notebook, "f").source += "\n\n" + cell(notebook, "g").source
    cell(notebook, "g").source = cell(RELEASE, "g").source
    assert handed_in(notebook).missing == {"g"}
    swapped = worked_on()
    cell(swapped, "f").source, cell(swapped, "g").source = cell(swapped, "g").source, cell(swapped, "f").source
    sources = [one.source for one in handed_in(swapped).notebook.cells]
    assert sources.index('check("f")') > sources.index("def f():\n    return 1") and not handed_in(swapped).missing


def test_what_is_said_of_many_cells_is_one_note(handed_in):
    notebook = nbformat.from_dict(RELEASE)
    notebook.cells += worked_on().cells
    notes = handed_in(notebook).notes
    assert [note for note in notes if "cell was there" in note] == [
        "the cell was there 2 times, the copies are left out (7 cells: 'intro', 'setup', 'f-task', 'f-check', 'g-task' and 2 more)"
    ]
    assert "f: the answer was there 2 times, the last one worked on counts" in notes


@pytest.mark.parametrize(
    "badge",
    [
        '<a href="https://deepnote.com?utm_source=created-in-deepnote-cell">\n<img src="data:image/svg+xml;base64,PA=="></img>\nCreated in <b>Deepnote</b></a>',
        '<a href="https://colab.research.google.com/x"><img src="https://colab.research.google.com/assets/colab-badge.svg" alt="Open In Colab"/></a>',
        "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/x)",
    ],
)
def test_what_a_site_puts_into_a_notebook_is_not_the_students(badge, handed_in):
    notebook = nbformat.from_dict(RELEASE)
    notebook.cells.append(new_markdown_cell(badge))
    assert list(map(grade_id, handed_in(notebook).notebook.cells)) == IDS
    notebook.cells[-1].source += "\nBecause."
    assert handed_in(notebook).notebook.cells[-1].source.endswith("Because.")


def of_another_version(notebook, name, source):
    """Change a cell as if nbgrader had released it so."""
    one = cell(notebook, name)
    one.source = source
    one.metadata.nbgrader["checksum"] = compute_checksum(one)


def test_what_another_version_of_the_assignment_said_is_not_the_students(handed_in):
    notebook = worked_on()
    of_another_version(notebook, "f-task", "Write `f`, please.\n\nSoon.")
    of_another_version(notebook, "f-check", 'check("f", 2)')
    of_another_version(notebook, "setup", "import numpy as np\nimport math")
    gone = new_markdown_cell("Once a task.", metadata=marks("h-task"))
    notebook.cells.insert(2, gone)
    of_another_version(notebook, "h-task", "Once a task.")
    submission = handed_in(notebook)
    assert own(submission)[1:] == [("import math", False)] and "version" in own(submission)[0][0]
    assert submission.notes == ["made from another version of the assignment: 4 of its cells are otherwise now, new or gone"]


def test_an_untouched_notebook_of_another_version_is_untouched(folder):
    old = nbformat.from_dict(RELEASE)
    of_another_version(old, "w", "*Answer here*")
    of_another_version(old, "f", STUB.replace("f()", "f(x)"))
    (folder / f"{NAME}.ipynb").write_text(json.dumps(old))
    kept = read([folder], NAME, RELEASE).notebook
    assert [cell(kept, name).source for name in "fw"] == [cell(RELEASE, name).source for name in "fw"]
    (folder / "copy.ipynb").write_bytes(notebook_bytes())
    assert "'copy.ipynb' was graded" in read([folder], NAME, RELEASE).notes[0]


def without_ids(notebook, *also):
    notebook = nbformat.from_dict(notebook)
    for one in notebook.cells:
        one.metadata = {}
        for key in also:
            one.pop(key, None)
    return notebook


def test_lost_ids_are_found_again(handed_in):
    by_id = handed_in(without_ids(worked_on()))
    rewritten = without_ids(worked_on(), "id")
    rewritten.cells[2].source = "Write `f`.\n\nOtherwise."
    functions = new_notebook(cells=[new_code_cell("def f():\n    return 1"), new_code_cell("def g():\n    return 2"), new_markdown_cell("Because.")])
    together = new_notebook(cells=[new_code_cell("def f():\n    return 1\ndef g():\n    return 2"), new_markdown_cell("Because.")])
    for submission in (by_id, handed_in(without_ids(worked_on(), "id")), handed_in(rewritten), handed_in(functions), handed_in(together)):
        ran = [one.source for one in submission.notebook.cells if grade_id(one) not in submission.missing]
        for name, result in (("f", 1), ("g", 2)):
            (place,) = [number for number, source in enumerate(ran) if f"def {name}():\n    return {result}" in source]
            assert place < ran.index(f'check("{name}")')
        assert "Because." in ran and "lost" in str(submission.notes) or submission.missing == {"f", "g", "w"}
    assert not by_id.missing and cell(by_id.notebook, "w").source == "Because."


def test_cells_without_ids_are_not_missing_when_something_was_added(handed_in):
    notebook = without_ids(nbformat.from_dict(RELEASE), "id")
    notebook.cells[IDS.index("setup")].source += "\nimport math"
    notebook.cells.insert(IDS.index("w") + 1, new_markdown_cell("Because."))
    submission = handed_in(notebook)
    assert not any("missing" in note for note in submission.notes) and not submission.missing
    assert [source for source, _ in own(submission)][1:] == ["import math", "Because."]


def test_other_names_for_all_cells_are_lost_names(handed_in):
    notebook = worked_on()
    for one in notebook.cells:
        one.metadata.nbgrader["grade_id"] = f"cell-{grade_id(one)}"
    (note,) = handed_in(notebook).notes
    assert note.startswith("10 cells had lost")


def test_lost_ids_are_listed_in_the_assignments_order(handed_in):
    (note,) = handed_in(without_ids(worked_on(), "id")).notes
    assert note.endswith(": 'intro', 'setup', 'f-task', 'f', 'f-check' and 5 more")


def test_a_notebook_in_which_nothing_is_left_is_refused_for_that(handed_in):
    with pytest.raises(Refused, match="none of its cells are there"):
        handed_in(new_notebook(cells=[new_code_cell("score()"), new_code_cell("import numpy as np"), new_code_cell("def h(): pass")]))


def test_what_is_no_proper_cell_costs_nothing(handed_in):
    cells = worked_on().cells
    odd = [{"cell_type": "code"}, {"cell_type": "code", "source": None}, {"cell_type": "heading", "source": "Title"}, {"cell_type": "code", "source": [1]}, 3]
    submission = handed_in(notebook_bytes(cells=[*cells[:2], *odd, *cells[2:]]))
    assert [source for source, _ in own(submission)] == ["", "", "Title", "", ""]
    assert submission.notes == ["what is no proper cell is left out, or shown as text: number 5, 6, 7"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_other_encodings_are_read(encoding, handed_in):
    notebook = worked_on()
    cell(notebook, "w").source = "Größer – so."
    submission = handed_in(json.dumps(notebook, ensure_ascii=False).encode(encoding))
    assert cell(submission.notebook, "w").source == "Größer – so." and not submission.notes


def test_the_students_python_is_taken_over(handed_in):
    for said, taken in (("3.12.4", "3.12.4"), ("3.14", "3.14"), ("3.12.4\n<b>", ""), (3, "")):
        assert handed_in(notebook_bytes(metadata={"language_info": {"version": said}})).python == taken


def test_older_and_odd_notebooks_are_read(handed_in, folder):
    notebook = worked_on()
    lines = [one | {"source": one.source.splitlines(keepends=True)} for one in notebook.cells]
    for data in (
        b"\xef\xbb\xbf" + json.dumps(notebook).encode(),  # a byte order mark, from an editor
        notebook_bytes(nbformat_minor=2, cells=[{key: value for key, value in one.items() if key != "id"} for one in lines]),
        json.dumps(nbformat.convert(worked_on(), 3)).encode(),
        notebook_bytes(metadata=3, cells=[one | {"outputs": 3} for one in notebook.cells]),
        notebook_bytes().replace(b"return 1", b"return '\\ud800'"),
    ):
        submission = handed_in(data)
        assert not submission.missing and not submission.notes
        nbformat.writes(submission.notebook).encode("utf-8")


def test_what_is_put_back_leaves_texts_where_an_answer_is_looked_for(handed_in):
    notebook = new_notebook(cells=[new_code_cell("def f():\n    return 1"), new_markdown_cell("Because."), new_code_cell("def g():\n    return 2")])
    places = [grade_id(one) or one.source for one in handed_in(notebook).notebook.cells]
    assert places == [*IDS[: IDS.index("w") + 1], "Because.", *IDS[IDS.index("w") + 1 :]]


NAMES = ["Anna Müller_12@x.org", "Sean O'Brien", "Sean O’Brien", "Meyer, Anna", "Kim (Min-jun) [2]", "*Lee Ann", " _user1", "-rf", "=1+1", "100% #1 & co", 'A "B" C', "김민준", "علی\u200cرضا", "x" * 150]


def test_students_are_listed_in_order_each_with_what_can_be_read(tmp_path):
    submitted = tmp_path / "submitted"
    for name in (*NAMES, ".hidden", "<b>", "a\nb", "a\x1b[31m", "a\u202eb", "x" * 241):
        (submitted / name / NAME).mkdir(parents=True)
    (submitted / "nobody" / "02_other").mkdir(parents=True)
    (submitted / "linked").symlink_to(submitted / NAMES[0])
    (submitted / "within").mkdir()
    (submitted / "within" / NAME).symlink_to(submitted / NAMES[0] / NAME)
    (submitted / "links").mkdir()
    (submitted / "links" / "anna").symlink_to(submitted / NAMES[0])
    (submitted / "grades.csv").write_text("")
    found = students(submitted, NAME)
    readable = {one.name: one.folders for one in found if one.folders}
    assert list(readable) == sorted(NAMES) and readable["-rf"] == (submitted / "-rf" / NAME,)
    reasons = {one.name: one.reason for one in found if not one.folders}
    assert reasons.pop("nobody").startswith("no submission") and reasons.pop("links").startswith("no submission")
    assert "symbolic link" in reasons.pop("linked") and "symbolic link" in reasons.pop("within")
    assert len(reasons) == 5 and all("rename it" in reason for reason in reasons.values())
    assert not re.search(r"[\n\x1b]|<\w", str(list(reasons.items())))


def test_a_name_in_two_unicode_forms_is_one_student(tmp_path):
    composed, decomposed = (tmp_path / unicodedata.normalize(form, "Zoë Nguyễn") for form in ("NFC", "NFD"))
    for place, notebook in ((composed, RELEASE), (decomposed, worked_on())):
        (place / NAME).mkdir(parents=True)
        (place / NAME / f"{NAME}.ipynb").write_text(json.dumps(notebook))
    (zoe,) = students(tmp_path, NAME)
    assert zoe.name == composed.name and set(zoe.folders) == {composed / NAME, decomposed / NAME}
    submission = read(zoe.folders, NAME, RELEASE)
    assert cell(submission.notebook, "w").source == "Because." and "two Unicode forms" in submission.notes[0]
    (composed / NAME / f"{NAME}.ipynb").write_bytes(notebook_bytes().replace(b"return 1", b"return 2"))
    with pytest.raises(Refused, match="2 notebooks with answers"):
        read(zoe.folders, NAME, RELEASE)


@pytest.mark.parametrize("path", [NAME.upper(), f"anna/{NAME}"])
def test_the_assignments_folder_may_be_in_another_case_or_too_deep(path, tmp_path):
    (tmp_path / "anna" / path).mkdir(parents=True)
    assert students(tmp_path, NAME)[0].folders == (tmp_path / "anna" / path,)


def test_nothing_handed_in_is_said_clearly(tmp_path):
    with pytest.raises(Refused, match="submissions .*missing cannot be read: No such file"):
        students(tmp_path / "missing", NAME)
    (tmp_path / "anna" / "02_other").mkdir(parents=True)
    with pytest.raises(Refused, match=f"no folder STUDENT/{NAME}"):
        students(tmp_path, NAME)


@pytest.mark.parametrize("points", [-(10**400), 10**400, True, [1], {"a": 1}, "x"], ids=["small", "large", "true", "list", "mapping", "text"])
def test_odd_points_in_a_cell_are_no_fault_of_the_grader(points, handed_in):
    notebook = worked_on()
    cell(notebook, "f-check").metadata.nbgrader["points"] = points
    assert not handed_in(notebook).notes


def test_a_large_notebook_with_odd_data_is_refused_with_its_reason(handed_in, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST", 1000)
    for odd in (b"9" * 5000, b'"\xe9"', b"NaN"):
        with pytest.raises(Refused, match="is damaged"):
            handed_in(b'{"outputs": "' + b"x" * 1000 + b'", "odd": ' + odd + b', "cells": []}')
    with pytest.raises(Refused, match="nested too deeply"):
        handed_in(b'{"outputs": ' + b"[" * 1000 + b"]" * 1000 + b', "cells": []}')
