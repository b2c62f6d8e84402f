"""Make a student's notebook harmless for the browser that shows it.

formgrader and the feedback pages insert Markdown, comments and most outputs as they are, on the instructor's Jupyter
server. What is changed here is changed in the text, before any parser: a space is put where a tag, a link, an entity or
a dangerous TeX command would begin. What the page's own Markdown renderer makes of it is then looked at once more.
"""

import re
import time
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from grading.report.latex import Formulas, pieces
from grading.report.pictures import LARGEST_PICTURE, LARGEST_PICTURES, NotShown, Pictures
from grading.run.outputs import IMAGE_LEFT_OUT, TOO_LARGE
from grading.shared.links import without_addresses
from grading.shared.text import DANGEROUS_TEX, neutral, plain, text

__all__ = ["LARGEST_PICTURE", "harmless", "text"]

LONGEST = 20_000  # characters of one cell or one output
LONGEST_TOGETHER = {"written": 500_000, "printed": 1_000_000}
PATIENCE = 0.5, 2.0  # seconds of rendering for one cell of Markdown and for all

MARK, END = "\ufdd0", "\ufdd1"  # round the number of what stands for a picture: no characters, so no text of a student's
OF_DATA = r"data:image/[\w.+-]{1,40}(?:;[\w.=+-]{0,40}){0,3};base64,"
LONG = re.compile(rf"""(?i)(?<=["']){OF_DATA}(?P<in_lines>[a-z\d+/=%_\s-]+)(?=["'])|{OF_DATA}(?P<data>[a-z\d+/=%_-]+)""")
IMG = re.compile(r"""(?i)<img\b(?P<attributes>(?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>(?:\s*</img>)?""")
EMBEDDED = re.compile(f"{MARK}data(\\d+){END}")
BRACKETS = re.compile(r"[\[\]\\]")
LONGEST_ALT = 300
MOST_IN_OUTPUT = 6
MOVES = " (an animation: its first picture)"
EXPLAINS = {"explains": True}
ALT = r"!\[(?P<alt>(?:[^\[\]\n]|\[[^\[\]\n]*\])*+)\]"
PLACED = [
    re.compile(rf"{ALT}\((?P<target>(?:<[^<>\n]*>|[^()\n]|\([^()\n]*\))*+)\)"),
    re.compile(rf"{ALT}(?:\[(?P<reference>[^\[\]\n]*)\])?"),
]
DEFINED = re.compile(r"(?m)^ {0,3}\[(?P<name>[^\[\]\n]+)\]:[ \t]*+(?:\n[ \t]*+)?(?P<target>\S.*)$")
TITLE = re.compile(r"""\s(?:"[^"]*"|'[^']*'|\([^()]*\)|=\d*+x?\d*+)\s*$""")
ATTRIBUTE = re.compile(r"""(?i)\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>=`]+))""")
QUOTED, HANDLER = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')"""), re.compile(r"(?i)\bon[a-z]+\s*=")
OBJECT = re.compile(r"<IPython\.core\.display\.\w+ object>")
BY_CODE = re.compile(r"""\b(?:Image(?:\.open)?|imread)\(\s*(?:filename\s*=\s*)?[rRfF]?["']([^"'\n]+)["']""")
TEXTS = ("text/markdown", "text/latex", "text/html")
ALLOWED = {  # what the Markdown renderer may make of a student's text
    **dict.fromkeys("p em strong del pre br hr ul blockquote table thead tbody tr dl dt dd".split(), {}),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), {"id": r"\S*%E2%81%A0\S*"}),
    **dict.fromkeys(("th", "td"), {"style": "text-align: ?(left|right|center)"}),
    "a": {"class": "anchor-link", "href": r"#\S*%E2%81%A0\S*"},
    "img": {"src": r"data:image/(png|jpeg);base64,[\w+/=]+", "alt": "(?s).*"},
    "ol": {"start": r"\d+"},
    "li": {"class": "task-list-item"},
    "input": {"class": "task-list-item-checkbox", "type": "checkbox", "disabled": "", "checked": ""},
    "code": {"class": r"language-\S+"},
    "div": {"class": "highlight"},
    "span": {"class": r"\w*"},
}


