// One request a line on stdin, one answer a line on stdout; ends when stdin does.
//
// A formula of a page draws what KaTeX's own markup draws with a third of its elements and of its bytes: <i> for <span>, short names,
// lengths as classes (r278: margin-right: 0.278em), nothing that changes nothing. Its MathML keeps what is read, not how it looks.
const katex = require(process.argv[2]);
const { names, lengths } = require(process.argv[3]);

const SILENT = new Set(["mord", "mrel", "mbin", "mopen", "mclose", "mpunct", "minner", "mop", "mtight", "text"]); // style nothing
const INLINE = new Set([...SILENT, "mspace", "mathnormal", "mathbf", "mathrm", "mathbb", "mathcal", "boldsymbol", "texttt"]);
const LINE = { above: 0.9, below: 0.29 }; // what a line of text takes in any case, in em
const SIZES = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.44, 1.728, 2.074, 2.488]; // KaTeX's size1, size2 …

const LOOKS = /^(stretchy|separator|fence|lspace|rspace|minsize|maxsize|(row|column)(spacing|align)|displaystyle|scriptlevel)$/;
const GROUPS = new Set(["math", "mtd", "msqrt"]); // hold several elements without an mrow

const escape = (text) => text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character]);
const classes = (node) => (node.classes ?? []).filter((name) => name);
const em = (length) => parseFloat(length || "0");

function element(name, style, content) {
  const audible = name.filter((one) => !SILENT.has(one));
  const measures = [];
  let rest = "";
  for (const [property, value] of Object.entries(style)) {
    const kebab = property.replace(/[A-Z]/g, (capital) => "-" + capital.toLowerCase());
    if (kebab in lengths && value.endsWith("em")) measures.push(lengths[kebab] + Math.round(em(value) * 1e3));
    else rest += `${kebab}:${value};`;
  }
  const known = (...parts) => names[parts.join(" ")];
  const all = known(...audible, ...measures);
  const kind = known(...audible);
  const short = all ? [all] : [...(kind ? [kind] : audible.map((one) => names[one] ?? one)), ...measures];
  const attribute = short.length > 1 ? ` class="${short.join(" ")}"` : short.length ? ` class=${short}` : "";
  return `<i${attribute}${rest && ` style="${rest}"`}>${content}</i>`;
}

// `loose` if the parent is a line, in which a group of symbols needs no element of its own.
function drawn(node, loose) {
  const name = classes(node);
  const style = node.italic > 0 ? { ...node.style, marginRight: `${node.italic}em` } : (node.style ?? {});
  const bare = loose && name.every((one) => SILENT.has(one)) && Object.keys(style).length === 0;
  if (node.text !== undefined) return bare ? escape(node.text) : element(name, style, escape(node.text));
  if (!node.classes) return node.toMarkup(); // an SVG
  const script = raised(node);
  if (script) return script;
  const line = ["base", "sizing"].includes(name[0]) || (name.length > 0 && name.every((one) => INLINE.has(one)));
  const content = node.children.filter((child) => !needless(child)).map((child) => drawn(child, line || bare));
  return bare ? content.join("") : element(name, style, content.join(""));
}

// A strut within a line of text.
function needless(node) {
  const below = -em(node.style?.verticalAlign);
  return classes(node).includes("strut") && below <= LINE.below && em(node.style.height) - below <= LINE.above;
}

// A subscript or superscript of plain symbols: text moved up or down in a line without height, where KaTeX has a table of two rows.
function raised(node) {
  if (!classes(node).includes("msupsub")) return null;
  const [place, ...others] = node.children[0].children[0].children[0].children;
  const [strut, script] = place.children;
  if (others.length || !classes(script).includes("sizing") || !script.children.every(inline)) return null;
  const [from, to] = classes(script).join(" ").match(/reset-size(\d+) size(\d+)/).slice(1).map((size) => SIZES[size - 1]);
  const style = { verticalAlign: -em(place.style.top) - em(strut.style.height), marginLeft: em(place.style.marginLeft), marginRight: em(place.style.marginRight) };
  const own = Object.entries(style).filter(([, length]) => length).map(([property, length]) => [property, `${(length * from) / to}em`]);
  const content = script.children.map((child) => drawn(child, true)).join("");
  return element(["raised", ...classes(script)], Object.fromEntries(own), content);
}

function inline(node) {
  if (node.text !== undefined || raised(node)) return true;
  return Boolean(node.children) && classes(node).every((name) => INLINE.has(name)) && node.children.every(inline);
}

function mathml(node) {
  if (node.text !== undefined) return escape(node.text);
  if (!node.type) return node.toMarkup().replace(/^<(\w+)(.*)\/>$/, "<$1$2></$1>");
  const { xmlns, ...attributes } = node.attributes;
  let children = node.children;
  while (GROUPS.has(node.type) && children.length === 1 && ["mrow", "mstyle", "semantics"].includes(children[0].type))
    children = children[0].children.filter((child) => child.type !== "annotation");
  const content = children.map(mathml).join("");
  if (["mrow", "mstyle"].includes(node.type) && children.length === 1) return content;
  const kept = Object.entries(attributes).filter(([name, value]) => !LOOKS.test(name) && (value !== "normal" || /\p{L}/u.test(content)));
  const tag = node.type === "mstyle" ? "mrow" : node.type;
  return `<${tag}${kept.map(([name, value]) => ` ${name}="${escape(value)}"`).join("")}>${content}</${tag}>`;
}

function light(node) {
  if (node.classes.includes("katex-display")) return `<span class="katex-display">${light(node.children[0])}</span>`;
  const [read, seen] = node.children;
  const ink = seen.children.map((base) => drawn(base, false)).join("");
  return `<span class="katex">${mathml(read.children[0])}<i aria-hidden="true">${ink}</i></span>`;
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { latex, ...options } = JSON.parse(line);
  let answer;
  try {
    const settings = { ...options, output: options.output.replace("light", "htmlAndMathml") };
    answer = { html: options.output === "light" ? light(katex.__renderToDomTree(latex, settings)) : katex.renderToString(latex, settings) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
