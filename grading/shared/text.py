"""What a student wrote, as text that is harmless wherever it is shown: in a page, in Markdown, in a table, in a terminal.

It is changed in the text, before any parser: a space is put where a tag, a link, an entity or a dangerous TeX command would begin.
"""

import re

ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -~]?")
LINE_BREAKS = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # they make text read otherwise than it runs

TEX = (  # commands of MathJax that carry addresses, attributes, extensions or definitions, which hold on the whole page
    "href|url|mmlToken|require|class|cssId|style|data|html[A-Za-z]*|unicode|bbox|texttip|mathtip|toggle|enclose|Rule|includegraphics|input|include|"
    "csname|def|[gex]def|let|global|(?:re)?new(?:command|environment)|providecommand|Declare[A-Za-z]*|Newextarrow"
)
DANGEROUS_TEX = re.compile(rf"\\(?=(?:{TEX})(?![A-Za-z]))")
HIGHLIGHTED = "python3?|py|ipython3?|text|latex|tex|json|console"
JOINER = "\u2060"  # invisible; a heading with it has an id that none of the page's own elements has
BROKEN = [
    (re.compile(r"(?im)<br ?/?>[ \t]*$"), "  "),
    (re.compile(r"<(?=[A-Za-z/!?]|[^\s<@]*@)"), "< "),
    (re.compile(r"&(?=[#A-Za-z])"), "& "),
    (re.compile(r"\](?=[(:])"), "] "),
    (re.compile(r"(?i)\b(https?|ftp):(?=//)"), r"\1: "),
    (DANGEROUS_TEX, r"\\ "),
    (re.compile(rf"(?<![`~])(`{{3,}}(?!`)|~{{3,}}(?!~))(?=[^\S\n]*[^\s`~])(?![^\S\n]*(?:{HIGHLIGHTED})\s)"), r"\1text "),
    (re.compile(r"(?m)^([ \t>*+\-:\d.)]*#+)(?!#)[ \t]*(?=\S)"), rf"\1 {JOINER}"),
    (re.compile(r"(?m)(\S)(?=[ \t]*\n[ \t>]*(?:=+|-+)[ \t]*$)"), rf"\1{JOINER}"),
]


def text(message, longest=500):
    """Return a message as one line that is harmless in a page, in Markdown (nbgrader renders comments), in a table and as text."""
    line = " ".join(plain(message[: 10 * longest]).split())
    line = f"· {line}" if line.startswith(tuple("=+-@#>|*~`")) else line  # the start of a formula in a table, or of a block in Markdown
    return neutral(line if len(line) <= longest else line[: longest - 1] + "…")


def plain(source):
    """Return the text without what is no text: escape sequences and control characters."""
    source = CONTROLS.sub("", LINE_BREAKS.sub("\n", ESCAPES.sub("", source)))
    return DIRECTIONS.sub(lambda match: f"\\u{ord(match[0]):04x}", source)


def neutral(source):
    """Return Markdown in which nothing begins that could be more than text, emphasis, lists, tables, code or formulas."""
    for pattern, replacement in BROKEN:
        source = pattern.sub(replacement, source)
    return source
