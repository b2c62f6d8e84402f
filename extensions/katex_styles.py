"""KaTeX's style sheet for the markup that katex_stdio.js writes."""

import json
import re
from pathlib import Path

TABLE = json.loads(Path(__file__).with_name("katex_names.json").read_text(encoding="utf-8"))
NAMES = {frozenset(name.split()): short for name, short in TABLE["names"].items()}
LENGTHS = {short: name for name, short in TABLE["lengths"].items()}

SELECTORS = re.compile(r"[^{}@]+(?={)")
CLASSES = re.compile(r"(?:\.[a-zA-Z][\w-]*)+")
LENGTH = rf"([{''.join(LENGTHS)}])(-?\d+)"
USED = re.compile(rf'(?<=[\s="]){LENGTH}(?=[\s">])')

OWN = ".katex i{font-style:inherit}.katex .raised{line-height:0}"


def adapt(css, pages):
    """Return KaTeX's style sheet with its short names and the lengths that pages use."""
    css = SELECTORS.sub(lambda selectors: CLASSES.sub(with_short_name, selectors[0].replace(">span", ">i")), OWN + css)
    used = {length.group() for page in pages for length in USED.finditer(page)}.union(*NAMES)
    for length in filter(None, (re.fullmatch(LENGTH, name) for name in sorted(used))):
        alike = [length[0], *(short for name, short in NAMES.items() if length[0] in name)]
        css += f".katex :is({','.join(f'.{name}' for name in alike)}){{{LENGTHS[length[1]]}:{int(length[2]) / 1e5:g}em}}"
    return css.replace(".katex .katex-mathml", ".katex>math")


def with_short_name(classes):
    """Return a selector for what had all these classes."""
    asked = classes[0].split(".")[1:]
    alone = "".join(f".{NAMES.get(frozenset([name]), name)}" for name in asked)
    together = [f".{short}" for name, short in NAMES.items() if set(asked) <= name and len(name) > 1]
    return f":is({','.join([alone, *together])})" if together else alone
