r"""LaTeX as students write it for Jupyter, whose MathJax knows more of it than KaTeX: its commands and environments, their own, and labels.

What a student defines is put in its place in the text, so that no definition ever reaches what shows a page; `readable` says in KaTeX's words
what KaTeX itself does not know.
"""

import re

from grading.shared.text import DANGEROUS_TEX

MOST_COMMANDS, LONGEST_COMMAND = 200, 1000  # that a notebook defines, characters of one
MOST_STEPS = 500, 20_000  # of putting commands in their place, in a formula and in a notebook
TOKENS_A_STEP = 100
MOST_GROWN = 200_000  # characters by which all formulas of a notebook become longer
LONGEST_FORMULA = 6000  # characters

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|%[^\n]*(?:\n|\Z)|\s+|.", re.DOTALL)
DEFINES = {"newcommand", "renewcommand", "providecommand", "def", "gdef", "let", "DeclareMathOperator", "require", "global", "long"}
KEPT = DEFINES | {"begin", "end", "left", "right", "label", "tag", "ref", "eqref"}  # not to be defined anew
DEFINING = re.compile(rf"\\(?:{'|'.join(sorted(DEFINES, key=len, reverse=True))})(?![A-Za-z])")
LABEL = re.compile(r"\\label\s*\{([^{}]{1,100})\}")
TAG = re.compile(r"\\tag(\*?)\s*\{((?:[^{}]|\{[^{}]*\}){1,100})\}")
REFERENCE = re.compile(r"\\(eq)?ref\s*\{([^{}]{1,100})\}")
UNNUMBERED = re.compile(r"\\(?:nonumber|notag)(?![A-Za-z])")
ROW = re.compile(r"\\\\|\\cr(?![A-Za-z])")
OPENING = re.compile(
    r"(?m:^)[ \t>]*(?P<fence>`{3,}|~{3,})|(?P<code>`+)|\\begin\{(?P<name>[a-z]*\*?)\}|(?P<math>\\\\[\[(]|\$\$?)|\\.",
    re.DOTALL,
)
CLOSING = {
    "$$": re.compile(r"(?<!\\)\$\$"),
    "$": re.compile(r"(?<![$\\])\$"),
    r"\\[": re.compile(r"(?<!\\)\\\\\]"),
    r"\\(": re.compile(r"(?<!\\)\\\\\)"),
}


class Unreadable(Exception):
    """Why a formula stays as it was written."""


def pieces(source, math=True):
    """Yield what Markdown is made of, as (kind, text before the inner text, inner text, text after it): "text", "code", or "math" if that is asked for."""
    place, hopeless, since = 0, set(), 0
    while opening := OPENING.search(source, place):
        place, kind = opening.end(), opening["math"]
        if not math and (kind or opening["name"] is not None):
            continue
        if opening["fence"] or opening["code"]:
            run = opening["fence"] or opening["code"]
            end = rf"(?m:^)[ \t>]*{run[0]}{{{len(run)},}}" if opening["fence"] else rf"(?<!`){run}(?!`)"
        elif kind:
            end = CLOSING[kind]
        elif opening["name"] is not None:
            end = rf"\\end\{{{re.escape(opening['name'])}\}}"
        else:
            continue
        closing = None if end in hopeless else re.compile(end).search(source, place)
        if closing is None:
            hopeless.add(end)
            if not opening["fence"]:
                continue
        start, stop, after = (opening.start(), closing.start(), closing.end()) if closing else (opening.start(), len(source), len(source))
        yield "text", "", source[since:start], ""
        if opening["name"] is not None:
            yield "math", "", source[start:after], ""
        else:
            yield "math" if kind else "code", source[start:place], source[place:stop], source[stop:after]
        place = since = after
    yield "text", "", source[since:], ""


class Kept(str):
    """A token that stays what it is, whatever it is defined as."""


