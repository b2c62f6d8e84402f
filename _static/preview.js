// A reference to an equation, a figure, a term, a source or a check shows what it leads to, while the mouse or the keyboard
// rests on it. A touch follows the link. Screen readers are spared the box: the link says what it is, and leads there.
function preview(article) {
  const LINKS = `.bibtex-citation a, ${["equation", "fig", "term", "check"].map((kind) => `a[href*="#${kind}-"]`)}`;
  const pages = { [location.pathname]: document };
  const box = document.createElement("div");
  box.className = "preview";
  box.popover = "manual";
  box.setAttribute("aria-hidden", "true");
  article.append(box);

  let rested, timer;
  const soon = (act, milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };

  const rest = (link) => {
    rested = link;
    soon(() => show(link), 300);
  };

  const leave = (milliseconds) => {
    rested = null;
    soon(() => box.hidePopover(), milliseconds);
  };

  async function show(link) {
    const address = new URL(link.href);
    const page = (pages[address.pathname] ??= await read(address).catch(() => null));
    const target = page?.getElementById(decodeURIComponent(address.hash.slice(1)));
    if (!target || (page === document && isInView(target))) return;
    const parts = excerpt(target).map((part) => copy(part, address));
    const images = parts.flatMap((part) => [...part.querySelectorAll("img")]);
    await Promise.allSettled(images.map((image) => image.decode()));
    if (link !== rested) return;
    box.replaceChildren(...parts);
    box.showPopover();
    place(link.getClientRects()[0]);
  }

  async function read(address) {
    return new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
  }

  function isInView(target) {
    const { top, bottom, height } = target.getBoundingClientRect();
    return height > 0 && top >= 0 && bottom <= innerHeight && !target.closest("details:not([open])");
  }

  function excerpt(target) {
    if (target.matches(".cell")) return [...target.querySelectorAll(".cell_output")];
    if (!target.matches("dt")) return [target];
    let definition = target.nextElementSibling;
    while (definition.matches("dt")) definition = definition.nextElementSibling;
    return [target, definition];
  }

  function copy(part, address) {
    const twin = document.importNode(part, true);
    for (const extra of twin.querySelectorAll(".headerlink, .checked, .explorer, button")) extra.remove();
    for (const element of [twin, ...twin.querySelectorAll("[id], [tabindex]")]) {
      element.removeAttribute("id");
      element.removeAttribute("tabindex");
    }
    for (const image of twin.querySelectorAll("img")) {
      image.loading = "eager";
      image.src = new URL(image.getAttribute("src"), address);
    }
    for (const inner of twin.querySelectorAll("a")) {
      inner.href = new URL(inner.getAttribute("href"), address);
      inner.tabIndex = -1;
    }
    return twin;
  }

  function place(line) {
    const { width, height } = box.getBoundingClientRect();
    const left = Math.max(8, Math.min(line.left, document.documentElement.clientWidth - width - 8));
    const top = line.bottom + height + 12 <= innerHeight || line.top < height + 12 ? line.bottom + 4 : line.top - height - 4;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${top + scrollY}px`;
  }

  const linkOf = ({ target }) => !box.contains(target) && target.closest(LINKS);
  article.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    if (box.contains(event.target)) clearTimeout(timer);
    else if (linkOf(event)) rest(linkOf(event));
  });
  article.addEventListener("pointerout", (event) => {
    if (event.target.closest(`${LINKS}, .preview`)) leave(250);
  });
  article.addEventListener("focusin", (event) => {
    if (linkOf(event) && event.target.matches(":focus-visible")) rest(linkOf(event));
  });
  article.addEventListener("focusout", (event) => {
    if (linkOf(event)) leave(250);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave(0);
  });
  addEventListener("click", (event) => {
    if (event.target.closest("a") || !box.contains(event.target)) leave(0);
  });
}

if ("popover" in HTMLElement.prototype) document.querySelectorAll("article").forEach(preview);
