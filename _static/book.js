// A box that scrolls must be reachable by keyboard, and only as long as it scrolls.
const scrolling = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) {
      target.tabIndex = 0;
      target.setAttribute("role", "group");
      target.setAttribute("aria-label", "Formula, scrolls sideways");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
    }
  }
});

document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll(".equation-formula")) scrolling.observe(box);
});

// The theme takes the focus from a button that was pressed, so that its tooltip goes. Who uses a keyboard would have to start again.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button"))
    button.blur = () => button.matches(":focus-visible") || HTMLElement.prototype.blur.call(button);
});

// An explorer is fetched when its figure comes near the screen, at once when the address asks for a setting.
document.addEventListener("DOMContentLoaded", () => {
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
