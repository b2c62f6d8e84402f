"""Sphinx extension: highlighted code in few bytes: a class for each colour, none for text, names, numbers and operators."""

from pygments.formatters import HtmlFormatter
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Name, Number, Operator
from sphinx.highlighting import PygmentsBridge


class Formatter(HtmlFormatter):
    """Writes tokens that look alike in all styles with one class, and joins neighbours."""

    styles = ()

    def look(self, token):
        return [style.style_for_token(token) for style in self.styles]

    def _get_css_classes(self, ttype):
        if ttype not in STANDARD_TYPES:
            return super()._get_css_classes(ttype)
        if ttype is Operator or ttype in Number or self.look(ttype) == self.look(Name):
            return ""
        return next(name for token, name in STANDARD_TYPES.items() if name and self.look(token) == self.look(ttype))

    def _format_lines(self, tokensource):
        for number, line in super()._format_lines(tokensource):
            yield number, line.replace("<span", "<i").replace("</span", "</i")


def use_styles(app):
    """Let code look as the theme is set."""
    options = app.config.html_theme_options
    Formatter.styles = [get_style_by_name(options[f"pygments_{theme}_style"]) for theme in ("light", "dark")]
    PygmentsBridge.html_formatter = Formatter


def setup(app):
    """Replace Sphinx's own."""
    app.connect("config-inited", lambda app, config: use_styles(app))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
