"""KaTeX's style sheet for the markup that katex_stdio.js writes."""

import json
import re
from html import unescape
from pathlib import Path
from string import ascii_letters, digits

TABLE = json.loads(Path(__file__).with_name("katex_names.json").read_text(encoding="utf-8"))
NAMES = {frozenset(name.split()): short for name, short in TABLE["names"].items()}
LENGTHS = {short: name for name, short in TABLE["lengths"].items()}

SELECTORS = re.compile(r"[^{}@]+(?={)")
CLASSES = re.compile(r"(?:\.[a-zA-Z][\w-]*)+")
LENGTH = rf"([{''.join(LENGTHS)}])(-?\d+)"
USED = re.compile(rf'(?<=[\s="]){LENGTH}(?=[\s">])')

# Faces that few formulas use, and the classes of what is drawn with them.
SELDOM = {
    "AMS-Regular": "amsrm|mathbb|textbb",
    "Caligraphic-Regular": "mathcal",
    "Math-BoldItalic": "boldsymbol",
    "Typewriter-Regular": "mathtt|texttt",
}

INK = re.compile(r'<i aria-hidden="?true"?>(.*?)</i></span>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")
ALPHABET = ascii_letters + digits + "".join(map(chr, range(0x391, 0x3CA)))  # whole, as a renderer aligns letters with one another

OWN = ".katex i{font-style:inherit}.katex .raised{line-height:0}"


def adapt(css, pages):
    """Return KaTeX's style sheet with its short names and the lengths that pages use."""
    css = SELECTORS.sub(lambda selectors: CLASSES.sub(with_short_name, selectors[0].replace(">span", ">i")), OWN + css)
    used = {length.group() for page in pages for length in USED.finditer(page)}.union(*NAMES)
    for length in filter(None, (re.fullmatch(LENGTH, name) for name in sorted(used))):
        alike = [length[0], *(short for name, short in NAMES.items() if length[0] in name)]
        css += f".katex :is({','.join(f'.{name}' for name in alike)}){{{LENGTHS[length[1]]}:{int(length[2]) / 1e3:g}em}}"
    return css.replace(".katex .katex-mathml", ".katex>math").replace(".katex .katex-html", ".katex>i").replace(".katex>.katex-html", ".katex>i")


def letters(fonts, pages):
    """Return the characters that each font is asked for, by its address: those of all formulas, and in a face that few use those drawn with it."""
    asked = dict.fromkeys(fonts, characters(INK, pages).union(ALPHABET))
    for face, classes in SELDOM.items():
        drawn = characters(rf'<i class="?(?:{classes})(?:"|>| [^>]*>)([^<]*)', pages)
        asked |= {font: drawn for font in fonts if f"_{face}." in font}
    return asked


def characters(texts, pages):
    """Return the characters in what a pattern of texts finds in pages."""
    return set(unescape("".join(TAG.sub("", text) for page in pages for text in re.findall(texts, page))))


def with_short_name(classes):
    """Return a selector for what had all these classes."""
    asked = classes[0].split(".")[1:]
    alone = "".join(f".{NAMES.get(frozenset([name]), name)}" for name in asked)
    together = [f".{short}" for name, short in NAMES.items() if set(asked) <= name and len(name) > 1]
    return f":is({','.join([alone, *together])})" if together else alone
