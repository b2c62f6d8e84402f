"""The explorers: what they show is what NumPy and torch compute, by mouse, touch and keyboard alike."""

import gzip
import re
from math import ceil, floor, log10

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT
from torch.nn import functional as F

EXPLORERS = sorted(path.stem for path in (ROOT / "explorers").glob("[0-9]*.js"))
LARGEST = 60_000  # bytes, compressed, with whatever library
SETTINGS = 50

UP = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBERS = {"∞": np.inf, "−∞": -np.inf, "not a number": np.nan}

SET = """([place, state]) => {
  for (const [name, value] of Object.entries(state)) {
    const input = place.querySelector(`input[type="number"][name="${name}"]`)
      ?? place.querySelector(`input[type="radio"][name="explorer-${name}"][value="${value}"]`);
    if (input.type === "radio") input.click();
    else { input.value = value; input.dispatchEvent(new Event("input", { bubbles: true })); }
  }
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
READ = "(place) => Object.fromEntries([...place.querySelectorAll('[data-value]')].map((dd) => [dd.dataset.value, dd.textContent]))"


class Explorer:
    """The explorer of a page, as a reader finds it."""

    def __init__(self, page):
        self.page = page
        self.place = page.locator("#explorer")
        self.place.scroll_into_view_if_needed()
        page.locator(".explorer-live").wait_for()

    def set(self, **state):
        """Write these numbers into the controls."""
        self.page.evaluate(SET, [self.place.element_handle(), state])

    def read(self):
        """Return the shown values by name, as text."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.place.evaluate(READ)


def number(text):
    """Return the number that a text like −1.235 × 10⁻⁹ shows, and half a unit of its last digit."""
    if text in NUMBERS:
        return NUMBERS[text], 0.0
    mantissa, _, power = text.replace("−", "-").partition(" × 10")
    scale = 10.0 ** int(power.translate(UP) or 0)
    return float(mantissa) * scale, 0.5 * 10.0 ** -len(mantissa.partition(".")[2]) * scale


def disagreements(explorer, settings, truth):
    """Set each setting, and yield each value that is not the true one to the digits shown."""
    for setting in settings:
        explorer.set(**setting)
        read = explorer.read()
        expected = truth(**setting)
        assert expected.keys() <= read.keys()
        for name, true in expected.items():
            if isinstance(true, str):
                agrees = read[name] == true
            else:
                got, half = number(read[name])
                agrees = got == true or abs(got - true) <= half * (1 + 1e-6)
            if not agrees:
                yield f"{setting}: {name} is {true}, shown {read[name]}"


@pytest.fixture(scope="module")
def tab(browser):
    """A window of the browser that the tests of this module share."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context


def open_explorer(site, tab, name, query=""):
    page = tab.new_page()
    page.goto(f"{site.url}chapters/{name}.html{query}#explorer")
    return Explorer(page)


def cross_entropy(z, y):
    logit = torch.tensor(float(z), dtype=torch.float64, requires_grad=True)
    by_torch = F.binary_cross_entropy_with_logits(logit, torch.tensor(float(y), dtype=torch.float64))
    by_torch.backward()
    # Beyond |z| = 36.7 torch's loss and gradient are 0 on the right side in float64; these are not.
    wrong = -z if y == 1 else z
    loss, off = np.logaddexp(0, wrong), np.exp(wrong - np.logaddexp(0, wrong)) * (1 - 2 * y)
    assert abs(loss - by_torch.item()) < 1e-12 and abs(off - logit.grad.item()) < 1e-12
    flatness = np.exp(-np.logaddexp(0, z) - np.logaddexp(0, -z))
    return {
        "a": np.exp(-np.logaddexp(0, -z)), "entropy": loss, "surprise": loss / np.log(2), "entropyGradient": off,
        "squared": off**2 / 2, "squaredGradient": off * flatness,
    }


def settings_cross_entropy(rng):
    yield from ({"z": z, "y": y} for z in (0, -8, 8, 36.8, -36.8, 700, -700, 1000, -1000) for y in (0, 1))
    yield from ({"z": round(rng.uniform(-12, 12), 3), "y": int(rng.integers(2))} for _ in range(SETTINGS - 18))


TRUTHS = {
    "03_cross_entropy": (settings_cross_entropy, cross_entropy),
}


def test_every_explorer_is_compared():
    assert set(TRUTHS) == set(EXPLORERS)


@pytest.mark.parametrize("name", TRUTHS)
def test_the_numbers_shown_are_right(name, site, tab):
    settings, truth = TRUTHS[name]
    settings = list(settings(np.random.default_rng(0)))
    assert len(settings) >= SETTINGS
    assert list(disagreements(open_explorer(site, tab, name), settings, truth)) == []
