"""What a student writes or prints never becomes more than text and pictures on the pages that an instructor opens.

The pages are made by nbconvert and by nbgrader's templates and opened in a browser. Every attack is first seen to work.
"""

import base64
import io
import os
import re
import struct
import time
import zlib
from html import unescape
from pathlib import Path

import nbformat
import nbgrader
import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from PIL import Image
from traitlets.config import Config

from grading.collect.folders import files
from grading.report import latex, pictures, sanitize
from grading.report.pages import formula
from grading.report.sanitize import harmless, text
from grading.run.pictures import Shrinker
from grading.run.session import Died
from grading.run.wall import Wall
from tools.bubblewrap import stands

IMAGE = "<img src=x onerror=fired()>"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=1, height=1):
    pixels = zlib.compress(bytes(height * (3 * width + 1))) if width * height < 1000 else b"x"
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")).decode()


def base64_of(source):
    return base64.b64encode(source.encode()).decode()


SVG = base64_of("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")

MARKDOWN = {
    "script": "<script>fired()</script>",
    "script in other letters": "<ScRiPt\n>fired()</sCrIpT >",
    "picture that fails": IMAGE,
    "tag over several lines": "text <img\nsrc='x'\nonerror='fired()'>",
    "svg": "<svg onload=fired()>",
    "body": "<body onload=fired()>",
    "details": "<details open ontoggle=fired()>",
    "focus": "<input autofocus onfocus=fired()>",
    "video": "<video src=x onerror=fired()></video>",
    "frame with a page": '<iframe srcdoc="<script>parent.fired()</script>"></iframe>',
    "frame with an address": '<iframe src="javascript:parent.fired()"></iframe>',
    "no script": "<noscript>x</noscript>",
    "text area": "<textarea>",
    "style": f'<div><style><p title="</style>{IMAGE}"></style></div>',
    "comment that has ended": f"<!--> {IMAGE} -->",
    "character data": f"<![CDATA[>{IMAGE}]]>",
    "instruction": f"<?x >{IMAGE}?>",
    "declaration": f"<!X >{IMAGE}",
    "end of no tag": f"</x><//{IMAGE}>",
    "what looks like code": f"`` code ` {IMAGE}",
    "what looks like indented code": f"text\n    {IMAGE}",
    "after code": f"```\n```\n{IMAGE}\n```\n",
    "code that is shorter": f"````\n```\n````\n{IMAGE}\n",
    "end of code in a block": f"<div>\n~~~~\n{IMAGE}\n</div>",
    "heading": f"# {IMAGE}",
    "list in a quotation": f"> - {IMAGE}",
    "cell of a table": f"| a |\n|---|\n| {IMAGE} |",
    "between sums of money": f"from $5 {IMAGE} on",
    "diagram": f"```mermaid\n{IMAGE}\n```",
    "diagram in a list": f"- 1. ~~~~\u00a0mermaid\n     {IMAGE}\n     ~~~~",
    "link": "[x](javascript:fired())",
    "link with a title": '[x]( <javascript:fired()> "title")',
    "link in entities": "[x](&#106;avascript&colon;fired&lpar;&rpar;)",
    "link round a picture": "[![x](attachment:right.png)](javascript:fired())",
    "link by reference": "[x][r]\n\n[r]: javascript:fired()",
    "link by name": "[ r ]\n\n[R]:\n  javascript:fired()\n  'title'",
    "link between brackets": "<javascript:fired()>",
    "form": "<form action=https://elsewhere.test><button>Go</button></form>",
    "refreshed page": '<meta http-equiv=refresh content="99;url=https://elsewhere.test">',
    "base address": "<base href=https://elsewhere.test>",
    "style sheet": "<link rel=stylesheet href=https://elsewhere.test/x.css>",
    "styles": "<style>body {display: none}</style>",
    "object": "<object data=https://elsewhere.test></object>",
    "embedded": "<embed src=https://elsewhere.test>",
    "class of ours": '<div class="nbgrader_cell panel">',
    "picture from elsewhere": "![x](https://elsewhere.test/x.png)",
    "picture with a script": f"![x](data:image/svg+xml;base64,{SVG})",
    "attached drawing": "![x](attachment:drawing.svg)",
    "attached page": "![x](attachment:page)",
    "attached kind": "![x](attachment:kind)",
    "drawing beside the notebook": "![x](drawing.svg)",
    "file out of the folder": '<img src="../secret.png">',
    "absolute file": "![x](<file:" "///etc/secret.png>)",
    "name of a file with quotes": """![x](<a.png" onerror="fired('name')>)""",
    "tag with quotes in its text": """<img src="a.png" alt='" onerror="fire()'>""",
    "picture by reference": f"![x][r]\n\n[r]: <data:image/svg+xml;base64,{SVG}>",
    "page as a picture": f"![x](data:text/html;base64,{SVG})",
    "drawing in a tag": f"<img src='data:image/svg+xml;base64,{SVG}'>",
    "picture with a script for a name": "<img src=javascript:fire()>",
    "mail": "<1+=x@elsewhere.test>",
    "bare address": "see https://elsewhere.test/x",
    "id of a task": "# W",
    "id of a task, underlined": "> W\n> ---",
    "address in a formula": r"$\href{javascript:fired()}{x}$",
    "address in a displayed formula": "$$\n\\alpha \\href {javascript:fired()}{x}\n$$",
    "formula in escapes": r"\$ \\href{javascript:fired()}{x} \$",
    "formula in entities": r"\$ \\&#104;ref{javascript:fired()}{x} \$",
    "definition for the whole page": r"$\newcommand{\frac}[2]{#1}$",
    "definition by another name": r"$\let\frac\href \gdef\sum{0}$",
    "style in a formula": r"\\[ \style{position:fixed}{\class{panel}{\cssId{W}{x}}} \\]",
    "address in a student's command": r"$\newcommand{\x}[1]{\href{javascript:fired()}{#1}} \x{y}$",
    "address by another name": r"$\let\x\href \x{javascript:fired()}{y}$",
    "address in two parts": r"$\def\x{\hre} \x f{javascript:fired()}{y}$",
    "address in an operator": r"$\DeclareMathOperator{\x}{\href{javascript:fired()}{y}} \x$",
    "class in a default": r"$\newcommand{\x}[1][\class{panel}{y}]{#1} \x$",
    "end of a formula in a command": r"$\newcommand{\x}{$ <img src=x onerror=fired()> $} \x$",
    "tag in a number": r"\begin{align}a\tag{\href{javascript:fired()}{x}}\label{n}\end{align} By \eqref{n}.",
    "tag in a label": r"By \eqref{<img src=x onerror=fired()>}.",
    "extension of formulas": r"\begin{align}\require{HTML}\unicode[a;b]{65}\end{align}",
}
ATTACHED = {
    "right.png": {"image/png": png()},
    "drawing.svg": {"image/svg+xml": SVG},
    "page": {"text/html": base64_of("<script>1</script>")},
    "kind": {'image/png" onerror="fired()" x="': png()},
}
DATA = {
    "page": {"text/html": IMAGE},
    "Markdown": {"text/markdown": IMAGE},
    "drawing": {"image/svg+xml": "<svg>"},
    "script": {"application/javascript": "fired()"},
    "formula": {"text/latex": r"$\href{javascript:fired()}{x}$"},
    "diagram": {"text/vnd.mermaid": f"</pre>{IMAGE}"},
    "picture with quotes": {"image/png": '" alt="'},
}
DISPLAYED = {f"output: {name}": new_output("display_data", data=data) for name, data in DATA.items()} | {
    "output: frame": new_output("display_data", data={"text/html": "<script>parent.fired()</script>"}, metadata={"text/html": {"isolated": True}}),
    "output: file": new_output("display_data", data={"image/png": png()}, metadata={"filenames": {"image/png": "https://elsewhere.test/x.png"}}),
    "output: class": new_output("display_data", data={"image/png": png()}, metadata={"image/png": {"width": "1 class=panel"}}),
}
OWN_CELLS = (
    {name: new_markdown_cell(source, attachments=ATTACHED) for name, source in MARKDOWN.items()}
    | {name: new_code_cell("x", outputs=[output]) for name, output in DISPLAYED.items()}
    | {
        "raw: id of a task": new_raw_cell('<div id="W">x</div>'),
        "raw: link": new_raw_cell("<a href=https://elsewhere.test>x</a>"),
    }
)
ONLY_TEXT = "<script>fired()</script> \x1b]8;;javascript:fired()\x1b\\link\x1b]8;;\x1b\\ \x1b[31mred\x1b[0m ]]> --> </pre></script>"
QUIET = [  # escaped by the pages themselves
    new_code_cell(f"x = 1  # {ONLY_TEXT}"),
    new_code_cell("x", outputs=[new_output("stream", name="stdout", text=ONLY_TEXT), new_output("stream", name="stderr", text=ONLY_TEXT)]),
    new_code_cell("x", outputs=[new_output("error", ename=ONLY_TEXT, evalue=ONLY_TEXT, traceback=[ONLY_TEXT, ONLY_TEXT])]),
    new_code_cell("x", outputs=[new_output("execute_result", data={"text/plain": ONLY_TEXT})]),
    new_code_cell(f"%%javascript\n{ONLY_TEXT}", metadata={"tags": ['"><script>fired()</script>'], "magics_language": '"><script>fired()</script>'}),
]

