"""The built site: what a reader sees, on a phone and on a desktop, in either theme, with scripts and without."""

import functools
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import product
from unicodedata import category
from urllib.parse import quote, urlsplit
from zipfile import ZipFile

import nbformat
import pytest
import sphinxcontrib.katex
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, SECRET, build, enter, serving, write_notebook
from fontTools.ttLib import TTFont
from playwright.sync_api import Page
from pypdf import PdfReader

from extensions.katex_stdio import Renderer
from tools.notebooks import code_cells, imported, read

WIDTHS = {"desktop": 1280, "phone": 360}
THEMES = ("light", "dark")
NOTEBOOKS = sorted(path.relative_to(ROOT) for path in (ROOT / "chapters").glob("*.ipynb"))
EXERCISES = sorted(path.parent.name for path in (ROOT / "exercises").glob("*/*.ipynb"))

# Everything below runs inside a page and returns a list of complaints.
READ_ON = "document.documentElement.classList.add('whole')"  # as after a reader's first move: all of the page is laid out
UNFOLD = f"{READ_ON}; document.querySelectorAll('details').forEach((details) => (details.open = true))"
TOO_WIDE = """() => {
  const scrolls = (element) => element && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const beyond = [...document.querySelectorAll("article *:not(.katex *)")].filter(
    (element) => element.getBoundingClientRect().right > innerWidth + 1 && !scrolls(element.parentElement) && !scrolls(element));
  const page = document.documentElement.scrollWidth > innerWidth ? ["the page itself"] : [];
  return [...page, ...beyond.map((element) => element.outerHTML.slice(0, 120))];
}"""
FORMULAS_NOT_READABLE = """() => {
  const complaints = [];
  for (const formula of document.querySelectorAll("article :is(.katex:not(.katex-display *), .equation-formula)")) {
    const ink = formula.querySelector(".katex > i"), box = formula.getBoundingClientRect();
    const say = (what) => complaints.push(`${what}: ${formula.textContent.slice(0, 80)}`);
    if (!formula.querySelector("math")) say("no MathML");
    if (!ink || ink.getBoundingClientRect().width === 0 || getComputedStyle(ink).visibility !== "visible") say("not visible");
    else if (ink.firstElementChild.getBoundingClientRect().left < Math.max(box.left, 0) - 1) say("starts out of reach");
    const number = formula.parentElement.querySelector(".equation-number")?.getBoundingClientRect();
    if (number && number.left < box.right && number.right > box.left && number.top < box.bottom && number.bottom > box.top) say("under its number");
  }
  if (document.querySelector(".katex") && !document.fonts.check("1em KaTeX_Main")) complaints.push("KaTeX's font is missing");
  return complaints;
}"""
PUNCTUATION_ALONE = """() => {
  const complaints = [];
  for (const formula of document.querySelectorAll("article .katex:not(.katex-display *)")) {
    const text = formula.nextSibling, ink = formula.querySelector(".katex > i").getBoundingClientRect();
    if (text?.nodeType !== Node.TEXT_NODE || !/^[.,;:?!)]/.test(text.data) || ink.width > 100) continue;
    const mark = document.createRange();
    mark.setStart(text, 0);
    mark.setEnd(text, 1);
    if (mark.getBoundingClientRect().left < ink.left) complaints.push(`${formula.textContent} and the ${text.data[0]} after it`);
  }
  return complaints;
}"""
NAMES_BROKEN = """() => {
  const complaints = [];
  for (const name of document.querySelectorAll("article table .pre"))
    for (const word of name.childNodes) {
      const range = document.createRange();
      range.selectNodeContents(word);
      if (range.getClientRects().length > 1 && !word.textContent.includes(" ")) complaints.push(`${word.textContent} of ${name.textContent}`);
    }
  return complaints;
}"""
FIGURES_NOT_DESCRIBED = """() => [...document.querySelectorAll("article :is(figure, .cell_output img)")]
  .map((element) => element.closest("figure") ?? element)
  .filter((figure) => !figure.querySelector("figcaption")?.textContent.trim() || !figure.querySelector("img")?.alt.trim())
  .map((figure) => figure.outerHTML.slice(0, 200))"""
MARKS_LEADING_NOWHERE = """() => {
  const complaints = [];
  for (const equation of document.querySelectorAll(".equation[id^='equation-eq-']")) {
    const cell = document.querySelector(equation.querySelector("a.checked")?.getAttribute("href") ?? "#none")?.closest(".cell");
    if (!cell) complaints.push(`${equation.id} leads to no cell`);
    else if (!cell.querySelector(`.checks a[href="#${equation.id}"]`)) complaints.push(`${cell.id} does not lead back to ${equation.id}`);
  }
  for (const link of document.querySelectorAll(".checks a"))
    if (!document.querySelector(link.getAttribute("href"))?.classList.contains("equation")) complaints.push(`${link.outerHTML} leads to no equation`);
  return complaints;
}"""

# Contrast with what lies below: of every kind of token in code, 4.5; in figures, as Chromium's filter shows them, 4.5 for text and
# 3 for whatever else is drawn, by its outline or its area. What is drawn on a picture is part of the picture.
TOO_FAINT = """async () => {
  const complaints = new Set(), known = new Map();
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (ink, opacity, ground, filter) => {
    const key = [ink, opacity, ground, filter].join();
    if (!known.has(key)) {
      const [below, above] = [[ground, 1, "none"], [ink, opacity, filter]].map(([color, alpha, effect]) => {
        Object.assign(canvas, { fillStyle: color, globalAlpha: alpha, filter: effect });
        canvas.fillRect(-1, -1, 3, 3);
        return light(canvas.getImageData(0, 0, 1, 1).data);
      });
      known.set(key, (Math.max(below, above) + 0.05) / (Math.min(below, above) + 0.05));
    }
    return known.get(key);
  };
  const ground = (element) => {
    const color = element ? getComputedStyle(element).backgroundColor : "white";
    return color === "rgba(0, 0, 0, 0)" ? ground(element.parentElement) : color;
  };
  for (const token of document.querySelectorAll("article .highlight :is(pre, i, span)"))
    if (contrast(getComputedStyle(token).color, 1, ground(token), "none") < 4.5) complaints.add(`code: ${token.className} ${token.textContent.slice(0, 20)}`);

  for (const image of document.querySelectorAll("article .cell_output img[src$='.svg']")) {
    const { filter } = getComputedStyle(image), paper = ground(image), host = document.body.appendChild(document.createElement("div"));
    host.attachShadow({ mode: "open" }).innerHTML = await (await fetch(image.src)).text();
    for (const mark of host.shadowRoot.querySelectorAll("svg :is(path, use):not(defs *)")) {
      const axes = mark.closest("[id^='axes']"), isText = mark.closest("[id^='text']"), style = getComputedStyle(mark);
      if (axes?.querySelector("image") && !mark.closest("[id^='matplotlib.axis']")) continue;
      const inks = [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]]
        .map(([ink, opacity]) => [ink, opacity * style.opacity])
        .filter(([ink, opacity]) => ink.startsWith("rgb") && opacity > 0);
      const best = Math.max(...inks.map(([ink, opacity]) => contrast(ink, opacity, paper, filter)));
      if (inks.length && best < (isText ? 4.5 : 3)) complaints.add(`figure: ${inks.join(" ")} has ${best.toFixed(1)} in ${image.alt.slice(0, 80)}`);
    }
    host.remove();
  }
  return [...complaints];
}"""


