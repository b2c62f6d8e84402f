"""The explorers: what they show is what NumPy and torch compute, by mouse, touch and keyboard alike."""

import gzip
import re
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, exp, floor, log10

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, enter
from torch.nn import functional as F

EXPLORERS = sorted(path.stem for path in (ROOT / "explorers").glob("[0-9]*.js"))
LARGEST = 60_000  # bytes, compressed, with whatever library
SETTINGS = 50

UP = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBERS = {"0": 0.0, "∞": np.inf, "−∞": -np.inf, "not a number": np.nan}

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

    def __init__(self, page, name):
        self.page, self.name = page, name
        self.place = page.locator("#explorer")
        self.place.scroll_into_view_if_needed()
        page.locator(".explorer-live").wait_for()

    def set(self, **state):
        """Write these numbers into the controls."""
        self.page.evaluate(SET, [self.place.element_handle(), state])

    def reset(self):
        self.place.get_by_role("button", name="Reset").click()

    def unfold(self):
        self.place.evaluate("(place) => place.querySelectorAll('details').forEach((details) => (details.open = true))")

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
                parts = zip(map(number, read[name].strip("()").split(", ")), np.atleast_1d(true), strict=True)
                agrees = all(np.array_equal(got, one, equal_nan=True) or abs(got - one) <= half * (1 + 1e-6) for (got, half), one in parts)
            if not agrees:
                yield f"{setting}: {name} is {true}, shown {read[name]}"


