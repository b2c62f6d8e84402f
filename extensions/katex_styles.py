"""KaTeX's style sheet for the markup that katex_stdio.js writes."""

import json
import re
from html import unescape
from pathlib import Path

TABLE = json.loads(Path(__file__).with_name("katex_names.json").read_text(encoding="utf-8"))
NAMES = {frozenset(name.split()): short for name, short in TABLE["names"].items()}
LENGTHS = {short: name for name, short in TABLE["lengths"].items()}

SELECTORS = re.compile(r"[^{}@]+(?={)")
CLASSES = re.compile(r"(?:\.[a-zA-Z][\w-]*)+")
LENGTH = rf"([{''.join(LENGTHS)}])(-?\d+)"
USED = re.compile(rf'(?<=[\s="]){LENGTH}(?=[\s">])')

# Faces that few formulas use, and the classes of what is drawn with them. In the others all letters are kept, which a renderer aligns
# with one another.
SELDOM = {
    "AMS-Regular": "amsrm|mathbb|textbb",
    "Caligraphic-Regular": "mathcal",
    "Math-BoldItalic": "boldsymbol",
    "Typewriter-Regular": "mathtt|texttt",
}

OWN = ".katex i{font-style:inherit}.katex .raised{line-height:0}"


def adapt(css, pages):
    """Return KaTeX's style sheet with its short names and the lengths that pages use."""
    css = SELECTORS.sub(lambda selectors: CLASSES.sub(with_short_name, selectors[0].replace(">span", ">i")), OWN + css)
    used = {length.group() for page in pages for length in USED.finditer(page)}.union(*NAMES)
    for length in filter(None, (re.fullmatch(LENGTH, name) for name in sorted(used))):
        alike = [length[0], *(short for name, short in NAMES.items() if length[0] in name)]
        css += f".katex :is({','.join(f'.{name}' for name in alike)}){{{LENGTHS[length[1]]}:{int(length[2]) / 1e3:g}em}}"
    return css.replace(".katex .katex-mathml", ".katex>math").replace(".katex .katex-html", ".katex>i").replace(".katex>.katex-html", ".katex>i")


def letters(font, pages):
    """Return the characters that pages draw with a font seldom used, by the name of its file; None for another font."""
    classes = next((classes for face, classes in SELDOM.items() if f"_{face}." in font), None)
    drawn = re.compile(rf'<i class="?(?:{classes})(?:"|>| [^>]*>)([^<]*)')
    return classes and {character for page in pages for text in drawn.findall(page) for character in unescape(text)}


def with_short_name(classes):
    """Return a selector for what had all these classes."""
    asked = classes[0].split(".")[1:]
    alone = "".join(f".{NAMES.get(frozenset([name]), name)}" for name in asked)
    together = [f".{short}" for name, short in NAMES.items() if set(asked) <= name and len(name) > 1]
    return f":is({','.join([alone, *together])})" if together else alone
