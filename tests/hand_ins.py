"""Hand-ins of assignment 4 as they really come: kinds of accidents, each with the outcome that a fair instructor expects.

All are made from the project's own exercise and model answers. The training is left out, so that a class of them is graded quickly: a hand-in
in which nothing is lost has all points for functions but those of the training, and two written answers that wait for marking.
"""

import base64
import copy
import io
import json
import os
import re
import sys
import unicodedata
from functools import cache
from itertools import chain, zip_longest
from typing import NamedTuple

import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.utils import compute_checksum
from PIL import Image

from grading.author import source
from tools import classes

NAME = "04_softmax_nll"
FILE = f"{NAME}.ipynb"
TRAINING = "fit_digits"
LEFT_OUT = "def fit_digits(images, labels, seed):\n    return None  # the training is left out"
WRITTEN = ("two_classes", "double_softmax")
WORDS = {"two_classes": "quokka", "double_softmax": "numbat"}  # each stands in its answer and nowhere else
ANSWERS = {
    "two_classes": "**(a)** With $s = z_1 - z_2$ the softmax is $\\sigma(s)$, says the quokka.\n\n**(b)** Her gradient has another length.",
    "double_softmax": "The smallest cost is $\\ln(e + K - 1) - 1$, says the numbat, since probabilities lie between 0 and 1.",
}
NOT_ATTEMPTED = "not attempted yet"
ANY = None

origin = cache(lambda: source.outline(NAME))
exercise = cache(lambda: classes.exercise(NAME))


@cache
def model_answers():
    found = classes.model_answers(source.read(NAME)) | {TRAINING: LEFT_OUT}
    return {name: re.sub(r"\n *### (BEGIN|END) SOLUTION", "", text) for name, text in found.items()}


class Kind(NamedTuple):
    """A kind of hand-in and its outcome.

    lost: by task, a pattern of the message beside its 0 points; all other tasks keep theirs, and written ones wait.
    notes: patterns that the student's notes have; none, if there are none; ANY allows all.
    words: by written task that waits, what the marker must find of its answer, in place of WORDS; "" if that is a picture.
    anywhere: the words need not stand between the task and the next one.
    shown: what else must be read on the page. pictures: how many it shows.
    failed: a pattern of the reason, if it cannot be graded. said: patterns of what the command prints. never: of what notes must not say.
    looked_at: whether the marker opens it in a browser, too.
    """

    make: object
    lost: dict
    notes: object
    words: dict
    anywhere: bool
    shown: tuple
    pictures: int
    failed: str
    said: tuple
    never: tuple
    looked_at: bool


KINDS = {}


def kind(lost=(), notes=(), words=(), anywhere=False, shown=(), pictures=0, failed="", said=(), never=(), looked_at=False, variants=None):
    """Enter a function as a kind, under its name; one with variants, a dict, as one kind for each, called with its value as a second argument."""

    def enter(make):
        name = make.__name__.strip("_").replace("_", "-")
        for variant, value in (variants or {"": ANY}).items():
            called = (lambda hand_in, value=value: make(hand_in, value)) if variants else make
            full = f"{name}-{variant}" if variant else name
            assert full not in KINDS
            KINDS[full] = Kind(called, dict(lost), notes, WORDS | dict(words), anywhere, shown, pictures, failed, said, never, looked_at)
        return make

    return enter


class HandIn:
    """What a student is about to hand in: a notebook in which everything is right, to begin with."""

    def __init__(self, submitted, student):
        self.student, self.folder = submitted / student, submitted / student / NAME
        self.notebook = copy.deepcopy(exercise())
        for name, text in (model_answers() | ANSWERS).items():
            self.write(name, text)
        self.saved = False

    @property
    def cells(self):
        return self.notebook.cells

    def place(self, name):
        return classes.place(self.notebook, name)

    def cell(self, name):
        return self.cells[self.place(name)]

    def write(self, name, text):
        self.cell(name).source = text

    def released(self, name):
        return exercise().cells[classes.place(exercise(), name)].source

    def leave(self, *names):
        """Leave answers as they were handed out."""
        for name in names:
            self.write(name, self.released(name))

    def above(self, name, *cells):
        place = self.place(name)
        self.cells[place:place] = cells

    def below(self, name, *cells):
        place = self.place(name) + 1
        self.cells[place:place] = cells

    def drop(self, *names):
        self.notebook.cells = [cell for cell in self.cells if name_of(cell) not in names]

    def replace(self, name, *cells):
        self.below(name, *cells)
        self.drop(name)

    def lose(self, *names, ids=False):
        """Take nbgrader's metadata off these cells, or off all; the cells' ids as well, if these are lost, too."""
        for cell in self.cells:
            if not names or name_of(cell) in names:
                cell.metadata = {}
                if ids:
                    cell.pop("id", None)

    def by_colab(self):
        """Make of the notebook what Colab saves: format 4.0, no ids, metadata of its own."""
        self.notebook.nbformat_minor = 0
        self.notebook.metadata = {
            "colab": {"provenance": [], "toc_visible": True},
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        }
        for number, cell in enumerate(self.cells):
            cell.pop("id", None)
            cell.metadata["id"] = f"Zq{number:010}"
            if cell.cell_type == "code":
                cell.metadata["outputId"] = "0f3e"

    def beside(self, path, data=b""):
        """Put a file beside the notebook."""
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def save(self, path=FILE, notebook=ANY, encoding="utf-8"):
        """Save the notebook, or another one or its bytes. What is not saved by its kind is saved under the right name."""
        notebook = self.notebook if notebook is ANY else notebook
        self.beside(path, notebook if isinstance(notebook, bytes) else text_of(notebook).encode(encoding))
        self.saved = True


def name_of(cell):
    about = cell.get("metadata", {}).get("nbgrader", {}) if isinstance(cell, dict) else {}
    return about.get("grade_id") if isinstance(about, dict) else None


def text_of(notebook):
    """Return a notebook's file, its sources as lists of lines, as Jupyter writes it."""
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and isinstance(cell.get("source"), str):
            cell["source"] = cell["source"].splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def hand_in(submitted, name, make, student=None):
    """Hand in a kind, by default as a student of its name."""
    one = HandIn(submitted, student or name)
    make(one)
    if not one.saved:
        one.save()


def untouched():
    return copy.deepcopy(exercise())


def md(text, **more):
    return new_markdown_cell(text, **more)


def code(text, **more):
    return new_code_cell(text, **more)


def raw(text):
    return new_raw_cell(text)


def pairs(variants):
    """Return variants two by two, one for each written answer: a class of half the size has them all."""
    names = list(variants)
    names += names[: len(names) % 2]
    return {f"{one}-and-{other}": (variants[one], variants[other]) for one, other in zip(names[::2], names[1::2], strict=True)}


def by_two(texts):
    """Return two texts each as one."""
    return {name: f"{texts[name]}\n\n{texts[other]}" for name, other in zip(list(texts)[::2], [*list(texts)[1::2], list(texts)[0]], strict=False)}


def both(pair):
    """Yield the written tasks, each with one of a pair in which the second answer has its word."""
    for task, value in zip(WRITTEN, pair, strict=True):
        yield task, reworded(value, WORDS["two_classes"], WORDS[task])


def reworded(value, old, new):
    """Return what text or cells hold, with another word in it."""
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list | tuple):
        return [reworded(one, old, new) for one in value]
    if isinstance(value, dict):
        changed = copy.deepcopy(value)
        changed.source = changed.source.replace(old, new)
        return changed
    return value


# Pictures.