# A preload would ask for style sheets of its own. The rule about contrast takes long, and colours do not depend on the width.
AXE_OPTIONS = {
    "desktop": {"resultTypes": ["violations"], "preload": False},
    "phone": {"resultTypes": ["violations"], "preload": False, "rules": {"color-contrast": {"enabled": False}}},
}
# axe takes a third of the time without what repeats: the drawn half of a formula, which is hidden from assistive technology
# and inherits its colour, and in code all tokens but the first of each kind on each ground.
WITHOUT_REPETITION = """() => {
  const seen = new Set();
  document.querySelectorAll(".katex > i").forEach((ink) => ink.replaceChildren());
  for (const token of document.querySelectorAll(".highlight i[class]")) {
    const kind = `${token.className} in ${token.closest(".admonition, details, .cell_output, .cell_input")?.className}`;
    if (seen.has(kind)) token.replaceWith(...token.childNodes);
    else if (token.textContent.trim().length > 1) seen.add(kind);  // axe does not judge a single letter
  }
}"""

# Nor does axe judge text on a gradient, such as the shadow at the edge of what scrolls.
WITHOUT_SHADOWS = "* { background-image: none !important }"

COPIED_BY_EACH_BUTTON = """() => {
  const copied = [];
  document.addEventListener("copy", () => copied.push(document.activeElement.value.trim()));
  document.querySelectorAll(".cell_input .copybtn").forEach((button) => button.click());
  return copied;
}"""


@dataclass
class Visit:
    """What one look at a page found."""

    name: str
    console: list = field(default_factory=list)
    foreign: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    too_wide: list = field(default_factory=list)
    formulas: list = field(default_factory=list)
    punctuation: list = field(default_factory=list)
    names: list = field(default_factory=list)
    figures: list = field(default_factory=list)
    marks: list = field(default_factory=list)
    faint: list = field(default_factory=list)
    accessibility: list = field(default_factory=list)


def watch(page, visit, url):
    """Note what a page asks for and complains of, from now on."""
    host = urlsplit(url).netloc
    page.on("console", lambda message: message.type in ("error", "warning") and visit.console.append(message.text))
    page.on("pageerror", lambda error: visit.console.append(str(error)))
    page.on("request", lambda request: urlsplit(request.url).netloc not in (host, "") and visit.foreign.append(request.url))
    page.on("response", lambda response: response.status >= 400 and visit.missing.append(response.url))


def look(context, site, address, name, go=enter):
    """Visit a page of the site with everything unfolded."""
    visit = Visit(name)
    page = context.new_page()
    watch(page, visit, site.url)
    go(page, site.url + address)
    page.evaluate(UNFOLD)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    visit.too_wide = page.evaluate(TOO_WIDE)
    visit.formulas = page.evaluate(FORMULAS_NOT_READABLE)
    visit.punctuation = page.evaluate(PUNCTUATION_ALONE)
    visit.names = page.evaluate(NAMES_BROKEN)
    visit.figures = page.evaluate(FIGURES_NOT_DESCRIBED)
    visit.marks = page.evaluate(MARKS_LEADING_NOWHERE)
    return visit, page


@pytest.fixture(scope="session")
def visits(site, browser):
    """Every page, in both themes, on both screens."""
    visits = []
    axe = Axe()
    for theme, screen in product(THEMES, WIDTHS):
        with browser.new_context(viewport={"width": WIDTHS[screen], "height": 900}, color_scheme=theme) as context:
            for address in [*site.pages, "search.html?q=loss"]:
                visit, page = look(context, site, address, f"{address}, {theme}, {screen}")
                assert page.evaluate("document.documentElement.dataset.theme") == theme
                if screen == "desktop":
                    visit.faint = page.evaluate(TOO_FAINT)
                page.evaluate(WITHOUT_REPETITION)
                page.add_style_tag(content=WITHOUT_SHADOWS)
                for violation in axe.run(page, options=AXE_OPTIONS[screen]).response["violations"]:
                    visit.accessibility.append(f"{violation['id']}: {violation['nodes'][0]['html'][:200]}")
                page.close()
                visits.append(visit)
    return visits


@pytest.fixture(scope="session")
def visits_without_scripts(site, browser):
    """Every page on both screens, no script running."""
    visits = []
    for screen in WIDTHS:
        with browser.new_context(viewport={"width": WIDTHS[screen], "height": 900}, java_script_enabled=False) as context:
            for address in site.pages:
                visit, page = look(context, site, address, f"{address}, no scripts, {screen}", go=Page.goto)
                page.close()
                visits.append(visit)
    return visits


@pytest.fixture
def desktop(site, browser):
    """An empty page on a wide screen, which may use the clipboard."""
    with browser.new_context(viewport={"width": WIDTHS["desktop"], "height": 900}) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
        context.add_init_script(f"addEventListener('DOMContentLoaded', () => {READ_ON})")
        yield context.new_page()


def complaints(visits, about):
    """Return the complaints of one kind, each with its page."""
    return [f"{visit.name}: {complaint}" for visit in visits for complaint in getattr(visit, about)]


def test_the_site_has_every_page_of_the_contents(site):
    chapters = {notebook.with_suffix(".html").as_posix() for notebook in NOTEBOOKS}
    assert {"intro.html", "search.html", "chapters/notation.html", "chapters/glossary.html"} | chapters == set(site.pages)


def test_no_page_asks_another_host(visits):
    assert complaints(visits, "foreign") == []


def test_nothing_a_page_asks_for_is_missing(visits):
    assert complaints(visits, "missing") == []


def test_the_console_stays_silent(visits):
    assert complaints(visits, "console") == []


def test_nothing_is_wider_than_the_screen(visits):
    assert complaints(visits, "too_wide") == []


def test_formulas_can_be_read(visits):
    assert complaints(visits, "formulas") == []


def test_formulas_can_be_read_without_scripts(visits_without_scripts):
    assert complaints(visits_without_scripts, "formulas") == []
    assert complaints(visits_without_scripts, "too_wide") == []


def test_no_line_starts_with_the_comma_after_a_formula(visits):
    assert complaints(visits, "punctuation") == []


def test_no_name_in_a_table_breaks_inside_a_word(visits):
    assert complaints(visits, "names") == []


def test_axe_finds_no_violation(visits):
    assert complaints(visits, "accessibility") == []


def test_code_and_figures_stand_out_from_the_page(visits):
    assert complaints(visits, "faint") == []


def test_every_figure_has_a_caption_and_an_alternative_text(visits):
    assert complaints(visits, "figures") == []


def test_equations_and_the_cells_that_check_them_lead_to_each_other(visits):
    assert complaints(visits, "marks") == []


