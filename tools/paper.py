"""Print the built site as one PDF: python -m tools.paper.

The pages are joined in the order of the contents, so that the numbers of chapters, equations and figures are the site's.
Chromium prints them twice: the first print tells on which page each section begins, the second has it in the contents.
"""

import io
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from grading.shared.files import write
from tools import browser

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
PAPER = ROOT / "_build" / "paper"  # see extensions/paper.py
ORIGIN = "http://book.invalid/"  # answered from the site's folder

NUMBER_THE_CONTENTS = """(pages) => {
  for (const link of document.querySelectorAll(".contents a")) link.lastChild.textContent = pages[link.hash.slice(1)];
}"""


def printed(site):
    """Return the bytes of the PDF of the site in this folder."""

    def answer(route):
        file = site / route.request.url.removeprefix(ORIGIN).partition("?")[0]
        route.abort() if file.suffix == ".js" else route.fulfill(path=file)

    beside = Path(__file__)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = chromium.new_page()
        page.route(f"{ORIGIN}**", answer)
        page.goto(f"{ORIGIN}intro.html")
        page.evaluate(beside.with_suffix(".js").read_text(encoding="utf-8"))
        page.add_style_tag(path=beside.with_suffix(".css"))
        page.evaluate(NUMBER_THE_CONTENTS, pages_of_places(page.pdf(format="A4")))
        pdf = page.pdf(format="A4", print_background=True, outline=True, tagged=True)
        chromium.close()
    return pdf


def pages_of_places(pdf):
    """Return for each place that a link of the PDF leads to the number of its page, counted from 1."""
    reader = PdfReader(io.BytesIO(pdf))
    return {name.removeprefix("/"): reader.get_destination_page_number(place) + 1 for name, place in reader.named_destinations.items()}


def main():
    name = PAPER / "name"
    if not name.exists():
        sys.exit("There is no book yet: make book")
    browser.main()
    for old in PAPER.glob("*.pdf"):
        old.unlink()
    pdf = printed(SITE)
    write(PAPER / name.read_text(encoding="utf-8"), pdf)
    print(f"The book on paper: {len(PdfReader(io.BytesIO(pdf)).pages)} pages, {len(pdf) / 1e6:.1f} MB. The next make book offers it.")


if __name__ == "__main__":
    main()