def harmless(notebook, files=(), shrink=None, notes=None):
    """Return a copy of a run notebook that is safe to show. Cells with nbgrader's metadata that are no answers are ours, but for their outputs.

    files: bytes by path of what was handed in beside it. shrink: makes PNG or JPEG of bounded size of any picture's bytes, or returns None; without
    it, large and other pictures are left out. notes: a list that gets a line for each picture that is not shown.
    """
    written = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and not is_ours(cell) and isinstance(cell.source, str)]
    page = Page(Pictures(files, shrink, notes, LARGEST_PICTURES), Formulas([plain(LONG.sub("", source)[:LONGEST]) for source in written if "\\" in source]))
    cells = [page.cell(cell) for cell in notebook.cells]
    language = {"name": "python", "pygments_lexer": "ipython3"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})


class Renderings(HTMLParser):
    """Looks at what the page will hold."""

    harmless = True

    def handle_starttag(self, tag, attributes):
        allowed = ALLOWED.get(tag)
        self.harmless &= allowed is not None and all(name in allowed and re.fullmatch(allowed[name], value or "") for name, value in attributes)

    def handle_data(self, data):
        self.harmless &= not DANGEROUS_TEX.search(data)

    def no(self, *_):
        self.harmless = False

    handle_comment = handle_decl = handle_pi = unknown_decl = no


def renders_harmlessly(source, attachments):
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    looked_at = Renderings()
    try:
        looked_at.feed(MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments)).render(source))
        looked_at.close()
    except Exception:  # then the page could not be made either
        return False
    return looked_at.harmless


def is_ours(cell):
    return bool(cell.metadata.get("nbgrader")) and not cell.metadata.nbgrader.get("solution")