def test_search_finds_a_word_and_leads_to_its_page(site, desktop):
    address = NOTEBOOKS[-1].with_suffix(".html").as_posix()
    enter(desktop, site.url + address)
    prose = desktop.locator("article p").all_inner_texts()
    word = max(re.findall(r"[a-z]+", " ".join(prose)), key=len)
    enter(desktop, site.url)
    desktop.get_by_role("button", name="Search").first.click()
    desktop.keyboard.type(word)
    desktop.keyboard.press("Enter")
    desktop.locator(f"#search-results a[href^='{address}']").first.click()
    desktop.wait_for_url(f"{site.url}{address}**")
    assert word in desktop.locator("article").inner_text().lower()


def attributes(path, wanted):
    """Return what an attribute holds, in each tag of a page that has it."""
    parser, found = HTMLParser(), []
    parser.handle_starttag = lambda tag, given: found.extend(value for name, value in given if name == wanted)
    parser.feed(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=str)
def test_terms_lead_to_the_glossary_once_and_from_prose_only(notebook, site, desktop):
    glossary = attributes(site.folder / "chapters" / "glossary.html", "id")
    enter(desktop, site.url + notebook.with_suffix(".html").as_posix())
    terms = desktop.locator("article a.term").evaluate_all("links => links.map((link) => link.hash.slice(1))")
    assert len(terms) >= 5 and len(terms) == len(set(terms))
    assert [term for term in terms if term not in glossary] == []
    assert desktop.locator("article :is(h1, h2, h3, table, figure, pre, strong, em, .admonition, details:not(.detour > *)) a.term").count() == 0
    assert "term-temperature" not in terms or "mse" not in notebook.name  # which speaks of degrees


FOUND = {  # what is asked for, and where the first result leads
    "BCEWithLogitsLoss": "03_cross_entropy.html#several-questions-at-once",
    "nn.MSELoss": "01_mse.html#one-cost-four-ways-to-write-it",
    "TripletMarginLoss": "05_triplet.html#the-librarys-loss",
    "zero_grad": "debugging.html#one-small-set-up",
    "mse_cost": "01_mse.html#the-exercise",
    "equation (1.5)": "01_mse.html#equation-eq-forms",
    "Fig. 1.2": "01_mse.html#fig-mean-median",
    "eq-infonce": "05_triplet.html#equation-eq-infonce",
    "crossentropy": "03_cross_entropy.html",
    "log-sum-exp": "glossary.html#term-log-sum-exp",
    "recall@1": "glossary.html#term-Recall-1",
    "KL divergence": "glossary.html#term-KL-divergence",
}


def test_search_finds_names_of_formulas_and_in_code(site, desktop):
    for query, address in FOUND.items():
        enter(desktop, f"{site.url}search.html?q={quote(query)}")
        first = desktop.locator("#search-results ul.search a").first
        assert first.evaluate("link => new URL(link.href).pathname + link.hash").removeprefix("/chapters/") == address, query


def test_search_quotes_the_words_around_what_was_found(site, desktop):
    enter(desktop, f"{site.url}search.html?q=temperature")
    quoted = desktop.locator("#search-results li", has_text="Glossary").first.locator(".context")
    quoted.wait_for()
    assert quoted.inner_text().startswith("temperature A number")
    chapter = desktop.locator("#search-results li", has_text="1. Mean squared error").locator(".context")
    assert " j=0 The bias" in chapter.inner_text()
    enter(desktop, f"{site.url}search.html?q=softmax")
    answer = desktop.locator("#search-results li", has_text="5. Triplet embedding").first.locator(".context")
    answer.wait_for()
    assert "Answer About" in answer.inner_text() and "ln K" in answer.inner_text()


PREVIEWS = {
    "an equation": ("04_softmax_nll", "p:not(.checks) > a[href^='#equation-']", r"\(4\.\d+\)"),
    "an equation of another chapter": ("debugging", "a[href*='.html#equation-']", r"\([1-6]\.\d+\)"),
    "a figure": ("02_regression_vs_classification", "a[href='#fig-rc-surfaces']", r"Fig\. 2\.\d+ \w+"),
    "a source": ("05_triplet", "#the-loss .bibtex-citation a", r"\w+\. \w+.*\d\d\d\d\."),
    "a term": ("debugging", "a.term[href$='#term-surprise']", r"surprise.*the probability that was given"),
    "a check": ("04_softmax_nll", "a.checked", r"eq-[\w-]+ \| .*: True"),
}


@pytest.mark.parametrize("kind", PREVIEWS)
def test_a_reference_shows_what_it_leads_to(kind, site, desktop):
    page, reference, content = PREVIEWS[kind]
    enter(desktop, f"{site.url}chapters/{page}.html")
    link, preview = desktop.locator("article").locator(reference).last, desktop.locator(".preview")
    link.evaluate("link => link.scrollIntoView({block: 'center'})")
    desktop.keyboard.press("Shift")  # what is focused from now on is focused by keyboard
    for rest in (link.hover, link.focus):
        rest()
        preview.wait_for(state="visible")
        assert re.search(content, preview.inner_text(), re.DOTALL)
        box = preview.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 1280 and box["y"] >= 0 and box["y"] + box["height"] <= 900
        desktop.keyboard.press("Escape")
        preview.wait_for(state="hidden")
        desktop.mouse.move(0, 0)


def test_axe_finds_no_violation_in_a_preview(site, desktop):
    enter(desktop, f"{site.url}chapters/debugging.html")
    desktop.evaluate(WITHOUT_REPETITION)
    for kind in (".html#equation-", "#term-", "#check-"):
        desktop.locator(f"article a[href*='{kind}']").first.hover()
        desktop.locator(".preview").wait_for(state="visible")
        assert Axe().run(desktop, context=".preview", options=AXE_OPTIONS["desktop"]).response["violations"] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=str)
def test_every_copy_button_copies_its_cell(notebook, site, desktop):
    cells = nbformat.read(ROOT / notebook, as_version=4).cells
    hidden = {"remove-cell", "remove-input"}
    expected = [cell.source.strip() for cell in cells if cell.cell_type == "code" and not hidden & set(cell.metadata.get("tags", []))]
    enter(desktop, site.url + notebook.with_suffix(".html").as_posix())
    desktop.evaluate(UNFOLD)
    desktop.locator(".cell_input .copybtn").first.click(force=True)
    assert desktop.evaluate("navigator.clipboard.readText()").strip() == expected[0]
    assert desktop.evaluate(COPIED_BY_EACH_BUTTON) == expected


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=str)
def test_the_notebook_can_be_downloaded(notebook, site, desktop):
    enter(desktop, site.url + notebook.with_suffix(".html").as_posix())
    desktop.get_by_role("button", name="Download this page").click()
    with desktop.context.expect_page(), desktop.expect_popup():
        link = desktop.get_by_role("link", name=".ipynb")
        address = link.evaluate("link => link.href")
        link.click()
    downloaded = desktop.request.get(address).body()
    assert downloaded == (ROOT / notebook).read_bytes()
    nbformat.validate(json.loads(downloaded))


def contents(zipped):
    """Return the files in a zip, its bytes or its path, each as its name and bytes."""
    with ZipFile(io.BytesIO(zipped) if isinstance(zipped, bytes) else zipped) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("page", ["intro", "chapters/{}"])