def pixels(width=320, height=200):
    """Return a sheet of paper: light, its left upper quarter orange."""
    sheet = np.full((height, width, 3), 240, dtype=np.uint8)
    sheet[: height // 2, : width // 2] = 230, 120, 20
    return Image.fromarray(sheet)


@cache
def picture(kind="PNG", size=(320, 200), **options):
    data = io.BytesIO()
    pixels(*size).save(data, kind, **options)
    return data.getvalue()


@cache
def photo(width=3000, height=2700):
    """Return a JPEG of about 9 MB, or of a megabyte for each 900,000 pixels, as a telephone takes it."""
    data, noise = io.BytesIO(), np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(data, "JPEG", quality=93)
    return data.getvalue()


def base(data):
    return base64.b64encode(data).decode()


def attached(data, mime="image/png", file="IMG_2041.png", text="", source=None):
    """Return a Markdown cell with a picture as Jupyter pastes it."""
    return md(source or f"{text}![{file}](attachment:{file})", attachments={file: {mime: base(data)}})


# 1.1 Written answers.

ANSWER = ANSWERS["two_classes"]
HALVES = ANSWER[: ANSWER.index("**(b)**")], ANSWER[ANSWER.index("**(b)**") :]

NEW_CELLS = {
    "markdown": [md(ANSWER)],
    "raw": [raw(ANSWER)],
    "code-with-comments": [code("# (a) The softmax is the sigmoid of s, says the quokka.\n# (b) Her gradient has another length.")],
    "code-with-a-string": [code('"""\n(a) The softmax is the sigmoid of s, says the quokka.\n"""')],
    "code-that-is-no-code": [code("(a) the softmax is the sigmoid of s, says the quokka, isn't it?")],
    "code-that-prints": [code('print("(a) The softmax is the sigmoid of s, says the quokka.")')],
    "several": [md("## My answer"), md(HALVES[0]), md(HALVES[1])],
    "with-a-rule-between": [md("---"), md(""), md(ANSWER)],
    "from-colab-with-html": [md("<div><font color='blue'>The softmax is the sigmoid, says the quokka.</font></div>")],
}


@kind(variants=pairs(NEW_CELLS), looked_at=True)
def new_cell_below(hand_in, pair):
    for task, cells in both(pair):
        hand_in.leave(task)
        hand_in.below(task, *cells)


@kind(variants=pairs(dict(list(NEW_CELLS.items())[:6])))
def new_cell_between_task_and_answer(hand_in, pair):
    for task, cells in both(pair):
        hand_in.leave(task)
        hand_in.above(task, *cells)


@kind(anywhere=True, looked_at=True)
def new_cell_above_the_task(hand_in):
    hand_in.leave("two_classes")
    hand_in.above("two_classes-task", md(ANSWER))


@kind(anywhere=True)
def new_raw_cell_above_the_task(hand_in):
    hand_in.leave("two_classes")
    hand_in.above("two_classes-task", raw(ANSWER))


@kind(anywhere=True, looked_at=True)
def both_answers_in_a_cell_at_the_end(hand_in):
    hand_in.leave(*WRITTEN)
    hand_in.cells.append(md("\n\n".join(ANSWERS.values())))


@kind(anywhere=True)
def both_answers_in_two_cells_at_the_end(hand_in):
    hand_in.leave(*WRITTEN)
    hand_in.cells.extend([md("# My answers"), *map(md, ANSWERS.values())])


@kind(anywhere=True)
def one_answer_at_the_end(hand_in):
    hand_in.leave("double_softmax")
    hand_in.cells.append(md(ANSWERS["double_softmax"]))


@kind()
def new_cell_below_the_last_written_one(hand_in):
    hand_in.leave("double_softmax")
    hand_in.below("double_softmax", md(ANSWERS["double_softmax"]))


@kind(looked_at=True)
def cell_emptied_and_a_new_one_below(hand_in):
    hand_in.write("two_classes", "")
    hand_in.below("two_classes", md(ANSWER))


@kind()
def cell_emptied_and_a_new_one_above(hand_in):
    hand_in.write("two_classes", "  \n")
    hand_in.above("two_classes", md(ANSWER))


@kind(lost={"two_classes": NOT_ATTEMPTED})
def cell_emptied(hand_in):
    hand_in.write("two_classes", "")


@kind(lost={"two_classes": NOT_ATTEMPTED, "double_softmax": NOT_ATTEMPTED})
def cells_left(hand_in):
    hand_in.leave(*WRITTEN)


@kind(lost={"two_classes": NOT_ATTEMPTED, "double_softmax": NOT_ATTEMPTED})
def cells_left_with_spaces(hand_in):
    for name in WRITTEN:
        hand_in.write(name, f"\n{hand_in.released(name)}  \n\n")


@kind(lost={"two_classes": NOT_ATTEMPTED, "double_softmax": NOT_ATTEMPTED})
def cells_left_and_empty_ones_of_their_own(hand_in):
    """More than half of a real class has an empty cell somewhere."""
    hand_in.leave(*WRITTEN)
    for name in WRITTEN:
        hand_in.below(name, code(""), md(" \n"), raw(""), code("\n\t"))
    hand_in.above("two_classes-task", md(""))
    hand_in.cells.extend([code(""), md("")])


@kind(lost={"two_classes": NOT_ATTEMPTED, "double_softmax": NOT_ATTEMPTED})
def cells_left_and_code_near_other_tasks(hand_in):
    hand_in.leave(*WRITTEN)
    hand_in.below("softmax", code("softmax(np.eye(2))"))
    hand_in.below("nll_cost-check", code("nll_cost(np.eye(2), np.array([0, 1]))"))


@kind(lost={name: NOT_ATTEMPTED for name in WRITTEN} | {task.name: NOT_ATTEMPTED for task in origin().functions})
def nothing_done(hand_in):
    hand_in.notebook = untouched()


@kind(lost={"two_classes": NOT_ATTEMPTED}, notes=["two_classes-task"])
def nothing_written_and_the_task_split(hand_in):
    hand_in.leave("two_classes")
    first, second = hand_in.released("two_classes-task").split("**(b)**")
    hand_in.write("two_classes-task", first)
    hand_in.below("two_classes-task", md(f"**(b)**{second}"))


@kind(looked_at=True)
def line_left_and_answer_above_it(hand_in):
    hand_in.write("two_classes", f"{ANSWER}\n\n{hand_in.released('two_classes')}")


@kind()
def line_left_and_answer_below_it(hand_in):
    hand_in.write("two_classes", f"{hand_in.released('two_classes')}\n{ANSWER}")


@kind(notes=["two_classes"], looked_at=True, variants={"markdown": md, "raw": raw, "code": lambda text: code(f'"""{text}"""')})
def cell_deleted_and_retyped(hand_in, make):
    hand_in.replace("two_classes", make(ANSWER))


@kind(notes=["two_classes", "double_softmax"], anywhere=True, looked_at=True)
def cells_deleted_and_retyped_at_the_end(hand_in):
    hand_in.drop(*WRITTEN)
    hand_in.cells.extend(map(md, ANSWERS.values()))


@kind(notes=["two_classes"], looked_at=True)
def task_and_cell_deleted_and_retyped(hand_in):
    hand_in.replace("two_classes", md(ANSWER))
    hand_in.drop("two_classes-task")


@kind(notes=["two_classes"], lost={"two_classes": NOT_ATTEMPTED})
def cell_deleted(hand_in):
    hand_in.drop("two_classes")


@kind(notes=ANY, variants={"with-ids": False, "without-ids": True}, looked_at=True)
def metadata_of_written_cells_lost(hand_in, ids):
    hand_in.lose(*WRITTEN, ids=ids)


@kind(notes=ANY, variants={"with-ids": False, "without-ids": True}, looked_at=True)
def metadata_of_all_answers_lost(hand_in, ids):
    hand_in.lose(*ANSWERS, *model_answers(), ids=ids)


@kind(notes=ANY, lost={"two_classes": NOT_ATTEMPTED, "double_softmax": NOT_ATTEMPTED})
def metadata_of_cells_left_lost(hand_in):
    """The line that was handed out is nobody's answer, whether its cell has metadata or not."""
    hand_in.leave(*WRITTEN)
    hand_in.lose(*WRITTEN, ids=True)


INTO_THE_TASK = {
    "below": lambda text: f"{text}\n\n{ANSWER}",
    "directly-below": lambda text: f"{text}\n{ANSWER}",
    "above": lambda text: f"{ANSWER}\n\n{text}",
    "between-the-parts": lambda text: text.replace("\n\n**(b)**", f"\n\n{HALVES[0].strip()}\n\n**(b)**", 1),
    "behind-a-question": lambda text: text.replace("($y_1 = 0$).", "($y_1 = 0$). ANSWER: the sigmoid, says the quokka.", 1),
    "in-place-of-it": lambda text: ANSWER,
    "in-place-of-its-hints": lambda text: f"{text[: text.index('<details>')]}{ANSWER}",
}


@kind(notes=["two_classes-task"], variants=INTO_THE_TASK, looked_at=True)
def typed_into_the_task(hand_in, typed):
    hand_in.leave("two_classes")
    text = typed(hand_in.released("two_classes-task"))
    assert "quokka" in text
    hand_in.write("two_classes-task", text)


@kind(notes=["two_classes-task"])
def typed_into_the_task_by_colab(hand_in):
    typed_into_the_task(hand_in, INTO_THE_TASK["below"])
    hand_in.by_colab()


@kind(notes=["two_classes-task"], shown=["wombat"])
def typed_into_the_task_and_its_cell(hand_in):
    hand_in.write("two_classes-task", f"{hand_in.released('two_classes-task')}\n\nTo (a), says the wombat: see below.")


@kind(notes=["two_classes-task"], words={"two_classes": ""}, pictures=1, looked_at=True)
def picture_pasted_into_the_task(hand_in):
    hand_in.leave("two_classes")
    cell = hand_in.cell("two_classes-task")
    cell.source += "\n\n![IMG_1.png](attachment:IMG_1.png)"
    cell.attachments = {"IMG_1.png": {"image/png": base(picture())}}


@kind(notes=["two_classes-task"], variants={"code": "code", "raw": "raw"})
def typed_into_the_task_that_was_turned_into(hand_in, other):
    typed_into_the_task(hand_in, INTO_THE_TASK["below"])
    hand_in.cell("two_classes-task").cell_type = other


@kind(notes=["rules"], shown=["wombat"])
def typed_into_the_rules(hand_in):
    hand_in.cell("rules").source += "\n\nI worked with Grace, says the wombat."


@kind(notes=["score-task"], anywhere=True)
def both_answers_typed_into_the_last_text(hand_in):
    hand_in.leave(*WRITTEN)
    hand_in.cell("score-task").source += "\n\n" + "\n\n".join(ANSWERS.values())


@kind(notes=["two_classes-task"], lost={"two_classes": NOT_ATTEMPTED})
def part_of_a_task_deleted(hand_in):
    hand_in.leave("two_classes")
    text = hand_in.released("two_classes-task")
    hand_in.write("two_classes-task", text[: text.index("<details>")])


@kind(lost={"two_classes": NOT_ATTEMPTED}, variants={"trailing": "  \n", "windows": "\r\n", "old-mac": "\r"})
def lines_of_a_task_end_otherwise(hand_in, end):
    hand_in.leave("two_classes")
    hand_in.write("two_classes-task", hand_in.released("two_classes-task").replace("\n", end) + end)


@kind(lost={"two_classes": NOT_ATTEMPTED})
def task_with_spaces_that_do_not_break(hand_in):
    hand_in.leave("two_classes")
    hand_in.write("two_classes-task", hand_in.released("two_classes-task").replace("Derive that", "Derive\u00a0that"))


# … as pictures


PICTURES = dict.fromkeys(WRITTEN, "")  # for words


@kind(words=PICTURES, pictures=2, looked_at=True, variants=pairs({"png": "PNG", "jpeg": "JPEG", "gif": "GIF"}))
def picture_in_the_cell(hand_in, pair):
    for task, form in both(pair):
        put_in(hand_in, attached(picture(form), f"image/{form.lower()}", f"IMG_1.{form.lower()}"), task)


def put_in(hand_in, cell, name="two_classes"):
    """Let an answer cell have the source and pictures of a cell."""
    hand_in.write(name, cell.source)
    if "attachments" in cell:
        hand_in.cell(name).attachments = cell.attachments


@kind(words={"two_classes": ""}, pictures=1, looked_at=True)
def picture_in_a_cell_below(hand_in):
    hand_in.leave("two_classes")
    hand_in.below("two_classes", attached(picture()))


@kind(pictures=1)
def picture_beneath_a_text(hand_in):
    put_in(hand_in, attached(picture(), text=f"{ANSWER}\n\n"))


@kind(words={"two_classes": ""}, pictures=1)
def photo_of_nine_megabytes(hand_in):
    put_in(hand_in, attached(photo(), "image/jpeg", "IMG_2041.jpg"))


@kind(words={"two_classes": ""}, pictures=4)
def photos_of_five_megabytes(hand_in):
    sheets = {f"IMG_{number}.jpg": {"image/jpeg": base(photo(2500, 1800) + bytes([number]))} for number in range(4)}
    hand_in.write("two_classes", "\n\n".join(f"![{name}](attachment:{name})" for name in sheets))
    hand_in.cell("two_classes").attachments = sheets


DATA = {
    "png": f"data:image/png;base64,{base(picture())}",
    "jpeg": f"data:image/jpeg;base64,{base(picture('JPEG'))}",
    "gif": f"data:image/gif;base64,{base(picture('GIF'))}",
}


def data_of(bytes_, mime="image/png"):
    return f"data:{mime};base64,{base(bytes_)}"


@cache
def drawing():
    """Return a PNG of about 60 kB."""
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (140, 140, 3), dtype=np.uint8)).save(data, "PNG")
    return data.getvalue()


PASTED = {
    "colab": lambda: f"![image.png]({data_of(drawing())})",
    "jpeg": lambda: f"![IMG.jpg]({DATA['jpeg']})",
    "gif": lambda: f"![IMG.gif]({DATA['gif']})",
    "without-a-name": lambda: f"![]({DATA['png']})",
    "html": lambda: f'<img src="{data_of(drawing())}" width="600" alt="my answer"/>',
    "html-in-a-div": lambda: f"<div align='center'>\n<img width=300 src='{DATA['png']}'>\n</div>",
    "reference": lambda: f"![my answer][1]\n\n[1]: {DATA['png']}",
    "photo": lambda: f"![IMG.jpg]({data_of(photo(), 'image/jpeg')})",
}


@kind(words=PICTURES, pictures=2, variants=pairs(PASTED), looked_at=True)
def picture_as_data(hand_in, pair):
    for task, pasted in both(pair):
        hand_in.write(task, pasted())
    hand_in.by_colab()


@kind(words={"two_classes": ""}, pictures=1)
def picture_as_data_in_a_cell_below(hand_in):
    hand_in.leave("two_classes")
    hand_in.below("two_classes", md(PASTED["colab"]()))
    hand_in.by_colab()


