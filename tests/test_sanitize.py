"""What a student writes or prints never becomes more than text and pictures on the pages that an instructor opens.

The pages are made by nbconvert and by nbgrader's templates and opened in a browser. Every attack is first seen to work.
"""

import base64
import re
import struct
import time
import zlib
from pathlib import Path

import nbformat
import nbgrader
import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from traitlets.config import Config

from grading.report import sanitize
from grading.report.sanitize import harmless, text

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