@pytest.mark.parametrize("name", EXERCISES)
def test_the_exercise_can_be_downloaded_with_all_that_it_needs(name, page, site, desktop):
    folder = ROOT / "exercises" / name
    enter(desktop, f"{site.url}{page.format(name)}.html")
    with desktop.expect_download() as download:
        desktop.locator(f"article a[href$='exercises/{name}.zip']").last.click()
    assert download.value.suggested_filename == f"{name}.zip"
    files = [path for path in folder.rglob("*") if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)]
    expected = {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in files}
    expected[f"{name}/requirements.txt"] = (ROOT / "requirements.txt").read_bytes()
    expected[f"{name}/{name}.ipynb"] = re.sub(rb"\[([^]\n]+)\]\(\.\./[^)]+\)", rb"*\1*", expected[f"{name}/{name}.ipynb"])
    assert contents(download.value.path()) == expected


# The heading that an address of a page leads to, with formulas as what is read aloud of them.
HEADING_AT = """(anchor) => {
  const heading = document.getElementById(anchor)?.closest("section")?.querySelector("h1, h2, h3, h4, h5, h6")?.cloneNode(true);
  heading?.querySelectorAll(".headerlink, .katex > i").forEach((element) => element.remove());
  return heading?.textContent;
}"""


def letters(title):
    """Return a title, of Markdown or of a page, without what differs between them."""
    return re.sub(r"[\s$`]", "", title).translate({ord("’"): "'", ord("“"): '"', ord("”"): '"'})


@pytest.mark.parametrize("name", EXERCISES)
def test_each_task_leads_to_sections_of_the_book_by_their_titles(name, site, desktop):
    texts = [(cell.metadata.nbgrader.grade_id, cell.source) for cell in read(ROOT / "exercises" / name / f"{name}.ipynb").cells if cell.cell_type == "markdown"]
    links = [(task, *link) for task, text in texts for link in re.findall(r"\[([^\[\]\n]+)\]\((\.[^()]*)\)", text.partition("<details>")[0])]
    assert {task for task, text in texts if re.search(r"^## \d+\.", text)} == {task for task, *_ in links}
    assert len(links) == sum(text.count("](.") for _, text in texts)
    for task, title, address in links:
        page, anchor = re.fullmatch(r"\.\./\.\./(chapters/[\w-]+)\.ipynb#([\w-]+)", address).groups()
        enter(desktop, f"{site.url}{page}.html")
        assert letters(desktop.evaluate(HEADING_AT, anchor) or "") == letters(title), f"{task}: {address}"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=str)
def test_the_box_run_this_page_gives_all_that_the_notebook_needs(notebook, site, desktop):
    enter(desktop, site.url + notebook.with_suffix(".html").as_posix())
    desktop.get_by_text("Run this page", exact=True).click()
    assert desktop.locator(".run a").count() == 1  # no address of a repository, no link to Colab or Binder
    with desktop.expect_download() as download:
        desktop.locator(".run a").click()
    files = contents(download.value.path())
    (folder,) = {name.partition("/")[0] for name in files}
    modules = {module for _, cell in code_cells(read(ROOT / notebook)) for module in imported(cell.source)}
    beside = [ROOT / "chapters" / f"{module}.py" for module in modules if (ROOT / "chapters" / f"{module}.py").exists()]
    for path in [ROOT / notebook, ROOT / "requirements.txt", *beside]:
        assert files[f"{folder}/{path.name}"] == path.read_bytes()
    desktop.locator(".run .copybtn").click(force=True)
    copied = desktop.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(copied) == 3 and copied[-1].endswith(notebook.name)


def test_solutions_never_reach_the_site(site):
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes().lower() or SECRET in path.name] == []
    zipped = [(name, content) for path in files if path.suffix == ".zip" for name, content in contents(path).items()]
    assert [name for name, content in zipped if SECRET.encode() in content.lower() or b"BEGIN SOLUTION" in content] == []


WITHOUT_GLYPH = """() => [...document.querySelectorAll('[class*="fa-"]')]
  .filter((icon) => getComputedStyle(icon, "::before").content === "none")
  .map((icon) => icon.outerHTML)"""


def test_every_icon_is_in_its_font(site, desktop):
    css = next(site.folder.glob("light/style-*.css")).read_text(encoding="utf-8")
    fonts = re.findall(r"font-family:Font Awesome[^}]*base64,([^)]*)", css)
    drawn = set().union(*(TTFont(io.BytesIO(b64decode(font))).getBestCmap() for font in fonts))
    assert {ord(icon) for icon in css if category(icon) == "Co"} <= drawn
    for address in site.pages:
        enter(desktop, site.url + address)
        assert desktop.evaluate(WITHOUT_GLYPH) == []


ONE_OF_EACH_GLYPH = """() => {
  document.documentElement.classList.add("whole");
  const seen = new Set();
  for (const symbol of document.querySelectorAll(".katex > i, .katex > i i"))
    for (const text of symbol.childNodes) {
      const { fontFamily, fontStyle, fontWeight } = getComputedStyle(symbol), kind = [fontFamily, fontStyle, fontWeight, text.data].join();
      if (text.nodeType !== Node.TEXT_NODE || seen.has(kind)) continue;
      seen.add(kind);
      symbol.dataset.probe = "";
    }
  return document.fonts.ready.then(() => seen.size);
}"""


def test_every_symbol_of_a_formula_is_in_its_font(site, desktop):
    network, symbols = desktop.context.new_cdp_session(desktop), 0
    for domain in ("DOM", "CSS"):
        network.send(f"{domain}.enable")
    for address in site.pages:
        enter(desktop, site.url + address)
        symbols += desktop.evaluate(ONE_OF_EACH_GLYPH)
        root = network.send("DOM.getDocument")["root"]["nodeId"]
        for probe in network.send("DOM.querySelectorAll", {"nodeId": root, "selector": "[data-probe]"})["nodeIds"]:
            for font in network.send("CSS.getPlatformFontsForNode", {"nodeId": probe})["fonts"]:
                assert font["isCustomFont"], (address, font, network.send("DOM.getOuterHTML", {"nodeId": probe}))
    assert symbols > 300


GLYPHS = """() => ["own", "light"].map((kind) => [...document.querySelectorAll(`.${kind}`)].map((box) => {
  const { x, y } = box.getBoundingClientRect(), glyphs = [];
  const texts = document.createTreeWalker(box.querySelector(":is(.katex-html, .katex > i)"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (let place = 0; place < texts.currentNode.length; place++) {
      const range = document.createRange();
      range.setStart(texts.currentNode, place);
      range.setEnd(texts.currentNode, place + 1);
      const glyph = range.getBoundingClientRect();
      if (glyph.width) glyphs.push([texts.currentNode.data[place], glyph.x - x, glyph.y - y, glyph.width, glyph.height]);
    }
  return glyphs;
}))"""