BESIDE = {
    "markdown": ("photo.png", "![](photo.png)"),
    "with-a-title": ("photo.png", '![my photo](photo.png "Sheet 1")'),
    "folder": ("img/photo2.png", '<img src="img/photo2.png">'),
    "dot": ("img/photo2.png", "![a](./img/photo2.png)"),
    "spaces-as-addresses-have-them": ("my photo 1.png", "![a](my%20photo%201.png)"),
    "spaces-in-brackets": ("my photo 1.png", "![a](<my photo 1.png>)"),
    "spaces": ("my photo 1.png", "![a](my photo 1.png)"),
    "spaces-html": ("my photo 1.png", "<img src='my photo 1.png' width=400>"),
    "brackets": ("photo (1).png", "![a](photo%20(1).png)"),
    "backslash": ("img/photo.png", "![a](img\\photo.png)"),
    "other-case": ("IMG_1.PNG", "![a](img_1.png)"),
    "other-form-of-unicode": (unicodedata.normalize("NFD", "lösung.png"), "![a](lösung.png)"),
    "hangul": ("사진.png", "![a](사진.png)"),
}


@kind(words=PICTURES, pictures=2, notes=ANY, variants=pairs(BESIDE))
def picture_beside_the_notebook(hand_in, pair):
    for task, (path, text) in both(pair):
        hand_in.write(task, text)
        hand_in.beside(path, picture())


@kind(words={"two_classes": ""}, pictures=5, notes=ANY, looked_at=True)
def pictures_of_all_forms_beside_the_notebook(hand_in):
    forms = {"JPEG": "a.jpg", "GIF": "b.gif", "WEBP": "sheets/c.webp", "BMP": "sheets/d.bmp", "TIFF": "sheets/e.tif"}
    hand_in.write("two_classes", "\n\nand\n\n".join(f"![]({path})" for path in forms.values()))
    for form, path in forms.items():
        hand_in.beside(path, picture(form))


@kind(words={"two_classes": ""}, pictures=1, notes=ANY)
def photo_of_nine_megabytes_beside_the_notebook(hand_in):
    hand_in.write("two_classes", "![](IMG_2041.jpg)")
    hand_in.beside("IMG_2041.jpg", photo())


UNSHOWABLE = {
    "that-is-missing": ("photo.png", None, "![](photo.png)"),
    "of-the-students-computer": ("photo.png", None, "![](C:/Documents/anna/Desktop/photo.png)"),
    "html-that-is-missing": ("photo7.png", None, "<img src='photo7.png'>"),
    "from-the-web": ("photo8.png", None, "![](https://drive.example.org/photo8.png)"),
    "of-an-iphone": ("IMG_7.HEIC", b"\x00\x00\x00\x18ftypheic" + bytes(500), "![](IMG_7.HEIC)"),
    "that-is-damaged": ("photo.png", picture()[:20] + b"x" * 200, "![](photo.png)"),
    "as-svg": ("photo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><circle r='5'/></svg>", "![](photo.svg)"),
}


@kind(words=PICTURES, notes=[r"two_classes: .*picture .*(photo|IMG_7)", r"double_softmax: .*picture .*(photo|IMG_7)"], variants=pairs(UNSHOWABLE))
def picture_that_cannot_be_shown(hand_in, pair):
    for task, (path, data, text) in both(pair):
        hand_in.write(task, text)
        if data is not None:
            hand_in.beside(path, data)


@kind(words={"two_classes": ""}, notes=["picture .*IMG_9"])
def attachment_that_cannot_be_shown(hand_in):
    put_in(hand_in, attached(b"\x00\x00\x00\x18ftypheic" + bytes(500), "image/heic", "IMG_9.heic"))


@kind(words={"two_classes": ""}, notes=["picture .*IMG_9"])
def attachment_that_was_lost(hand_in):
    """A cell copied into another notebook leaves its pictures behind."""
    hand_in.write("two_classes", "![IMG_9.png](attachment:IMG_9.png)")


BY_CODE = {
    "image": 'from IPython.display import Image\nImage("photo.png")',
    "image-by-name": 'from IPython.display import Image, display\ndisplay(Image(filename="photo.png", width=500))',
    "imshow": 'import matplotlib.pyplot as plt\nplt.imshow(plt.imread("photo.png"))\nplt.axis("off")\nplt.show()',
    "pil": 'from PIL import Image\nImage.open("photo.png")',
}


@kind(words=PICTURES, pictures=2, notes=ANY, variants=pairs(BY_CODE), looked_at=True)
def picture_by_a_code_cell(hand_in, pair):
    for task, shows in both(pair):
        hand_in.leave(task)
        hand_in.below(task, code(shows))
    hand_in.beside("photo.png", picture())


OTHER_FILES = {
    "pdf": ("answer.pdf", "See attached PDF, says the quokka."),
    "pdf-linked": ("answers/two classes.pdf", "[See attached PDF, says the quokka](answers/two%20classes.pdf)"),
    "word": ("Antworten (Müller).docx", "In the Word file, says the quokka."),
    "unreferred": ("scan0001.pdf", ANSWER),
}


@kind(notes=["answer.pdf|Antworten", "two classes.pdf|scan0001.pdf"], variants=pairs(OTHER_FILES))
def other_file_handed_in(hand_in, pair):
    for task, (path, text) in both(pair):
        hand_in.write(task, text)
        hand_in.beside(path, b"%PDF-1.4\n")


@kind(notes=["answer.pdf"], lost={name: NOT_ATTEMPTED for name in WRITTEN})
def only_a_file_for_the_written_answers(hand_in):
    """Nothing stands near the answers, but the marker learns of the file."""
    hand_in.leave(*WRITTEN)
    hand_in.beside("answer.pdf", b"%PDF-1.4\n")


# … in the shapes that Jupyter lets a cell have


@kind(notes=["two_classes"])
def written_cell_split(hand_in):
    second = copy.deepcopy(hand_in.cell("two_classes"))
    second.source, second["id"] = HALVES[1], "split"
    hand_in.write("two_classes", HALVES[0])
    hand_in.below("two_classes", second)


@kind(notes=["two_classes"], variants={"code": "code", "raw": "raw"})
def written_cell_turned_into(hand_in, other):
    hand_in.cell("two_classes").cell_type = other


@kind(notes=["two_classes"], looked_at=True)
def written_cell_copied_and_the_copy_answered(hand_in):
    second = copy.deepcopy(hand_in.cell("two_classes"))
    second["id"] = "copied"
    hand_in.leave("two_classes")
    hand_in.below("two_classes", second)


@kind(anywhere=True)
def written_cell_moved_to_the_end(hand_in):
    cell = hand_in.cells.pop(hand_in.place("two_classes"))
    hand_in.cells.append(cell)


@kind(notes=ANY, anywhere=True, looked_at=True)
def written_cells_merged_into_one(hand_in):
    hand_in.write("two_classes", "\n\n".join(ANSWERS.values()))
    hand_in.write("double_softmax", "See above.")


@kind(notes=["two_classes"], looked_at=True)
def written_cell_merged_into_its_task(hand_in):
    """Jupyter's merge keeps the upper cell."""
    hand_in.cell("two_classes-task").source += f"\n\n{ANSWER}"
    hand_in.drop("two_classes")


@kind(notes=["nll_cost-task|two_classes"], anywhere=True)
def written_cell_merged_with_the_next_task(hand_in):
    """It keeps the upper one, and with it the next task's text."""
    hand_in.cell("two_classes").source += "\n\n" + hand_in.released("nll_cost-task")
    hand_in.drop("nll_cost-task")


# … with formulas and signs

FORMULAS = {
    "label": r"$$\sigma(s) = \frac{1}{1+e^{-s}} \label{eq:s}$$ and by \eqref{eq:s}, says the quokka.",
    "equation": "\\begin{equation}\n\\label{a}\np = \\sigma(s)\n\\end{equation}\nsays the quokka, see $\\eqref{a}$ and $\\ref{a}$.",
    "eqnarray": "\\begin{eqnarray}\np &=& \\sigma(s) \\\\\n&=& 1\n\\end{eqnarray}\nsays the quokka.",
    "eqnarray-star": "$$\\begin{eqnarray*}\np &=& \\sigma(s) \\\\\n&=& 1\n\\end{eqnarray*}$$\nsays the quokka.",
    "multline": "\\begin{multline}\np = \\sigma(s) \\\\\n+ 1\n\\end{multline}\nsays the quokka.",
    "mbox": r"$p = 1 \mbox{ if } s > 0$, says the quokka.",
    "intertext": "\\begin{align}\np &= \\sigma(s) \\\\\n\\intertext{and so}\nq &= 1 - p\n\\end{align}\nsays the quokka.",
    "mathbbm": r"$\mathbbm{1}[s > 0]$, says the quokka.",
    "newcommand": "$\\newcommand{\\R}{\\mathbb{R}} \\newcommand{\\sig}[1]{\\sigma(#1)}$\n\n$$p = \\sig{s} \\in \\R$$\nsays the quokka.",
    "def": "$\\def\\vz{\\mathbf z}$ With $\\vz$ and $p = \\sigma(\\vz)$, says the quokka.",
    "operator": "$\\DeclareMathOperator{\\softmax}{softmax}$ $p = \\softmax(z)$, says the quokka.",
    "aligned": r"$$\begin{aligned} p &= \begin{cases} 1 & s > 0 \\ 0 & \text{else} \end{cases} \tag{1} \end{aligned}$$ says the quokka.",
    "array": r"$$\begin{array}{c|c} 1 & 2 \\ \hline 3 & 4 \end{array} \quad \cancel{x}$$ says the quokka.",
    "gather": "\\begin{gather*}\na = b \\\\ c = d\n\\end{gather*} says the quokka.",
    "long": "\n\n".join(f"$$z_{{{number}}} = \\frac{{e^{{z_{number}}}}}{{\\sum_j e^{{z_j}}}}$$" for number in range(60)) + "\n\nsays the quokka.",
}
NOT_FOR_READERS = r"\\\s?(label|eqref|ref|begin|end|mbox|intertext|newcommand|sig|def|vz|Declare\w*|softmax|R)\b"  # what nobody may read of these


@kind(variants=pairs(by_two(FORMULAS)))
def formulas(hand_in, pair):
    for task, text in both(pair):
        hand_in.write(task, text)


@kind(shown=["wombat"])
def macros_in_a_cell_of_their_own(hand_in):
    hand_in.below("setup", md("$\\newcommand{\\vz}{\\mathbf z}$ My macros, says the wombat."))
    hand_in.write("two_classes", "$$p = \\sigma(\\vz)$$ says the quokka.")


SIGNS = {
    "html": "<h2>My answer</h2><p>The <b>quokka</b> says <span style='color:red'>so</span>.<br>And <u>so</u>.</p>",
    "headings": "# Task 5\n\n## (a)\n\nThe quokka says so.\n\n## (b)\n\nAnd so.\n\nSetext\n======\n",
    "unicode": "Die Lösung 🎉: 𝔭 = σ(s), sagt der quokka. 답은 시그모이드. الجواب. Đáp án: σ(s) ∈ ℝ ⇒ ½",
    "table": "| (a) | (b) |\n|---|---|\n| quokka | so |\n",
    "fence": "```python\ndef p(s):\n    return 'quokka'\n```",
    "list": "1. the quokka says so\n   - and so\n2. [x] done\n",
    "nbsp": "The\u00a0quokka\u00a0says\u00a0so.",
    "windows-lines": "The quokka\r\n\r\nsays so.\r\n",
    "comment": "<!-- hidden --> The quokka says so.",
    "link": "See [Wikipedia](https://en.wikipedia.org/wiki/Softmax), says the quokka.",
    "one-word": "quokka",
}


@kind(variants=pairs(by_two(SIGNS)))
def signs(hand_in, pair):
    for task, text in both(pair):
        hand_in.write(task, text)


ABOUT_WRITTEN = {name for name in KINDS if not name.startswith(("nothing-done", "metadata-of-all", "picture-by-a-code"))}

# 1.2 Code cells.

