// Chapter 5: what a triplet costs by where its three points lie, and where descent takes them.

import { axisBottom, axisLeft, scaleLinear, select } from "../d3/d3.js";
import { coordinates, explorer, range, reach, shown } from "./explorer.js";

const ROUNDING = 1e-14; // relative: decimals that meet on paper differ by this much here
const LONGEST = 1000;
const ARROW = 0.25;

const minus = (u, v) => [u[0] - v[0], u[1] - v[1]];
const times = (x, u) => [x * u[0], x * u[1]];
const squared = (u) => u[0] ** 2 + u[1] ** 2;

/** Loss, kind and gradients of one triplet. On the corner it is easy, as with torch's relu. */
function triplet({ ax, ay, px, py, nx, ny, alpha }) {
  const a = [ax, ay], p = [px, py], n = [nx, ny];
  const dap = squared(minus(a, p));
  const dan = squared(minus(a, n));
  const nothing = ROUNDING * (dap + dan + alpha);
  const active = dap + alpha - dan > nothing;
  const gradient = (u, v) => (active ? times(2, minus(u, v)) : [0, 0]);
  return {
    a, p, n, dap, dan,
    loss: active ? dap - dan + alpha : 0,
    kind: !active ? "easy" : dap - dan > nothing ? "hard" : "semi-hard",
    gradients: { a: gradient(n, p), p: gradient(p, a), n: gradient(a, n) },
  };
}

/** The state after one step of gradient descent. */
function step(state) {
  const { a, p, n, gradients } = triplet(state);
  const [[ax, ay], [px, py], [nx, ny]] = [[a, gradients.a], [p, gradients.p], [n, gradients.n]]
    .map(([at, gradient]) => minus(at, times(state.eta, gradient)));
  return { ...state, ax, ay, px, py, nx, ny };
}

const resting = ({ gradients }) => Object.values(gradients).every((gradient) => squared(gradient) === 0);

/** The way down, step by step, until the loss is 0, nothing moves or it is long. */
function descent(state) {
  const path = [triplet(state)];
  while (path.length <= LONGEST && !resting(path.at(-1))) {
    state = step(state);
    path.push(triplet(state));
  }
  return path;
}

function values(state) {
  const path = descent(state);
  const { loss } = path.at(-1);
  const steps = loss === 0 ? path.length - 1 : resting(path.at(-1)) ? "never" : `more than ${LONGEST}`;
  return { ...path[0], path, steps };
}

const POINTS = [
  { name: "a", what: "anchor", kind: "one", beside: [-19, -9] },
  { name: "p", what: "positive", kind: "three", beside: [12, -9] },
  { name: "n", what: "negative", kind: "two", beside: [-20, 20] },
];

let far; // from the middle to the nearer edge

function draw({ ink, width, height, held }, state, now) {
  const left = 40, right = 24, above = 24, below = 40;
  const wide = width - left - right, high = height - above - below;
  const coordinatesNow = [...now.a, ...now.p, ...now.n].map(Math.abs);
  if (!held) far = reach(Math.max(...coordinatesNow), 2);
  const unit = Math.min(wide, high) / 2 / far;
  const x = scaleLinear([-wide / 2 / unit, wide / 2 / unit], [left, width - right]).clamp(true);
  const y = scaleLinear([-high / 2 / unit, high / 2 / unit], [height - below, above]).clamp(true);
  const at = ([right, up]) => [left + wide / 2 + right * unit, above + high / 2 - up * unit];

  const part = (name, key, data = [0]) => ink.selectAll(`${name}.${key}`).data(data).join(name).attr("class", (one) => `${key} ${one.kind ?? ""}`);
  part("clipPath", "frame").attr("id", "explorer-frame").selectAll("rect").data([0]).join("rect")
    .attr("x", left).attr("y", above).attr("width", wide).attr("height", high);
  const plane = part("g", "plane").attr("clip-path", "url(#explorer-frame)");
  const inPlane = (name, key, data) => plane.selectAll(`${name}.${key}`).data(data).join(name).attr("class", (one) => `${key} ${one.kind ?? ""}`);

  const [cx, cy] = at(now.a);
  const inner = Math.sqrt(now.dap) * unit, outer = Math.sqrt(now.dap + state.alpha) * unit;
  inPlane("circle", "region", [{ r: outer, kind: "two" }, { r: inner, kind: "two" }]).attr("cx", cx).attr("cy", cy).attr("r", ({ r }) => r);
  inPlane("circle", "ring", [{ r: outer, kind: "margin" }, { r: inner }]).attr("cx", cx).attr("cy", cy).attr("r", ({ r }) => r);

  inPlane("path", "curve", POINTS).attr("d", ({ name }) => `M${now.path.map((one) => at(one[name])).join("L")}`);
  const dots = POINTS.flatMap(({ name, kind }) => seen(now.path.map((one) => at(one[name]))).map((one) => ({ at: one, kind })));
  inPlane("circle", "bar", dots).attr("r", 1.8).attr("cx", (one) => one.at[0]).attr("cy", (one) => one.at[1]);
  const ends = now.path.length > 1 ? POINTS.map(({ name, kind }) => ({ at: at(now.path.at(-1)[name]), kind })) : [];
  inPlane("circle", "end", ends).attr("r", 6).attr("cx", (one) => one.at[0]).attr("cy", (one) => one.at[1]);
  inPlane("path", "arrow", POINTS).attr("d", ({ name }) => arrow(at(now[name]), times(-ARROW * unit, now.gradients[name])));

  const labels = [
    { text: "hard", up: inner - 14, room: inner > 26 },
    { text: "semi-hard", up: (inner + outer) / 2 - 4, room: outer - inner > 20 },
    { text: "easy", up: outer + 7, room: true },
  ].filter(({ up, room }) => room && cy - up > above + 12 && cy - up < height - below - 2 && cx > left + 35 && cx < width - right - 35);
  part("text", "region", labels).attr("text-anchor", "middle").attr("x", cx).attr("y", ({ up }) => cy - up).text(({ text }) => text);

  part("g", "across").call(axisBottom(x).ticks(wide / 70)).attr("transform", `translate(0,${height - below})`);
  part("g", "up").call(axisLeft(y).ticks(high / 70)).attr("transform", `translate(${left},0)`);
  part("text", "title").attr("x", 6).attr("y", 14).text("second coordinate");
  part("text", "legend").attr("x", left + 6).attr("y", height - below - 7).text("arrows: −¼ of the gradient");
  part("text", "unit").attr("text-anchor", "middle").attr("x", left + wide / 2).attr("y", height - 4).text("first coordinate");

  return POINTS.map(({ name, what, kind, beside }) => ({
    name, kind, beside, text: name, label: `${what} ${name}`,
    x: [x, now[name][0]], y: [y, now[name][1]], step: far / 40,
    move: ([right, up]) => ({ [`${name}x`]: right, [`${name}y`]: up }),
  }));
}