def test_every_glyph_of_a_formula_stands_where_katex_puts_it(site, desktop):
    prose = [cell.source for notebook in NOTEBOOKS for cell in nbformat.read(ROOT / notebook, as_version=4).cells if cell.cell_type == "markdown"]
    formulas = sorted(set(re.findall(r"(?<!\\)(\$\$?)(?!\s*\$)(.+?)\1", "\n".join(prose), re.DOTALL)))
    renderer = Renderer()
    try:
        pairs = [(kind, renderer.render(latex, dollars == "$$", output)) for kind, output in [("own", "html"), ("light", "light")] for dollars, latex in formulas]
    finally:
        renderer.close()
    enter(desktop, site.url + NOTEBOOKS[0].with_suffix(".html").as_posix())
    boxes = "".join(f'<p class="{kind}">{html}</p>' for kind, html in pairs)
    desktop.evaluate("html => { document.querySelector('article').innerHTML = html }", boxes)
    desktop.add_style_tag(url=f"{site.url}katex/katex.min.css")
    desktop.evaluate("() => document.fonts.ready.then(() => true)")
    own, light = desktop.evaluate(GLYPHS)
    assert len(own) == len(formulas) > 900
    moved = []
    for (_, latex), theirs, ours in zip(formulas, own, light):
        same = [a[0] for a in theirs] == [b[0] for b in ours]
        if not same or any(abs(a - b) > 0.15 for glyphs in zip(theirs, ours) for a, b in zip(glyphs[0][1:], glyphs[1][1:])):
            moved.append(latex)
    assert moved == []


def test_formulas_are_rendered_and_styled_by_the_same_katex():
    readme = (ROOT / "vendor" / "katex" / "README.md").read_text(encoding="utf-8")
    assert f"KaTeX {sphinxcontrib.katex.katex_version}," in readme


# By keyboard, and enlarged

# What has the focus: its name, and what is wrong with it. Points of an explorer draw their ring themselves.
FOCUS = """() => {
  const element = document.activeElement, wrong = [];
  if (element === document.body) return null;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  if (!(element instanceof SVGElement) && !(outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) && boxShadow === "none") wrong.push("no ring");
  const box = element.getClientRects()[0], header = document.querySelector(".bd-header-article").getBoundingClientRect();
  const top = Math.max(box.top, element.closest("article") ? header.bottom : 0), bottom = Math.min(box.bottom, innerHeight);
  const there = document.elementFromPoint(Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1), (top + bottom) / 2);
  if (top >= bottom || !there || !(element.contains(there) || there.contains(element))) wrong.push("out of sight");
  const name = element.getAttribute("aria-label") || element.textContent.trim().slice(0, 60) || element.outerHTML.slice(0, 80);
  return [name, wrong.map((what) => `${what}: ${name}`), element.matches(".prev-next-footer *"), element.matches(".bd-footer-content *")];
}"""


@pytest.fixture
def keyboard(site, browser):
    """A function that opens a page on a screen of some width, for somebody who uses only a keyboard and wants no motion."""
    contexts = []

    def open_page(address, width, **settings):
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce", **settings))
        page = contexts[-1].new_page()
        enter(page, site.url + address)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("address", "width"), [(NOTEBOOKS[0].with_suffix(".html").as_posix(), 1280), ("chapters/choosing.html", 320)])
def test_tab_leads_through_a_page_and_every_stop_can_be_seen(address, width, keyboard):
    page = keyboard(address, width)
    stops = []
    while len(stops) < 1000:
        page.keyboard.press("Tab")
        if (stop := page.evaluate(FOCUS)) is None:
            break
        stops.append(stop)
    names, wrong, around, footer = zip(*stops)
    assert names[0] == "Skip to main content"
    assert [complaint for complaints in wrong for complaint in complaints] == []
    assert sum(around) == 2 and footer[-1]


def test_the_skip_link_leads_past_the_menu(keyboard):
    page = keyboard("chapters/choosing.html", 1280)
    for key in ("Tab", "Enter", "Tab"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("button", [".primary-toggle", ".secondary-toggle", ".bd-header-article .search-button"])
def test_menus_and_search_open_and_close_by_keyboard(button, keyboard):
    page = keyboard("chapters/choosing.html", 320)
    page.locator(button).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.closest('dialog[open]')")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('dialog[open]')")
    assert page.evaluate("(button) => document.activeElement.matches(button)", button)


def test_search_opens_by_its_shortcut_and_gives_the_focus_back(keyboard):
    page = keyboard("chapters/choosing.html", 1280)
    page.locator("article summary").first.focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("softmax")
    assert page.locator("dialog[open] input").input_value() == "softmax"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.localName") == "summary"


def test_what_a_page_offers_works_by_keyboard(site, keyboard):
    page = keyboard(NOTEBOOKS[0].with_suffix(".html").as_posix(), 320, permissions=["clipboard-read", "clipboard-write"])

    def press(place, key):
        page.locator(place).first.focus()
        page.keyboard.press(key)
        return page.locator(place).first

    copied = press("article .cell_input .copybtn", "Enter").evaluate("button => button.closest('.highlight').querySelector('pre').textContent")
    assert page.evaluate("navigator.clipboard.readText()").strip() == copied.strip()
    assert press("article .predict summary", "Enter").evaluate("summary => summary.parentElement.open")
    press(".equation-formula[tabindex]", "ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    before = page.evaluate("document.documentElement.dataset.mode")
    press(".theme-switch-button", "Enter")
    assert page.evaluate("document.documentElement.dataset.mode") != before
    assert page.evaluate("document.activeElement.matches('.theme-switch-button')")
    press("a.right-next", "Enter")
    page.wait_for_url(f"{site.url}{NOTEBOOKS[1].with_suffix('.html').as_posix()}")


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2)], ids=["a_small_phone", "a_desktop_at_200_percent"])
def test_nothing_is_lost_on(width, scale, site, browser):
    with browser.new_context(viewport={"width": width, "height": 450}, device_scale_factor=scale) as context:
        visits = []
        for address in [*site.pages, "search.html?q=loss"]:
            visit, page = look(context, site, address, address)
            for control in (".primary-toggle", ".theme-switch-button", ".search-button", "article h1, .bd-search"):
                if not page.locator(control).locator("visible=true").count():
                    visit.too_wide.append(f"no {control}")
            page.close()
            visits.append(visit)
    assert complaints(visits, "too_wide") + complaints(visits, "formulas") == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_each_page_ends_with_the_titles_of_those_before_and_after_it(width, keyboard):
    page = keyboard("intro.html", width)
    titles = [title.strip() for title in page.locator(".bd-docs-nav a").all_text_contents()]
    for number, title in enumerate(titles):
        around = page.locator(".prev-next-footer .prev-next-title")
        assert [text.strip() for text in around.all_inner_texts()] == [titles[other] for other in (number - 1, number + 1) if 0 <= other < len(titles)]
        assert all(link.is_visible() for link in around.all())
        if number + 1 < len(titles):
            with page.expect_navigation():
                page.locator("a.right-next").click()


# On paper

ON_PAPER = {"width": 612, "height": 900}  # 162 mm, what the margins leave of A4
CUT_ON_PAPER = """() => [...document.querySelectorAll("article :is(pre, img, table, .katex > i, p)")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 || (element.matches("pre") && element.scrollWidth > element.clientWidth))
  .map((element) => element.outerHTML.slice(0, 120))"""
LINKS = """() => [...document.querySelectorAll("article a[href]:not(.headerlink)")].map((link) => link.href)"""


def test_nothing_of_a_printed_page_is_cut(site, browser):
    with browser.new_context(viewport=ON_PAPER) as context:
        page = context.new_page()
        page.emulate_media(media="print")
        for address in site.pages:
            enter(page, site.url + address)
            page.evaluate(UNFOLD)
            assert page.evaluate(CUT_ON_PAPER) == [], address