LSE = 'def logsumexp(Z):\n    """With scipy."""\n    with np.errstate(divide="ignore"):\n        return lse(Z, axis=1)'
SAFE = """\
def softmax(Z):
    Z = np.clip(Z, -LARGEST, LARGEST)
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)"""
LONE = """\
def logsumexp(Z):
    M = np.where(np.isfinite(M := Z.max(axis=1)), M, 0.0)
    with np.errstate(divide="ignore"):
        return M + np.log(np.exp(Z - M[:, None]).sum(axis=1))"""

INTO_THE_SETUP = {
    "import-below": lambda text: f"{text}\nfrom scipy.special import logsumexp as lse",
    "import-above": lambda text: f"from scipy.special import logsumexp as lse\n{text}",
    "import-between": lambda text: text.replace("import torch\n", "import torch\nfrom scipy.special import logsumexp as lse\n", 1),
    "function": lambda text: f"{text}\n\ndef lse(Z, axis):\n    from scipy.special import logsumexp\n    return logsumexp(Z, axis=axis)",
    "magic": lambda text: f"%matplotlib inline\n%load_ext autoreload\n%autoreload 2\n{text}\nfrom scipy.special import logsumexp as lse",
    "colab": lambda text: f"!pip install -q tqdm\n{text}\nfrom scipy.special import logsumexp as lse",
    "colab-drive": lambda text: f"from google.colab import drive\ndrive.mount('/content/drive')\n{text}\nfrom scipy.special import logsumexp as lse",
    "in-place-of-it": lambda text: "import numpy as np\nfrom scipy.special import logsumexp as lse",
    "in-its-first-line": lambda text: text.replace("import numpy as np", "import numpy as np, math; from scipy.special import logsumexp as lse", 1),
    "with-a-comment": lambda text: f"{text}  # the course's own\nfrom scipy.special import logsumexp as lse # mine",
    "windows-lines": lambda text: f"{text}\nfrom scipy.special import logsumexp as lse".replace("\n", "\r\n"),
}


@kind(notes=["setup"], variants=INTO_THE_SETUP, shown=["logsumexp as lse|import logsumexp"])
def typed_into_the_setup(hand_in, typed):
    hand_in.write("setup", typed(hand_in.released("setup")))
    hand_in.write("logsumexp", LSE)


@kind(notes=["setup"], shown=["LARGEST = 1e300"])
def a_constant_in_the_setup(hand_in):
    hand_in.cell("setup").source += "\n\nLARGEST = 1e300\ntorch.manual_seed(0)"
    hand_in.write("softmax", SAFE)


@kind(shown=["LARGEST = 1e300"])
def a_constant_below_what_colab_alone_has(hand_in):
    hand_in.below("setup", code("from google.colab import drive\ndrive.mount('/content/drive')\nimport jax\nLARGEST = 1e300"))
    hand_in.write("softmax", SAFE)


@kind(shown=["def logsumexp"])
def all_functions_in_the_first_answer(hand_in):
    names = [name for name in model_answers() if name != TRAINING]
    together = "\n\n\n".join(hand_in.cell(name).source for name in names)
    hand_in.leave(*names)
    hand_in.write(names[0], together)


@kind(notes=["its function stands below it"])
def two_answers_in_each_others_cells(hand_in):
    softmax, lse = hand_in.cell("softmax").source, hand_in.cell("logsumexp").source
    hand_in.write("softmax", lse)
    hand_in.write("logsumexp", softmax)


@kind(lost={task.name: NOT_ATTEMPTED for task in origin().tasks})
def untouched_and_saved_by_deepnote(hand_in):
    hand_in.leave(*model_answers(), *WRITTEN)
    link = "<a href='https://deepnote.com?utm_source=created-in-deepnote-cell'>"
    hand_in.cells.append(md(f'{link}\n<img alt="Created in deepnote.com" src="data:image/svg+xml;base64,PD94bWwgdmVyc2lvbj0iMS4wIj8+" >\nCreated in <b>Deepnote</b></a>'))


@kind(notes=["setup"], shown=["import math"])
def import_in_the_setup_by_colab(hand_in):
    typed_into_the_setup(hand_in, lambda text: f"{text}\nimport math\nfrom scipy.special import logsumexp as lse")
    hand_in.by_colab()


@kind(notes=["setup"])
def imports_of_the_setup_deleted(hand_in):
    hand_in.write("setup", "import numpy as np")


@kind(notes=["setup"])
def setup_deleted(hand_in):
    hand_in.drop("setup")


@kind(notes=["setup"], said=["tqdm"], shown=["from tqdm import tqdm"])
def missing_package_in_the_setup(hand_in):
    """What the answers need of it stands before the line that fails, or not at all."""
    hand_in.cell("setup").source += "\nfrom tqdm import tqdm"


@kind(notes=["fit_digits-import"], shown=["import logsumexp as lse"])
def import_in_a_helper_cell(hand_in):
    hand_in.cell("fit_digits-import").source += "\nfrom scipy.special import logsumexp as lse\nimport math"


@kind(notes=["fit_digits-import"], shown=["the training is left out"])
def answer_merged_into_a_helper(hand_in):
    hand_in.cell("fit_digits-import").source += "\n\n" + LEFT_OUT.replace("return None", "return nn.Linear(1, 1)")
    hand_in.drop("fit_digits")


INTO_THE_CHECK = (
    lambda name, text, check: f"{text}\n\n{check}",
    lambda name, text, check: f"{check}\n\n{text}",
    lambda name, text, check: text,
    lambda name, text, check: f"{text}\n\nprint({name}, 1 / 0)\n{check}\n{name}",
    lambda name, text, check: f"import math\nfrom math import pi as PI\n{text}\n{check}",
    lambda name, text, check: f"ZERO = 0.0\n{'return ZERO + '.join(text.rsplit('return ', 1))}\n{check}",
    lambda name, text, check: f"%%time\n{text}\n{check}",
    lambda name, text, check: f"# mine\n{text}\n\n# {check}\nfor _ in range(3):\n    print(_)",
)


def type_into_checks(hand_in):
    """Type each function into its check, in as many ways as there are; return the functions."""
    functions = dict(zip(list(model_answers()), INTO_THE_CHECK, strict=False))
    for name, typed in functions.items():
        hand_in.write(f"{name}-check", typed(name, model_answers()[name], hand_in.released(f"{name}-check")))
    return functions


@kind(notes=["choose_head-check"], shown=["heads = {", r"M\[:, 0\] \+ np\.log", r"targets = np\.full"])
def answers_typed_into_their_checks(hand_in):
    hand_in.leave(*type_into_checks(hand_in))


@kind(notes=["choose_head"], shown=["heads = {", r"M\[:, 0\] \+ np\.log", r"targets = np\.full"])
def answers_merged_into_their_checks(hand_in):
    hand_in.drop(*type_into_checks(hand_in))


@kind(notes=["logsumexp-check"], shown=[r"np\.log\(np\.exp\(Z"], variants={"typed": False, "merged": True})
def one_answer_in_its_check(hand_in, merged):
    hand_in.leave("logsumexp")
    hand_in.write("logsumexp-check", f"{LONE}\n\n{hand_in.released('logsumexp-check')}")
    if merged:
        hand_in.drop("logsumexp")


@kind(notes=["choose_head-check"], shown=[r"np.log\(np.exp\(Z"])
def answer_merged_into_the_check_above(hand_in):
    """With the text of the task between them deleted."""
    hand_in.write("choose_head-check", f"{hand_in.released('choose_head-check')}\n{LONE}")
    hand_in.drop("logsumexp-task", "logsumexp")


@kind(notes=["log_softmax-check"], shown=[r"np.log\(np.exp\(Z"])
def three_answers_typed_into_one_check(hand_in):
    hand_in.leave("log_softmax")
    hand_in.write("log_softmax-check", "\n\n".join([LONE, model_answers()["log_softmax"], "EPS = 0", hand_in.released("log_softmax-check")]))


@kind(notes=["softmax-check"], shown=[r"softmax\(np.eye\(2\)\)"])
def trial_typed_into_a_check(hand_in):
    hand_in.cell("softmax-check").source += "\nprint(softmax(np.eye(2)))\nassert False"


@kind(notes=["softmax-check"])
def comment_typed_into_a_check(hand_in):
    hand_in.write("softmax-check", f"# works\n{hand_in.released('softmax-check')}")


@kind(notes=["softmax-check"])
def check_commented_out(hand_in):
    hand_in.write("softmax-check", f"# {hand_in.released('softmax-check')}")


@kind(notes=["softmax-check"])
def check_emptied(hand_in):
    hand_in.write("softmax-check", "")


@kind(notes=["setup"], shown=["def choose_head"])
def all_answers_typed_into_the_setup(hand_in):
    hand_in.leave(*model_answers())
    hand_in.cell("setup").source += "\n\n" + "\n\n".join(model_answers().values())


@kind(notes=["softmax-task"], shown=[r"e.sum\(axis=1"])
def answer_merged_into_its_task(hand_in):
    """JupyterLab makes the type of the first cell that of all."""
    cell = hand_in.cell("softmax-task")
    cell.cell_type, cell.source = "code", model_answers()["softmax"]
    hand_in.leave("softmax")


@kind(notes=["score"], shown=["targets = np.full"])
def answer_typed_into_the_score(hand_in):
    """One that no other function needs."""
    hand_in.leave("label_smoothing_nll")
    hand_in.cell("score").source += "\n\n" + model_answers()["label_smoothing_nll"]


ABOUT_CODE = set(KINDS)

# … that have lost what nbgrader knows them by


@kind(notes=ANY, looked_at=True, variants={"with-ids": False, "without-ids": True})
def all_metadata_lost(hand_in, ids):
    hand_in.lose(ids=ids)


@kind(notes=ANY)
def all_metadata_null(hand_in):
    for cell in hand_in.cells:
        cell["metadata"], cell["id"] = None, None


@kind(notes=ANY, looked_at=True)
def pasted_into_a_new_colab_notebook(hand_in):
    hand_in.lose(ids=True)
    hand_in.by_colab()


@kind(notes=ANY)
def pasted_into_a_new_colab_notebook_with_a_head(hand_in):
    hand_in.lose(ids=True)
    hand_in.cells[:0] = [md("# Anna"), code("from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive/MyDrive\n!bash get.sh")]
    hand_in.by_colab()


@kind(notes=ANY, anywhere=True, shown=["wombat"])
def all_metadata_lost_and_locked_cells_changed(hand_in):
    hand_in.cell("setup").source += "\nfrom scipy.special import logsumexp as lse"
    hand_in.write("logsumexp", LSE)
    hand_in.cell("softmax-task").source += "\n\nDone, says the wombat."
    hand_in.lose(ids=True)


@kind(notes=ANY, variants={"with-ids": False, "without-ids": True})
def all_metadata_lost_and_typed_into_the_task(hand_in, ids):
    typed_into_the_task(hand_in, INTO_THE_TASK["below"])
    hand_in.lose(ids=ids)


@kind(notes=ANY, variants={"with-ids": False, "without-ids": True})
def all_metadata_lost_and_answered_below(hand_in, ids):
    hand_in.leave("two_classes")
    hand_in.below("two_classes", md(ANSWER))
    hand_in.lose(ids=ids)


@kind(notes=ANY, lost={"two_classes": NOT_ATTEMPTED})
def all_metadata_lost_and_one_answer_left(hand_in):
    hand_in.leave("two_classes")
    hand_in.lose(ids=True)