@pytest.fixture(scope="module")
def tab(browser):
    """A window of the browser that the tests of this module share."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}, has_touch=True) as context:
        yield context


def open_explorer(site, tab, name, query=""):
    page = tab.new_page()
    page.goto(f"{site.url}chapters/{name}.html{query}#explorer")
    return Explorer(page, name)


@pytest.fixture(scope="module", params=EXPLORERS)
def opened(request, site, tab):
    """Each explorer in turn, its page opened once."""
    explorer = open_explorer(site, tab, request.param)
    yield explorer
    explorer.page.close()


@pytest.fixture
def explorer(opened):
    """The explorer as a reader first sees it."""
    opened.reset()
    return opened


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


def line(theta0, theta1, penalty, points):
    """J, its gradient and the best line, by fractions; torch and NumPy must agree where float64 can tell."""
    theta0, theta1, lam = (Fraction(str(number)) for number in (theta0, theta1, penalty))
    x, y = [Fraction(str(a)) for a, _ in points], [Fraction(str(b)) for _, b in points]
    m = len(points)

    def parts(theta0, theta1):
        data = sum((theta0 + theta1 * a - b) ** 2 for a, b in zip(x, y)) / (2 * m)
        return data, lam * theta1**2 / (2 * m)

    curvature = sum(a * a for a in x) - sum(x) ** 2 / m + lam
    slope = (sum(a * b for a, b in zip(x, y)) - sum(x) * sum(y) / m) / curvature if curvature else Fraction(0)
    bias = (sum(y) - slope * sum(x)) / m
    data, penalty = parts(theta0, theta1)
    errors = [theta0 + theta1 * a - b for a, b in zip(x, y)]
    truth = {
        "cost": data + penalty, "data": data, "penalty": penalty, "bestCost": sum(parts(bias, slope)),
        "gradient0": sum(errors) / m, "gradient1": (sum(e * a for e, a in zip(errors, x)) + lam * theta1) / m,
    }
    truth = {name: float(value) for name, value in truth.items()}

    X, Y = np.array([[1.0, float(a)] for a in x]), np.array([float(b) for b in y])
    theta = torch.tensor([float(theta0), float(theta1)], dtype=torch.float64, requires_grad=True)
    cost = ((torch.from_numpy(X) @ theta - torch.from_numpy(Y)) ** 2).sum() / (2 * m) + float(lam) / (2 * m) * theta[1] ** 2
    cost.backward()
    assert np.allclose([truth["cost"], truth["gradient0"], truth["gradient1"]], [cost.item(), *theta.grad], rtol=1e-9, atol=1e-9)
    hessian = (X.T @ X + np.diag([0, float(lam)])) / m
    return truth | {
        "bestTheta0": float(bias) if curvature else "any", "bestTheta1": float(slope) if curvature else "any",
        "rate": 1 / np.linalg.eigvalsh(hessian).max(),
    }


def line_by_name(**setting):
    points = [(setting[f"x{i}"], setting[f"y{i}"]) for i in range(1, 7)]
    return line(setting["theta0"], setting["theta1"], setting["lambda"], points)


def settings_line(rng):
    def setting(theta0, theta1, penalty, points):
        named = {f"{axis}{i}": number for i, point in enumerate(points, start=1) for axis, number in zip("xy", point)}
        return {"theta0": theta0, "theta1": theta1, "lambda": penalty} | named

    def scattered(spread, digits=2):
        return rng.uniform(-spread, spread, (6, 2)).round(digits).tolist()

    above_each_other = [(0.7, b) for b in (-1.1, -0.3, 0.2, 0.9, 1.3, 2.1)]
    on_the_line = [(a, round(0.3 + 0.7 * a, 2)) for a in (-2.1, -1.3, -0.4, 0.6, 1.9, 2.2)]
    for penalty in (0, 0.1, 1e9):
        yield setting(0.3, 0.7, penalty, above_each_other)
        yield setting(0.3, 0.7, penalty, on_the_line)
        yield setting(-0.4, 0, penalty, [(0, 0)] * 6)
        yield setting(1.1, -0.6, penalty, [(-1.3, 0.4)] * 6)
        yield setting(0.2, 0.5, penalty, [*scattered(3)[:5], (2.5, 1000)])
        yield setting(-1000, 1000, penalty, scattered(1000))
    yield setting(0.1, 0.2, 0, [*above_each_other[:5], (0.700001, 2.1)])
    for _ in range(SETTINGS - 19):
        theta0, theta1 = rng.uniform(-3, 3, 2).round(2).tolist()
        yield setting(theta0, theta1, rng.choice([0, round(rng.uniform(0, 5), 2), rng.integers(1000)]).item(), scattered(3))


def descended(push, z, eta, steps):
    """Return the logit after these steps, and the number of the first at which it is not negative."""
    half = 0 if z >= 0 else None
    for step in range(1, steps + 1):
        z += eta * push(z)
        if half is None and z >= 0:
            half = step
    return z, half


def race(z0, eta, t):
    def sigma(z):
        return 1 / (1 + exp(-z)) if z > -700 else exp(z)

    size = -min(z0, 0)
    neurons = {
        "squared": (lambda z: sigma(z) * sigma(-z) ** 2, lambda z: sigma(-z) ** 2 / 2,
                    exp(size) + 3 * size + 2.5 - 3 * exp(-size) - exp(-2 * size) / 2),
        "rival": (lambda z: sigma(-z), lambda z: np.logaddexp(0, -z), size + 1 - exp(-size)),
    }
    torchs = {"squared": lambda a: (a - 1) ** 2 / 2, "rival": lambda a: -a.log()}
    truth = {}
    for name, (push, loss, time) in neurons.items():
        z, half = descended(push, z0, eta, t)
        logit = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        by_torch = torchs[name](torch.sigmoid(logit))
        by_torch.backward()
        assert np.allclose([loss(z), -push(z)], [by_torch.item(), logit.grad.item()], rtol=1e-6, atol=1e-12)
        shown = {"z": z, "a": sigma(z), "loss": loss(z), "gradient": -push(z), "predicted": time / eta}
        shown["half"] = "not yet" if half is None else str(half)
        truth |= {f"{name}_{what}": value for what, value in shown.items()}
    return truth


def settings_race(rng):
    yield from ({"z0": z0, "eta": eta, "t": t} for z0 in (-30.0, -0.01, 0.0, 10.0) for eta in (0.001, 1, 1000) for t in (0, 1, 3000))
    yield from ({"z0": -10.0, "eta": 1, "t": t} for t in (11, 22062, 22063, 22064, 100_000))
    yield {"z0": -12.5, "eta": 1, "t": 500_000}
    for _ in range(SETTINGS - 42):
        yield {"z0": round(rng.uniform(-12, 2), 2), "eta": float(f"{10 ** rng.uniform(-2, 2):.2g}"), "t": int(10 ** rng.uniform(0, 5))}


def softmax_nll(z1, z2, z3, z4, y, T, c):
    z, right = [z1, z2, z3, z4], y - 1
    logits = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    by_torch = F.cross_entropy((logits + c) / T, torch.tensor(right))
    by_torch.backward()
    with localcontext(prec=700):  # to tell 1 − 10⁻³⁰⁸ from 1
        entering = [(Decimal(str(one)) + Decimal(str(c))) / Decimal(str(T)) for one in z]
        total = sum(one.exp() for one in entering)
        p = [one.exp() / total for one in entering]
        gradient = [(one - (k == right)) / Decimal(str(T)) for k, one in enumerate(p)]
        exact = {"loss": -p[right].ln(), "lse": total.ln(), "max": max(entering)}
        exact |= {f"p{k}": one for k, one in enumerate(p, 1)} | {f"g{k}": one for k, one in enumerate(gradient, 1)}
    exact = {name: float(one) for name, one in exact.items()}
    assert np.isclose(exact["loss"], by_torch.item(), rtol=1e-9, atol=1e-9)
    assert np.allclose([exact[f"g{k}"] for k in (1, 2, 3, 4)], logits.grad, rtol=1e-9, atol=1e-9)
    with np.errstate(all="ignore"):
        e = np.exp((np.array(z) + c) / T)
        naive = -np.log(e[right] / e.sum())
    return exact if 0 < naive < 1e-9 else exact | {"naive": naive}  # rounding is all that is left of smaller ones


def settings_softmax_nll(rng):
    def setting(z, y=1, T=1, c=0):
        return {"z1": z[0], "z2": z[1], "z3": z[2], "z4": z[3], "y": y, "T": T, "c": c}

    calm, wild = (2, 1, 0, -1), (1e4, -1e4, 9999.5, 0)
    yield from (setting(calm, y, T) for y in (1, 2, 4) for T in (0.05, 1, 100))
    yield from (setting(calm, 2, 1, c) for c in (3, -3, 707, 708, -744, -746, 1e4, -1e4))
    yield from (setting(wild, y, T, c) for y, T, c in [(1, 1, 0), (2, 1, 0), (3, 1, 1e4), (2, 0.05, -1e4), (1, 100, 0), (4, 100, 1e4)])
    yield from (setting((one,) * 4, 3, T) for one, T in [(0, 1), (1e4, 0.05), (-1e4, 1)])
    yield from (setting((40, 0, 0, 0), 1, T) for T in (1, 0.06))
    for _ in range(SETTINGS - 28):
        yield setting([round(one, 2) for one in rng.normal(0, 4, 4)], int(rng.integers(1, 5)), round(10 ** rng.uniform(-1, 1), 2), round(rng.normal(0, 50), 1))


def triplet(ax, ay, px, py, nx, ny, alpha, eta):
    exact = [Fraction(str(one)) for one in (ax, ay, px, py, nx, ny, alpha)]
    dap, dan = ((exact[0] - exact[k]) ** 2 + (exact[1] - exact[k + 1]) ** 2 for k in (2, 4))
    inside = dap + exact[6] - dan
    kind = "easy" if inside <= 0 else "hard" if dan < dap else "semi-hard"

    points = torch.tensor([[ax, ay], [px, py], [nx, ny]], dtype=torch.float64, requires_grad=True)
    a, p, n = points
    torch.relu(((a - p) ** 2).sum() - ((a - n) ** 2).sum() + alpha).backward()
    gradient = points.grad.numpy() if inside else np.zeros((3, 2))  # decimals are not on the corner in float64

    at, steps = points.detach().numpy(), 0
    while inside > 0 and steps <= 1000:
        a, p, n = at
        if steps and ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + alpha <= 0:
            break
        at, steps = at - eta * 2 * np.array([n - p, p - a, a - n]), steps + 1
    return {
        "loss": float(max(inside, 0)), "dap": float(dap), "dan": float(dan), "kind": kind,
        "ga": gradient[0], "gp": gradient[1], "gn": gradient[2],
        "steps": "never" if inside > 0 and not gradient.any() else str(steps) if steps <= 1000 else "more than 1000",
    }


def settings_triplet(rng):
    def setting(a, p, n, alpha=0.9, eta=0.005):
        return {"ax": a[0], "ay": a[1], "px": p[0], "py": p[1], "nx": n[0], "ny": n[1], "alpha": alpha, "eta": eta}

    origin, there = (0, 0), (1, 0.3)
    yield from (setting((one, one), (one, one), (one, one)) for one in (0, 0.1, -1000))
    yield from (setting(a, p, n) for a, p, n in [(origin, origin, there), (origin, there, origin), (origin, there, there)])
    yield from (setting((0.1, 0.2), (0.1 + 0.3, 0.6), n, alpha) for n, alpha in [((0.7, 0.5), 0.2), ((0.7, 0.2), 0.11), ((0.7, 0.5), 0.21)])
    yield from (setting((0.1, 0), (0.4, 0.1), n, 0.2) for n in [(-0.2, 0.1), (0.2, 0.3), (0.4, -0.1)])
    yield from (setting(origin, there, n, alpha) for n, alpha in [((0.001, 0), 4), ((0, 0.001), 0.001), ((0.5, -0.3), 100)])
    yield from (setting(*far, 100, eta) for eta in (0.001, 0.5) for far in [((-1000, 0), (1000, 0), (0, 1000)), ((0, 0), (0.001, 0), (999.9, 999.9))])
    yield setting((500, 500), (500.001, 500), (500, 500.001), 0.001, 0.001)
    for _ in range(SETTINGS - 20):
        points = rng.normal(0, 1, (3, 2)).round(2).tolist()
        yield setting(*points, round(rng.uniform(0.1, 4), 2), round(10 ** rng.uniform(-3, -0.5), 3))


TRUTHS = {
    "01_mse": (settings_line, line_by_name),
    "02_regression_vs_classification": (settings_race, race),
    "03_cross_entropy": (settings_cross_entropy, cross_entropy),
    "04_softmax_nll": (settings_softmax_nll, softmax_nll),
    "05_triplet": (settings_triplet, triplet),
}


def test_every_explorer_is_compared():
    assert set(TRUTHS) == set(EXPLORERS)


def test_the_numbers_shown_are_right(explorer):
    settings, truth = TRUTHS[explorer.name]
    settings = list(settings(np.random.default_rng(0)))
    assert len(settings) >= SETTINGS
    assert list(disagreements(explorer, settings, truth)) == []


# The picture, the controls and the address

PAUSE = 1000  # milliseconds, longer than the explorers wait before they announce

POINT = ".explorer-picture .point"
WHERE = "(point) => { const { x, y, width, height } = point.querySelector('.dot').getBoundingClientRect(); return [x + width / 2, y + height / 2]; }"
# axe reads the whole page, however little of it is asked for.
LEAVE_ONLY = """(place) => {
  for (let element = place; element !== document.body; element = element.parentElement)
    for (const sibling of [...element.parentElement.children]) if (sibling !== element) sibling.remove();
}"""
BEYOND_THE_SCREEN = """() => [...document.querySelectorAll(".explorer-live :not(svg *)")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.classList.contains("visually-hidden"))
  .map((element) => element.outerHTML.slice(0, 120))"""
TEXT_CUT = """() => [...document.querySelectorAll(".explorer-picture text")]
  .filter((text) => text.textContent && text.getClientRects().length)
  .filter((text) => { const box = text.getBoundingClientRect(), frame = text.closest("div").getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1; })
  .map((text) => text.textContent)"""

FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element.querySelector(".reach") ?? element);
  const ring = style.outlineStyle !== "none" || style.boxShadow !== "none" || (style.stroke !== "none" && parseFloat(style.strokeWidth) > 2);
  const index = [...document.querySelectorAll(".explorer *")].indexOf(element);
  return index < 0 ? null : { index, ring, html: element.outerHTML.slice(0, 150) };
}"""
NOTE_NEWS = """() => {
  window.news = [];
  const status = document.querySelector(".explorer [role=status]");
  new MutationObserver(() => news.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true });
}"""