def test_a_dark_page_is_printed_light_and_unfolded_and_dark_again(site, browser):
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        enter(page, f"{site.url}{NOTEBOOKS[0].with_suffix('.html').as_posix()}")
        state = "[document.documentElement.dataset.theme, document.querySelectorAll('article details:not([open])').length > 0]"
        assert page.evaluate(state) == ["dark", True]
        page.evaluate(f"addEventListener('beforeprint', () => (window.printing = {state}))")
        page.pdf()
        assert page.evaluate("window.printing") == ["light", False]
        assert page.evaluate(state) == ["dark", True]


@pytest.fixture(scope="module")
def paper(site):
    """The book on paper, made by the real command from the real site."""
    subprocess.run([sys.executable, "-m", "tools.paper"], cwd=site.folder.parents[1], check=True, stdout=subprocess.DEVNULL)
    (pdf,) = (site.folder.parent / "paper").glob("*.pdf")
    return PdfReader(pdf)


def test_the_pdf_has_every_chapter_and_says_on_which_page(paper, site, desktop):
    enter(desktop, f"{site.url}intro.html")
    titles = [title.strip() for title in desktop.locator(".bd-docs-nav a").all_text_contents()]
    outline = [entry for entry in paper.outline if not isinstance(entry, list)]
    assert [entry.title for entry in outline[3:]] == titles[1:]
    contents = "".join(paper.pages[number].extract_text() for number in range(1, paper.get_destination_page_number(outline[2])))
    for entry in outline[3:]:
        assert re.search(rf"{re.escape(entry.title)}\s+{paper.get_destination_page_number(entry) + 1}\b", contents), entry.title
    assert paper.trailer["/Root"]["/Lang"] == "en"
    assert paper.metadata.title == titles[0]


def test_links_of_the_pdf_lead_where_those_of_the_site_lead(paper, site, desktop):
    places = paper.named_destinations.keys()
    expected, foreign = set(), set()
    for address in site.pages:
        enter(desktop, site.url + address)
        for link in desktop.evaluate(LINKS):
            page, _, place = link.partition("#")
            if page.removeprefix(site.url) in site.pages:
                name = page.rpartition("/")[2].removesuffix(".html")
                expected.add(f"/{name}-{place}" if place else f"/{name}")
            elif not page.startswith(site.url):
                foreign.add(link)
    links = [link.get_object() for page in paper.pages for link in page.get("/Annots", [])]
    assert expected - places == set()
    assert {link["/Dest"] for link in links if "/Dest" in link} <= places
    assert {link["/A"]["/URI"] for link in links if "/A" in link} >= foreign
    assert not [link["/A"]["/URI"] for link in links if "/A" in link and urlsplit(link["/A"]["/URI"]).hostname in (None, "book.invalid", "localhost", "127.0.0.1")]


def test_pages_are_light(site, browser):
    """In bytes, compressed; `make bench PART=speed` measures the same with a host that compresses."""
    for page in site.pages:
        with browser.new_context() as context:
            loads = load_to_the_end(context, site.url + page)
        pages, figures = (sum(size for address, size in loads.items() if ("/_images/" in address) is pictures) for pictures in (False, True))
        assert loads[site.url + page] <= 64_500, page
        assert pages <= 250_000, page
        assert pages + figures <= 1_000_000, page


def load_to_the_end(context, address):
    """Open a page and go to its end; return the compressed size of all that came, by address."""
    page, sizes = context.new_page(), {}
    weigh = lambda response: sizes.update({response.url: len(gzip.compress(response.body(), mtime=0))})
    page.on("requestfinished", lambda request: weigh(request.response()))
    page.goto(address, wait_until="load")
    page.evaluate(f"{READ_ON}; document.querySelectorAll('img').forEach((img) => (img.loading = 'eager'))")
    page.wait_for_load_state("networkidle")
    return sizes


# Small books with the real settings


def small_book(folder, **pages):
    """Make a book of the given pages with this book's settings, extensions and templates."""
    folder.mkdir()
    for name in ("_config.yml", "extensions", "_static", "_templates", "vendor"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "references.bib").touch()
    (folder / "intro.md").write_text("# A small book\n", encoding="utf-8")
    for name, cells in pages.items():
        write_notebook(folder / f"{name}.ipynb", *cells)
    chapters = "".join(f"\n  - file: {name}" for name in pages)
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: intro\nchapters:{chapters}\n", encoding="utf-8")
    return folder


def code(*outputs, tags=()):
    """Return a code cell that was run."""
    return nbformat.v4.new_code_cell("1 + 1", execution_count=1, outputs=list(outputs), metadata={"tags": list(tags)})


CLAIM = "# Sound\n\n$$\n1 + 1 = 2\n$$ (eq-sum)\n\nSee {eq}`eq-sum`."
ERROR = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
WARNING = nbformat.v4.new_output("stream", name="stderr", text="take care")

FAULTS = {
    "a_missing_reference": ["# Page\n\nSee {eq}`eq-nowhere`."],
    "a_missing_page": ["# Page\n\nSee [it](nowhere.md)."],
    "a_missing_exercise": ["# Page\n\nSolve [it](exercises/nothing/nothing.ipynb)."],
    "a_formula_that_cannot_be_read": ["# Page\n\nIt is $\\frac{1$."],
    "an_error_among_the_outputs": ["# Page", code(ERROR)],
    "a_warning_among_the_outputs": ["# Page", code(WARNING)],
    "an_unchecked_claim": [CLAIM.replace("eq-sum", "eq-unchecked")],
    "a_check_of_no_equation": ["# Page", code(tags=["verifies:eq-none"])],
    "a_label_of_another_kind": [CLAIM.replace("eq-sum", "sum")],
    "a_detour_above_the_title": ["{.detour}\n# Page"],
    "a_detour_at_the_end_of_a_cell": ["# Page\n\n{.detour}", "## Part"],
    "a_detour_in_the_heading": ["# Page\n\n## Part {.detour}"],
    "a_detour_in_a_box": ["# Page\n\n:::{note}\n{.detour}\n### Part\n:::"],
}


@pytest.fixture(scope="module")
def faulty_book(tmp_path_factory):
    """A book with each fault on a page of its own, and its build."""
    book = small_book(tmp_path_factory.mktemp("small") / "faulty", **FAULTS)
    return book, build(book)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_with_this_fault_stops_the_build(fault, faulty_book):
    _, built = faulty_book
    assert built.returncode != 0
    assert re.search(rf"{fault}(\.ipynb)?:.*WARNING", built.stderr), built.stderr


def test_a_faulty_book_does_not_build_at_the_second_try_either(faulty_book):
    book, first = faulty_book
    second = build(book)
    assert second.returncode != 0
    assert second.stderr.count("WARNING") == first.stderr.count("WARNING")


def test_a_sound_book_builds(tmp_path):
    built = build(small_book(tmp_path / "sound", sound=[CLAIM, code(tags=["verifies:eq-sum"])]))
    assert built.returncode == 0, built.stdout + built.stderr


