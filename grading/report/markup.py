"""What BeautifulSoup makes of HTML, by which nbconvert's pages go last: the same for plain, well-formed pieces, some twenty times sooner."""

import re
from functools import lru_cache

VOID = {"br", "col", "hr", "img", "input", "wbr"}
OTHER_VOID = set("area base basefont bgsound command embed frame image isindex keygen link menuitem meta nextid param source spacer track".split())
OTHER_TEXT = set("iframe noembed noframes noscript plaintext script style textarea title xmp".split())
LISTS = set("accept-charset accesskey archive dropzone for headers rel rev sandbox sizes".split())  # attributes whose values are split, beside class
SPACE = " \n\t\f\r"
TAG = re.compile(r"(<[^<>]*>)")
START = re.compile(r'<([a-z][a-z0-9]*)((?:\s+[a-z][a-z0-9-]*(?:\s*="[^"<>]*")?)*)\s*(/?)>')
END = re.compile(r"</([a-z][a-z0-9]*)>")
ATTRIBUTE = re.compile(r'([a-z][a-z0-9-]*)(?:\s*="([^"]*)")?')
CHARACTERS = {"&quot;": '"', "&#34;": '"', "&#39;": "'", "&#x27;": "'", "&nbsp;": "\xa0", ">": "&gt;"}
CHARACTER = re.compile("|".join(CHARACTERS))
ODD_IN_TEXT = re.compile("<|&(?!(?:amp|lt|gt|quot|nbsp|#34|#39|#x27);)")
ODD_IN_TAG = re.compile("jp-|&(?!(?:amp|lt|gt|nbsp|#39|#x27);)")  # jp-: HTMLExporter gives more attributes to what has such a class
NO_ALT = "No description has been provided for this image"
DEPTH = {"start": 1, "end": -1, "void": 0}
LONGEST_KEPT = 300


class Odd(Exception):
    """Why BeautifulSoup itself must be asked."""


def rewritten(html):
    """Return HTML as BeautifulSoup writes it, and with what HTMLExporter adds to it. Raises Odd for all but plain HTML whose elements are closed."""
    pieces, opened, preformatted = TAG.split(html), [], 0
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            pieces[place] = data(piece) if preformatted else collapsed(data(piece))
            continue
        kind, name, pieces[place] = tag(piece) if len(piece) <= LONGEST_KEPT else tag.__wrapped__(piece)
        if kind == "start":
            opened.append(name)
        elif kind == "end" and (not opened or opened.pop() != name):
            raise Odd(piece)
        if name == "pre":
            preformatted += DEPTH[kind]
    if opened:
        raise Odd(opened)
    return "".join(pieces)


def joined(pieces):
    """Return what rewriting the pieces together gives, of pieces that were rewritten. Raises Odd if one does not begin and end with a tag."""
    parts, space = [], ""
    for piece in pieces:
        inner = piece.strip(SPACE)
        before, after = piece[: len(piece) - len(piece.lstrip(SPACE))], piece[len(piece.rstrip(SPACE)) :]
        space += before
        if inner:
            if inner[0] != "<" or inner[-1] != ">":
                raise Odd(inner)
            parts += [collapsed(space), inner]
            space = after
    return "".join([*parts, collapsed(space)])


def data(text):
    """Return what stands between two tags."""
    if ODD_IN_TEXT.search(text):
        raise Odd(text)
    return CHARACTER.sub(lambda match: CHARACTERS[match[0]], text)


def collapsed(text):
    """Return the text; if it is nothing but space, a single one."""
    if not text or text.strip(SPACE):
        return text
    return "\n" if "\n" in text else " "


@lru_cache(2000)
def tag(written):
    """Return whether a tag is the start or the end of an element or all of it, the element's name, and how the tag is written."""
    if end := END.fullmatch(written):
        kind, name, rewritten = "end", end[1], written
    elif start := START.fullmatch(written):
        name, attributes, closed = start[1], attributes_of(*start.group(1, 2)), start[3]
        kind = "void" if closed or name in VOID else "start"
        rewritten = f"<{name}{attributes}/>" if name in VOID else f"<{name}{attributes}>" + f"</{name}>" * bool(closed)
    else:
        raise Odd(written)
    if name in OTHER_VOID or name in OTHER_TEXT or (kind == "end" and name in VOID):
        raise Odd(written)
    return kind, name, rewritten


def attributes_of(name, written):
    pairs = ATTRIBUTE.findall(written)
    found = dict(pairs)
    if len(found) < len(pairs) or LISTS & found.keys() or found.get("class") == "" or ODD_IN_TAG.search(written):
        raise Odd(written)
    if "class" in found:
        found["class"] = " ".join(found["class"].split())
    if name == "img":
        found.setdefault("alt", NO_ALT)
    return CHARACTER.sub(lambda match: CHARACTERS[match[0]], "".join(f' {key}="{value}"' for key, value in sorted(found.items())))
