// A box that scrolls must be reachable by keyboard, and only as long as it scrolls.
const SCROLLING = ".equation-formula, .cell_output > .output, .pst-scrollable-table-container, pre";
const scrolling = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    const attributes = { tabindex: "0" };
    if (target.matches(".equation-formula")) Object.assign(attributes, { role: "group", "aria-label": "Formula, scrolls sideways" });
    for (const [name, value] of Object.entries(attributes))
      if (scrolls) target.setAttribute(name, value);
      else target.removeAttribute(name);
  }
});

for (const box of document.querySelectorAll(SCROLLING)) scrolling.observe(box);

// Sections below the screen are not laid out before the reader does something, then one at a time. Until then a section is taken to
// be as high as its text is long, which is about right on any screen. An address of a place in the page needs all of it at once.
{
  const idle = window.requestIdleCallback ?? setTimeout;
  const waiting = [...document.querySelectorAll(".bd-article > section > section")];
  const height = (part) => part.textContent.length + 250 * part.querySelectorAll("img").length;
  for (const section of waiting) {
    const folded = [...section.querySelectorAll(".detour > details:not([open])")].filter((details) => !details.parentElement.closest("details"));
    section.style.containIntrinsicBlockSize = `auto ${folded.reduce((rest, details) => rest - height(details), height(section))}px`;
  }
  const whole = () => document.documentElement.classList.add("whole");
  const next = () => {
    waiting.shift()?.classList.add("laid-out");
    requestAnimationFrame(waiting.length ? () => idle(next) : whole);
  };
  const signs = new AbortController();
  for (const sign of ["scroll", "wheel", "touchstart", "pointerdown", "keydown"])
    addEventListener(sign, () => (signs.abort(), idle(next)), { signal: signs.signal, passive: true });
}

// Browsers unfold what an address leads into; older ones do not. What was searched for unfolds, too.
{
  const unfold = (folds, reason) => {
    const folded = [...document.querySelectorAll(`${folds}:not([open])`)].filter((details) => details.querySelector(reason));
    for (const details of folded) details.open = true;
    if (folded.length) document.querySelector(":target")?.scrollIntoView();
  };
  const arrive = () => unfold("details", ":target");
  addEventListener("hashchange", arrive);
  arrive();
  setTimeout(() => unfold(".detour > details", ".highlighted"), 100); // when sphinx_highlight.js has marked it
}

// Large brackets come in fonts of their own, which are small, and wanted at once where a reader scrolls to.
document.fonts.forEach((font) => font.family.includes("KaTeX_Size") && font.load());

// The theme takes the focus from a button that was pressed, so that its tooltip goes. Who uses a keyboard would have to start again.
for (const button of document.querySelectorAll("button"))
  button.blur = () => button.matches(":focus-visible") || HTMLElement.prototype.blur.call(button);

// An explorer is fetched when its figure comes near the screen, at once when the address asks for a setting.
{
  const fetchExplorer = async (place) => {
    near.unobserve(place);
    const { default: explore } = await import(`../explorers/${place.dataset.explorer}.js`);
    explore(place);
  };
  const near = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => fetchExplorer(entry.target)),
    { rootMargin: "100% 0px" },
  );
  for (const place of document.querySelectorAll(".explorer"))
    if (location.search && location.hash === `#${place.id}`)
      fetchExplorer(place).then(() => document.fonts.ready).then(() => place.scrollIntoView());
    else near.observe(place);
}

// What a search result quotes of a page: words of its article as they are read aloud, with a space between its parts.
const PARTS = "h1, h2, h3, p, li, dt, dd, th, td, pre, figcaption, summary";
document.querySelector("script[src*=searchtools]")?.addEventListener("load", () => {
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const place = page.querySelector(anchor ? `article ${anchor}` : "article") ?? page.querySelector("article");
    const part = place.matches(".detour-start") ? place.closest("section") : place;
    for (const unread of page.querySelectorAll(".headerlink, [aria-hidden='true'], script, style")) unread.remove();
    for (const ended of page.querySelectorAll(PARTS)) ended.append(" ");
    const said = part.matches("dt") ? part.textContent + part.parentElement.querySelector(`${anchor} ~ dd`).textContent : part.textContent;
    return said.replace(/\u2061(?=\p{L})/gu, " ").replace(/\s+/g, " "); // ln K, not lnK
  };
});

// Paper is light, cannot unfold an answer, and has the page's title at the head of each sheet.
let theme, folded;
addEventListener("beforeprint", () => {
  document.documentElement.style.setProperty("--paper-head", JSON.stringify(document.title));
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = theme;
  for (const details of folded) details.open = false;
});
