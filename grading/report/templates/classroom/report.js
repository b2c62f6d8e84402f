"use strict";
// Works from the first line on, so that names which were hidden before are never seen. Without it the switches still work, by the style sheet.
{
  const hide = document.getElementById("hide");
  const memory = (key, value) => {
    try {
      return value === undefined ? localStorage.getItem(key) : localStorage.setItem(key, value);
    } catch {
      return null;
    }
  };
  const themes = [...document.querySelectorAll("[name=theme]")];
  for (const theme of themes) {
    theme.checked = theme.value === (memory("report-theme") ?? "auto");
    theme.addEventListener("change", () => memory("report-theme", theme.value));
  }
  hide.checked = memory("report-names") === "hidden";

  const collator = new Intl.Collator(undefined, { numeric: true });
  const taken = new Map(); // what is hidden leaves the page, and is put back
  const called = (place) => place.querySelector(":scope > .w, :scope > th > .w")?.firstElementChild.textContent ?? "";
  const compare = (one, other) => (isNaN(one) || isNaN(other) ? collator.compare(one, other) : one - other);

  const key = (row, column) => {
    const cell = row.cells[column];
    return called(cell) || (cell.dataset.k ?? cell.textContent.trim());
  };

  // Puts what stands in a place in the order of its keys, with nothing last and the same key by name.
  const order = (place, keyOf = () => "", downwards = false) => {
    const found = [...place.children].map((one) => [keyOf(one), called(one), one]);
    found.sort(([one, name], [other, otherName]) => {
      const first = one && other ? (downwards ? compare(other, one) : compare(one, other)) : !one - !other;
      return first || collator.compare(name, otherName);
    });
    place.append(...found.map(([, , one]) => one));
  };

  const sort = (table, head) => order(table.tBodies[0], (row) => key(row, head.cellIndex), head.getAttribute("aria-sort") === "descending");

  const orderAgain = () => {
    document.querySelectorAll(".names").forEach((list) => order(list));
    document.querySelectorAll(".sortable").forEach((table) => sort(table, table.querySelector("th[aria-sort]")));
  };

  const show = () => {
    if (hide.checked) {
      for (const who of document.querySelectorAll(".w:has(> :nth-child(2))")) taken.set(who, who.removeChild(who.firstElementChild));
    } else {
      for (const [who, name] of taken) who.prepend(name);
      taken.clear();
    }
    orderAgain();
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll(".sortable"))
      for (const head of table.tHead.rows[0].cells) {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
        const first = head.matches(".number, .upright") ? "descending" : "ascending";
        button.addEventListener("click", () => {
          const now = head.getAttribute("aria-sort");
          const next = now === "descending" ? "ascending" : now === "ascending" ? "descending" : first;
          table.querySelector("th[aria-sort]").removeAttribute("aria-sort");
          head.setAttribute("aria-sort", next);
          sort(table, head);
        });
      }
    document.querySelector(".mistakes th")?.setAttribute("aria-sort", "descending");
    document.querySelector(".all th:nth-child(2)")?.setAttribute("aria-sort", "descending");
    show();
    hide.addEventListener("change", () => {
      memory("report-names", hide.checked ? "hidden" : "shown");
      show();
    });
  });

  // A small class is printed with all of its names, a large one as it is on the screen.
  const SMALL = 60;
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = document.querySelectorAll(".all tbody tr").length > SMALL ? [] : [...document.querySelectorAll("details:not([open])")];
    opened.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));
}