class Formulas:
    """What the formulas of one notebook say of one another: commands that hold from where they are defined, and numbers of what has a label.

    sources: all of the student's Markdown, in order. A command from further down is known, too, if nothing above has the name.
    """

    def __init__(self, sources):
        self._commands, self._new, self._later, self._numbers, self._steps = {}, {}, {}, {}, MOST_STEPS[1]
        self._room = MOST_GROWN
        sources = [source for source in sources if "\\" in source]
        self._defined = any(map(DEFINING.search, sources))
        self._referred = any(LABEL.search(source) or REFERENCE.search(source) for source in sources)
        if self._referred:
            self._count(sources)
        if self._defined:
            for source in sources:
                self.rewritten(source)
            self._later, self._commands, self._new, self._steps = self._new, {}, {}, MOST_STEPS[1]
            self._room = MOST_GROWN

    def rewritten(self, source):
        """Return a cell's Markdown, of whose formulas none needs another."""
        if "\\" not in source or not (self._defined or self._referred):
            return source
        changed = "".join(self._piece(*piece) for piece in pieces(source))
        return changed if changed.strip() else source  # a cell of nothing but definitions

    def _piece(self, kind, before, inner, after):
        if kind == "math":
            try:
                changed = self._formula(inner)
            except Unreadable:
                changed = inner
            if changed != inner and not changed.strip():
                return ""  # it only defined something
            return before + changed + after
        if kind == "text":
            for found in DEFINING.finditer(inner):  # as text it stays
                self._steps -= 2 * LONGEST_COMMAND // TOKENS_A_STEP
                if self._steps < 0:
                    break
                tokens = TOKEN.findall(inner[found.start() : found.start() + 2 * LONGEST_COMMAND])[::-1]
                try:
                    self._define(tokens.pop()[1:], tokens)
                except Unreadable:
                    pass
            inner = REFERENCE.sub(lambda found: self._number(found[2], found[1]), inner) if self._referred else inner
        return before + inner + after

    def _formula(self, latex):
        if self._referred:
            latex = self._with_numbers(latex)
        if not self._defined:
            return latex
        if self._room < 0 or self._steps < 0:
            raise Unreadable("there is no room for more")
        expanded = self._expanded(latex)
        if len(expanded) > LONGEST_FORMULA or any(expanded.count(end) > latex.count(end) for end in ("$", r"\\]", r"\\)", "\n\n")):
            raise Unreadable("it would end elsewhere")
        self._room -= max(0, len(expanded) - len(latex))
        if self._room < 0:
            raise Unreadable("there is no room for more")
        return expanded

    # Commands

    def _expanded(self, latex):
        """Return a formula without definitions, and without what is defined."""
        if not DEFINING.search(latex) and not any(token[1:] in self._commands or token[1:] in self._later for token in re.findall(r"\\[A-Za-z]+", latex)):
            return latex
        left, done, steps, length = TOKEN.findall(latex)[::-1], [], 0, 0
        while left:
            token = left.pop()
            name = token[1:] if token[0] == "\\" and token[1:].isalpha() and type(token) is not Kept else ""
            command = (self._commands.get(name) or self._later.get(name)) if name else None
            if name in DEFINES:
                self._define(name, left)
            elif command:
                before = len(left)
                put = self._put(command, left)
                steps, self._steps = steps + 1, self._steps - 1 - (before - len(left) + len(put)) // TOKENS_A_STEP
                if steps > MOST_STEPS[0] or self._steps < 0:
                    raise Unreadable("its commands do not end")
                left += put[::-1]
                if len(left) > LONGEST_FORMULA:
                    raise Unreadable("its commands are too long")
            else:
                if done and token[0].isalpha() and done[-1][0] == "\\" and done[-1][-1].isalpha():
                    done.append(" ")
                done.append(token)
                length += len(token)
                if length > LONGEST_FORMULA:
                    raise Unreadable("it is too long")
        return "".join(done)

    def _put(self, command, left):
        """Return what stands for a command and its arguments, which are taken away."""
        number, default, body = command
        given = []
        if number and default is not None:
            optional = bracketed(left)
            given.append(default if optional is None else optional)
        given += [argument(left) for _ in range(number - len(given))]
        put, place = [], 0
        while place < len(body):
            if body[place] == "#" and place + 1 < len(body) and body[place + 1] in "123456789"[:number]:
                put += given[int(body[place + 1]) - 1]
                place += 2
            else:
                put.append(body[place])
                place += 1
            if len(put) > LONGEST_FORMULA:
                raise Unreadable("its commands are too long")
        return put

    def _define(self, how, left):
        """Take a definition away, and keep it."""
        if how in ("global", "long"):
            return
        starred = spaces(left, star=True)
        if how == "require":
            argument(left)
            return
        name = name_of(left)
        if how == "let":
            spaces(left)
            if left and left[-1] == "=":
                left.pop()
            spaces(left)
            if not left:
                raise Unreadable("it ends")
            token = left.pop()
            command = self._commands.get(token[1:]) or (0, None, [Kept(token)])
        elif how == "DeclareMathOperator":
            command = 0, None, [r"\operatorname", *starred, "{", *argument(left), "}"]
        else:
            number, default = (parameters(left), None) if how in ("def", "gdef") else optional(left)
            command = number, default, argument(left)
        if how == "providecommand" and name in self._commands:
            return
        if len(self._commands) >= MOST_COMMANDS or sum(map(len, command[2])) > LONGEST_COMMAND or name in KEPT:
            raise Unreadable("too many commands, or too long")
        self._commands[name] = command
        if how not in ("renewcommand", "let"):
            self._new.setdefault(name, command)

    # Labels

    def _count(self, sources):
        """Give each label the tag of its row, or a number."""
        formulas = [inner for source in sources for kind, _, inner, _ in pieces(source) if kind == "math"]
        taken, number = {tag for latex in formulas for _, tag in TAG.findall(latex)}, 0
        for row in (row for latex in formulas for row in ROW.split(latex)):
            tag = TAG.search(row)
            for label in LABEL.findall(row):
                while not tag and str(number := number + 1) in taken:
                    pass
                self._numbers[label] = tag[2] if tag else str(number)
                break

    def _with_numbers(self, latex):
        rows, place = [], 0
        for end in [*ROW.finditer(latex), None]:
            row = latex[place : end.start() if end else len(latex)]
            labels = LABEL.findall(row)
            if labels:
                row = LABEL.sub("", row)
                if labels[0] in self._numbers and not TAG.search(row):
                    at = row.find(r"\end{")  # the last row
                    at = len(row.rstrip()) if at < 0 else at
                    row = f"{UNNUMBERED.sub('', row[:at]).rstrip()} \\tag{{{self._numbers[labels[0]]}}}{row[at:]}"
            rows.append(row + (end[0] if end else ""))
            place = end.end() if end else place
        return REFERENCE.sub(lambda found: f"\\text{{{self._number(found[2], found[1])}}}", "".join(rows))

    def _number(self, label, in_brackets):
        number = self._numbers.get(label) or re.sub(r"[^\w:.-]|_", " ", label)
        return f"({number})" if in_brackets else number


