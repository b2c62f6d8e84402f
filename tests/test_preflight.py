"""What students really hand in: notebooks that are none, under another name, with cells changed, lost and copied."""

import json
import os
import re
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

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
    "damaged": (json.dumps(worked_on(), indent=1).encode().replace(b'"cell_type"', b"<<<<<<< HEAD", 1), r"damaged at line \d+:"),
    "control character": (notebook_bytes().replace(b"Because.", b"a\nb"), r"damaged at line"),
    "script": (b"import numpy as np\ndef f(): return 1\n", "not a notebook"),
    "page": (b"<!DOCTYPE html><html></html>", "HTML"),
    "archive": (b"PK\x03\x04\xff\xfe\x00", "binary"),
    "other encoding": (notebook_bytes().decode().encode("utf-16"), "binary"),
    "number": (b"3", "no notebook"),
    "list": (b"[]", "no notebook"),
    "data": (b'{"a": 1}', "no notebook"),
    "cells that are none": (b'{"nbformat": 4, "cells": {"a": 1}}', "no notebook"),
    "old without cells": (b'{"nbformat": 3, "worksheets": [1]}', "old format and damaged"),
    "newer format": (notebook_bytes(nbformat=5), "format 5, not 4"),
    "strange format": (notebook_bytes(nbformat=["4"] * 100), "format"),
    "cell that is none": (notebook_bytes(cells=[*RELEASE.cells, 3]), "damaged at cell 11"),
    "cell of no kind": (notebook_bytes(cells=[{"cell_type": "x", "source": ""}]), "damaged at cell 1"),
    "source that is none": (notebook_bytes(cells=[{"cell_type": "code", "source": [1]}]), "damaged at cell 1"),
    "no source": (notebook_bytes(cells=[{"cell_type": "code"}]), "damaged at cell 1"),
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
    monkeypatch.setattr(reading, "LARGEST", 1_000_000)
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
        (["01_MSE.ipynb"], "no 01_mse.ipynb but '01_MSE.ipynb': rename the notebook to 01_mse.ipynb"),
        (["01_mse (1).ipynb", "report.pdf"], r"but '01_mse \(1\).ipynb': rename"),
        (["01_mse.ipynb.txt"], "but '01_mse.ipynb.txt': rename"),
        (["a.ipynb", "b.ipynb", "c.ipynb", "d.ipynb"], "'a.ipynb', 'b.ipynb', 'c.ipynb' and 1 more: rename"),
        (["01_mse.py"], "no 01_mse.ipynb but '01_mse.py': hand in the notebook"),
        (["<script>\x1b[31m\n.ipynb"], "but '< script> .ipynb'"),
    ],
)
def test_a_wrong_name_is_said_with_the_right_one(names, reason, folder):
    for name in names:
        (folder / name).write_text("{}")
    with pytest.raises(Refused, match=reason):
        read([folder], NAME, RELEASE)


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
    assert [cell.source for cell in submission.notebook.cells[:5:4]] == ["# Assignment\n\nAbout it.", 'check("f")']
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
    assert submission.notes == ["f-task: the cell is locked but was changed, the released one is back"]
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
    notebook.cells[IDS.index("f")] = new_code_cell("def f():\n    return 1")  # a new cell in place of ours
    del notebook.cells[IDS.index("w")]
    submission = handed_in(notebook)
    assert submission.missing == {"f", "w"} and len(submission.notes) == 2
    assert cell(submission.notebook, "f").source == STUB
    assert [grade_id(one) for one in submission.notebook.cells] == [*IDS[:3], "f", None, *IDS[4:]]
    assert submission.notebook.cells[4].source == "def f():\n    return 1"


def test_all_answers_missing(handed_in):
    notebook = new_notebook(cells=[one for one in RELEASE.cells if grade_id(one) == "score"])
    assert handed_in(notebook).missing == {"f", "g", "w"}


def test_copies_of_locked_cells_are_dropped(handed_in):
    notebook = worked_on()
    notebook.cells += [copy(cell(RELEASE, "f-check"), 'check("f")'), copy(cell(RELEASE, "setup"), "np = None")]
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
        assert kept == counts and sorted([kept, *ordinary]) == sorted(before + after)
        assert [one.source for one in submission.notebook.cells if "def f" in one.source] == before + after  # all still run, in their order
        assert not submission.missing and len(submission.notes) == 1


def test_of_copied_written_answers_the_last_one_worked_on_counts(handed_in):
    notebook = worked_on()
    released = cell(RELEASE, "w")
    notebook.cells += [copy(released, "Because, at length."), copy(released, released.source)]
    kept, ordinary = sources_of(handed_in(notebook), "w")
    assert kept == "Because, at length." and sorted(ordinary) == ["Because.", "Your answer here"]


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


def test_students_are_listed_in_order_each_with_what_can_be_read(tmp_path):
    submitted = tmp_path / "submitted"
    for name in ("zoe", "Anna Müller_12@x.org", "b+c-d.e", ".hidden", "<b>", "a\nb", "=1+1", "-rf", "x,y", "quo'te", " edge", "x" * 101):
        (submitted / name / NAME).mkdir(parents=True)
    (submitted / "nobody" / "02_other").mkdir(parents=True)
    (submitted / "linked").symlink_to(submitted / "zoe")
    (submitted / "within").mkdir()
    (submitted / "within" / NAME).symlink_to(submitted / "zoe" / NAME)
    (submitted / "grades.csv").write_text("")
    found = students(submitted, NAME)
    readable = {one.name: one.folder for one in found if one.folder}
    assert list(readable) == ["Anna Müller_12@x.org", "b+c-d.e", "zoe"] and readable["zoe"] == submitted / "zoe" / NAME
    reasons = {one.name: one.reason for one in found if not one.folder}
    assert reasons.pop("nobody").startswith("no submission")
    assert "symbolic link" in reasons.pop("linked") and "symbolic link" in reasons.pop("within")
    assert len(reasons) == 8 and all("rename it" in reason for reason in reasons.values())
    assert not re.search(r"[\n\x1b]|<\w", str(list(reasons.items())))


def test_nothing_handed_in_is_said_clearly(tmp_path):
    with pytest.raises(Refused, match="submissions .*missing cannot be read: No such file"):
        students(tmp_path / "missing", NAME)
    (tmp_path / "anna" / "02_other").mkdir(parents=True)
    with pytest.raises(Refused, match=f"no folder STUDENT/{NAME}"):
        students(tmp_path, NAME)
