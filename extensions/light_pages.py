"""Sphinx extension: pages load one style sheet, one script and small fonts, which hold only what the book uses.

When a build is done, the style sheets that its pages name are merged and cut down, fonts included, and their scripts joined; a
page fetches them once it is painted. These files have a hash in their name; pages that were not built anew get the new names. Pages
also get what they lack for a reader in a hurry: sizes of figures, which load when they come near, and a description; and lose what
nobody sees.
"""

import json
import re
from hashlib import sha256
from html import escape
from pathlib import Path
from posixpath import normpath, relpath

import minify_html
from docutils import nodes
from katex_styles import adapt, letters
from light_styles import cut, embedded, icons, merge, names_used
from sphinx.errors import ExtensionError

LIGHT = "light"  # the folder of what this makes
MAKERS = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]  # another code may make another style
DESCRIPTION = 160  # characters

REPLACED = {  # in scripts of others
    '"complete"===document.readyState?I():window.addEventListener("load",I)': "0",  # the theme measures all boxes at once; book.js spreads it
    'document.addEventListener("DOMContentLoaded", ready, false);': "ready();",  # sphinx-design waits for what has been
}
ICONS = "fontawesome.js"  # drawn by the style sheet as well
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")
OF_A_PAGE = "DOCUMENTATION_OPTIONS.pagename"  # asked for only by the theme's list of versions, which the book has not

LINK = re.compile(r'\s*<link [^>]*?rel="(?:stylesheet|preload)"[^>]*>')
SHEET = re.compile(r'<link [^>]*?rel="stylesheet"[^>]*>')
SCRIPT = re.compile(r"\s*<script([^>]*)>(.*?)</script>", re.DOTALL)
SOURCES = re.compile(r'<script[^>]* src="([^"]*)"')
ADDRESS = re.compile(r'(?:href|src)="([^"?]*)')
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
URL = re.compile(r"""url\((["']?)(?!data:|#)([^)"']+)\1\)""")
FONT = re.compile(r"src:[^;}]*?url\(([^)]+\.woff2)\)[^;}]*")
IMPORT = re.compile(r'@import "([^"]+)";')
FACE = re.compile(r"@font-face\s*{[^}]*}")
FAMILY = re.compile(r"font-family:([^;}]*)")
PICTURE = re.compile(r'<img (?=[^>]*? ?src="([^"]+\.svg)")(?![^>]*?loading=)')
HASHED = re.compile(r"(_images/[0-9a-f]{10})[0-9a-f]{54}")
UNSEEN = re.compile(
    r'<div id="jb-print-docs-body".*?</nav>\s*</div>\s*</div>\s*</div>'  # contents for a printed page, which book.css hides
    r'|(?<=sd-summary-chevron-right">)<svg.*?</svg>'  # drawn by book.css
    r'|<div id="ethical-ad-placement".*?</div>|<meta name="docsearch:[^>]*>|<meta name="viewport" content="width=device-width, initial-scale=1"\s*/>'
    r"|(?<=class=\"highlight\"><pre>)<span></span>"
    r"|(?<=\w) notranslate(?=[ \"])|(?<=cell_input) docutils container|(?<=cell_output) docutils container| tag_(?:verifies|explorer):[\w:-]+",  # which style nothing here
    re.DOTALL,
)
SHARED = re.compile(rf"{LIGHT}/(?:style-\w+\.css|script-\w+\.js)")
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')

# No frame is drawn before the style sheet is there, so the first one is painted by then. Where a place in the page is asked for,
# all of it is laid out at once.
PAINTED_FIRST = """
<script>if (location.hash) document.documentElement.classList.add("whole");
addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => setTimeout(() => {
  for (const src of {scripts})
    document.head.append(Object.assign(document.createElement("script"), { src, async: false }));
})));</script>"""
FIRST_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{title}</title><meta http-equiv="refresh" content="0; url={page}"></head>
<body><a href="{page}">{title}</a></body>
</html>
"""


def describe(app, pagename, templatename, context, doctree):
    """Give a page its first paragraph without formulas as its description."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree else []
    plain = (node.astext() for node in paragraphs if isinstance(node.parent, nodes.section) and not any(node.findall(nodes.math)))
    description = " ".join(next(plain, context["docstitle"]).split())
    if len(description) > DESCRIPTION:
        description = description[:DESCRIPTION].rpartition(" ")[0] + " …"
    context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{escape(description)}" />'


def lighten(app, exception):
    """Make the shared files and let every page load them."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    write_first_page(app, site)
    paths = [path.relative_to(site) for path in site.rglob("*.html")]
    pages = {path.as_posix(): (site / path).read_text(encoding="utf-8") for path in paths if path.parts[0] not in ("_static", "index.html")}
    new = {name: UNSEEN.sub("", page) for name, page in pages.items() if not SHARED.search(page)}
    if not new:
        return
    pages |= new
    for image in (site / "_images").glob("*"):
        if (short := HASHED.sub(r"\1", image.as_posix())) != image.as_posix():
            image.replace(short)

    script = store(site, "script.js", join_scripts(site, new).encode())
    style = join_styles(site, new, pages)
    for name, page in pages.items():
        if name in new:
            page = lightened(site, name, page, style, script)
        else:
            page = SHARED.sub(lambda address: style if "style" in address[0] else script, page)
        (site / name).write_text(page, encoding="utf-8")
    needed = f"{script} {style} {(site / style).read_text(encoding='utf-8')}"
    for path in (site / LIGHT).iterdir():
        if path.name not in needed:
            path.unlink()


def write_first_page(app, site):
    """Let the site's own address lead to the first page, with a title and for those whom a browser does not lead on."""
    page, title = f"{app.config.root_doc}.html", escape(app.config.html_title)
    (site / "index.html").write_text(FIRST_PAGE.format(language=app.config.language, title=title, page=page), encoding="utf-8")


