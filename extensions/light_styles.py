"""Style sheets and fonts cut down to what a site uses."""

import re
from base64 import b64encode
from io import BytesIO
from unicodedata import category

import tinycss2
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

NAMED = re.compile(r'\s(?:class|id)=(?:"([^"]*)"|([^\s">]+))')
ELEMENT = re.compile(r"<([a-zA-Z][\w-]*)")
WORD = re.compile(r"[\w-]+")
ABSENT = ("accordion", "carousel", "modal", "offcanvas", "popover-", "toast", "version-switcher")  # what only the theme's scripts name
WITHOUT_HINTS = ("Awesome", "Size", "Italic")  # icons, brackets and slanted letters are hardly sharper with them, and a kilobyte or two heavier
NESTED = ("media", "supports", "layer", "container")
VARIABLE = re.compile(r"(--[\w-]+)\s*:([^;}]*)")
READ = re.compile(r"var\(\s*(--[\w-]+)")


def names_used(pages, scripts):
    """Return the classes, ids, elements and variables that occur in pages or, where any word may be one, in scripts."""
    names = {word for script in scripts for word in WORD.findall(script) if not word.startswith(ABSENT)}
    for page in pages:
        names.update(*(name.split() for names_ in set(NAMED.findall(page)) for name in names_), map(str.lower, set(ELEMENT.findall(page))), READ.findall(page))
    return names


def merge(sheets, names):
    """Return style sheets as one, with only the rules that may match what is so named, and the variables read."""
    css = "\n".join("\n".join(kept(tinycss2.parse_stylesheet(sheet), names)) for sheet in sheets)
    values = {}
    for variable, value in VARIABLE.findall(css):
        values.setdefault(variable, set()).update(READ.findall(value))
    read, more = set(), names | set(READ.findall(VARIABLE.sub("", css)))
    while more:
        read |= more
        more = set().union(*(values.get(variable, ()) for variable in more)) - read
    return "\n".join(kept(tinycss2.parse_stylesheet(css), names, values.keys() - read))


def kept(rules, names, needless=frozenset()):
    """Yield the text of each rule that may match, without needless variables and without comments other than licences."""
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):
            yield rule.serialize()
        elif rule.type == "qualified-rule":
            selectors = [text(selector) for selector in split(rule.prelude, ",") if may_match(selector, names)]
            declarations = [text(declaration) for declaration in split(rule.content, ";") if declares(declaration) not in needless]
            if selectors and any(declarations):
                yield f"{','.join(selectors)}{{{';'.join(filter(None, declarations))}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content is not None:
            if inner := list(kept(tinycss2.parse_rule_list(rule.content), names, needless)):
                yield f"@{rule.at_keyword} {text(rule.prelude)}{{{''.join(inner)}}}"
        elif rule.type == "at-rule":
            yield rule.serialize()


def split(tokens, separator):
    """Return lists of tokens, divided at a separator."""
    parts = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        elif token.type != "comment":
            parts[-1].append(token)
    return parts


def text(tokens):
    return tinycss2.serialize(tokens).strip()


def declares(declaration):
    """Return the name of what is declared."""
    return next((token.value for token in declaration if token.type == "ident"), None)


def may_match(selector, names):
    """Say whether all classes, ids and elements that a selector asks for are there; brackets are taken to hold."""
    before = None
    for token in selector:
        name = token.value if token.type == "hash" or before == "." else token.lower_value if token.type == "ident" and before != ":" else None
        if name is not None and name not in names:
            return False
        before = token.value if token.type == "literal" else None
    return True


def icons(css):
    """Return the icons that a style sheet draws."""
    return {character for character in css if category(character) == "Co"}


def cut(font, characters):
    """Return a font as woff2 with only these characters."""
    font = TTFont(BytesIO(font), recalcTimestamp=False)
    hinting = not any(kind in font["name"].getDebugName(6) for kind in WITHOUT_HINTS)
    subsetter = Subsetter(Options(layout_features=["*"], hinting=hinting))
    subsetter.populate(text="".join(characters))
    subsetter.subset(font)
    font.flavor, smaller = "woff2", BytesIO()
    font.save(smaller)
    return smaller.getvalue()


def embedded(font):
    """Return a font as an address that contains it."""
    return f"data:font/woff2;base64,{b64encode(font).decode()}"