@kind(notes=ANY, variants={"tasks": "-task", "checks": "-check"})
def metadata_lost_by(hand_in, end):
    hand_in.lose(*[name for name in map(name_of, hand_in.cells) if name.endswith(end)], ids=True)


@kind(notes=ANY, variants={"answer": "softmax", "check": "softmax-check", "setup": "setup"})
def metadata_lost_by_one(hand_in, name):
    hand_in.lose(name, ids=True)


@kind(notes=ANY)
def metadata_lost_by_half(hand_in):
    hand_in.lose(*list(map(name_of, hand_in.cells))[::2], ids=True)


@kind(notes=ANY)
def metadata_lost_and_copied_answers(hand_in):
    hand_in.above("softmax", code("def softmax(Z):\n    return Z"))
    hand_in.lose(ids=True)


IMPORTS = "import numpy as np\nimport torch\nfrom torch import nn\nimport torch.nn.functional as F"


@kind(notes=ANY, anywhere=True)
def only_answers_in_a_new_notebook(hand_in):
    hand_in.notebook.cells = [cell for cell in hand_in.cells if name_of(cell) in ("setup", *model_answers(), *ANSWERS)]
    hand_in.lose(ids=True)
    hand_in.by_colab()


@kind(notes=ANY, lost={name: NOT_ATTEMPTED for name in WRITTEN})
def only_functions_in_a_new_notebook(hand_in):
    hand_in.notebook.cells = [code(IMPORTS), *map(code, model_answers().values())]
    hand_in.by_colab()


@kind(notes=ANY, lost={name: NOT_ATTEMPTED for name in WRITTEN})
def only_functions_in_one_cell(hand_in):
    hand_in.notebook.cells = [code("\n\n".join([IMPORTS, *model_answers().values()]))]


@kind(notes=ANY)
def retyped_with_the_texts_of_the_tasks(hand_in):
    texts = {"setup", *model_answers(), *ANSWERS} | {name for name in map(name_of, hand_in.cells) if name.endswith("-task")}
    hand_in.notebook.cells = [cell for cell in hand_in.cells if name_of(cell) in texts]
    hand_in.lose(ids=True)
    hand_in.by_colab()


@kind(failed="(?i)lost|none of its cells|not this assignment")
def nothing_to_know_it_by(hand_in):
    hand_in.notebook.cells = [md("# My homework"), code("import numpy as np"), code("def f(x):\n    return x")]


@kind(failed="another assignment|not this assignment")
def another_assignment(hand_in):
    hand_in.notebook = classes.exercise("05_triplet_embedding" if (source.EXERCISES / "05_triplet_embedding").exists() else source.assignments()[-1])


@kind(failed="another assignment|not this assignment")
def another_assignment_without_metadata(hand_in):
    another_assignment(hand_in)
    hand_in.lose(ids=True)


# … copied, split, moved, deleted


def second(cell, text):
    copied = copy.deepcopy(cell)
    copied.source, copied["id"] = text, "copied"
    return copied


@kind(notes=["softmax"])
def answer_copied(hand_in):
    hand_in.above("softmax", second(hand_in.cell("softmax"), "def softmax(Z):\n    return Z"))


@kind(notes=["softmax"])
def answer_copied_and_the_first_worked_on(hand_in):
    hand_in.below("softmax", second(hand_in.cell("softmax"), hand_in.released("softmax")))


@kind(notes=["softmax"])
def answer_split_into_helper_and_function(hand_in):
    hand_in.write("softmax", "def total(e):\n    return e.sum(axis=1, keepdims=True)")
    text = "def softmax(Z):\n    e = np.exp(Z - Z.max(axis=1, keepdims=True))\n    return e / total(e)"
    hand_in.below("softmax", second(hand_in.cell("softmax"), text))


@kind(notes=["softmax-check"])
def check_copied(hand_in):
    hand_in.below("softmax-check", second(hand_in.cell("softmax-check"), 'check("softmax")'))


@kind(notes=["setup"], shown=["import math"])
def setup_copied_and_added_to(hand_in):
    hand_in.below("setup", second(hand_in.cell("setup"), "import numpy as np\nimport math\nfrom scipy.special import logsumexp as lse"))
    hand_in.write("logsumexp", LSE)


@kind(notes=ANY)
def all_texts_deleted(hand_in):
    hand_in.drop(*[name for name in map(name_of, hand_in.cells) if name.endswith("-task") or name in ("intro", "rules")])


@kind(notes=ANY)
def all_checks_deleted(hand_in):
    hand_in.drop(*[name for name in map(name_of, hand_in.cells) if name.endswith("-check") or name == "score"])


@kind(notes=ANY, anywhere=True)
def everything_but_the_answers_deleted(hand_in):
    hand_in.drop(*set(map(name_of, hand_in.cells)) - {"setup", *model_answers(), *ANSWERS})


@kind(notes=ANY, anywhere=True)
def cells_in_another_order(hand_in):
    task, answer = (hand_in.cells.pop(hand_in.place(name)) for name in ("two_classes-task", "two_classes"))
    hand_in.below("setup", task, answer)
    cell = hand_in.cells.pop(hand_in.place("intro"))
    hand_in.cells.append(cell)


@kind(notes=["softmax"], variants={"markdown": "markdown", "raw": "raw"})
def answer_turned_into(hand_in, other):
    cell = hand_in.cell("softmax")
    cell.cell_type = other
    for name in ("outputs", "execution_count"):
        cell.pop(name, None)


@kind(notes=["softmax"])
def answer_deleted_and_retyped(hand_in):
    hand_in.replace("softmax", code(model_answers()["softmax"]))


@kind()
def answer_in_a_new_cell_below(hand_in):
    hand_in.leave("softmax", "nll_cost")
    for name in ("softmax", "nll_cost"):
        hand_in.below(name, code(model_answers()[name]))


@kind()
def answer_in_a_new_cell_below_an_emptied_one(hand_in):
    hand_in.write("softmax", "")
    hand_in.below("softmax", code(model_answers()["softmax"]))


@kind()
def answer_in_a_new_cell_above(hand_in):
    hand_in.write("softmax", "")
    hand_in.above("softmax", code(model_answers()["softmax"]))


MOVED = set(KINDS)

# … with magics, packages and commands

MAGICS = {
    "time": "%%time\n{answer}",
    "capture": "%%capture\n{answer}",
    "capture-named": "%%capture out\n{answer}",
    "inline": "%matplotlib inline\n{answer}",
    "notebook": "%matplotlib notebook\n{answer}",
    "autoreload": "%load_ext autoreload\n%autoreload 2\n{answer}",
    "shell": "!echo hello\n{answer}\n!ls",
    "help": "{answer}\nsoftmax?",
    "timeit": "{answer}\n%timeit -n 1 -r 1 softmax(np.eye(2))",
    "config": "%config InlineBackend.figure_format = 'retina'\n{answer}",
    "pip": "!pip install tqdm\n%pip install -q tqdm\n!python -m pip install --user tqdm\n{answer}",
    "conda": "!conda install -y tqdm\n!apt-get install -y cowsay\n{answer}",
    "env": "%env OMP_NUM_THREADS=1\n{answer}",
    "windows-lines": "%%time\r\n{answer}\r\n",
    "who": "{answer}\n%who",
}


def spread(texts, most):
    """Return variants that each hold some of the texts, for as many functions."""
    texts = list(texts.values())
    return {f"{place // most + 1}": texts[place : place + most] for place in range(0, len(texts), most)}


@kind(variants=spread(MAGICS, 8))
def magics(hand_in, texts):
    for name, text in zip(model_answers(), texts, strict=False):
        text = text.replace("softmax", name) if "np.eye" not in text else text.replace("softmax(np.eye(2))", name)
        hand_in.write(name, text.replace("{answer}", model_answers()[name]).replace("\n", "\r\n" if "\r" in text else "\n"))


@kind()
def magic_that_is_not_here(hand_in):
    hand_in.write("softmax", f"%matplotlib widget\n{model_answers()['softmax']}")


def with_import(name, line):
    return f"{line}\n\n{model_answers()[name]}"


TQDM = r"(?i)ModuleNotFoundError: No module named .tqdm"
TOGETHER = r"(?m)^ +[2-9] hand-ins import tqdm, which is not installed here"


@kind(lost={"softmax": TQDM}, notes=ANY, said=[TOGETHER])
def missing_package_in_an_answer(hand_in):
    hand_in.write("softmax", with_import("softmax", "from tqdm import tqdm"))


@kind(lost={"fit_digits": r"(?i)its cell raises ModuleNotFoundError: No module named .tqdm|tqdm"}, notes=ANY, said=["tqdm"])
def missing_package_in_the_training(hand_in):
    hand_in.write("fit_digits", f"from tqdm import tqdm\n\n{LEFT_OUT}")


@kind(lost={"log_softmax": r"ModuleNotFoundError: No module named .tqdm"}, notes=ANY, said=["tqdm"])
def missing_package_before_another_import(hand_in):
    hand_in.write("log_softmax", with_import("log_softmax", "import tqdm\nimport math"))


@kind(lost={"softmax": r"ModuleNotFoundError: No module named .tqdm"}, notes=ANY, said=["tqdm"])
def missing_package_in_a_function(hand_in):
    hand_in.write("softmax", "def softmax(Z):\n    import tqdm\n    return Z")


@kind(notes=ANY)
def missing_packages_in_cells_of_their_own(hand_in):
    texts = "import tqdm", "from google.colab import drive\ndrive.mount('/content/drive')", "import pandas as pd\nimport os\nos.listdir('/kaggle/input')"
    hand_in.below("setup", *map(code, texts))


@kind(lost={"softmax": "(?i)its cell raises SyntaxError"}, notes=ANY)
def syntax_error(hand_in):
    hand_in.write("softmax", "def softmax(Z)\n    return Z")


@kind(lost={"softmax": "(?i)its cell raises IndentationError"}, notes=ANY)
def indentation_error(hand_in):
    hand_in.write("softmax", "def softmax(Z):\nreturn Z")


@kind(lost={"softmax": "(?i)its cell raises SyntaxError.*non-breaking space"}, notes=ANY)
def space_that_does_not_break(hand_in):
    hand_in.write("softmax", model_answers()["softmax"].replace("return e / ", "return e\u00a0/ "))


@kind()
def space_that_does_not_break_in_a_text(hand_in):
    hand_in.write("softmax", model_answers()["softmax"].replace("The softmax", "The\u00a0softmax") + "  # so\u00a0far")


@kind(lost={"softmax": "(?i)its cell raises NameError.*'smax'"}, notes=ANY)
def name_error_before_the_function(hand_in):
    hand_in.write("softmax", f"smax(3)\n{model_answers()['softmax']}")


@kind()
def error_after_the_function(hand_in):
    hand_in.write("softmax", f"{model_answers()['softmax']}\nassert softmax(np.eye(2)) is None")


if sys.version_info < (3, 12):

    @kind(lost={"softmax": r"SyntaxError.*3\.12.*3\.\d+|SyntaxError.*3\.\d+.*3\.12"}, notes=ANY)
    def syntax_of_a_newer_python(hand_in):
        hand_in.write("softmax", f"names = {{'a': 1}}\nprint(f\"{{names[\"a\"]}}\")\n{model_answers()['softmax']}")
        hand_in.notebook.metadata.language_info = {"name": "python", "version": "3.12.1"}


@kind(lost={"logsumexp": "(?i)conflict|its cell raises SyntaxError"}, notes=ANY)
def conflict_in_a_cell(hand_in):
    hand_in.write("logsumexp", f"<<<<<<< HEAD\n{LONE}\n=======\n{LONE}\n>>>>>>> main")