class Page:
    """Makes the cells of one notebook harmless, and keeps count of how large it becomes."""

    def __init__(self, pictures, formulas):
        self.pictures, self.formulas = pictures, formulas
        self.characters, (self.moment, self.seconds) = dict(LONGEST_TOGETHER), PATIENCE

    def bounded(self, source, kind):
        source = source if isinstance(source, str) else ""
        cut = max(0, len(source) - 20 * LONGEST)
        source = plain(source[: 10 * LONGEST] + source[-10 * LONGEST :] if cut else source)
        room = min(LONGEST, self.characters[kind])
        if len(source) > room:
            source = f"{source[: room // 2]}\n… {len(source) + cut - room} characters left out …\n{source[len(source) - room // 2 :]}"
        self.characters[kind] -= min(room, len(source))
        return source

    def cell(self, cell):
        metadata = {name: cell.metadata[name] for name in ("nbgrader", "tags") if name in cell.metadata and "nbgrader" in cell.metadata}
        if not metadata and cell.metadata.get("grading") == EXPLAINS:
            metadata = {"grading": EXPLAINS}
        kept = {"metadata": nbformat.from_dict(metadata), "id": cell.id}
        ours = is_ours(cell)
        self.pictures.near = cell.metadata.get("nbgrader", {}).get("grade_id") or self.pictures.near
        if cell.cell_type == "code":
            count = cell.get("execution_count")
            source = cell.source if ours else self.bounded(cell.source, "written")
            return new_code_cell(source, outputs=self.outputs(cell), execution_count=count if isinstance(count, int) else None, **kept)
        if ours:  # no chapter lies beside the page
            return nbformat.from_dict(cell | {"source": without_addresses(cell.source)})
        if cell.cell_type == "raw":
            return new_raw_cell(neutral(self.bounded(cell.source, "written")), **kept)
        source, attachments = self.markdown(cell.source, cell.get("attachments") or {})
        return new_markdown_cell(source, **kept, **({"attachments": attachments} if attachments else {}))

    def markdown(self, source, pasted):
        source, embedded = taken_out(source if isinstance(source, str) else "")
        source = self.formulas.rewritten(self.bounded(source, "written"))
        put, attachments = [], {}

        def place(target, alt):
            """Return what stands for a picture until the text is neutral."""
            alt = " ".join(alt.split())[:LONGEST_ALT]
            try:
                kind, data, moves = self.found(target, pasted, embedded)
                name = f"picture-{len(attachments) + 1}"
                attachments[name] = {kind: data}
                put.append(f"![{neutral(BRACKETS.sub('', alt)) or name}](attachment:{name}){MOVES if moves else ''}")
            except NotShown as reason:
                put.append(self.pictures.instead(name_of(target, alt), reason, alt))
            return f"{MARK}{len(put) - 1}{END}"

        source = with_pictures(source, place) if MARK in source or "![" in source or IMG.search(source) else source
        source = re.sub(f"{MARK}(\\d+){END}", lambda match: put[int(match[1])], neutral(source))
        started = time.thread_time()
        right = self.seconds > 0 and renders_harmlessly(source, attachments)
        took = time.thread_time() - started
        self.seconds -= took
        if right and took < self.moment:
            return source, attachments
        fence = "~" * (3 + max(map(len, re.findall("~+", source)), default=0))
        return f"{fence}text\n{source}\n{fence}", {}

    def found(self, target, pasted=(), embedded=()):
        """Return mime and base64 of a picture, and whether it moves. Raises NotShown."""
        if in_text := EMBEDDED.fullmatch(target):
            kind, data = self.pictures.shown(embedded[int(in_text[1])])
        else:
            kind, data = self.pictures.found(target, dict(pasted))
        return kind, data, self.pictures.moves

    def outputs(self, cell):
        return [shown for output in cell.outputs for shown in self.output(output, cell.source)]

    def output(self, output, source):
        """Return what stands for an output; a picture that is not shown, or one in displayed Markdown, has one of its own."""
        if output.output_type == "stream":
            return [new_output("stream", name="stderr" if output.get("name") == "stderr" else "stdout", text=self.bounded(output.text, "printed"))]
        if output.output_type == "error":
            lines = output.get("traceback") if isinstance(output.get("traceback"), list) else []
            said = self.bounded("\n".join(line for line in lines if isinstance(line, str)) or f"{output.get('ename')}: {output.get('evalue')}", "printed")
            return [new_output("error", ename=text(str(output.get("ename")), 100), evalue=text(str(output.get("evalue"))), traceback=said.split("\n"))]
        kinds = output.get("data") if isinstance(output.get("data"), dict) else {}
        data, beside = self.picture_of(kinds)
        said = kinds.get("text/plain")
        if not said or (isinstance(said, str) and OBJECT.fullmatch(said)):  # it was made to be looked at
            displayed = next((kinds[kind] for kind in TEXTS if isinstance(kinds.get(kind), str)), None)
            if displayed is not None and not data:
                said, embedded = taken_out(displayed)
                beside += self.pictures_in(said[: 10 * LONGEST], embedded)
                said = EMBEDDED.sub("data:image/…", said)
        if said in (IMAGE_LEFT_OUT, TOO_LARGE):
            beside += self.pictures_of(source)
        data["text/plain"] = self.bounded(said, "printed") or "(an output that is not shown here)"
        if output.output_type == "execute_result":
            count = output.get("execution_count")
            return [new_output("execute_result", data=data, execution_count=count if isinstance(count, int) else None), *beside]
        return [new_output("display_data", data=data), *beside]

    def picture_of(self, kinds):
        """Return the data of an output's picture, and an output with the reason if it has one that is not shown."""
        reason = None
        for mime in sorted((mime for mime in kinds if str(mime).startswith("image/")), key=lambda mime: mime not in ("image/png", "image/jpeg")):
            try:
                data = kinds[mime].encode() if mime == "image/svg+xml" and isinstance(kinds[mime], str) else kinds[mime]
                kind, shown = self.pictures.shown(data if isinstance(data, (str, bytes)) else "")
                return {kind: shown}, []
            except NotShown as not_shown:
                reason = not_shown
        return {}, [said_of(self.pictures.instead("of a code cell's output", reason))] if reason else []

    def pictures_in(self, displayed, embedded):
        """Return outputs with the pictures that displayed Markdown or HTML names."""
        found = []

        def place(target, alt):
            if len(found) < MOST_IN_OUTPUT:
                try:
                    kind, data, _ = self.found(target, embedded=embedded)
                    found.append(new_output("display_data", data={kind: data, "text/plain": text(alt) or "(a picture)"}))
                except NotShown as reason:
                    found.append(said_of(self.pictures.instead(name_of(target, alt), reason, alt)))
            return ""

        with_pictures(displayed, place)
        return found

    def pictures_of(self, source):
        """Return outputs with the pictures that code reads from files, where what it showed of them was too large."""
        found = []
        for name in dict.fromkeys(BY_CODE.findall(source if isinstance(source, str) else "")[:MOST_IN_OUTPUT]):
            try:
                kind, data, _ = self.found(name)
                found.append(new_output("display_data", data={kind: data, "text/plain": text(name)}))
            except NotShown:
                pass
        return found or [said_of(self.pictures.instead("of a code cell's output", "it is larger than 1 MB, or one of many"))]


