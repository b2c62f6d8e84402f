// Runs in the first page of the site, its scripts off, and makes it the whole book: title, contents, all articles in order.
async () => {
  const ABOUT = "About this book";
  const NOTE = "Printed from the book's website, where the explorers, the exercises and all downloads are.";
  const LEFT_OUT = ".headerlink, .toctree-wrapper, .sd-summary-state-marker, script";
  const home = location.href;
  document.documentElement.classList.add("whole");
  const title = document.querySelector(".navbar-brand").textContent.trim();
  const licences = document.querySelector(".extra_footer");

  const make = (tag, className, ...children) => {
    const made = Object.assign(document.createElement(tag), { className });
    made.append(...children);
    return made;
  };

  // A section that folds on a screen, as any other.
  const asSection = (details) => {
    const [summary, start] = details.children;
    details.parentElement.id = start.id;
    start.replaceWith(...start.childNodes);
    summary.replaceWith(...summary.childNodes);
    details.replaceWith(...details.childNodes);
  };

  const pages = [];
  for (const link of document.querySelectorAll(".bd-docs-nav a.reference.internal")) {
    const address = new URL(link.getAttribute("href"), home).href.split("#")[0];
    const source = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
    const name = address.split("/").pop().split(".")[0];
    pages.push({ name, address, article: document.adoptNode(source.querySelector(".bd-article")) });
  }
  const names = new Map(pages.map(({ name, address }) => [address, name]));

  for (const { name, address, article } of pages) {
    for (const element of article.querySelectorAll(LEFT_OUT)) element.remove();
    for (const details of article.querySelectorAll(".detour > details")) asSection(details);
    for (const details of article.querySelectorAll("details")) details.open = true;
    for (const image of article.querySelectorAll("img")) {
      image.src = new URL(image.getAttribute("src"), address).href;
      image.loading = "eager";
    }
    for (const element of article.querySelectorAll("[id]")) element.id = `${name}-${element.id}`;
    for (const link of article.querySelectorAll("a[href]")) {
      const [page, place] = new URL(link.getAttribute("href"), address).href.split("#");
      if (names.has(page)) link.setAttribute("href", `#${names.get(page)}${place ? `-${place}` : ""}`);
      else if (page.startsWith(new URL(".", home).href)) link.replaceWith(...link.childNodes);
    }
    article.className = `bd-article page-${name}`;
    article.id = name;
  }
  pages[0].article.querySelector("h1").textContent = ABOUT;

  const contents = make("ul", "contents");
  for (const { name, article } of pages) {
    for (const heading of article.querySelectorAll("h1, h2")) {
      const link = make("a", `contents-${heading.localName}`, make("span", "", ...heading.cloneNode(true).childNodes), make("span", "contents-page"));
      link.href = `#${heading.localName === "h1" ? name : heading.parentElement.id}`;
      contents.append(make("li", "", link));
    }
  }
  const front = make("article", "bd-article front", make("h1", "", title), make("p", "", NOTE), ...licences.childNodes);
  const list = make("article", "bd-article page-contents", make("h1", "", "Contents"), contents);
  const inside = make("div", "bd-article-container", front, list, ...pages.map(({ article }) => article));
  document.body.replaceChildren(make("main", "bd-main", make("div", "bd-content", inside)));
  document.documentElement.dataset.theme = "light";
  document.title = title;

  const heads = pages.map(({ name, article }) => {
    const head = JSON.stringify(article.querySelector("h1").textContent);
    return `.page-${name} { page: page-${name} } @page page-${name} { @top-left { content: ${head} } }`;
  });
  document.head.append(make("style", "", heads.join("\n")));

  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.decode()));
}