# … with files beside them

FUNCTIONS = "import numpy as np\n\n" + model_answers()["softmax"]


@kind(notes=ANY)
def function_from_a_module(hand_in):
    hand_in.beside("mycode.py", FUNCTIONS)
    hand_in.write("softmax", "from mycode import softmax")


@kind(notes=ANY)
def function_from_a_package(hand_in):
    hand_in.beside("utils/__init__.py")
    hand_in.beside("utils/losses.py", FUNCTIONS)
    hand_in.write("softmax", "import sys\nsys.path.append('utils')\nfrom utils.losses import softmax")


@kind(notes=ANY)
def numbers_from_a_file(hand_in):
    np.save(data := io.BytesIO(), np.array([1.0]))
    hand_in.beside("data/one.npy", data.getvalue())
    hand_in.write("softmax", model_answers()["softmax"].replace("return e /", "return np.load('data/one.npy') * e /"))


def helpers(*texts):
    notebook = untouched()
    notebook.cells = [md("# Helpers"), *map(code, texts)]
    return notebook


@kind(notes=ANY)
def function_from_a_notebook(hand_in):
    hand_in.beside("helpers.ipynb", text_of(helpers(FUNCTIONS)))
    hand_in.write("softmax", "%run helpers.ipynb")


@kind(notes=ANY)
def helper_from_a_notebook_in_a_folder(hand_in):
    hand_in.beside("lib/helpers.ipynb", text_of(helpers("import numpy as np", "def total(e):\n    return e.sum(axis=1, keepdims=True)")))
    hand_in.below("setup", code("%run ./lib/helpers.ipynb"))
    hand_in.write("softmax", "def softmax(Z):\n    e = np.exp(Z - Z.max(axis=1, keepdims=True))\n    return e / total(e)")


@kind(notes=ANY)
def function_from_a_run_script(hand_in):
    hand_in.beside("helpers.py", FUNCTIONS)
    hand_in.write("softmax", "%run helpers.py")


@kind(notes=ANY)
def old_files_of_ours(hand_in):
    hand_in.beside("checks.py", "def check(name):\n    raise SystemExit")
    hand_in.beside("checks/__init__.py", "raise ImportError('old')")
    hand_in.beside("checks/expected.json", "{}")
    hand_in.beside("random.py", "raise ImportError('shadow')")
    hand_in.beside("__MACOSX/._04_softmax_nll.ipynb", b"\x00\x05\x16\x07")
    hand_in.beside(".ipynb_checkpoints/04_softmax_nll-checkpoint.ipynb", text_of(untouched()))
    hand_in.beside(".DS_Store", b"\x00")
    hand_in.beside("._04_softmax_nll.ipynb", b"\x00\x05\x16\x07")


@kind()
def files_of_the_hand_out(hand_in):
    """Nobody need be told of what everybody was given."""
    folder = source.EXERCISES / NAME
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".ipynb" and "__pycache__" not in path.parts:
            hand_in.beside(path.relative_to(folder), path.read_bytes())
    hand_in.beside("requirements.txt", "numpy\n")
    hand_in.beside(".ipynb_checkpoints/04_softmax_nll-checkpoint.ipynb", text_of(untouched()))
    hand_in.beside("checks/__pycache__/notebook.cpython-311.pyc", b"\x00")


# … that do what students' cells do

DOES = {
    "widgets": "import ipywidgets as w\nfrom ipywidgets import interact\nw.IntSlider()\ninteract(lambda x: x, x=(0, 3))",
    "html": "from IPython.display import HTML, Javascript\ndisplay(HTML('<b>a</b>'), Javascript('1'))",
    "logging": "import logging\nlogging.basicConfig(level=0)\nlogging.info('hi')",
    "input": "name = input('Your name? ')",
    "chdir": "import os\nos.chdir('/')\n%cd /tmp",
    "colab": "%cd /content/drive/MyDrive\nfrom google.colab import files\nfiles.upload()",
    "seterr": "np.seterr(all='raise')",
    "warnings": "import warnings\nwarnings.simplefilter('error')",
    "cuda": "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    "dtype": "torch.set_default_dtype(torch.float64)",
    "exits": "exit()",
    "raises": "raise RuntimeError('so what')",
    "ends-python": "import os\nos._exit(1)",
    "prints": "for number in range(2000):\n    print('x' * 1000)",
}


@kind(variants=spread(DOES, 4), notes=ANY)
def does(hand_in, texts):
    hand_in.below("setup", *map(code, texts))


@kind(pictures=1)
def cell_that_draws(hand_in):
    hand_in.below("setup", code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"))


@kind(lost={"softmax": "input"}, notes=ANY)
def function_that_asks(hand_in):
    hand_in.write("softmax", "def softmax(Z):\n    return float(input('?'))")


@kind(lost={"softmax": "There is no function|its cell"}, notes=ANY)
def function_with_another_name(hand_in):
    hand_in.write("softmax", model_answers()["softmax"].replace("def softmax", "def my_softmax"))


OF_ANSWERS = ("answer-copied", "answer-split", "answer-turned", "answer-deleted", "answer-in-a")
ABOUT_CODE |= KINDS.keys() - MOVED | {name for name in KINDS if name.startswith(OF_ANSWERS)}
ABOUT_CODE = {name for name in ABOUT_CODE - ABOUT_WRITTEN if not name.startswith(("nothing-done", "metadata-of-all", "picture-by-a-code"))}

# 1.3 Files.

EDITORS = {
    "vscode": {"kernelspec": {"display_name": ".venv", "language": "python", "name": "python3"}, "language_info": {"name": "python", "version": "3.12.4"}},
    "kaggle": {"kaggle": {"accelerator": "none", "dataSources": []}, "language_info": {"name": "python"}},
    "deepnote": {"deepnote": {}, "deepnote_notebook_id": "1"},
    "julia": {"kernelspec": {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}, "language_info": {"name": "julia"}},
    "none": {},
    "strange": {"kernelspec": None, "language_info": {"version": 3}, "widgets": {"x": [1]}},
    "null": None,
}


IDS = [lambda number: f"c{number}", lambda number: "a", lambda number: None, lambda number: number, lambda number: f"softmax-{number}", ANY, ANY]
MINORS = [5, 5, 5, 5, 5, 0, 2, 4, 9]


@kind(variants={editor: (metadata, IDS[number], MINORS[number]) for number, (editor, metadata) in enumerate(EDITORS.items())})
def saved_by(hand_in, about):
    """With metadata of an editor's, cells' ids of many kinds or none, and another minor version of the format."""
    hand_in.notebook["metadata"], ids, hand_in.notebook["nbformat_minor"] = about
    for number, cell in enumerate(hand_in.cells):
        cell.metadata["vscode"] = {"languageId": "python"}
        cell["id"] = ids(number) if ids else None
        if not ids:
            del cell["id"]


@kind()
def saved_by_colab(hand_in):
    hand_in.by_colab()
    hand_in.cell("softmax").outputs = [new_output("stream", text="hello")]


@kind(shown=["wombat"])
def saved_by_colab_with_cells_of_their_own(hand_in):
    hand_in.below("setup", md("Some notes, says the wombat."), code("x = 3"), code(""))
    hand_in.by_colab()


@kind()
def ids_in_the_wrong_cells(hand_in):
    """Metadata are better than ids."""
    ids = [cell.id for cell in hand_in.cells]
    for cell, other in zip(hand_in.cells, ids[1:] + ids[:1], strict=True):
        cell["id"] = other


@kind()
def format_3(hand_in):
    cells = []
    for cell in hand_in.cells:
        cell.pop("id", None)
        cells.append(dict(cell))
        if cell.cell_type == "code":
            cells[-1]["input"], cells[-1]["language"] = cells[-1].pop("source"), "python"
            cells[-1]["prompt_number"] = cells[-1].pop("execution_count")
    hand_in.save(notebook=json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells, "metadata": {}}]}).encode())


@kind()
def file_with_windows_lines(hand_in):
    hand_in.save(notebook=b"\xef\xbb\xbf" + text_of(hand_in.notebook).replace("\n", "\r\n").encode())


def with_returns(text):
    return "\r\n".join(text.splitlines())


@kind()
def windows_lines_in_all_cells(hand_in):
    for cell in hand_in.cells:
        cell.source = with_returns(cell.source)


@kind()
def carriage_returns_in_the_answers(hand_in):
    for name in (*model_answers(), *ANSWERS):
        for cell in hand_in.cells:
            cell.source = with_returns(cell.source) if name_of(cell) == name else cell.source


ENCODINGS = {
    "le-with-mark": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "be-with-mark": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "le": lambda text: text.encode("utf-16-le"),
    "be": lambda text: text.encode("utf-16-be"),
}


@kind(variants=ENCODINGS, notes=ANY)
def utf_16(hand_in, encoded):
    hand_in.save(notebook=encoded(text_of(hand_in.notebook)))


def conflict(text, at):
    """Return a notebook's file as git leaves it when two versions differ at a line."""
    lines = text.splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if at in line)
    return "".join([*lines[:place], "<<<<<<< HEAD\n", lines[place], "=======\n", lines[place].replace(at, at[::-1]), ">>>>>>> main\n", *lines[place + 1 :]])


@kind(failed="(?i)conflict|<<<<<<<|git", variants={"in-a-source": "e.sum(axis=1", "in-a-written-answer": "quokka"})
def git_conflict(hand_in, at):
    hand_in.save(notebook=conflict(text_of(hand_in.notebook), at).encode())


NAMES_OF_FILES = {
    "copy-of": f"Copy of {FILE}",
    "browser": f"{NAME} (1).ipynb",
    "canvas": f"{NAME}-1.ipynb",
    "jupyter": f"{NAME}-Copy1.ipynb",
    "upper": f"{NAME.upper()}.ipynb",
    "txt": f"{FILE}.txt",
    "json": f"{FILE}.json",
    "only-json": f"{NAME}.json",
    "twice": f"{FILE}.ipynb",
    "no-suffix": NAME,
    "untitled": "Untitled.ipynb",
    "own": "assignment 4 (final) Anna Müller.ipynb",
    "decomposed": unicodedata.normalize("NFD", "Übung 4 Zoë.ipynb"),
    "apostrophes": "O'Brien’s \"homework\" #4 100%.ipynb",
    "moodle": f"Anna Meyer_1234_assignsubmission_file_{FILE}",
}


@kind(variants=NAMES_OF_FILES, notes=[".+"])
def named(hand_in, name):
    hand_in.save(name)


FOLDERS = {
    "of-the-hand-out": f"{NAME}/{FILE}",
    "of-a-zip": f"{NAME} (1)/{FILE}",
    "of-their-own": f"my work/{FILE}",
    "with-another-name": f"{NAME}/Copy of {FILE}",
}


@kind(variants=FOLDERS, notes=[".+"])
def folder_too_deep(hand_in, path):
    hand_in.save(path)


@kind(notes=[".+"], words={"two_classes": ""}, pictures=1)
def folder_too_deep_with_what_lies_beside(hand_in):
    """A picture, a module and a notebook lie where the notebook lies."""
    hand_in.write("two_classes", "![](photo.png)")
    hand_in.write("softmax", "from mycode import softmax")
    hand_in.beside(f"{NAME}/photo.png", picture())
    hand_in.beside(f"{NAME}/mycode.py", FUNCTIONS)
    hand_in.beside(f"{NAME}/checks/__init__.py", "")
    hand_in.save(f"{NAME}/{FILE}")