FORMGRADER = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
TEMPLATES = ("lab", "feedback", "formgrade")


def marks(name, **more):
    return {"nbgrader": {"grade_id": name, "grade": False, "solution": False, "locked": True, "schema_version": 3, "task": False} | more}


def submission(*own):
    """A notebook with released cells round the student's own."""
    cells = [
        new_markdown_cell("# Task\n\n<details><summary>Hint</summary>\n\nSee [chapter 1](#W).\n\n</details>", metadata=marks("W-task")),
        new_markdown_cell("My answer.", metadata=marks("W", grade=True, solution=True, locked=False, points=2)),
        new_code_cell("def f(): pass", metadata=marks("f", solution=True, locked=False)),
        new_code_cell('check("f")', metadata=marks("f-check", grade=True, points=2)),
    ]
    return nbformat.from_dict(new_notebook() | {"cells": [cells[0], *own, *cells[1:]]})


@pytest.fixture(scope="module")
def rendered():
    """Return a function that makes the page of a notebook, as a feedback page with a comment."""

    def exporter(template):
        config = Config()
        config.HTMLExporter.template_name = template
        if template != "lab":
            config.HTMLExporter.extra_template_basedirs = [str(FORMGRADER / "templates")]
            config.HTMLExporter.extra_template_paths = [str(FORMGRADER / "static" / "node_modules" / "bootstrap" / "dist" / "css")]
        return HTMLExporter(config=config)

    exporters = {template: exporter(template) for template in TEMPLATES}
    names = ("base_url", "submission_id", "notebook_id", "assignment_id", "student", "notebook_path")

    def render(notebook, template, comments=()):
        notebook, comments = nbformat.from_dict(notebook), iter(comments)
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                comment = next(comments, "") if cell.metadata.nbgrader.solution else ""
                cell.metadata.nbgrader |= {"score": 0, "points": 1, "comment": comment}
        scores = {"notebook": "a", "score": 1, "max_score": 2, "late_penalty": 0}
        resources = {"nbgrader": scores, "index": 0, "total": 1} | dict.fromkeys(names, "a")
        return exporters[template].from_notebook_node(notebook, resources=resources)[0]

    return render


FOUND = r"""async ([wait, dangerous]) => {
    const plain = new Set(("html head title body main nav div span p pre code h1 h2 h3 h4 h5 h6 a img em strong del b br hr " +
        "ul ol li dl dt dd table thead tbody tr th td blockquote").split(" "));
    for (const link of document.querySelectorAll("a[href^='javascript:']")) link.click();
    await new Promise(resolve => setTimeout(resolve, wait));
    const found = [...window.hits].map(hit => "fired " + hit);
    for (const element of document.querySelectorAll("*")) {
        const tag = element.localName;
        if (!plain.has(tag) && !(tag === "input" && element.type === "checkbox" && element.disabled)) found.push("element " + tag);
        for (const {name, value} of element.attributes) {
            if (name.startsWith("on") || name === "srcdoc") found.push("attribute " + name);
            if (name === "id" && ["W", "f-check", "W-comment", "notebook", "toc"].includes(value)) found.push("id " + value);
            if (name === "class" && /nbgrader_cell|panel/.test(value)) found.push("class " + value);
            if (name === "href" && !value.startsWith("#") || name === "src" && !/^data:image\/(png|jpeg);base64,[\w+/=]+$/.test(value))
                found.push(`${tag} ${name} ${value}`);
        }
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const tex = !texts.currentNode.parentElement.closest("pre, code, script, style") && texts.currentNode.data.match(new RegExp(dangerous, "g"));
        if (tex) found.push(...tex.map(command => "formula " + command));
    }
    return found.sort();
}"""


@pytest.fixture(scope="module")
def found(browser):
    """Return a function that opens a page and returns what is more than text in it. No address but the page's is reachable."""
    page = browser.new_page()
    page.add_init_script("window.hits = []; window.fired = name => window.hits.push(name)")
    page.on("dialog", lambda dialog: dialog.dismiss())
    content = {}

    def answer(route):
        if route.request.url == "http://page.test/":
            route.fulfill(body=content["page"], content_type="text/html; charset=utf-8")
        else:
            route.abort()

    page.route("**/*", answer)

    def look(html, wait=20):
        content["page"] = html
        page.goto("http://page.test/", wait_until="load")
        return page.evaluate(FOUND, [wait, sanitize.DANGEROUS_TEX.pattern.replace("\\\\(?=", "\\\\(?:")])

    look.page = page
    yield look
    page.close()


def more(found, usual):
    """Return what is found beyond the usual, as often as it is."""
    usual = list(usual)
    return [one for one in found if one not in usual or usual.remove(one)]