def tries(explorer):
    return explorer.place.locator(".explorer-tries a")


def touch(page, *steps):
    """Put a finger down at the first place, move it to the others, and lift it."""
    session = page.context.new_cdp_session(page)
    for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(steps) - 1)], steps):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def drag(page, *steps):
    """The same with a mouse."""
    page.mouse.move(*steps[0])
    page.mouse.down()
    for step in steps[1:]:
        page.mouse.move(*step)
    page.mouse.up()


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_is_light_and_loaded_by_its_page_alone(name, site, browser):
    weight = {}

    def weigh(response):
        path = response.url.removeprefix(site.url).partition("?")[0]
        if path.startswith(("explorers/", "d3/")):
            weight[path] = len(gzip.compress(response.body(), mtime=0))

    with browser.new_context() as context:
        page = context.new_page()
        page.on("response", weigh)
        enter(page, f"{site.url}chapters/notation.html")
        assert weight == {}
        page.goto(f"{site.url}chapters/{name}.html#explorer")
        Explorer(page, name)
    assert {path for path in weight if re.search(r"explorers/\d", path)} == {f"explorers/{name}.js"}
    assert sum(weight.values()) <= LARGEST


@pytest.mark.parametrize("name", EXPLORERS)
def test_axe_finds_no_violation_in_any_state(name, site, tab):
    explorer = open_explorer(site, tab, name)
    explorer.place.evaluate(LEAVE_ONLY)
    explorer.unfold()
    for state in ["start", *range(tries(explorer).count()), "wrong"]:
        if state == "wrong":
            explorer.place.locator("input[type=number]").first.fill("")
            explorer.place.locator(".explorer-problem").filter(has_text="write a number").wait_for()
        elif state != "start":
            tries(explorer).nth(state).click()
        for theme in ("light", "dark"):
            explorer.page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            options = {"resultTypes": ["violations"], "preload": False}
            violations = Axe().run(explorer.page, context=".explorer", options=options).response["violations"]
            assert [f"{violation['id']}: {violation['nodes'][0]['html'][:200]}" for violation in violations] == [], (state, theme)