def said_of(reason):
    return new_output("display_data", data={"text/plain": reason})


def taken_out(source):
    """Return Markdown without the data of pictures in it, which may be longer than all that is shown of it, and these."""
    source, embedded = source.replace(MARK, "").replace(END, ""), []
    if "data:" not in source.lower():
        return source, embedded

    def short(match):
        embedded.append(match["in_lines"] or match["data"])
        return f"{MARK}data{len(embedded) - 1}{END}"

    return LONG.sub(short, source), embedded


def with_pictures(source, place):
    """Return Markdown in which, outside of code, `place(target, alt)` stands for each picture."""
    definitions, used = {}, set()
    if "]:" in source:
        for match in DEFINED.finditer(source):
            definitions.setdefault(folded(match["name"]), without_title(match["target"]))

    def of_tag(match):
        said = {name.lower(): next(filter(None, values), "") for name, *values in reversed(ATTRIBUTE.findall(match["attributes"]))}
        is_picture = said.get("src") and not HANDLER.search(QUOTED.sub("", match["attributes"]))
        return place(said["src"], unescape(said.get("alt", ""))) if is_picture else match[0]

    def by_name(match):
        name = folded(match["reference"] or match["alt"])
        if name not in definitions:
            return match[0]
        used.add(name)
        return place(definitions[name], match["alt"])

    def outside(part):
        part = PLACED[0].sub(lambda match: place(without_title(match["target"]), match["alt"]) if match["target"].strip() else match[0], part)
        part = PLACED[1].sub(by_name, IMG.sub(of_tag, part))
        part = DEFINED.sub(lambda match: "" if folded(match["name"]) in used else match[0], part) if used else part
        return EMBEDDED.sub(lambda match: place(match[0], ""), part)

    parts = list(pieces(source, math=False))
    return "".join(outside(inner) if kind == "text" else EMBEDDED.sub("data:image/…", before + inner + after) for kind, before, inner, after in parts)


def without_title(target):
    """Return the address of what stands between brackets, or after a name."""
    target = target.strip()
    return target[1 : target.index(">")] if target[0] == "<" and ">" in target else TITLE.sub("", target)


def folded(name):
    return " ".join(name.split()).casefold()


def name_of(target, alt):
    """Return by what name a picture is spoken of."""
    return alt if EMBEDDED.fullmatch(target) else unquote(re.sub("(?i)^(attachment:|data:.*)", "", target.strip())) or alt