def named(page, tag):
    """Return the address in the site of what a tag of a page loads."""
    return normpath(f"{page}/../{ADDRESS.search(tag)[1]}")


def join_scripts(site, pages):
    """Return the scripts of pages as one, with those between that configure them."""
    scripts = {}
    for name, page in pages.items():
        head = page.index("</head>")
        for tag in SCRIPT.finditer(page, page.index("<script src=")):
            attributes, code = tag.groups()
            if "src=" in attributes:
                address = named(name, attributes)
                if not address.endswith((ICONS, *SEARCH)):
                    scripts[(site / address).read_text(encoding="utf-8")] = None
            elif tag.start() < head and OF_A_PAGE not in code:
                scripts[code] = None
    joined = "\n;\n".join(SOURCE_MAP.sub("", script) for script in scripts)
    for theirs, ours in REPLACED.items():
        if theirs not in joined:
            raise ExtensionError(f"A script of the theme or of sphinx-design has changed: look for what REPLACED in light_pages.py calls {theirs}")
        joined = joined.replace(theirs, ours)
    return joined


def join_styles(site, new, pages):
    """Join the style sheets of new pages, cut down to what all pages use, unless that is there; return the address in the site."""
    addresses = dict.fromkeys(named(name, tag) for name, page in new.items() for tag in SHEET.findall(page))
    sheets = [read_sheet(site, address) for address in addresses]
    sheets = [adapt(sheet, pages.values()) if "KaTeX_Main" in sheet else sheet for sheet in sheets]
    scripts = [path.read_text(encoding="utf-8") for path in site.rglob("*.js") if path.name not in (ICONS, *SEARCH[1:])]
    names = names_used(pages.values(), scripts)
    drawn = letters([font for sheet in sheets for font in FONT.findall(sheet) if "KaTeX" in font], pages.values())
    made_from = [*MAKERS, *sheets, *sorted(names), *(f"{font} {sorted(characters)}" for font, characters in drawn.items())]
    address = f"{LIGHT}/style-{digest(repr(made_from).encode())}.css"
    if (site / address).exists():
        return address
    css = merge(sheets, names)
    rules, symbols = FACE.sub("", css), icons(css)

    def with_font(face):
        family = FAMILY.search(face[0])[1].strip("\"' ").replace("\\", "")
        if not (source := FONT.search(face[0])) or family not in rules:
            return ""
        path = site / LIGHT / source[1]
        if "Awesome" in family:
            url = embedded(cut(path.read_bytes(), symbols))
        else:
            url = Path(store(site, path.name, cut(path.read_bytes(), drawn[source[1]]))).name
        return face[0].replace(source[0], f'src:url({url}) format("woff2")')

    (site / address).write_text(FACE.sub(with_font, css), encoding="utf-8")
    return address


def store(site, name, content):
    """Write a shared file; return its address in the site."""
    stem, ending = name.rsplit(".", 1)
    address = f"{LIGHT}/{stem}-{digest(content)}.{ending}"
    (site / LIGHT).mkdir(exist_ok=True)
    (site / address).write_bytes(content)
    return address


def digest(content):
    return sha256(content).hexdigest()[:8]


def read_sheet(site, address):
    """Return a style sheet with those it imports, and with addresses as they are from the folder of shared files."""
    folder = address.rpartition("/")[0]
    css = (site / address).read_text(encoding="utf-8").replace('@charset "UTF-8";', "")
    css = URL.sub(lambda url: f"url({relpath(normpath(f'{folder}/{url[2]}'), LIGHT)})", css)
    return IMPORT.sub(lambda other: read_sheet(site, normpath(f"{folder}/{other[1]}")), css)


def lightened(site, name, page, style, script):
    """Return a page that loads the shared files."""
    root, seen = "../" * name.count("/"), False
    scripts = [root + script]
    if 'id="search-results"' in page:
        scripts += [address for address in SOURCES.findall(page) if address.partition("?")[0].endswith(SEARCH)]
    loading = PAINTED_FIRST.replace("{scripts}", json.dumps(scripts)) + f'<link rel="stylesheet" href="{root}{style}" />'

    def with_script(tag):
        nonlocal seen
        seen = seen or "src=" in tag[1]
        return "" if seen and ("src=" in tag[1] or tag.start() < head) else tag[0]

    def with_size(picture):
        width, height = SIZE.search((site / normpath(f'{name}/../{picture[1]}')).read_text(encoding="utf-8")).groups()
        return f'<img width="{float(width) / 0.75:.0f}" height="{float(height) / 0.75:.0f}" loading="lazy" decoding="async" '

    page = HASHED.sub(r"\1", page)
    head = page.index("</head>")
    page = SCRIPT.sub(with_script, page)
    styles = LINK.search(page).start()
    page = page[:styles] + loading + LINK.sub("", page[styles:])
    return minify_html.minify(PICTURE.sub(with_size, page))


def setup(app):
    """Describe each page as it is written; do the rest when all files of the site are there."""
    app.connect("html-page-context", describe)
    app.connect("build-finished", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