def spaces(left, star=False):
    """Take away spaces and comments, and stars, which are returned."""
    stars = []
    while left and (left[-1].isspace() or left[-1][0] == "%" or (star and left[-1] == "*")):
        stars += [token for token in [left.pop()] if token == "*"]
    return stars[:1]


def argument(left):
    """Take away an argument: a token, or a group without its braces."""
    spaces(left)
    if not left or left[-1] == "}":
        raise Unreadable("an argument is missing")
    token = left.pop()
    if token != "{":
        return [token]
    found, depth = [], 1
    while left:
        token = left.pop()
        depth += (token == "{") - (token == "}")
        if not depth:
            return found
        found.append(token)
    raise Unreadable("a group does not end")


def bracketed(left):
    """Take away an optional argument; return None if there is none."""
    spaces(left)
    if not left or left[-1] != "[":
        return None
    left.pop()
    found, depth = [], 0
    while left:
        token = left.pop()
        depth += (token == "{") - (token == "}")
        if token == "]" and not depth:
            return found
        found.append(token)
    raise Unreadable("an optional argument does not end")


def optional(left):
    """Take away how many arguments a command has, and what the first is if it is not given."""
    number = "".join(bracketed(left) or ["0"]).strip()
    if number not in "0123456789" or not number:
        raise Unreadable("no number of arguments")
    return int(number), bracketed(left)


