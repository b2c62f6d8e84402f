"""Links of an exercise to sections of the book: to a notebook in the project, to the site in a zip, or in a zip without the site's address the title alone."""

import re

SECTION = re.compile(r"\[([^\[\]\n]+)\]\([^()\s]*/chapters/[\w-]+\.(?:ipynb|html)#[\w-]+\)")


def without_addresses(source):
    """Return Markdown in which each link to a section of the book is its title, in emphasis."""
    return SECTION.sub(r"*\1*", source)