@pytest.mark.parametrize("width", [360, 320, 1280])
def test_nothing_of_an_explorer_is_cut(width, explorer):
    explorer.page.set_viewport_size({"width": width, "height": 1000})
    explorer.unfold()
    for state in range(tries(explorer).count()):
        explorer.read()
        assert explorer.page.evaluate(BEYOND_THE_SCREEN) == []
        assert explorer.page.evaluate(TEXT_CUT) == []
        tries(explorer).nth(state).click()


def test_mouse_touch_and_keyboard_move_every_point(explorer):
    page, points = explorer.page, explorer.page.locator(POINT)
    for way in (drag, touch):  # a mouse is not listened to right after a finger
        for index in range(points.count()):
            explorer.reset()
            points.nth(index).scroll_into_view_if_needed()
            before, (x, y) = explorer.read(), points.nth(index).evaluate(WHERE)
            way(page, (x, y), (x + 15, y - 15), (x + 30, y - 30))
            assert explorer.read() != before, f"point {index} by {way.__name__}"
    for index in range(points.count()):
        moved = []
        for key in ("ArrowRight", "ArrowUp"):
            explorer.reset()
            before = explorer.read()
            points.nth(index).focus()
            page.keyboard.press(f"Shift+{key}")
            moved.append(explorer.read() != before)
            assert page.evaluate("document.activeElement.classList.contains('point')")
        assert any(moved), f"point {index} by keyboard"


