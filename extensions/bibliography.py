"""Sphinx extension: bibliography entries without labels, as the text cites by author and year, and in valid HTML.

docutils gives them a role that accessibility checkers refuse.
"""

from docutils import nodes


def drop_labels(app, doctree, docname):
    """Leave only the text of each entry."""
    for citation in doctree.findall(nodes.citation):
        citation.remove(citation[citation.first_child_matching_class(nodes.label)])


def drop_titles(app, doctree, docname):
    """Leave a citation without its entry as a tooltip, as it previews the entry and leads to it."""
    for citation in doctree.findall(nodes.inline):
        if "bibtex-citation" in citation["classes"]:
            for link in citation.findall(nodes.reference):
                link.attributes.pop("reftitle", None)


def visit_citation(self, node):
    """Open an entry."""
    self.body.append(self.starttag(node, "div", CLASS="citation"))


def depart_citation(self, node):
    """Close it."""
    self.body.append("</div>\n")


def setup(app):
    """Replace docutils' way of writing entries."""
    app.connect("doctree-resolved", drop_labels)
    app.connect("doctree-resolved", drop_titles)
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