@pytest.fixture(scope="module")
def usual(rendered, found):
    """What is found in the pages of a submission that holds nothing special."""
    cells = new_markdown_cell("x"), new_code_cell("x"), new_raw_cell("x")
    return {template: found(rendered(submission(*cells), template)) for template in TEMPLATES}


@pytest.mark.parametrize("name", OWN_CELLS)
def test_the_attack_works_where_nothing_is_done(name, rendered, found, usual):
    runs = "fired()" in str(OWN_CELLS[name] | {"attachments": {}})
    for template in ("feedback", "lab"):
        seen = more(found(rendered(submission(OWN_CELLS[name]), template)), usual[template])
        if any(one.startswith(("fired", "formula")) or not runs for one in seen):
            break
    else:
        pytest.fail(f"{name}: {seen}")


@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_of_a_student_is_more_than_text_and_pictures(template, rendered, found, usual):
    cells = nbformat.from_dict([*OWN_CELLS.values(), *QUIET])
    for name, cell in zip(OWN_CELLS, cells):
        cell.source = cell.source.replace("fired()", f"fired(`{name}`)")
    answers = [new_markdown_cell(cell.source, attachments=ATTACHED, metadata=marks(f"w{number}", solution=True)) for number, cell in enumerate(cells)]
    notebook = harmless(submission(*cells, *answers))
    nbformat.validate(notebook)
    html = rendered(notebook, template)
    expected = usual[template] if template == "lab" else found(rendered(submission(*[new_markdown_cell("x", metadata=cell.metadata) for cell in answers]), template))
    assert not more(found(html, wait=100), expected)
    assert html.count("data:image/png;base64,") >= 2  # the picture that is one


def test_no_comment_is_more_than_text(rendered, found):
    sources = [source for source in MARKDOWN.values() if "attachment:" not in source]
    answers = submission(*[new_markdown_cell("x", metadata=marks(f"w{number}", solution=True)) for number in range(len(sources))])
    usual = found(rendered(answers, "feedback", ["x"] * len(sources)))
    assert len(more(found(rendered(answers, "feedback", sources)), usual)) > 50
    html = rendered(answers, "feedback", map(text, sources))
    assert not more(found(html, wait=100), usual)
    assert html.count("<b>Comments:</b>") == len(sources)
    with pytest.raises(InvalidNotebook):
        rendered(submission(), "feedback", ["![x](attachment:y)"])
    assert "attachment:y" in rendered(submission(), "feedback", [text("![x](attachment:y)")])


def test_what_was_overlooked_is_shown_as_code(rendered, found, usual, monkeypatch):
    """Were no tag, link or command ever broken, the second look would still find every one."""
    monkeypatch.setattr("grading.shared.text.BROKEN", [])
    notebook = harmless(submission(*(cell for name, cell in OWN_CELLS.items() if name in MARKDOWN)))
    assert not more(found(rendered(notebook, "feedback"), wait=100), usual["feedback"])


@pytest.mark.parametrize("name", MARKDOWN)
def test_the_second_look_finds_nothing_that_was_overlooked(name):
    shown = harmless(submission(OWN_CELLS[name])).cells[1]
    assert not re.match("~{3,}text\n", shown.source)


ORDINARY = r"""# A heading

The loss $L(y, h) = \frac{1}{m} \sum_{i<m} (h_i-y_i)^2$ is *small* for `h<y` and<br>
**large** if a<b. R&D costs $5.

Another heading
---

\begin{align} a &= b \\ x&y \newline z \end{align}

$$\left( \text{softmax} \leq 1 \right)$$

1. first
2. second
   - [x] inner

| a | b |
|---|--:|
| 1 | 2 |

> quoted

```python
if h[0]<y:  # a comment
    print("x")
```

![my derivation](attachment:Photo%20(1).png)
"""
SHOWN = """() => {
    const part = document.querySelector("#notebook-container .rendered_html");
    const texts = kind => [...part.querySelectorAll(kind)].map(one => one.innerText.replaceAll("\u2060", "").replace("¶", "").trim());
    const picture = part.querySelector("img");
    return [texts("h1, h2"), texts("em, strong, p code"), texts("td"), texts("li"), texts("blockquote"), texts("pre"), part.textContent,
            part.querySelectorAll("br").length, picture.naturalWidth + picture.alt];
}"""


def test_ordinary_markdown_looks_as_it_was_written(rendered, found):
    notebook = submission()
    notebook.cells = [new_markdown_cell(ORDINARY, attachments={"Photo (1).png": {"image/png": png(7, 3)}})]
    found(rendered(harmless(notebook), "feedback"))
    headings, words, cells, items, quotations, code, all_text, breaks, picture = found.page.evaluate(SHOWN)
    assert headings == ["A heading", "Another heading"]
    assert cells == ["1", "2"] and quotations == ["quoted"]
    assert items == ["first", "second\ninner", "inner"]
    assert words == ["small", "h< y", "large"] and breaks == 1
    assert code == ['if h[0]< y:  # a comment\n    print("x")']
    assert picture == "7my derivation"
    assert r"$L(y, h) = \frac{1}{m} \sum_{i< m} (h_i-y_i)^2$" in all_text and "if a< b. R& D costs $5." in all_text
    assert r"\begin{align} a &= b \\ x& y \newline z \end{align}" in all_text and r"$$\left( \text{softmax} \leq 1 \right)$$" in all_text


def test_our_own_cells_stay_as_they_are():
    notebook = submission()
    shown = harmless(notebook)
    assert [cell.source for cell in shown.cells] == [cell.source for cell in notebook.cells]
    assert [cell.metadata for cell in shown.cells] == [cell.metadata for cell in notebook.cells]


def test_a_link_of_ours_to_a_chapter_is_its_title_since_no_chapter_lies_beside_the_page():
    notebook = submission()
    notebook.cells[0].source = "From [The push](../../chapters/02_x.ipynb#the-push), see [hint](#W)."
    assert harmless(notebook).cells[0].source == "From *The push*, see [hint](#W)."


@pytest.mark.parametrize(
    "cell",
    [
        new_markdown_cell("![x](attachment:missing.png)"),
        new_code_cell("x", outputs=[new_output("stream", text="\x1b[38mx")]),
        new_markdown_cell("a lone half of a character: \ud800"),
        new_code_cell("x") | {"execution_count": "three"},
        new_code_cell("x") | {"outputs": [{"output_type": "execute_result", "data": {"text/plain": 3}, "execution_count": "x", "metadata": []}]},
        new_code_cell("x") | {"outputs": [{"output_type": "error", "ename": 3, "evalue": None, "traceback": 3}]},
    ],
    ids=["missing picture", "colour without number", "half a character", "count", "result", "error"],
)
def test_a_page_that_could_not_be_made_is_made(cell, rendered):
    with pytest.raises(Exception):
        rendered(submission(cell), "feedback").encode("utf-8")
    notebook = submission(cell)
    notebook.cells[1].metadata = {}
    assert "</html>" in rendered(harmless(notebook), "feedback").encode("utf-8").decode("utf-8")