def test_everything_can_be_reached_and_seen_by_keyboard(explorer):
    explorer.unfold()
    expected = explorer.place.locator(
        "input[type=number]:visible, input[type=range]:visible, input:checked, button:enabled, a, summary, .point"
    ).count()
    explorer.place.evaluate("(place) => { place.tabIndex = -1; place.focus(); }")
    seen = set()
    for _ in range(expected + 5):
        explorer.page.keyboard.press("Tab")
        focused = explorer.page.evaluate(FOCUSED)
        if focused is None:
            break
        assert focused["ring"], focused["html"]
        seen.add(focused["index"])
    assert len(seen) == expected


def test_the_address_holds_the_setting(site, tab, explorer):
    plain = explorer.read()
    for state in range(tries(explorer).count()):
        tries(explorer).nth(state).click()
        shown = explorer.read()
        link = explorer.place.get_by_role("link", name="Link to this setting").evaluate("link => link.href")
        explorer.page.wait_for_url(link)
    linked = tab.new_page()
    linked.goto(link)
    linked.wait_for_function("Math.abs(document.querySelector('#explorer').getBoundingClientRect().top) < 200")
    assert Explorer(linked, explorer.name).read() == shown
    linked.close()
    explorer.reset()
    assert explorer.read() == plain
    explorer.page.wait_for_timeout(PAUSE)
    assert "?" not in explorer.page.url


def test_what_cannot_be_set_is_said_and_nothing_is_lost(site, tab, explorer):
    plain = explorer.read()
    field = explorer.place.locator("input[type=number]").first
    key, limit = field.get_attribute("name"), float(field.get_attribute("max"))
    problem = explorer.place.locator(".explorer-problem")
    explorer.set(**{key: 2 * limit + 1})
    problem.filter(has_text="write a number from").wait_for()
    assert field.get_attribute("aria-invalid") == "true" and explorer.read() == plain
    explorer.set(**{key: limit})
    assert problem.inner_text() == "" and explorer.read() != plain
    keys = sorted({key, explorer.place.locator("input[type=number]").last.get_attribute("name")})
    strange = open_explorer(site, tab, explorer.name, "?" + "&".join(f"{key}=many" for key in keys))
    said = strange.place.locator(".explorer-problem").inner_text()
    assert [key for key in keys if f"The address asks for {key} = many" not in said] == []
    assert strange.read() == plain
    strange.page.close()


