"""Sphinx extension: search also finds equations and figures by number and label, names in code, and the functions of the exercises.

Each is an object of Sphinx's own index, which leads to its place or, for names in code, to the section of a page that has
it most often. Words are also indexed in the parts and the forms in which people ask for them.
"""

import ast
import re
import unicodedata
from collections import Counter
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.domains import Domain, ObjType
from sphinx.search.en import SearchEnglish

NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
HYPHENATED = re.compile(r"\w+(?:-\w+)+")
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
COMMAND = re.compile(r"\\([a-z]+)")
SHORTEST = 3  # letters of a name

WHOLE, ANY_PART = 2, 1  # Sphinx's priorities, by which a name comes before the pages: where all of it is asked for, or a part


class English(SearchEnglish):
    """Words; with log-sum-exp also logsumexp, with weight_decay also decay, with LaTeX's \\lambda also λ."""

    def split(self, text):
        words = super().split(text)
        words += [part for word in words if not word.islower() or "_" in word for part in PART.findall(word)]
        words += [word.replace("-", "") for word in HYPHENATED.findall(text)]
        return words + [greek for command in COMMAND.findall(text) if (greek := GREEK.get(command))]


GREEK = {unicodedata.name(letter).split()[-1].lower(): letter for letter in "αβγδεζηθικλμνξοπρστυφχψω"}


class Names(Domain):
    """What search finds by name."""

    name = "book"
    object_types = {
        "equation": ObjType("equation"),
        "figure": ObjType("figure"),
        "code": ObjType("code"),
        "function": ObjType("function of the exercise"),
    }
    initial_data = {"code": {}, "function": {}, "equation": {}, "figure": {}}

    def process_doc(self, env, docname, document):
        """Collect what a page names."""
        self.data["code"][docname] = list(names_in_code(document))
        self.data["function"][docname] = []
        equations = (node for node in document.findall(nodes.math_block) if node.get("label"))
        self.data["equation"][docname] = [(node["label"], node["ids"][0]) for node in equations]
        self.data["figure"][docname] = [(name, node["ids"][0]) for node in document.findall(nodes.figure) for name in node["names"]]

    def clear_doc(self, docname):
        for kind in self.object_types:
            self.data[kind].pop(docname, None)

    def merge_domaindata(self, docnames, otherdata):
        for kind in self.object_types:
            self.data[kind].update({docname: otherdata[kind][docname] for docname in docnames})

    def get_objects(self):
        for kind in ("code", "function"):
            for docname, found in self.data[kind].items():
                for name, times, anchor in found:
                    # Among equals Sphinx shows the last one first: so the page that has the name most often.
                    yield f"{name} {times:04}", name, kind, docname, anchor, WHOLE
        for kind, counter, word in (("equation", "displaymath", "Equation"), ("figure", "figure", "Fig.")):
            for docname, found in self.data[kind].items():
                for label, anchor in found:
                    yield label, label, kind, docname, anchor, ANY_PART
                    if number := self.env.toc_fignumbers.get(docname, {}).get(counter, {}).get(anchor):
                        yield f"{word} {label}", f"{word} {'.'.join(map(str, number))}", kind, docname, anchor, WHOLE


def names_in_code(document):
    """Yield each name that a page has in its code or prints as code, in its longest form, how often, and the section with most of it."""
    places, forms = {}, {}

    def note(name, node):
        last = name.rpartition(".")[2]
        places.setdefault(last, []).append(section(node))
        forms[last] = max(forms.get(last, ""), name, key=len)

    for node in document.findall(nodes.literal):
        if NAME.fullmatch(node.astext()):
            note(node.astext(), node)
    programs = [(node, list(ast.walk(program(node)))) for node in document.findall(nodes.literal_block)]
    imports = [part for _, parts in programs for part in parts if isinstance(part, (ast.Import, ast.ImportFrom))]
    imported = {(name.asname or name.name).partition(".")[0] for part in imports for name in part.names}
    for node, parts in programs:
        for part in parts:
            if name := named(part, imported):
                note(name, node)
    for last, sections in places.items():
        if len(last) >= SHORTEST:
            yield forms[last], len(sections), Counter(sections).most_common(1)[0][0]


def program(node):
    """Return the syntax tree of a code cell, an empty one of any other block."""
    try:
        return ast.parse(node.astext() if "ipython" in node.get("language", "") else "")
    except SyntaxError:
        return ast.parse("")


def named(part, imported):
    """Return the name that a part of a program defines, imports, takes from a module, calls in words or gives an argument, or None."""
    if isinstance(part, ast.FunctionDef):
        return part.name
    if isinstance(part, ast.keyword):
        return part.arg
    if isinstance(part, ast.Name):
        return part.id if part.id in imported else None
    if isinstance(part, ast.Attribute):
        name = ast.unparse(part)
        if NAME.fullmatch(name) and name.partition(".")[0] in imported:
            return name
        return part.attr if "_" in part.attr else None
    return None


def section(node):
    """Return the anchor of the section that a node is in."""
    while not isinstance(node, nodes.section):
        node = node.parent
    return node["ids"][0]


def add_functions(app, doctree):
    """Note the functions to be written in the exercise of a page, where it links to it last: in its section on the exercise."""
    docname = app.env.docname
    name = Path(docname).name
    notebook = Path(app.srcdir, "exercises", name, f"{name}.ipynb")
    links = [link for link in doctree.findall(nodes.reference) if link.get("refuri", "").endswith(f"/{name}.zip")]
    if links and notebook.is_file():
        found = [(function, 1, section(links[-1])) for function in functions(notebook)]
        app.env.get_domain("book").data["function"][docname] = found


def functions(notebook):
    """Return the names of the functions that an exercise asks for."""
    sources = (cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code")
    tasks = (ast.parse(source) for source in sources if "NotImplementedError" in source)
    return [part.name for task in tasks for part in task.body if isinstance(part, ast.FunctionDef)]


def setup(app):
    """Connect: the links to exercises are there once `exercises` has made them."""
    app.add_domain(Names)
    app.add_search_language(English)
    app.connect("doctree-read", add_functions)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