@kind(notes=[".+"])
def untouched_original_and_worked_copy(hand_in):
    hand_in.save(FILE, untouched())
    hand_in.save(f"{NAME}-Copy1.ipynb")


@kind(notes=[".+"])
def untouched_original_and_worked_copy_one_folder_deeper(hand_in):
    hand_in.save(FILE, untouched())
    hand_in.save(f"{NAME}/{FILE}")


def worked_otherwise(hand_in):
    other = copy.deepcopy(hand_in.notebook)
    other.cells[classes.place(other, "softmax")].source = "def softmax(Z):\n    return Z / 2"
    return other


@kind(failed=r"(?s)Copy1.*Copy2|Copy2.*Copy1")
def untouched_original_and_two_worked_copies(hand_in):
    hand_in.save(FILE, untouched())
    hand_in.save(f"{NAME}-Copy1.ipynb")
    hand_in.save(f"{NAME}-Copy2.ipynb", worked_otherwise(hand_in))


@kind(failed=r"(?s)final.*draft|draft.*final")
def two_worked_ones_with_other_names(hand_in):
    hand_in.save("final.ipynb")
    hand_in.save("draft.ipynb", worked_otherwise(hand_in))


@kind(notes=["older"])
def worked_one_beside_an_older_one(hand_in):
    hand_in.save(FILE)
    hand_in.save("older.ipynb", worked_otherwise(hand_in))


@kind(notes=ANY)
def worked_one_beside_the_original(hand_in):
    hand_in.save(FILE)
    hand_in.save(f"{NAME}-original.ipynb", untouched())


@kind(notes=ANY)
def worked_copy_beside_another_assignment(hand_in):
    hand_in.save(f"Copy of {FILE}")
    hand_in.save("01_mse.ipynb", classes.exercise("01_mse"))


@kind(notes=ANY)
def worked_copy_beside_helpers(hand_in):
    hand_in.save(f"{NAME} (2).ipynb")
    hand_in.save("helpers.ipynb", helpers("x = 1"))


@kind(notes=ANY)
def worked_copy_beside_an_empty_file(hand_in):
    """The rightly named one was cut off, or is what OneDrive left of it."""
    hand_in.save(FILE, b"")
    hand_in.save(f"{NAME} (1).ipynb")


@kind(notes=ANY)
def worked_copy_beside_its_checkpoint_and_mac_files(hand_in):
    hand_in.save(f"{NAME} (1).ipynb")
    hand_in.save(f".ipynb_checkpoints/{NAME}-checkpoint.ipynb", worked_otherwise(hand_in))
    hand_in.save(f"__MACOSX/._{NAME} (1).ipynb", b"\x00\x05\x16\x07")


@kind(notes=ANY)
def only_written_answers_in_the_copy(hand_in):
    """A copy is worked, too, in which only words were written."""
    hand_in.save(FILE, untouched())
    hand_in.save("with words.ipynb")


NO_NOTEBOOKS = {
    "zip": (b"PK\x03\x04" + bytes(range(256)), "binary|zip"),
    "script": (b"import numpy as np\n\ndef softmax(Z):\n    return Z\n", "not a notebook"),
    "page": (b"<!DOCTYPE html><html><body>04_softmax_nll</body></html>", "HTML"),
    "markdown": (b"# Assignment 4\n\nMy answer.\n", "not a notebook"),
    "pdf": (b"%PDF-1.4\n\xe2\xe3\xcf\xd3\n", "(?i)binary|pdf"),
    "empty": (b"", "empty"),
    "cut-off": (b'{"cells": [{"cell_type": "code", "sou', "ends in the middle"),
    "data": (b'{"a": 1}', "no notebook"),
}


def no_notebook(hand_in, data):
    hand_in.save(notebook=data)


for about, (data, reason) in NO_NOTEBOOKS.items():
    kind(failed=reason, variants={about: data})(no_notebook)


def only_file(hand_in, name):
    hand_in.beside(name, b"PK\x03\x04")
    hand_in.saved = True


for about, name in {"zip": f"{NAME}.zip", "html": f"{NAME}.html", "py": f"{NAME}.py", "pdf": "answers.pdf"}.items():
    kind(failed=re.escape(name), variants={about: name})(only_file)


@kind(notes=ANY)
def html_beside_the_notebook(hand_in):
    hand_in.beside(f"{NAME}.html", "<html></html>")


@kind(notes=ANY)
def environments_beside_the_notebook(hand_in):
    for name in ("venv", "env", "softmax_env"):
        hand_in.beside(f"{name}/pyvenv.cfg", "home = /usr/bin\n")
        for number in range(200):
            hand_in.beside(f"{name}/lib/python3.11/site-packages/big/module{number}.py", b"#" * 150_000)
        os.symlink("/usr/bin/python3", hand_in.folder / name / "python3")
    for number in range(60):
        hand_in.beside(f"node_modules/package{number}/index.js", b"/" * 1_000_000)


@kind(notes=["weights"])
def weights_beside_the_notebook(hand_in):
    hand_in.beside("weights.pt", bytes(60_000_000))


@kind(notes=ANY)
def data_beside_the_notebook(hand_in):
    for number in range(3000):
        hand_in.beside(f"data/train/{number % 10}/{number}.png", picture())


@kind()
def outputs_of_seventy_megabytes(hand_in):
    numbers = "1.25," * 200_000
    figure = {"data": [{"x": "".join(numbers), "type": "scatter"}]}
    cell = code("1", outputs=[new_output("display_data", data={"application/vnd.plotly.v1+json": figure, "text/html": "x" * 1_000_000}) for _ in range(35)])
    hand_in.below("setup", cell)


@kind()
def outputs_of_many_numbers(hand_in):
    text = text_of(hand_in.notebook)
    output = '{"output_type": "display_data", "metadata": {}, "data": {"application/vnd.plotly.v1+json": {"data": [%s1]}}}' % ("1.5, " * 4_000_000)
    text = text.replace('"outputs": []', f'"outputs": [{output}]', 1)
    hand_in.save(notebook=text.encode())


@kind(notes=ANY)
def cell_without_a_source(hand_in):
    hand_in.below("softmax-check", {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None})


ODD_CELLS = {
    "null-source": {"cell_type": "code", "metadata": {}, "source": None, "outputs": []},
    "a-number-for-a-source": {"cell_type": "markdown", "metadata": {}, "source": 3},
    "nulls-in-the-source": {"cell_type": "markdown", "metadata": {}, "source": ["a", None]},
    "null-metadata": {"cell_type": "code", "metadata": None, "source": "x = 1", "outputs": None},
    "unknown": {"cell_type": "sql", "metadata": {}, "source": "select 1"},
    "heading": {"cell_type": "heading", "level": 2, "metadata": {}, "source": "Mine"},
    "no-type": {"metadata": {}, "source": "x"},
    "null": None,
    "empty": {},
    "text": "x",
}


@kind(notes=ANY)
def odd_cells(hand_in):
    hand_in.below("softmax-check", *copy.deepcopy(list(ODD_CELLS.values())))


@kind(notes=ANY)
def empty_answer_cell_without_a_source(hand_in):
    del hand_in.cell("two_classes")["source"]
    hand_in.below("two_classes", md(ANSWER))


@kind(notes=ANY, looked_at=True)
def answer_in_a_cell_of_unknown_type(hand_in):
    hand_in.leave("two_classes")
    hand_in.below("two_classes", {"cell_type": "text", "metadata": {}, "source": ANSWER})


@kind(notes=ANY)
def answer_cell_turned_into_an_unknown_type(hand_in):
    hand_in.cell("two_classes")["cell_type"] = "heading"


# A release of last year.


def last_years(hand_in):
    """Make of a hand-in one of another release, which says it in the checksums of its cells: other words, helpers in cells, no rules."""
    hand_in.drop("rules")
    for cell in hand_in.cells:
        about = cell.metadata.nbgrader
        if cell.cell_type == "markdown" and about.locked and not about.solution:
            cell.source = cell.source.replace("From the section", "See the section").replace("Write", "Please write").replace("the", "The", 1)
    helper = copy.deepcopy(hand_in.cell("fit_digits-import"))
    helper.source = "def fit_digits_trial(rng):\n    return None"
    helper.metadata.nbgrader.grade_id = helper["id"] = "fit_digits-helpers"
    view = copy.deepcopy(helper)
    view.source = "def training_loss_view(loss):\n    return None"
    view.metadata.nbgrader.grade_id = view["id"] = "training_loss-view"
    hand_in.replace("fit_digits-import", helper)
    hand_in.above("training_loss", view)
    for cell in hand_in.cells:
        if cell.metadata.nbgrader.locked or name_of(cell) in WRITTEN:
            as_handed_out = copy.deepcopy(cell)
            if name_of(cell) in WRITTEN:
                as_handed_out.source = hand_in.released(name_of(cell))
            cell.metadata.nbgrader.checksum = compute_checksum(as_handed_out)


BLAME = ("locked", "was changed", "another assignment", "was missing", "(?i)added to")


@kind(notes=ANY, never=BLAME)
def release_of_last_year(hand_in):
    last_years(hand_in)


@kind(notes=ANY, never=BLAME)
def release_of_last_year_by_colab(hand_in):
    last_years(hand_in)
    hand_in.by_colab()


@kind(notes=ANY, looked_at=True)
def release_of_last_year_and_typed_into_the_task(hand_in):
    last_years(hand_in)
    hand_in.leave("two_classes")
    hand_in.cell("two_classes-task").source += f"\n\n{ANSWER}"


@kind(notes=ANY)
def release_of_last_year_and_import_in_the_setup(hand_in):
    last_years(hand_in)
    hand_in.cell("setup").source += "\nfrom scipy.special import logsumexp as lse"
    hand_in.write("logsumexp", LSE)


@kind(notes=ANY, lost={"two_classes": NOT_ATTEMPTED}, never=BLAME)
def release_of_last_year_and_one_answer_left(hand_in):
    last_years(hand_in)
    hand_in.leave("two_classes")


@kind(notes=ANY, variants={"with-ids": False, "without-ids": True})
def release_of_last_year_without_metadata(hand_in, ids):
    last_years(hand_in)
    hand_in.lose(ids=ids)


WITH_FILES = ("saved-by-", "utf-16", "named-", "file-with", "windows-lines", "html-", "outputs-", "odd-", "format-", "carriage-")
WITH_FILES += ("untouched-original-and-worked", "worked-one-", "worked-copy-beside-an", "worked-copy-beside-its", "environments-", "data-beside")
ABOUT_FILES = {name for name in KINDS if name.startswith(WITH_FILES)}


def together():
    """Return the kinds as a class: to most students several things happened, one to a written answer, one to code, one to the file."""
    loud = lambda name: (KINDS[name].notes is ANY, bool(KINDS[name].notes))  # a note too many is seen where none of them has one
    columns = [sorted(sorted(names), key=loud) for names in (ABOUT_WRITTEN, ABOUT_CODE, ABOUT_FILES)]
    rows = [[name for name in row if name] for row in zip_longest(*columns)]
    alone = KINDS.keys() - set(chain.from_iterable(rows))
    return {" & ".join(row): joined([KINDS[name] for name in row]) for row in rows} | {name: kind for name, kind in KINDS.items() if name in alone}


def joined(kinds):
    """Return the kind of a hand-in to which several things happened, the first of them the one that is looked at."""

    def make(hand_in):
        for kind in kinds:
            kind.make(hand_in)

    every = lambda part: [one for kind in kinds for one in getattr(kind, part) or ()]
    lost = {task: said for kind in kinds for task, said in kind.lost.items()}
    notes = every("notes") or (ANY if any(kind.notes is ANY for kind in kinds) else ())
    pictures = sum(kind.pictures for kind in kinds)
    return kinds[0]._replace(make=make, lost=lost, notes=notes, pictures=pictures, **{part: every(part) for part in ("shown", "said", "never")})