def test_the_site_offers_its_pdf_as_long_as_both_are_made_from_the_same_files(tmp_path):
    book = small_book(tmp_path / "book", page=["# Page"])
    made, offered = book / "_build" / "paper", book / "_build" / "html" / "loss-functions.pdf"

    def link():
        built = build(book)
        assert built.returncode == 0, built.stdout + built.stderr
        return "loss-functions.pdf" in attributes(book / "_build" / "html" / "page.html", "href")

    assert not link()
    (made / (made / "name").read_text(encoding="utf-8")).write_bytes(b"%PDF")
    assert link() and offered.read_bytes() == b"%PDF"
    (book / "intro.md").write_text("# Another book\n", encoding="utf-8")
    assert not link() and not offered.exists()


HOSTED = {
    "https://github.com/ada/losses": [
        "https://colab.research.google.com/github/ada/losses/blob/v1/page.ipynb",
        "https://mybinder.org/v2/gh/ada/losses/v1?labpath=page.ipynb",
    ],
    "https://git.example.org/losses.git": ["https://mybinder.org/v2/git/https%3A%2F%2Fgit.example.org%2Flosses/v1?labpath=page.ipynb"],
}


def test_with_the_address_of_a_repository_a_page_leads_to_those_who_run_it(tmp_path):
    book = small_book(tmp_path / "book", page=["# Page"])
    settings = (book / "_config.yml").read_text(encoding="utf-8")
    for address, links in HOSTED.items():
        (book / "_config.yml").write_text(settings.replace('url: ""', f'url: "{address}"').replace("branch: main", "branch: v1"), encoding="utf-8")
        built = build(book)
        assert built.returncode == 0, built.stdout + built.stderr
        hosts = re.compile("https://(colab|mybinder)")
        assert [link for link in attributes(book / "_build" / "html" / "page.html", "href") if hosts.match(link)] == links


def test_a_change_of_style_alone_is_built(tmp_path):
    book = small_book(tmp_path / "book", page=["# A page"])
    assert build(book).returncode == 0
    with (book / "_static" / "book.css").open("a", encoding="utf-8") as sheet:
        sheet.write("h1 { letter-spacing: 0.123em; }\n")
    assert build(book).returncode == 0
    for page in (book / "_build" / "html").glob("*[!x].html"):
        (style,) = [address for address in attributes(page, "href") if ".css" in address]
        assert "letter-spacing:0.123em" in (page.parent / style).read_text(encoding="utf-8").replace(": ", ":"), page


def test_a_page_built_anew_and_the_others_are_as_after_a_build_from_nothing(tmp_path):
    changed = ["# Page\n\n$$\n\\sqrt{a_i^2}\n$$ (def-root)\n\n| a | b |\n|---|---|\n| $\\tilde c$ | d |\n", code()]
    fresh = small_book(tmp_path / "fresh", page=changed, other=["# Other\n\nIt is $x^2$."])
    book = shutil.copytree(fresh, tmp_path / "book")
    write_notebook(book / "page.ipynb", "# Page")
    assert build(book).returncode == build(fresh).returncode == 0
    shutil.copy(fresh / "page.ipynb", book / "page.ipynb")
    assert build(book).returncode == 0

    def made(folder):
        site = folder / "_build" / "html"
        return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.suffix == ".html" or path.parent.name == "light"}

    assert made(book).keys() == made(fresh).keys()
    assert made(book) == made(fresh)


def test_an_exercise_is_packed_without_caches_and_alike_at_every_build(tmp_path):
    book = small_book(tmp_path / "book", page=["# Page\n\nSolve [it](exercises/one/one.ipynb)."])
    folder, zipped = book / "exercises" / "one", book / "_build" / "html" / "exercises" / "one.zip"
    kept = ["checks/__init__.py", "checks/helpers/__init__.py", "checks/expected.json", "data/table.csv"]
    files = [*kept, "checks/__pycache__/shown.cpython-311.pyc", ".ipynb_checkpoints/one-checkpoint.ipynb", "data/.DS_Store"]
    for file in [*files, "../../solutions/one/one.py", "../unfinished/notes.txt", "../../requirements.txt"]:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file, encoding="utf-8")
    write_notebook(folder / "one.ipynb", "# One")
    built = build(book)
    assert built.returncode == 0, built.stdout + built.stderr
    assert sorted(contents(zipped)) == sorted(f"one/{file}" for file in [*kept, "one.ipynb", "requirements.txt"])
    assert [path.name for path in zipped.parent.iterdir()] == ["one.zip"]

    first = zipped.read_bytes()
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (folder / "checks" / "__init__.py").chmod(0o700)
    assert build(book).returncode == 0
    assert zipped.read_bytes() == first

    shutil.rmtree(folder)
    assert build(book).returncode != 0
    assert not zipped.exists()


SECTION = '[Why it\'s $\\ln 2$, or "nothing" in `log`](../../chapters/page.ipynb#why-it-s)'
TASK = f"## 1. A task\n\nFrom the sections {SECTION} and [B](../../chapters/page.ipynb#b), not {{}}.\n\n<details>[B](../../chapters/page.ipynb#b)</details>"
OTHER_LINKS = "[B], [B](#b), [B](other/page.ipynb#b), [B](../../chapters/page.ipynb), *[*](../../solutions/one/one.ipynb#one)"


@pytest.mark.parametrize("address", ["", "https://ada.example.org/losses", "https://ada.example.org/losses/"], ids=["unknown", "without_slash", "with_slash"])
def test_a_zip_leads_to_the_published_book_if_its_address_is_known(address, tmp_path):
    book = small_book(tmp_path / "book", page=["# Page\n\nSolve [it](exercises/one/one.ipynb)."])
    settings = (book / "_config.yml").read_text(encoding="utf-8")
    (book / "_config.yml").write_text(settings.replace('baseurl: ""', f"baseurl: {address!r}"), encoding="utf-8")
    folder = book / "exercises" / "one"
    write_notebook(folder / "one.ipynb", TASK.format(OTHER_LINKS), code(nbformat.v4.new_output("stream", text='"](../../chapters/page.ipynb#b)\n')))
    (folder / "checks").mkdir()
    (folder / "checks" / "__init__.py").touch()
    (book / "requirements.txt").touch()
    committed = (folder / "one.ipynb").read_bytes()
    built = build(book)
    assert built.returncode == 0, built.stdout + built.stderr

    files, start = contents(book / "_build" / "html" / "exercises" / "one.zip"), "https://ada.example.org/losses/chapters/page.html"
    title = SECTION.partition("]")[0].removeprefix("[")
    expected = nbformat.reads(committed.decode(), as_version=4)
    expected.cells[0].source = expected.cells[0].source.replace(SECTION, f"[{title}]({start}#why-it-s)" if address else f"*{title}*")
    expected.cells[0].source = expected.cells[0].source.replace("[B](../../chapters/page.ipynb#b)", f"[B]({start}#b)" if address else "*B*")
    assert files.pop("one/one.ipynb").decode() == nbformat.writes(expected) + "\n"
    assert files.pop("one/checks/book.txt", b"") == (b"https://ada.example.org/losses/" if address else b"")
    assert files.keys() == {"one/checks/__init__.py", "one/requirements.txt"}
    assert (folder / "one.ipynb").read_bytes() == committed


