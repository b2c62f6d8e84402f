"""What the book says was tried can be looked up, and is what was measured."""

import ast
import importlib
import re

import pytest

from tests.test_notebooks import PAGES
from tools import notebooks
from tools.notebooks import ROOT
from tools.studies import STUDIES, names

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbers(text):
    """Return the numbers of a text with a fraction or more than one digit; 1,500 and 1500 are one number."""
    text = re.sub(r"\]\([^)]*\)|\{[a-z:]+\}`[^`]*`|`[^`]*`", "", text)  # addresses, references, code
    found = {number.rstrip(".,").replace(",", "") for number in NUMBER.findall(text)}
    return {number for number in found if len(number) > 1}


def quotations(path):
    """Yield (study, paragraph and the table below it) for each paragraph of a page that names a study."""
    for cell in notebooks.read(path).cells:
        if cell.cell_type != "markdown":
            continue
        blocks = re.split(r"\n\s*\n", cell.source)
        for block, after in zip(blocks, [*blocks[1:], ""], strict=True):
            for study in re.findall(r"studies/(\w+)\.py\)", block):
                yield study, block + ("\n" + after if after.startswith("|") else "")


def test_every_study_has_its_table_and_every_table_its_study():
    assert names() == sorted(path.stem for path in STUDIES.glob("*.md"))


@pytest.mark.parametrize("name", names())
def test_a_table_says_with_what_its_study_was_measured(name):
    versions = importlib.import_module(f"studies.{name}").VERSIONS
    assert f"with {versions.replace('==', ' ')}, one thread" in (STUDIES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
def test_every_study_is_quoted(name):
    assert any(study == name for path in PAGES for study, _ in quotations(path))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_quoted_number_stands_in_its_study(path):
    for study, text in quotations(path):
        measured = numbers((STUDIES / f"{study}.md").read_text(encoding="utf-8"))
        assert not (typed := numbers(text) - measured), f"{study}: {sorted(typed)} in:\n{text}"


def test_a_study_stops_where_its_chapter_has_come_to():
    for name in names():
        for call in ast.walk(ast.parse((STUDIES / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "chapter":
                code = [cell.source for _, cell in notebooks.code_cells(notebooks.read(ROOT / "chapters" / f"{call.args[0].value}.ipynb"))]
                for until in (keyword.value.value for keyword in call.keywords):
                    assert any(until in source for source in code), f"{name}: no cell of {call.args[0].value} holds {until!r}"