# 1.4 Names of students, as the folder is called and the table calls them.

STUDENTS = [
    "Sean O'Brien",
    "Seán O’Brien",
    "Seamus O´Brien",
    "Meyer, Anna",
    "Kim (Min-jun)",
    "Weber [Gast]",
    "*Lee Ann",
    "J. R. Smith, Jr._1234567_assignsubmission_file_",
    " _user1",
    "_user2",
    "Anna Maria ",
    "0012345",
    "anna@uni.example",
    "김민준",
    "محمد علي",
    "علی\u200cرضا",
    "מִרְיָם",
    "マイケル・ジョーダン",
    "Gal·la Puig",
    "अनन्या शर्मा",
    "สมชาย",
    "王小明",
    "Kaʻiulani",
    "Nguyễn Thị Ánh",
    "Anna\u00a0Schmidt",
    "Anne–Marie & Co",
    "Ñuñez-Ångström + 1",
    "_" + "x" * 80,
]
ONE_STUDENT = [unicodedata.normalize(form, "Zoë Ünal") for form in ("NFC", "NFD")]
DECOMPOSED = unicodedata.normalize("NFD", "Đặng Thị Mỹ")


# What is meant to do harm. Its marks do not matter.

HOSTILE = {}
SECRET = "wombatquartz"  # stands in files that no hand-in may reach
SCRIPT = "<script>fetch('http://evil.example/');alert(1)</script><img src=x onerror=\"alert(1)\"><svg onload=alert(1)>"
COMMAND = "=cmd|' calc'!A0"
ESCAPE = "\x1b[31m\x1b]0;title\x07\x9b31m"


def hostile(make):
    HOSTILE[make.__name__.strip("_").replace("_", "-")] = make
    return make


def outside(hand_in):
    """Return the folder in which the folder of submissions lies."""
    return hand_in.student.parent.parent


@hostile
def in_locked_cells(hand_in):
    hand_in.leave(*WRITTEN)
    hand_in.cell("setup").source += f"\n# {SCRIPT}\nX = {SCRIPT!r}\nprint(X)  # {ESCAPE}"
    hand_in.cell("softmax-check").source += f"\nY = {SCRIPT!r}\n# {COMMAND}\n# {ESCAPE}"
    hand_in.write("score", SCRIPT)
    for name in ("two_classes-task", "double_softmax-task", "rules", "intro", "score-task"):
        cell = hand_in.cell(name)
        cell.source += f"\n\n{SCRIPT}\n\n{COMMAND} {ESCAPE}\n\n[x](javascript:alert(1)) <https://evil.example/>\n\n[1]: http://evil.example/"
        cell.attachments = {f'"><img src=x onerror=alert(1)>{number}.png': {"image/png": base(picture())} for number in range(3)}
    hand_in.cell("double_softmax-task").cell_type = "raw"


@hostile
def in_names_of_pictures(hand_in):
    names = [f"{SCRIPT}.png", 'x" onerror="alert(1)', "x.png' onload='alert(1)", "](javascript:alert(1))", COMMAND, ESCAPE]
    hand_in.write("two_classes", "\n\n".join(f"![{name}](attachment:{name})\n\n<img alt='{name}' src='attachment:{name}'>" for name in names))
    hand_in.cell("two_classes").attachments = {name: {"image/png": base(picture()), "text/html": SCRIPT} for name in names}
    hand_in.write("double_softmax", "\n\n".join(f"![]({name})\n\n<img src='{name}'>" for name in names))


@hostile
def in_contents_of_pictures(hand_in):
    drawn = f"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>{SCRIPT}</svg>".encode()
    bomb = picture()[:16] + (60000).to_bytes(4, "big") * 2 + picture()[24:]
    files = {"a.png": drawn, "b.jpg": SCRIPT.encode(), "c.gif": b"GIF89a" + SCRIPT.encode()}
    files |= {"d.png": picture() + SCRIPT.encode(), "e.svg": drawn, "f.png": bomb}
    for path, data in files.items():
        hand_in.beside(path, data)
    kinds = "image/svg+xml", "text/html", "image/png", "image/gif", 'image/png;charset=x" onerror="alert(1)'
    sources = [*files, *(data_of(drawn, kind) for kind in kinds), "data:image/svg+xml,<svg onload=alert(1)>", "data:text/html,<script>alert(1)</script>"]
    hand_in.write("two_classes", "\n\n".join(f"![]({address})\n\n<img src='{address}'>" for address in sources))
    hand_in.write("double_softmax", "![](attachment:a.png)")
    hand_in.cell("double_softmax").attachments = {"a.png": {kind: base(drawn) for kind in kinds}}


@hostile
def in_paths_of_pictures(hand_in):
    """Outside lie a secret picture and a folder of secrets."""
    secret = outside(hand_in) / "secret.png"
    paths = ["../../../secret.png", "..%2F..%2F..%2Fsecret.png", "..\\..\\..\\secret.png", "img/../../../../secret.png", "linked.png", "folder/secret.png"]
    paths += [str(secret), secret.as_uri(), "/etc/passwd", "pipe.png", "is-a-folder.png", "http://evil.example/x.png", "//evil.example/x.png"]
    paths += ["\\\\evil.example\\x.png", "checks/expected.json", "a" * 5000]
    hand_in.write("two_classes", "\n\n".join(f"![]({path})\n\n<img src='{path}'>" for path in paths))
    hand_in.beside("is-a-folder.png/x")
    (hand_in.folder / "linked.png").symlink_to(secret)
    (hand_in.folder / "folder").symlink_to(outside(hand_in) / "secrets")
    os.mkfifo(hand_in.folder / "pipe.png")


NAMES_THAT_HARM = [  # of files
    "<img src=x onerror=alert(1)>",
    COMMAND,
    f"{ESCAPE}red",
    "two\nlines",
    "-rf",
    "@SUM(1)",
    "[x](javascript:alert(1))",
    "$\\href{javascript:alert(1)}{x}$",
    "a\u202efdp",
    "`x` *y* ~~z~~",
]


@hostile
def in_names_of_files(hand_in):
    for name in NAMES_THAT_HARM:
        hand_in.beside(f"{name}.pdf")
    hand_in.beside(b"\xff\xfe.pdf".decode("utf-8", "surrogateescape"))


for number, name in enumerate(NAMES_THAT_HARM[:7]):
    HOSTILE[f"in-the-name-of-the-notebook-{number}"] = lambda hand_in, name=name: hand_in.save(f"{name}.ipynb")
for number, name in enumerate(NAMES_THAT_HARM[:4]):
    HOSTILE[f"in-the-name-of-the-only-file-{number}"] = lambda hand_in, name=name: only_file(hand_in, f"{name}.zip")


@hostile
def a_linked_notebook(hand_in):
    """The other notebook in the folder is somebody else's."""
    hand_in.save(FILE, untouched())
    (hand_in.folder / f"{NAME}-Copy1.ipynb").symlink_to(outside(hand_in) / "secrets" / FILE)


@hostile
def a_linked_folder(hand_in):
    hand_in.folder.mkdir(parents=True)
    (hand_in.folder / NAME).symlink_to(outside(hand_in) / "secrets")
    hand_in.saved = True


@hostile
def in_metadata(hand_in):
    kernel = {"name": SCRIPT, "display_name": SCRIPT}
    hand_in.notebook.metadata = {"language_info": {"version": f"3.12{SCRIPT}{COMMAND}"}, "kernelspec": kernel, "title": SCRIPT}
    hand_in.write("softmax", "def softmax(Z)\n    return Z")
    for text in (SCRIPT, COMMAND, ESCAPE, "../../x"):
        hand_in.below("setup", code("1", metadata={"nbgrader": {"grade_id": text, "solution": True}, "tags": [text]}))
    said = {"grading": {"explains": True}, "nbgrader": {"grade_id": "softmax-check", "grade": True, "points": 99}}
    hand_in.below("two_classes", md(SCRIPT, metadata=said), md(SCRIPT, metadata={"grading": {"explains": True}}))
    hand_in.cells[-1]["id"] = '"><script>alert(1)</script>'
    hand_in.cells.append({"cell_type": SCRIPT, "metadata": {}, "source": SCRIPT})


@hostile
def in_errors(hand_in):
    raising = "class E(Exception):\n    pass\nE.__name__ = E.__qualname__ = {0!r}\nraise E({0!r})"
    missing = "raise ModuleNotFoundError('No module named ' + {0!r}, name={0!r})"
    texts = [each.format(text) for each in (raising, missing) for text in (SCRIPT, COMMAND, ESCAPE)]
    for name, text in zip(model_answers(), texts, strict=False):
        hand_in.write(name, text)


@hostile
def in_errors_that_another_has_too(hand_in):
    in_errors(hand_in)


COMMANDS_OF_TEX = [
    r"\newcommand{\x}{\href{javascript:alert(1)}{x}} \x",
    r"\newcommand{\x}[1]{\htmlData{onclick=alert(1)}{#1}} \x{y}",
    r"\def\x{\x\x}\x",
    r"\def\a{\b\b\b\b\b\b\b\b}\def\b{\c\c\c\c\c\c\c\c}\def\c{\d\d\d\d\d\d\d\d}\def\d{\e\e\e\e\e\e\e\e}\def\e{xxxxxxxxxxxxxx}\a",
    r"\renewcommand{\frac}[2]{WRONG}\renewcommand{\mathbf}[1]{WRONG}",
    r"\mbox{<script>alert(1)</script><img src=x onerror=alert(1)>}",
    r"\label{<img src=x onerror=alert(1)>} \eqref{<img src=x onerror=alert(1)>}",
    r"\tag{<img src=x onerror=alert(1)>} \text{</annotation><script>alert(1)</script>}",
    r"\require{html}\style{background:url(http://evil.example/)}{x}\class{jp-x}{y}\cssId{z}{w}",
    r"\includegraphics{http://evil.example/x.png}\url{javascript:alert(1)}\unicode{60}script\unicode{62}",
    r"\begin{multline} <script>alert(1)</script> \\ x \end{multline}\intertext{<svg onload=alert(1)>}",
    r"\newcommand{\<script>alert(1)</script>}{x}\newcommand{\y}{</math><script>alert(1)</script>}\y",
    r"\csname href\endcsname{javascript:alert(1)}{x}\catcode`\<=13\let\z=\href\z{javascript:alert(1)}{x}",
    "{" * 3000 + "x" + "}" * 3000,
]


@hostile
def in_formulas(hand_in):
    hand_in.write("two_classes", "\n\n".join(f"${text}$\n\n$${text}$$" for text in COMMANDS_OF_TEX))
    hand_in.write("double_softmax", "\n\n".join(COMMANDS_OF_TEX))


HOSTILE_STUDENTS = [
    "=1+1",
    COMMAND,
    "+49 170",
    "-1",
    "@SUM(1)",
    "Robert'); DROP TABLE student;--",
    "{{7*7}}{% raw %}",
    "%2e%2e%2fx",
    "[x](javascript:alert(1))",
    "$x$ `y` ${HOME}",
]
NO_STUDENTS = [
    "<img src=x onerror=alert(1)>",
    "a\\..\\evil",
    '"><script>alert(1)<',
    "a\u202egnp",
    f"{ESCAPE}red",
    "two\nlines",
]