def shown_output(output):
    return harmless(submission(new_code_cell("x", outputs=[output]))).cells[1].outputs[0]


@pytest.mark.parametrize(
    "mime, data",
    [
        ("image/png", "!" + png()),
        ("image/png", base64.b64encode(base64.b64decode(png()) + bytes(sanitize.LARGEST_PICTURE)).decode()),
        ("image/png", base64_of("<script>")),
        ("image/png", png(60_000, 60_000)),
        ("image/png", png()[:40]),
        ("image/png", ["a", "b"]),
        ("image/jpeg", base64_of("<svg>")),
        ("image/gif", base64_of("GIF89a")),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_picture_is_left_out(mime, data):
    shown = shown_output(nbformat.from_dict({"output_type": "display_data", "data": {mime: data, "text/plain": "<Figure>"}, "metadata": {}}))
    assert shown.data == {"text/plain": "<Figure>"}


def test_pictures_stay_without_what_is_said_about_them():
    photograph = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(100)).decode()
    for mime, data in (("image/png", png()), ("image/jpeg", photograph)):
        shown = shown_output(new_output("display_data", data={mime: data + "\n"}, metadata={"filenames": {mime: "x"}}))
        assert shown.data[mime] == data and shown.metadata == {}


def test_a_picture_placed_by_a_tag_stays():
    cell = new_markdown_cell('<img src="attachment:a.png" width="300"> and ![](attachment:b.png)', attachments={"a.png": {"image/png": png()}})
    shown = harmless(submission(cell)).cells[1]
    assert shown.source == "![picture-1](attachment:picture-1) and (the picture b.png is not shown: the notebook does not hold its data)"
    assert shown.attachments == {"picture-1": {"image/png": png()}}


def test_text_is_text():
    said = "\x1b]8;;http://x\x07link\x1b]8;;\x07 \x1b[1;31mred\x1b[0m\x1bc\x9b2J a\x00b\x08 \x90x\x9c\u202eevil\u2066 next\r\nlast"
    assert shown_output(new_output("stream", text=said)).text == "link red ab \\u202eevil\\u2066 next\nlast"


def test_no_line_of_a_source_is_hidden():
    notebook = harmless(submission(new_code_cell("hidden()\r# shown\u2028next"), new_markdown_cell("one\r\ntwo\rthree\x85four")))
    assert [cell.source for cell in notebook.cells[1:3]] == ["hidden()\n# shown\nnext", "one\ntwo\nthree\nfour"]


def test_a_long_notebook_becomes_a_short_one(monkeypatch):
    monkeypatch.setattr(sanitize, "LARGEST_PICTURES", 50_000)
    cells = [new_code_cell("z" * 1_000_000, outputs=[new_output("stream", text="x" * 1_000_000), *DISPLAYED.values()])]
    cells += [new_markdown_cell("ab " * 20_000, metadata=marks(f"w{number}", solution=True)) for number in range(40)]
    cells += [new_code_cell("x", outputs=[new_output("display_data", data={"text/plain": "y" * 50_000})]) for _ in range(80)]
    large = base64.b64encode(base64.b64decode(png()) + bytes(9_000)).decode()
    cells += [new_code_cell("x", outputs=[new_output("display_data", data={"image/png": large})]) for _ in range(8)]
    shown = harmless(submission(*cells)).cells
    assert 20_000 < len(shown[1].source) < 20_100 and "980000 characters left out" in shown[1].source
    assert 20_000 < len(shown[1].outputs[0].text) < 20_100
    assert 400_000 < sum(len(cell.source) for cell in shown) < 510_000
    assert 900_000 < sum(len(output.data["text/plain"]) for cell in shown[42:122] for output in cell.outputs) < 1_010_000
    assert sum("image/png" in output.data for cell in shown[122:130] for output in cell.outputs) == 5
    assert shown[-1].source == 'check("f")'


def test_no_text_keeps_the_grader_busy():
    sources = ["\\\\[", "[![", "`~~~", "<!--", "a\n-\n", "\\begin{a}", "<img src='attachment:", "# W\n\\\\["]
    started = time.thread_time()
    harmless(submission(*(new_markdown_cell(source * 5000) for source in sources for _ in range(2))))
    harmless(submission(*(new_markdown_cell(source * 400_000) for source in ("\x90", "\x1b]", "\x1b[0"))))
    assert time.thread_time() - started < 60  # a hang, not a slow machine


@pytest.mark.parametrize("patience, shown", [((1e-9, 9), [True, True]), ((9, 1e-9), [False, True]), ((9, 9), [False, False])])
def test_what_takes_long_to_show_is_shown_as_code(patience, shown, monkeypatch):
    monkeypatch.setattr(sanitize, "PATIENCE", patience)
    notebook = harmless(submission(new_markdown_cell("*x*"), new_markdown_cell("*y*")))
    assert [cell.source.startswith("~~~text\n") for cell in notebook.cells[1:3]] == shown


def test_what_a_student_says_about_the_notebook_is_dropped():
    notebook = submission(new_code_cell("x", metadata={"tags": ["x"], "magics_language": "x", "transient": {"remove_source": True}}))
    notebook.metadata = {"title": "x", "widgets": {}, "kernelspec": {"name": "x"}, "language_info": {"name": "<x>"}}
    shown = harmless(notebook)
    assert set(shown.metadata) == {"kernelspec", "language_info"} and "x" not in shown.metadata.kernelspec.values()
    assert shown.metadata.language_info.name == "python" and shown.cells[1].metadata == {}


def test_a_message_is_one_harmless_line():
    assert text("f[0](x) raised\n  <b>ValueError</b>: 'a<b' & c") == "f[0] (x) raised < b>ValueError< /b>: 'a< b' & c"
    assert text("=1+1") == "· =1+1" and text("# W") == "· # W"
    assert len(text("x" * 10_000)) == 500 and len(text("abc" * 10_000, 40)) == 40
    assert text(text("# <b> [x](y)")) == text("# <b> [x](y)")


# Formulas

FORMULAS = {  # as students write them, and what a reader sees
    r"\begin{eqnarray} J &=& -\ln\sigma \\ &<& 2\end{eqnarray}": "J=−lnσ<2",
    r"\begin{eqnarray*} a &=& b\end{eqnarray*}": "a=b",
    r"\begin{multline} a+b\\ = c\end{multline}": "a+b=c",
    r"\begin{multline*} \shoveleft{a}\\ b\end{multline*}": "ab",
    r"\begin{flalign*} a &= b\end{flalign*}": "a=b",
    r"\begin{align} a &= b \tag{1} \\ c &= d \nonumber\end{align}": "a=b(1)c=d",
    r"\begin{gather} a \tag{$*$}\\ b\end{gather}": "a(∗)b",
    r"\begin{align} a &= b \\[1ex] c &= d\end{align}": "a=bc=d",
    r"\begin{align} a &= b\\ \intertext{since $x>0$,} c &= d\end{align}": "a=bsincex>0,c=d",
    r"\begin{align} a &= b \shortintertext{so} c &= d\end{align}": "a=bsoc=d",
    r"\begin{equation}\begin{split} a &= b\\ &= c\end{split}\end{equation}": "a=b=c",
    r"\begin{equation}\begin{aligned}[t] a &= b\end{aligned}\end{equation}": "a=b",
    r"\begin{subequations}\begin{align} a &= b\end{align}\end{subequations}": "a=b",
    r"\begin{displaymath} a\end{displaymath}": "a",
    r"\begin{alignat}{2} a &= b & c &= d\end{alignat}": "a=bc=d",
    r"\begin{numcases}{f=} a & b\\ c & d\end{numcases}": "f={abcd",
    r"\begin{empheq}{align} a &= b\end{empheq}": "a=b",
    r"a &= b \\ &= c": "a=b=c",
    r"a = b \tag{1} \tag{2}": "a=b(1)(2)",
    r"a = b \label{x}": "a=b",
    r"f = \begin{cases} a & \mbox{if } x>0\\ b & \text{else}\end{cases}": "f={aifx>0belse",
    r"\cases{a & b \cr c & d}": "{abcd",
    r"\pmatrix{a & b \cr c & d} \matrix{x}": "(abcd)x",
    r"\eqalign{a &= b \cr c &= d}": "a=bc=d",
    r"\displaylines{a \cr b}": "ab",
    r"\mathbbm{1}_{y=k}": "𝟙y=k",
    r"\mathds{1}[y=k]": "𝟙[y=k]",
    r"\bm{\theta} \boldsymbol{\mu}": "θμ",
    r"\mbox{for all $x$} x": "forallxx",
    r"\text{50% of a_b & c #1}": "50%ofa_b&c#1",
    r"\textsc{map} \textsl{x} \emph{y}": "mapxy",
    r"größe": "gro¨ße",
    r"x’ ≤ ½ “a”": "x’≤½“a”",
    r"x^2 % a comment": "x2",
    r"\cancelto{0}{x}": "x0",
    r"\sideset{_a^b}{_c^d}\sum x": "ab∑cdx",
    r"\prescript{a}{b}{X}": "baX",
    r"\centernot\implies": '\u0338\u27f9',
    r"\ensuremath{x} \lefteqn{y}": "xy",
    r"\color[rgb]{1,0,0} x": "x",
    r"\color[RGB]{255,0,0} x": "x",
    r"\textcolor{red}{x} \color{blue} y": "xy",
    r"\hdots \idotsint": "…∫\u2063⋯\u2063∫",
    r"\underbracket{x}_a \overbracket{y}": "x⏟ay⏞",
    r"\nicefrac{1}{2} \sfrac{3}{4}": "1234",
    r"\root 3 \of x": "x3",
    r"x \hfill y \vspace{1cm} \par z": "xyz",
    r"20\,\celsius": "20∘C",
    r"\framebox{x} \boxed{y} \fbox{z}": "xyz",
    r"\overset{!}{=} \stackrel{(a)}{\leq} \underset{x}{\min}": "=!≤(a)minx",
    r"\left\{\begin{array}{ll} a & b\\ c & d\end{array}\right.": "{abcd",
    r"\left.\frac{dy}{dx}\right|_{x=0}": "dydx∣x=0",
    r"\operatorname*{arg\,max}_x \argmin_y": "argmaxxargminy",
    r"\mathop{\rm argmax}_x {\bf w} {\cal L}": "argmaxxwℒ",
    r"\underbrace{a+b}_{\text{sum}} \xrightarrow[n\to\infty]{d}": "a+b⏟sum→n→∞d",
    r"\begin{bmatrix} 1 & 2\\ 3 & 4\end{bmatrix}^\top": "[1234]⊤",
    r"\begin{array}{c|c} a & b\\ \hline c & d\end{array}": "abcd",
    r"\lim\limits_{n \to \infty} \substack{a\\ b}": "limn→∞ab",
    r"{a \over b} {n \choose k}": "ab(nk)",
    r"\iff \therefore \perp \not\perp": '\u27fa\u2234\u22a5\u22a5\u0338',
}
UNREADABLE = [r"\Bigl( x \Bigr) \lVert y \rVert_2 \middle| z", r"\require{cancel} x", r"\norm{x}", r"\left( x", r"\foo"]


def seen(html):
    """Return what a reader sees of MathML, without spaces."""
    html = re.sub(r"<annotation.*?</annotation>", "", html, flags=re.DOTALL)
    return re.sub(r"[\s\u2061]", "", unescape(re.sub(r"<[^<>]*>", "", html)))


@pytest.mark.parametrize("source", FORMULAS)
def test_a_formula_is_shown_as_jupyter_shows_it(source):
    shown = formula(source, display=True)
    assert shown.startswith("<math") and seen(shown) == FORMULAS[source]


@pytest.mark.parametrize("source", UNREADABLE)
def test_what_cannot_be_read_stays_as_it_was_written(source):
    assert formula(source, display=True) == f"<code>{source}</code>"


def test_what_stands_only_displayed_is_shown_in_a_line():
    for source in (r"\begin{align} a &= b\end{align}", r"\begin{equation} a = b\end{equation}", r"\begin{gather} a = b\end{gather}"):
        assert seen(formula(source, display=False)) == "a=b"
    assert seen(formula(r"a = b \tag{1}", display=False)) == "a=b(1)"


def test_no_formula_is_other_than_mathml():
    hostile = r"\href{https://elsewhere.test}{x}", r"\htmlClass{panel}{x}", r"\includegraphics{x.png}", "</math><script>", r"\text{</math><b>}", r"\mbox{<b>}_{"
    for source in hostile:
        shown = formula(source, display=True)
        names = set(re.findall(r"<(\w+)", shown))
        assert names == {"code"} or names <= {"math", "semantics", "annotation", "mrow", "mi", "mo", "mn", "mtext", "mstyle"}, shown


def sources(*written):
    """Return what becomes of Markdown cells of one notebook."""
    return [cell.source for cell in harmless(new_notebook(cells=[new_markdown_cell(source) for source in written])).cells]


def test_a_command_of_the_students_own_holds_from_there_on():
    assert sources(r"$\newcommand{\R}{\mathbb{R}} x \in \R^2$", r"$\R$", r"`$\R$`", "```\n$\\R$\n```") == [
        r"$ x \in \mathbb{R}^2$",
        r"$\mathbb{R}$",
        r"`$\R$`",
        "```\n$\\R$\n```",
    ]
    assert sources(r"$\E[X]{Y}$", r"$\newcommand{\E}[2][Z]{E_{#2}[#1]} \E{Y}$", r"$\renewcommand{\E}{E}\E$ $\E$") == ["$E_{Y}[X]$", "$ E_{Y}[Z]$", "$E$ $E$"]
    assert sources(r"$\def\half{\frac12}\half$ \\(\half\\) \\[\half\\]", r"\begin{align}\half\end{align}") == [
        r"$\frac12$ \\(\frac12\\) \\[\frac12\\]",
        r"\begin{align}\frac12\end{align}",
    ]
    assert sources(r"$\DeclareMathOperator*{\amax}{arg\,max}$ so", r"$$\amax_x$$") == [" so", r"$$\operatorname*{arg\,max}_x$$"]
    assert sources(r"$\def\a{b}$", r"$\a$") == [r"$\ def\a{b}$", "$b$"]
    assert sources(r"$\let\old\vec \renewcommand{\vec}[1]{\old{\mathbf{#1}}} \vec x$ $\require{ams}y$") == [r"$  \vec{\mathbf{x}}$ $y$"]
    assert sources("\\newcommand{\\vz}{\\mathbf z}\n\nLet $\\vz a$ cost \\$5.") == ["\\ newcommand{\\vz}{\\mathbf z}\n\nLet $\\mathbf z a$ cost \\$5."]


def test_a_label_is_the_number_that_is_referred_to():
    tagged = "\\begin{align}a&= b\\label{e:1}\\\\ c&= d\\nonumber\\\\ e&= f\\label{e_2}\\tag{*}\\end{align}"
    first, second = sources(rf"By \eqref{{e_2}} and $\eqref{{e:1}}$: {tagged}", r"\ref{e:1}, \eqref{other}, `\eqref{e:1}`, $$x \label{x}$$")
    assert first == "By (*) and $\\text{(1)}$: \\begin{align}a&= b \\tag{1}\\\\ c&= d\\nonumber\\\\ e&= f\\tag{*}\\end{align}"
    assert second == r"1, (other), `\eqref{e:1}`, $$x \tag{2} $$"


def test_commands_of_a_student_change_nothing_of_ours():
    notebook = submission(new_markdown_cell(r"$\newcommand{\frac}[2]{0} \renewcommand{\sum}{0} \frac12$"))
    notebook.cells[0].source = r"$\frac12 \sum \newcommand{\x}{y}$"
    shown = harmless(notebook)
    assert shown.cells[0].source == notebook.cells[0].source
    assert shown.cells[1].source == "$  0$"


@pytest.mark.parametrize(
    "source",
    [
        r"$\def\a{\a\a}\a$",
        r"$\def\a{\b}\def\b{\a}\a$",
        "$" + "".join(rf"\def\{one}{{\{two}\{two}}}" for one, two in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz")) + r"\a$",
        r"$\newcommand{\b}[1]{#1#1#1#1#1#1#1#1}" + r"\b{" * 30 + "x" + "}" * 30 + "$",
        r"$\newcommand{\b}[1]{" + "#1" * 400 + r"}\b{" + "x" * 400 + "}$",
        r"$\def\a{" + "x" * 2000 + r"}\a$",
        r"$\newcommand{\end}{x} \renewcommand\begin{y} \begin{a}\end{a}$",
        r"$\newcommand{\x}$",
        r"$\newcommand{\x}[a]{y}\x$",
        r"$\def\x#1.{y}\x$",
        r"$\newcommand{\x}[1]{y}\x$",
        r"$\def\x{$}\x$",
    ],
)
def test_a_command_that_does_not_end_or_fit_stays_as_it_was_written(source):
    assert [one.replace("\\ ", "\\") for one in sources(source)] == [source]


def test_commands_are_bounded_in_a_notebook():
    started = time.thread_time()
    letters = "abcdefghijklmno"
    defined = "$" + "".join(rf"\def\{one}{other}{{{'x' * 900}}}" for one in letters for other in letters) + "$"
    shown = sources(defined, *["$" + r"\aa" * 6 + "$"] * 100, *[r"$\ab\ac$ " * 2000] * 20)
    assert sum(map(len, shown)) < latex.MOST_GROWN + 2 * sanitize.LONGEST_TOGETHER["written"]
    assert time.thread_time() - started < 60
    hopeless = [part * 5000 for part in ("\\\\[", "$", "`", r"\begin{a}", r"\newcommand{\x}", r"\label{x}\\", r"\eqref{", "$\\x$ ", "\n~~~", "{")]
    sources(r"$\newcommand{\x}{y}\label{a}$", *hopeless)
    assert time.thread_time() - started < 60


# Pictures


def written(kind, size=(60, 40), colour="white", **options):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind, **options)
    return file.getvalue()


def photograph(width, height, kind="JPEG", **options):
    """Return the bytes of a picture that cannot be made small without loss."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(3 * width * height)).save(file, kind, **options)
    return file.getvalue()


def data_of(content, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


PNG, JPEG = base64.b64decode(png(7, 3)), written("JPEG")
BESIDE = {"photo.png": PNG, "my photo.png": PNG, "img/photo 2.jpg": JPEG, "Umlaut\u0308.PNG": PNG, "a'b\"c.png": PNG, "deep/er/only.png": PNG}


def cell_of(source, files=(), shrink=None, attachments=None, notes=None):
    """Return what becomes of a Markdown cell."""
    return harmless(submission(new_markdown_cell(source, attachments=attachments or {})), files, shrink, notes).cells[1]


@pytest.mark.parametrize(
    "source",
    [
        "![](photo.png)",
        "![](./photo.png)",
        "![](PHOTO.png 'title')",
        '![](<my photo.png> "title")',
        "![](my%20photo.png)",
        "![](my photo.png)",
        "![](photo.png =300x200)",
        "![](img/../photo.png)",
        "<img src='photo.png' width=400>",
        "<IMG\n  width='300' SRC=my%20photo.png />",
        "![](U\u0308MLAUT\u0308.png)".replace("U\u0308M", "Um"),
        "<img src='a&#39;b&quot;c.png'>",
        "![](elsewhere/only.png)",
        "![][r]\n\n[r]: photo.png",
        "![r][]\n\n[R]: <my photo.png> 'title'",
        "![](attachment:photo.png)",
        f"![]({data_of(PNG)})",
        f"![]({data_of(PNG, 'jpeg')})",
        f"![x][image1]\n\n[image1]: {data_of(PNG)}",
        f"![x][image1]\n\n[image1]:<{data_of(PNG)}>",
        f"![x][image1]\n\n[image1]: <{data_of(PNG)}>",
        f'<center><img alt=x src="{data_of(PNG)}"></center>',
        "<img src='data:image/png;base64,\n" + "\n".join(re.findall(".{1,20}", base64.b64encode(PNG).decode())) + "\n'>",
        f"[unused]: {data_of(PNG)}",
        "[![](photo.png)](https://elsewhere.test)",
        "| a |\n|---|\n| ![](photo.png) |",
    ],
)
def test_a_picture_is_shown_wherever_it_comes_from(source):
    notes = []
    shown = cell_of(source, BESIDE, notes=notes)
    assert shown.attachments == {"picture-1": {"image/png": base64.b64encode(PNG).decode()}} and not notes
    assert "](attachment:picture-1)" in shown.source and not re.search(r"base64|\[R?\]: ?", shown.source)


def test_the_data_of_pictures_do_not_count_as_text():
    large = PNG + bytes(400_000)
    source = "before\n\n" + "\n\n".join(f"![number {number}]({data_of(large)})" for number in range(5)) + "\n\nafter"
    shown = cell_of(source)
    assert len(shown.attachments) == 5 and "left out" not in shown.source
    assert shown.source.startswith("before\n\n![number 0](attachment:picture-1)") and shown.source.endswith("after")


@pytest.mark.parametrize(
    "target, reason",
    [
        ("https://elsewhere.test/x.png", "another host, elsewhere.test"),
        ("//elsewhere.test/x.png", "another host, elsewhere.test"),
        ("../photo.png", "out of the folder"),
        ("img/../../photo.png", "out of the folder"),
        ("..%2Fphoto.png", "out of the folder"),
        ("..\\photo.png", "out of the folder"),
        ("/photo.png", "out of the folder"),
        ("file:" "///photo.png", "out of the folder"),
        ("C:\\photo.png", "out of the folder"),
        (".hidden.png", "hidden"),
        (".git/photo.png", "hidden"),
        ("link.png", "no such file"),
        ("missing.png", "no such file"),
        ("javascript:fired()", "no such file"),
        ("attachment:missing.png", "does not hold its data"),
        ("data:image/png;base64,!!!", "no base64"),
        ("data:image/svg+xml;utf8,<svg/onload=fired()>", "no base64"),
        ("empty.png", "empty"),
        ("drawing.png", "SVG"),
        ("page.png", "web page"),
        ("script.pdf", "PDF"),
        ("IMG_2041.heic", "HEIC"),
        ("words.png", "no picture of a known kind"),
        ("huge.png", "more than"),
        ("none.gif", "damaged"),
    ],
)
def test_a_picture_that_is_not_shown_is_named_with_the_reason(target, reason, tmp_path):
    folder = tmp_path / "in"
    contents = {
        "photo.png": PNG,
        ".hidden.png": PNG,
        ".git/photo.png": PNG,
        "empty.png": b"",
        "drawing.png": base64.b64decode(SVG),
        "page.png": b"<!DOCTYPE html><script>fired()</script>",
        "script.pdf": b"%PDF-1.4",
        "IMG_2041.heic": b"\0\0\0\x18ftypheic" + bytes(100),
        "words.png": b"GIF8 fired()",
        "huge.png": base64.b64decode(png(60_000, 60_000)),
        "none.gif": b"GIF89a\0\0\0\0/*=1;fired()",
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "photo.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "photo.png")
    beside = {str(path.relative_to(folder)): path.read_bytes() for path in files(folder)} | {".hidden.png": PNG, ".git/photo.png": PNG, "../photo.png": PNG}
    notes = []
    shown = cell_of(f"![my derivation]({target})", beside, lambda data: data, notes=notes)
    name = "my derivation" if target.startswith("data") else text(target.removeprefix("attachment:").replace("%2F", "/"))
    assert "attachments" not in shown and shown.source.removeprefix("my derivation ").startswith(f"(the picture {name} is not shown: ")
    assert "my derivation" in shown.source and reason in shown.source
    assert len(notes) == 1 and notes[0].startswith(f"W-task: the picture {name}") and reason in notes[0]


def test_what_is_named_is_named_harmlessly(rendered, found, usual):
    attacks = IMAGE, "</p><script>fired()</script>", "javascript:fired()", "$\\href{x}{y}$"
    names = [f"{quote}{attack}{quote}.svg" for quote in ("", '"', "'", "`", "](") for attack in attacks]
    beside = dict.fromkeys(names, b"<svg onload='fired()'>") | {f"{IMAGE}.png": PNG}
    cells = [new_markdown_cell(f"![{name}](<{name.replace('<', '%3C').replace('>', '%3E')}>)") for name in [*names, f"{IMAGE}.png"]]
    described = '<img alt="&lt;img src=x onerror=fired()&gt;" src=photo.png>', '![" onerror="fired()](photo.png)', "![x](%5D%28javascript:fired%28%29%29)"
    cells += map(new_markdown_cell, described)
    notes = []
    notebook = harmless(submission(*cells), beside | {"photo.png": PNG}, notes=notes)
    for template in ("feedback", "formgrade"):
        assert not more(found(rendered(notebook, template), wait=100), usual[template])
    assert len(notes) > 10 and not any("<img" in text(note) or "<script" in text(note) for note in notes)


def test_displayed_pictures_are_shown_or_named():
    displays = {
        "gif": {"image/gif": base64.b64encode(written("GIF")).decode(), "text/plain": "<IPython.core.display.Image object>"},
        "wrong kind": {"image/jpeg": png(), "text/plain": "<Image>"},
        "drawing": {"image/svg+xml": "<svg onload=fired()>", "text/plain": "<Figure>"},
        "Markdown": {"text/markdown": "**so** ![](photo.png)", "text/plain": "<IPython.core.display.Markdown object>"},
        "page": {"text/html": "<img src=photo.png><script>", "text/plain": "<IPython.core.display.HTML object>"},
        "too large": {"text/plain": sanitize.IMAGE_LEFT_OUT},
    }
    notes = []
    cells = [new_code_cell("Image('photo.png')", outputs=[new_output("display_data", data=data)]) for data in displays.values()]
    shown = harmless(submission(*cells), {"photo.png": PNG}, lambda data: PNG, notes).cells[1 : 1 + len(cells)]
    kinds = {name: [set(output.data) for output in cell.outputs] for name, cell in zip(displays, shown)}
    only, both = {"text/plain"}, {"text/plain", "image/png"}
    assert kinds == {"gif": [both], "wrong kind": [both], "drawing": [only, only], "Markdown": [only, both], "page": [only, both], "too large": [only, both]}
    assert shown[3].outputs[0].data["text/plain"] == "**so** ![](photo.png)"
    assert "SVG" in shown[2].outputs[1].data["text/plain"] and len(notes) == 1 and "SVG" in notes[0]


def test_pictures_are_few_and_small_together(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PICTURES", 5)
    monkeypatch.setattr(pictures, "MOST_NOTES", 2)
    notes = []
    shown = cell_of(" ".join(f"![]({number}.png)" for number in range(8)), {f"{number}.png": PNG for number in range(8)}, notes=notes)
    assert len(shown.attachments) == 5 and shown.source.count("room for 5 pictures") == 3 and len(notes) == 3
    asked = []
    cell_of("![](a.gif) " * 50, {"a.gif": written("GIF")}, lambda data: asked.append(data))
    assert len(asked) == 1


def test_no_text_with_pictures_keeps_the_grader_busy():
    started = time.thread_time()
    parts = ["![](", '![](a "', "![[", "![a](<", "<a>", "![](<a>", "(a)", "[a]: b\n", '<img src="', "<img src=a "]
    parts += ["data:image/png;base64,", "'data:image/png;base64,A ", "![](" + " " * 19_000, "[a]:" + " " * 19_000, "<img src" + " " * 19_000]
    for part in parts:
        source = part * (20_000 // len(part))
        harmless(submission(new_markdown_cell(source), new_markdown_cell(f"{source}\n[a]: x\n![a][a]")))
    harmless(submission(new_markdown_cell("'data:image/png;base64," + "A " * 2_000_000), new_markdown_cell("data:image/png;base64," * 200_000)))
    assert time.thread_time() - started < 60


NOT_SMALL = [b"", b"x", None, "text", PNG[:40], b"<svg onload=fired()>", PNG + bytes(3_000_000), base64.b64decode(png(60_000, 60_000))]


@pytest.mark.parametrize("given", NOT_SMALL, ids=range(len(NOT_SMALL)))
def test_what_makes_pictures_small_is_not_believed(given):
    shown = cell_of("![](a.gif)", {"a.gif": written("GIF")}, lambda data: given)
    assert "attachments" not in shown and "GIF that cannot be read" in shown.source


def test_ordinary_pictures_are_not_touched():
    def never(data):
        raise AssertionError

    displayed = new_code_cell("x", outputs=[new_output("display_data", data={"image/png": png()})])
    shown = harmless(submission(displayed, new_markdown_cell("![](photo.png) ![](img/photo%202.jpg)")), BESIDE, never).cells
    assert shown[1].outputs[0].data["image/png"] == png() and len(shown[2].attachments) == 2


def test_a_line_that_explains_keeps_its_mark():
    marked = {"grading": {"explains": True}}, {"grading": {"explains": True, "x": 1}, "tags": ["x"]}
    shown = harmless(submission(*(new_markdown_cell("*Kept.*", metadata=metadata) for metadata in marked))).cells
    assert [cell.metadata for cell in shown[1:3]] == [{"grading": {"explains": True}}, {}] and shown[1].source == "*Kept.*"


TURNED = Image.Exif()
TURNED[0x0112] = 6
HANDED_IN = {  # bytes, and kind and size of what is shown
    "phone": (lambda: photograph(2000, 1500, quality=95, exif=TURNED), "JPEG", (1200, 1600)),
    "scan": (lambda: photograph(2000, 1500, "PNG"), "JPEG", (1600, 1200)),
    "long scan": (lambda: photograph(300, 3000, "PNG"), "JPEG", (300, 3000)),
    "drawing with transparency": (lambda: base64.b64decode(png(1, 1)), "PNG", (1, 1)),
    "GIF": (lambda: written("GIF"), "PNG", (60, 40)),
    "moving GIF": (lambda: written("GIF", save_all=True, append_images=[Image.new("RGB", (60, 40), "red")]), "PNG", (60, 40)),
    "WebP": (lambda: written("WEBP"), "PNG", (60, 40)),
    "BMP": (lambda: written("BMP"), "PNG", (60, 40)),
    "TIFF": (lambda: written("TIFF"), "PNG", (60, 40)),
    "cut short": (lambda: photograph(2000, 1500, quality=95)[:900_000], "JPEG", (1600, 1200)),
    "dark": (lambda: written("PNG", (9000, 9000)), "PNG", (1600, 1600)),
}


@pytest.fixture(scope="module", params=[{}, {"alone": True}, {"unsafe": True}], ids=["wall", "alone", "unsafe"])
def wall(request):
    if not stands():
        pytest.skip("bubblewrap is not installed, or refused here")
    with Wall(**request.param) as wall:
        wall.ready()
        yield wall


def test_large_and_odd_pictures_are_made_small_behind_the_wall(wall):
    kinds = {name: made() for name, (made, _, _) in HANDED_IN.items()}
    notes = []
    with Shrinker(wall) as shrink:
        shown = harmless(submission(*(new_markdown_cell(f"![](<{name}>)") for name in kinds)), kinds, shrink, notes).cells[1:]
    assert not notes
    for cell, (name, (_, kind, size)) in zip(shown, HANDED_IN.items()):
        [(mime, data)] = cell.attachments["picture-1"].items()
        found = Image.open(io.BytesIO(base64.b64decode(data)))
        assert (name, found.format, found.size, mime) == (name, kind, size, f"image/{kind.lower()}")
        assert len(data) < 1_400_000 and not found.getexif()
        assert ("animation" in cell.source) == (name == "moving GIF")


def test_a_picture_that_ends_what_reads_it_is_named(wall, monkeypatch):
    notes, asked = [], []

    class Dead:
        def __init__(self, wall):
            self.wall = wall

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def ask(self, code, data, seconds):
            asked.append(data)
            raise Died("a signal")

    monkeypatch.setattr("grading.run.pictures.Session", Dead)
    beside = {f"{number}.gif": written("GIF", (60 + number, 40)) for number in range(6)}
    with Shrinker(wall) as shrink:
        cell = cell_of(" ".join(f"![]({name})" for name in beside), beside, shrink, notes=notes)
    assert len(asked) == 3 and len(notes) == 6 and cell.source.count("GIF that cannot be read") == 6


def test_no_picture_is_decoded_in_the_grader():
    """The module that decodes is read as text only."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in Path(sanitize.__file__).parent.parent.rglob("*.py")}
    decoding = r"^\s*(?:from|import) PIL|import_module\(.PIL"
    assert [name for name, source in sources.items() if re.search(decoding, source, re.MULTILINE)] == ["pictures.py"]
    assert not [name for name, source in sources.items() if re.search(r"behind\.pictures|behind import .*pictures", source)]


@pytest.mark.parametrize(
    "name", ["g\u2060def\\sin{P}", "html\u2060Class{x}{y}", "h\u2060ref{https://example.org}{x}", "include\u2060graphics{https://example.org/x.png}", "gd\u2060ef\\a{}"]
)
def test_no_command_is_put_together_of_pieces(name):
    with pytest.raises(latex.Unreadable):
        latex.readable(rf"\mbox{{a}}\{name}", False)
    assert formula(rf"\mbox{{a}}\{name}", False).startswith("<code>")


@pytest.mark.parametrize("source", ["![a]\n[a]:" + " " * 200_000 + "\n", "![a](b =" + "1" * 200_000 + "z)"], ids=["definition", "size"])
def test_a_long_address_of_a_picture_takes_no_time(source):
    started = time.process_time()
    sanitize.with_pictures(source, lambda target, alt: "")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "source",
    [
        r"$\newcommand{\f}[1]{\g{#1}}\newcommand{\g}[1]{\f{#1}}$ " + ("$\\f{" + "x" * 5900 + "}$ ") * 3,
        r"\def\a#1{" * 2000,
    ],
    ids=["for ever", "as text"],
)
def test_commands_of_a_whole_notebook_take_no_time(source):
    started = time.process_time()
    latex.Formulas([source] * 20)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("segment", [b"\xff", b"\xff\xe0\0\2"], ids=["filling", "empty segments"])
def test_a_jpeg_without_an_end_takes_no_time(segment):
    started = time.process_time()
    assert pictures.size_of("JPEG", b"\xff\xd8" + segment * (20_000_000 // len(segment))) is None
    assert time.process_time() - started < 1