/** Those of the places that one can tell from the one before. */
function seen(places) {
  const apart = Math.hypot(...minus(places[0], places.at(-1))) / places.length;
  return apart > 1 ? places.slice(1) : [];
}

/** The outline of an arrow that leads `right` and `up` from a place, in pixels; none where there is no room for its head. */
function arrow([x, y], [right, up]) {
  const length = Math.hypot(right, up);
  if (length < 10) return "";
  const along = [right / length, -up / length], across = [-along[1], along[0]];
  const tip = [x + right, y - up];
  const barb = (side) => [0, 1].map((i) => tip[i] - 7 * along[i] + side * 4 * across[i]);
  return `M${x},${y}L${tip}M${barb(1)}L${tip}L${barb(-1)}`;
}

const vector = (html) => `∂ℓ/∂<b>${html}</b>`;

export default explorer({
  title: "one triplet",
  controls: [
    range("alpha", "margin <i>α</i>", { min: 0.1, max: 4, step: 0.1, value: 0.9, limits: [0.001, 100] }),
    range("eta", "learning rate <i>η</i>", { min: 0.001, max: 0.1, step: 0.001, value: 0.005, limits: [0.001, 0.5] }),
    coordinates("Set the three points exactly", [
      ["ax", "<b>a</b>, first coordinate", 0], ["ay", "<b>a</b>, second", 0],
      ["px", "<b>p</b>, first coordinate", 1], ["py", "<b>p</b>, second", 0.3],
      ["nx", "<b>n</b>, first coordinate", 0.5], ["ny", "<b>n</b>, second", -0.3],
    ], { step: 0.05, limits: [-1000, 1000] }),
  ],
  values,
  readouts: [
    { name: "loss", label: "loss ℓ", value: ({ loss }) => loss },
    { name: "kind", label: "the negative is", value: ({ kind }) => kind },
    { name: "dap", label: "squared distance <i>d<sub>ap</sub></i>", value: ({ dap }) => dap },
    { name: "dan", label: "squared distance <i>d<sub>an</sub></i>", value: ({ dan }) => dan },
    { name: "ga", label: vector("a"), kind: "one", value: ({ gradients }) => gradients.a },
    { name: "gp", label: vector("p"), kind: "three", value: ({ gradients }) => gradients.p },
    { name: "gn", label: vector("n"), kind: "two", value: ({ gradients }) => gradients.n },
    { name: "steps", label: "steps until ℓ = 0", value: ({ steps }) => `${steps}` },
  ],
  summary: (state, { loss, kind, dap, dan, steps }) =>
    `The negative is ${kind}: loss ${shown(loss)}, squared distances ${shown(dap)} to the positive ` +
    `and ${shown(dan)} to the negative; steps until the loss is 0: ${steps}.`,
  height: (width) => (width > 560 ? 440 : width + 20),
  draw,
  steps: { advance: step, done: (state) => resting(triplet(state)), play: true, every: 25 },
  tries: [
    {
      text: "Lay the negative almost on the anchor, the worst place there is. How large is the loss, and how hard is the negative pushed?",
      set: { nx: 0.05, ny: 0 },
    },
    {
      text: "Pull the negative slowly outwards through both circles. Do the arrows fade before they are gone?",
      set: { nx: 0, ny: -0.4 },
    },
  ],
});
