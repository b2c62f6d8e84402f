"""Make a student's notebook harmless for the browser that shows it.

formgrader and the feedback pages insert Markdown, comments and most outputs as they are, on the instructor's Jupyter
server. What is changed here is changed in the text, before any parser: a space is put where a tag, a link, an entity or
a dangerous TeX command would begin. What the page's own Markdown renderer makes of it is then looked at once more.
"""

import base64
import binascii
import re
import struct
import time
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from grading.shared.links import without_addresses
from grading.shared.text import DANGEROUS_TEX, neutral, plain, text

LONGEST = 20_000  # characters of one cell or one output
LONGEST_TOGETHER = {"written": 500_000, "printed": 1_000_000}
LARGEST_PICTURE = 8_000_000  # bytes
LARGEST_PICTURES = 40_000_000  # bytes, together
MOST_PIXELS = 50_000_000
PATIENCE = 0.5, 2.0  # seconds of rendering for one cell of Markdown and for all

PASTED = [
    re.compile(r"!\[(?P<alt>[^\[\]\n]*)\] \(attachment:(?P<name>(?:[^()\s]|\([^()\s]*\))*)(?: +\"[^\"\n]*\")?\)"),
    re.compile(r"< img\b(?P<alt>)[^<>\n]*?\bsrc=[\"']attachment:(?P<name>[^\"'<>\n]+)[\"'][^<>\n]*>"),
]
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


def harmless(notebook):
    """Return a copy of a run notebook that is safe to show. Cells with nbgrader's metadata that are no answers are ours, but for their outputs."""
    page = Page()
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


def picture(data, mime):
    """Return the bytes of a picture of this kind, or None."""
    try:
        found = base64.b64decode("".join(data.split()), validate=True)
    except (AttributeError, ValueError, binascii.Error):
        return None
    if mime == "image/png":
        right = found[:16] == b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" and len(found) > 45
        width, height = struct.unpack(">II", found[16:24]) if right else (0, 0)
        right = 0 < width * height <= MOST_PIXELS
    else:
        right = mime == "image/jpeg" and found[:3] == b"\xff\xd8\xff"
    return found if right and len(found) <= LARGEST_PICTURE else None


class Page:
    """Makes the cells of one notebook harmless, and keeps count of how large it becomes."""

    def __init__(self):
        self.characters, self.bytes, (self.moment, self.seconds) = dict(LONGEST_TOGETHER), LARGEST_PICTURES, PATIENCE

    def bounded(self, source, kind):
        source = source if isinstance(source, str) else ""
        cut = max(0, len(source) - 20 * LONGEST)
        source = plain(source[: 10 * LONGEST] + source[-10 * LONGEST :] if cut else source)
        room = min(LONGEST, self.characters[kind])
        if len(source) > room:
            source = f"{source[: room // 2]}\n… {len(source) + cut - room} characters left out …\n{source[len(source) - room // 2 :]}"
        self.characters[kind] -= min(room, len(source))
        return source

    def picture(self, data, mime):
        found = picture(data, mime)
        if found is None or len(found) > self.bytes:
            return None
        self.bytes -= len(found)
        return base64.b64encode(found).decode("ascii")

    def cell(self, cell):
        metadata = {name: cell.metadata[name] for name in ("nbgrader", "tags") if name in cell.metadata and "nbgrader" in cell.metadata}
        kept = {"metadata": nbformat.from_dict(metadata), "id": cell.id}
        ours = bool(metadata) and not cell.metadata.nbgrader.get("solution")
        if cell.cell_type == "code":
            count = cell.get("execution_count")
            source = cell.source if ours else self.bounded(cell.source, "written")
            return new_code_cell(source, outputs=list(map(self.output, cell.outputs)), execution_count=count if isinstance(count, int) else None, **kept)
        if ours:  # no chapter lies beside the page
            return nbformat.from_dict(cell | {"source": without_addresses(cell.source)})
        if cell.cell_type == "raw":
            return new_raw_cell(neutral(self.bounded(cell.source, "written")), **kept)
        source, attachments = self.markdown(cell.source, cell.get("attachments") or {})
        return new_markdown_cell(source, **kept, **({"attachments": attachments} if attachments else {}))

    def markdown(self, source, pasted):
        attachments = {}

        def shown(match):
            kinds = pasted.get(unquote(match["name"])) or pasted.get(match["name"]) or {}
            for mime in ("image/png", "image/jpeg"):
                data = self.picture(kinds.get(mime), mime)
                if data:
                    name = f"picture-{len(attachments) + 1}"
                    attachments[name] = {mime: data}
                    return f"![{match['alt'] or name}](attachment:{name})"
            return f"(the picture {match['alt']} is left out)"

        source = neutral(self.bounded(source, "written"))
        for pattern in PASTED:
            source = pattern.sub(shown, source)
        started = time.thread_time()
        right = self.seconds > 0 and renders_harmlessly(source, attachments)
        took = time.thread_time() - started
        self.seconds -= took
        if right and took < self.moment:
            return source, attachments
        fence = "~" * (3 + max(map(len, re.findall("~+", source)), default=0))
        return f"{fence}text\n{source}\n{fence}", {}

    def output(self, output):
        if output.output_type == "stream":
            return new_output("stream", name="stderr" if output.get("name") == "stderr" else "stdout", text=self.bounded(output.text, "printed"))
        if output.output_type == "error":
            lines = output.get("traceback") if isinstance(output.get("traceback"), list) else []
            said = self.bounded("\n".join(line for line in lines if isinstance(line, str)) or f"{output.get('ename')}: {output.get('evalue')}", "printed")
            return new_output("error", ename=text(str(output.get("ename")), 100), evalue=text(str(output.get("evalue"))), traceback=said.split("\n"))
        data, kinds = {}, output.get("data") if isinstance(output.get("data"), dict) else {}
        for mime in ("image/png", "image/jpeg"):
            found = None if data else self.picture(kinds.get(mime), mime)
            data |= {mime: found} if found else {}
        data["text/plain"] = self.bounded(kinds.get("text/plain"), "printed") or "(an output that is not shown here)"
        if output.output_type == "execute_result":
            count = output.get("execution_count")
            return new_output("execute_result", data=data, execution_count=count if isinstance(count, int) else None)
        return new_output("display_data", data=data)