def test_a_change_is_announced_once_the_reader_pauses(explorer):
    explorer.page.wait_for_timeout(PAUSE)
    explorer.page.evaluate(NOTE_NEWS)
    explorer.place.locator("input[type=range]").first.focus()
    for _ in range(10):
        explorer.page.keyboard.press("ArrowRight")
    assert explorer.page.evaluate("news") == []
    explorer.page.wait_for_timeout(PAUSE)
    assert len(explorer.page.evaluate("news")) == 1
    assert re.search(r"\d", explorer.page.evaluate("news[0]"))


PLAYED = {  # what is to be seen where Play has come to its end
    "01_mse": lambda read: read["cost"] == read["bestCost"],
    "02_regression_vs_classification": lambda read: min(number(read["squared_a"])[0], number(read["rival_a"])[0]) >= 0.95,
    "05_triplet": lambda read: read["loss"] == "0" and read["kind"] == "easy",
}
ONE_PLACE = "&".join(f"x{i}=0.7" for i in range(1, 6))


@pytest.mark.parametrize(("name", "query", "ends"), [
    ("01_mse", "", True), ("01_mse", "?lambda=1e9&x6=1000&y6=1000", True), ("01_mse", f"?{ONE_PLACE}&x6=0.7", True),
    ("01_mse", f"?{ONE_PLACE}&x6=0.70001", False), ("02_regression_vs_classification", "?z0=-10", True),
    ("05_triplet", "", True), ("05_triplet", "?nx=0.001&ny=0&eta=0.001&alpha=100", False),
])
def test_play_reaches_its_end_or_says_that_it_does_not(name, query, ends, site, browser):
    with browser.new_context(reduced_motion="reduce") as context:
        explorer = open_explorer(site, context, name, query)
        explorer.place.get_by_role("button", name="Play").click()
        assert PLAYED[name](explorer.read()) == ends
        assert explorer.place.locator(".explorer-problem").inner_text() == ("" if ends else "Play stops here, though its end is not reached.")


def test_a_film_can_be_paused_and_is_announced_at_its_end(site, tab):
    explorer = open_explorer(site, tab, "05_triplet")
    explorer.page.wait_for_timeout(PAUSE)
    explorer.page.evaluate(NOTE_NEWS)
    play = explorer.place.get_by_role("button", name="Play")
    play.click()
    explorer.place.get_by_role("button", name="Pause").click()
    read = explorer.read()
    explorer.page.wait_for_timeout(PAUSE)
    assert explorer.read() == read and not PLAYED["05_triplet"](read)
    assert len(explorer.page.evaluate("news")) == 1
    play.click()
    play.wait_for()
    assert PLAYED["05_triplet"](explorer.read()) and explorer.page.evaluate("document.activeElement.textContent") == "Play"
    explorer.page.wait_for_timeout(PAUSE)
    assert len(explorer.page.evaluate("news")) == 2
    explorer.page.close()


def test_a_step_of_the_line_is_one_of_gradient_descent(site, tab):
    explorer = open_explorer(site, tab, "01_mse", "?lambda=3")
    theta = np.array([0.8, -0.2])
    X, y = np.array([[1, -2.5], [1, -1.5], [1, -0.5], [1, 0.5], [1, 1.5], [1, 2.5]]), np.array([-1.4, -1.1, 0.5, 0.2, 1.3, 1.1])
    hessian = (X.T @ X + np.diag([0, 3])) / 6
    for _ in range(3):
        explorer.place.get_by_role("button", name="Step downhill").click()
        theta = theta - (hessian @ theta - X.T @ y / 6) / np.linalg.eigvalsh(hessian).max()
        shown = [float(explorer.place.locator(f"input[name=theta{j}]").input_value()) for j in (0, 1)]
        assert np.allclose(shown, theta, atol=1e-6)
    explorer.page.close()


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_figure_stands_on_paper_and_without_scripts(name, site, browser):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.url}chapters/{name}.html#explorer")
        picture = page.locator("figure:has(#explorer) img")
        assert picture.is_visible() and page.locator("figure:has(#explorer) figcaption").is_visible()
    with browser.new_context() as context:
        page = open_explorer(site, context, name).page
        picture, live = page.locator("figure:has(#explorer) img"), page.locator(".explorer-live")
        assert live.is_visible() and not picture.is_visible()
        page.emulate_media(media="print")
        assert picture.is_visible() and not live.is_visible()