def parameters(left):
    """Take away TeX's #1#2…; return how many."""
    number = 0
    spaces(left)
    while left and left[-1] == "#":
        left.pop()
        number += 1
        if not left or left.pop() != str(number) or number > 9:
            raise Unreadable("no parameters")
        spaces(left)
    if not left or left[-1] != "{":
        raise Unreadable("parameters with text between them")
    return number


def name_of(left):
    """Take away the name of a command, in braces or not."""
    found = argument(left)
    name = [token for token in found if not token.isspace()]
    if len(name) != 1 or not re.fullmatch(r"\\[A-Za-z]{1,40}", name[0]):
        raise Unreadable("no name of a command")
    return name[0][1:]


# In KaTeX's words

RENAMED = {
    "mbox": r"\text",
    "framebox": r"\fbox",
    "mathbbm": r"\mathbb",
    "mathds": r"\mathbb",
    "textsc": r"\text",
    "textsl": r"\textit",
    "hdots": r"\ldots",
    "hfill": r"\quad ",
    "hfil": r"\quad ",
    "centernot": r"\not ",
    "idotsint": r"\int\!\cdots\!\int ",
    "underbracket": r"\underbrace",
    "overbracket": r"\overbrace",
    "nicefrac": r"\tfrac",
    "sfrac": r"\tfrac",
    "celsius": r"{}^\circ\mathrm{C}",
} | dict.fromkeys("ensuremath lefteqn shoveleft shoveright par noindent displaybreak allowdisplaybreaks protect".split(), "")
WITH_ARGUMENTS = {  # how many, and what stands for them
    "label": (1, ""),
    "vspace": (1, ""),
    "hdotsfor": (1, r"\ldots "),
    "cancelto": (2, r"\overset{%s}{\cancel{%s}}"),
    "sideset": (3, r"{}%s%s\nolimits%s"),
    "prescript": (3, r"{}^{%s}_{%s}{%s}"),
}
AS_TEXT = {"text", "mbox", "textrm", "textnormal", "textbf", "textit", "textsf", "texttt", "textsc", "textsl", "hbox", "intertext", "shortintertext"}
PERCENT = re.compile(r"\\(?:text[a-z]*|mbox)\s*\{[^{}]*\}")  # no comment begins in a text within a line
OF_TEXT = {"_": r"\_", "&": r"\&", "#": r"\#", "^": r"\^{}"}
IN_BRACES = {"cases": "cases", "matrix": "matrix", "pmatrix": "pmatrix", "eqalign": "aligned", "displaylines": "gathered"}  # as plain TeX has them
ENVIRONMENTS = {"eqnarray": "aligned", "multline": "gathered", "flalign": "aligned"}  # inside of which KaTeX can do what it does not know
WITHIN = {"align": "aligned", "gather": "gathered", "alignat": "alignedat"}  # where KaTeX takes these nowhere but displayed
BARE = {"subequations", "displaymath", "math", "empheq"}
JOINER = "\u2060"


