"""Sphinx extension: the folded box *Run this page* of each notebook, below its objectives.

It offers a zip, made with every build, of the notebook, the modules beside it and requirements.txt, and the three lines
that run it. All zips unpack into one folder, so that one environment serves all pages. If _config.yml has the address of
a repository, the box also leads to Binder and, for github.com, to Colab.
"""

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from docutils import nodes
from zips import write_zip

REQUIREMENTS = "requirements.txt"

BOX = Template("""\
<details class="run">
<summary>Run this page</summary>
<p><a class="download" href="$zip" download>Download this page’s notebook</a> with the files it needs, as a zip. Unpack it, open a
terminal in the folder inside, and type:</p>
<div class="highlight-sh notranslate"><div class="highlight"><pre>python3 -m venv .venv
.venv/bin/pip install -r requirements.txt
.venv/bin/jupyter lab $notebook
</pre></div></div>
<p>On Windows it is <code class="literal">py -m venv .venv</code>, then <code class="literal">.venv\\Scripts\\pip</code> and
<code class="literal">.venv\\Scripts\\jupyter</code>. The first two lines are needed once:
all pages’ zips unpack into the same folder.</p>
$hosted</details>
""")
HOSTED = Template("<p>Without installing anything: open it $places. Packages may have other versions there, and last digits differ.</p>\n")
HELPERS = Template("""\
<p>Colab takes the notebook alone. Run this line in a cell of its own first, to fetch the files beside it:</p>
<div class="highlight-sh notranslate"><div class="highlight"><pre>!git clone -q --depth 1 -b $branch $repository book &amp;&amp; cp book/$folder/*.py .
</pre></div></div>
""")


class run_page(nodes.General, nodes.Element):
    """The box; it has no text of its own, so that search does not find it on every page."""


def add_box(app, doctree, docname):
    """Put the box below the objectives, or else below the title."""
    notebook = Path(app.env.doc2path(docname, base=False))
    if notebook.suffix != ".ipynb":
        return
    box = run_page(zip=zip_name(notebook), notebook=notebook.name, hosted=hosted(**app.config.repository, notebook=notebook))
    objectives = (node for node in doctree.findall(nodes.admonition) if "objectives" in node["classes"])
    above = next(objectives, None) or next(doctree.findall(nodes.title))
    above.parent.insert(above.parent.index(above) + 1, box)


def zip_name(notebook):
    return f"{notebook.stem}_page.zip"  # an exercise's zip has the plain name


def hosted(url, branch, notebook):
    """Return what the box says of places that run notebooks, which is nothing without a repository."""
    if not url:
        return ""
    repository = url.rstrip("/").removesuffix(".git")
    host, path = urlsplit(repository).netloc, urlsplit(repository).path.strip("/")
    page = notebook.as_posix()
    provider = {"github.com": f"gh/{path}", "gitlab.com": f"gl/{quote(path, '')}"}.get(host, f"git/{quote(repository, '')}")
    binder = f"https://mybinder.org/v2/{provider}/{quote(branch, '')}?labpath={quote(page, '')}"
    places, helpers = f'<a href="{escape(binder)}">on Binder</a>', ""
    if host == "github.com":
        colab = f"https://colab.research.google.com/github/{path}/blob/{quote(branch)}/{quote(page)}"
        places = f'<a href="{escape(colab)}">in Colab</a> or {places}'
        helpers = HELPERS.substitute(branch=escape(branch), repository=escape(repository), folder=notebook.parent.as_posix())
    return HOSTED.substitute(places=places) + helpers


def visit_run_page(self, node):
    """Write the box."""
    self.body.append(BOX.substitute(zip=node["zip"], notebook=node["notebook"], hosted=node["hosted"]))
    raise nodes.SkipNode


def pack_all(app, exception):
    """Put a zip of each notebook beside its page."""
    if exception is not None or app.builder.format != "html":
        return
    source, folder = Path(app.srcdir), nodes.make_id(app.config.html_title)
    for docname in app.env.found_docs:
        notebook = Path(app.env.doc2path(docname))
        if notebook.suffix == ".ipynb":
            files = [notebook, *notebook.parent.glob("*.py"), source / REQUIREMENTS]
            target = Path(app.outdir, docname).with_name(zip_name(notebook))
            write_zip(target, {f"{folder}/{path.name}": path.read_bytes() for path in files if path.is_file()})


def setup(app):
    """Connect both: boxes when a page is written, zips when the build is done."""
    app.add_config_value("repository", {"url": "", "branch": "main"}, "html")
    app.add_node(run_page, html=(visit_run_page, None))
    app.connect("doctree-resolved", add_box)
    app.connect("build-finished", pack_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