# Sections that fold

LONG = "\n\n".join(f"Paragraph {number} says nothing new. " * 9 for number in range(12))
FIGURE = {"figure": {"caption": "A square.", "name": "fig-aside"}, "image": {"alt": "A square with nothing in it."}}
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="72pt"><path d="M9 9h50v50h-50z"/></svg>'
DETOUR = [
    f"# Page\n\nAs {{eq}}`eq-aside` and {{numref}}`fig-aside` say.\n\n## Before\n\n{LONG}",
    "{.detour}\n### An aside\n\nThe wombat and the surprise, as in\n\n$$\n1 + 1 = 2\n$$ (eq-aside)",
    nbformat.v4.new_code_cell(
        "1 + 1",
        execution_count=1,
        outputs=[nbformat.v4.new_output("display_data", data={"image/svg+xml": SQUARE})],
        metadata={"tags": ["verifies:eq-aside"], "mystnb": FIGURE},
    ),
    f"{LONG}\n\n#### A part of it\n\n{{.detour}}\n#### An aside of the aside\n\n$$\n2 = 2\n$$ (def-deep)\n\n{LONG}",
    f"## After\n\nNo animal, but surprise, after {{eq}}`eq-aside`. {LONG}",
]
PLACES = {  # within the detour, and how many folds are around it
    "an-aside": 1,
    "equation-eq-aside": 1,
    "check-eq-aside": 1,
    "fig-aside": 1,
    "a-part-of-it": 1,
    "an-aside-of-the-aside": 2,
    "equation-def-deep": 2,
}
OPEN = "() => document.querySelectorAll('.detour > details[open]').length"
TOP = """(id) => {
  const place = document.getElementById(id), begin = place.matches(".detour-start") ? place.closest("details") : place;
  return place.checkVisibility() && begin.getBoundingClientRect().top;
}"""


@pytest.fixture(scope="module")
def detours(tmp_path_factory):
    """The site of a small book with a detour, and one within it."""
    book = small_book(tmp_path_factory.mktemp("detours") / "book", page=DETOUR, other=["# Other\n\nSee {eq}`eq-aside`."])
    (book / "chapters").mkdir()
    (book / "chapters" / "glossary.md").write_text("# Glossary\n\n:::{glossary}\nsurprise\n  It is.\n\nwombat\n  An animal.\n:::\n", encoding="utf-8")
    with (book / "_toc.yml").open("a", encoding="utf-8") as contents:
        contents.write("  - file: chapters/glossary\n")
    built = build(book)
    assert built.returncode == 0, built.stdout + built.stderr
    with serving(book / "_build" / "html") as url:
        yield url


@pytest.fixture(params=[True, False], ids=["scripts", "no_scripts"])
def reader(request, browser):
    """An empty page, with scripts and without."""
    with browser.new_context(java_script_enabled=request.param, viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.enter = functools.partial(enter if request.param else Page.goto, page)
        yield page


def test_a_detour_folds_with_all_that_belongs_to_it(detours, reader):
    reader.enter(f"{detours}page.html")
    summary = reader.locator("summary", has=reader.get_by_role("heading", level=3, name="An aside"))
    inside = [reader.locator("article").get_by_text(text) for text in ("The wombat", "checks equation", "A square.", "A part of it", "An aside of the aside")]
    folded = [place.is_visible() for place in inside]
    summary.focus()
    reader.keyboard.press("Enter")
    assert (folded, [place.is_visible() for place in inside]) == ([False] * 5, [True] * 5)
    assert reader.evaluate(FOCUS)[1] == []
    summary.click()
    assert reader.evaluate(OPEN) == 0
    assert reader.get_by_role("heading", name="After").is_visible()


def test_an_address_opens_the_detours_around_its_place(detours, reader):
    for place, folds in PLACES.items():
        reader.goto("about:blank")
        reader.enter(f"{detours}page.html#{place}")
        assert reader.evaluate(OPEN) == folds, place
        assert 0 <= reader.evaluate(TOP, place) < 100, place


def test_a_link_and_the_way_back_open_a_detour_as_often_as_one_folds_it(detours, reader):
    reader.enter(f"{detours}other.html")
    reader.locator("article a[href*='eq-aside']").click()
    fold, reference, entry = (reader.locator(place).first for place in (".detour summary", "p > a[href='#fig-aside']", "#pst-page-toc-nav a[href='#an-aside']"))
    for link in (reference, reference, entry, entry):
        assert reader.evaluate(OPEN) == 1
        fold.click()
        assert reader.evaluate(OPEN) == 0
        link.evaluate("link => link.click()")
    reader.locator("#pst-page-toc-nav a[href='#after']").click()
    fold.click()
    reader.go_back()
    assert reader.evaluate(OPEN) == 1 and 0 <= reader.evaluate(TOP, "an-aside") < 100


def test_search_leads_into_a_detour_and_quotes_it(detours, browser):
    with browser.new_context() as context:
        page = context.new_page()
        for query, result, folds in [("wombat", "page.html", 1), ("aside", "page.html#an-aside", 2), ("animal", "page.html", 0)]:
            enter(page, f"{detours}search.html?q={query}")
            found = page.locator(f"#search-results li:has(a[href='{result}'])")
            assert query in found.locator(".context").inner_text().lower()
            found.locator("a").click()
            page.locator("article .highlighted").first.wait_for(state="attached")
            page.wait_for_timeout(200)
            assert page.evaluate(OPEN) == folds, query
            if folds:
                assert page.locator(".detour .highlighted").first.is_visible()


def test_a_reference_shows_what_is_folded(detours, browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        enter(page, f"{detours}page.html")
        page.locator("#after a[href='#equation-eq-aside']").hover()
        page.locator(".preview .equation").wait_for()
        assert page.evaluate(OPEN) == 0


def test_the_contents_beside_the_text_follow_into_a_detour(detours, browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        enter(page, f"{detours}page.html")
        page.locator(".detour summary").first.click()
        for place in ("#before", "#an-aside", "#after", "#an-aside"):
            page.evaluate("(place) => document.querySelector(place).scrollIntoView()", place)
            page.locator(f"#pst-page-toc-nav a.active[href='{place}']").wait_for()


def test_a_detour_is_open_on_paper(detours, reader):
    reader.enter(f"{detours}page.html")
    printed = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(reader.pdf())).pages)
    assert "wombat" in printed and "2 = 2" in printed.replace("2=2", "2 = 2") and "leave it out" not in printed
    assert reader.evaluate(OPEN) == 0
    reader.enter(f"{detours}intro.html")
    reader.evaluate((ROOT / "tools" / "paper.js").read_text(encoding="utf-8"))
    for place in PLACES:
        assert reader.locator(f"#page-{place}").is_visible()
    assert reader.locator("section#page-an-aside > h3").count() == 1 and reader.locator(".detour summary").count() == 0


def test_a_term_is_linked_outside_of_detours_if_it_can_be(detours, browser):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{detours}page.html")
        linked = [(link.text_content(), link.evaluate("link => link.closest('.detour') !== null")) for link in page.locator("a.term").all()]
        assert linked == [("wombat", True), ("surprise", False)]