def readable(latex, display, tags=True):
    r"""Return a formula in words that KaTeX knows. tags: \tag stays one; if not, it becomes text at the end of its row. Raises Unreadable."""
    latex = PERCENT.sub(lambda found: re.sub(r"(?<!\\)%", r"\\%", found[0]), latex.replace(JOINER, ""))
    left, done = TOKEN.findall(latex)[::-1], []
    while left:
        token = left.pop()
        name = token[1:] if token[0] == "\\" and token[1:].isalpha() else ""
        if token[0] == "%":
            done.append("\n")
        elif name in ("begin", "end"):
            done += environment(name, left, display)
        elif name in IN_BRACES and following(left) == "{":
            kind = IN_BRACES[name]
            left += TOKEN.findall(f"\\begin{{{kind}}}{''.join(argument(left))}\\end{{{kind}}}")[::-1]
        elif name in ("intertext", "shortintertext"):
            done += [] if "".join(done).rstrip().endswith("\\\\") else [r"\\"]
            done += [r"&\text{", *plain_text(argument(left)), r"}\\"]
        elif name in AS_TEXT and following(left) == "{":
            done += [RENAMED.get(name, token), "{", *plain_text(argument(left)), "}"]
        elif name == "root" and r"\of" in left:
            index = len(left) - 1 - left[::-1].index(r"\of")
            power, left[index:] = left[index + 1 :][::-1], []
            done += [r"\sqrt[", *power, "]{", *argument(left), "}"]
        elif name == "tag" and not tags:
            star = spaces(left, star=True)
            done += [r"\qquad\text{", *([] if star else "("), *argument(left), *([] if star else ")"), "}"]
        elif name == "color" and following(left) == "[":
            done.append(colour("".join(bracketed(left)), "".join(argument(left))))
        elif name in WITH_ARGUMENTS:
            number, put = WITH_ARGUMENTS[name]
            given = tuple("".join(argument(left)) for _ in range(number))
            if name == "sideset":
                given = given[0], given[2], given[1]
            left += TOKEN.findall(put % given if "%s" in put else put)[::-1]
        else:
            put = RENAMED.get(name, token)
            if done and put[:1].isalpha() and re.search(r"\\[A-Za-z]+$", done[-1]):
                done.append(" ")
            done.append(put)
        if len(done) > 2 * LONGEST_FORMULA:
            raise Unreadable("it is too long")
    found = in_rows(done)
    if DANGEROUS_TEX.search(found):  # of pieces that were put together here
        raise Unreadable("it holds a command that no page takes")
    return found


def following(left):
    """Return the next token that is no space."""
    spaces(left)
    return left[-1] if left else ""


def plain_text(tokens):
    """Return text in which what only formulas know stands for itself; formulas in it stay."""
    found, inside = [], False
    for token in tokens:
        inside ^= token == "$"
        percent = token[0] == "%" and not inside
        found += [r"\%", *plain_text(TOKEN.findall(token[1:]))] if percent else [token if inside else OF_TEXT.get(token, token)]
    return found


def environment(which, left, display):
    r"""Return \begin or \end of an environment whose name follows."""
    name = "".join(argument(left))
    plain = name.removesuffix("*")
    if plain in BARE or (plain == "equation" and not display):
        if plain == "empheq" and which == "begin":
            bracketed(left)
            name = "".join(argument(left)).partition("=")[2] or "gather*"
        return []
    if plain == "numcases" and which == "begin":
        return [*argument(left), r"\begin{cases}"]
    known = ENVIRONMENTS.get(plain) or (not display and WITHIN.get(plain)) or ("cases" if plain == "numcases" else None)
    mark = EQNARRAY if plain == "eqnarray" and which == "begin" else ""
    return [f"\\{which}{{{known or name}}}{mark}"]


EQNARRAY = "%eqnarray"  # no token of a formula: comments are gone


def in_rows(tokens):
    """Return the formula as text: three columns of eqnarray are two of aligned, and columns and rows outside of everything are aligned."""
    found, columns, outside, depth = [], [], False, 0
    for token in tokens:
        if token.startswith("\\begin{"):
            columns.append(0 if token.endswith(EQNARRAY) else None)
            token = token.removesuffix(EQNARRAY)
        elif token.startswith("\\end{") and columns:
            columns.pop()
        elif token in "{}" and token:
            depth += 1 if token == "{" else -1
        elif token == "&" and not depth:
            if not columns:
                outside = True
            elif columns[-1] is not None:
                columns[-1] += 1
                token = "" if columns[-1] == 2 else token
        elif token in (r"\\", r"\cr") and columns and columns[-1] is not None and not depth:
            columns[-1] = 0
        found.append(token)
    latex = "".join(found)
    return rf"\begin{{aligned}}{latex}\end{{aligned}}" if outside else latex


def colour(model, value):
    r"""Return \color as KaTeX writes it."""
    try:
        parts = [float(part) * (255 if model == "rgb" else 1) for part in value.split(",")]
    except ValueError:
        parts = []
    if model not in ("rgb", "RGB") or len(parts) != 3 or not all(0 <= part <= 255 for part in parts):
        raise Unreadable("a colour")
    return "\\color{#%02x%02x%02x}" % tuple(map(round, parts))
