// Chapter 4: what counts in four logits, and what a common shift and a temperature change.

import { axisBottom, axisLeft, scaleLinear, select } from "../d3/d3.js";
import { choice, coordinates, explorer, range, reach, shown } from "./explorer.js";

const CLASSES = [1, 2, 3, 4];
const COLOURS = ["one", "two", "three", "four"];
const START = [2, 1, 0, -1];

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

/** All from differences to the largest logit: nothing overflows, and no small number comes from two large ones. */
function values(state) {
  const { y, T, c } = state;
  const z = CLASSES.map((k) => state[`z${k}`]);
  const entering = z.map((one) => (one + c) / T);
  const leader = z.indexOf(Math.max(...z));
  const below = z.map((one) => (one - z[leader]) / T);
  const e = below.map(Math.exp);
  const above = Math.log1p(sum(e.filter((_, k) => k !== leader)));
  const p = e.map((one) => one / sum(e));
  const wrong = sum(p.filter((_, k) => k !== y - 1));
  const unshifted = entering.map(Math.exp);
  return {
    entering, p,
    gradient: p.map((one, k) => (k === y - 1 ? -wrong : one) / T),
    loss: above - below[y - 1],
    max: entering[leader],
    lse: entering[leader] + above,
    naive: -Math.log(unshifted[y - 1] / sum(unshifted)),
  };
}

let far; // how far the axis of the logits goes up and down

function draw({ ink, width, height, held }, state, { entering, p, gradient, loss, max, lse }) {
  const left = 44, above = 26, below = 42;
  if (!held) far = reach(Math.max(...entering.map(Math.abs), Math.abs(lse)), 5);
  const steep = reach(Math.max(...gradient.map(Math.abs)) * (1 - 1e-9), 1);
  const narrow = width <= 560;
  const first = narrow ? { width, height: height * 0.58 } : { width: width * 0.4, height };
  const other = narrow ? { width: width / 2, height: height * 0.42 } : { width: width * 0.3, height };
  const charts = [
    { ...first, title: "into the softmax: (z + c)/T", bars: entering, low: -far, high: far, right: 34, offset: [0, 0] },
    { ...other, title: "probability p", bars: p, low: 0, high: 1, right: 6, offset: narrow ? [0, first.height] : [first.width, 0] },
    {
      ...other, title: "∂ℓ/∂z = (p − y)/T", bars: gradient, low: -steep, high: steep, right: 6,
      offset: narrow ? [other.width, first.height] : [first.width + other.width, 0],
    },
  ].map((chart) => ({
    ...chart,
    x: scaleLinear([0.5, 4.5], [left, chart.width - chart.right]),
    y: scaleLinear([chart.low, chart.high], [chart.height - below, above]).clamp(true),
  }));
  ink.selectAll("g.chart").data(charts).join("g").attr("class", "chart")
    .attr("transform", ({ offset }) => `translate(${offset})`)
    .each(function (chart, index) {
      const { x, y, bars } = chart;
      const g = select(this);
      const part = (name, key, data = [chart]) => g.selectAll(`${name}.${key}`).data(data).join(name).attr("class", key);
      const classes = axisBottom(x).tickValues(CLASSES).tickFormat((k) => k).tickSize(0).tickPadding(6);
      part("g", "across").call(classes).attr("transform", `translate(0,${chart.height - below})`);
      const count = (chart.height - below - above) / 55;
      const written = y.tickFormat(count, index ? undefined : "~s");
      part("g", "up").call(axisLeft(y).ticks(count).tickFormat((one) => (one ? written(one) : "0"))).attr("transform", `translate(${left},0)`);
      part("line", "zero").attr("x1", x(0.5)).attr("x2", x(4.5)).attr("y1", y(0)).attr("y2", y(0));
      part("text", "title").attr("x", 6).attr("y", 14).text(chart.title);
      part("text", "class").attr("x", left - 8).attr("y", chart.height - below + 16).attr("text-anchor", "end").text("class");
      part("text", "unit").attr("x", x(state.y)).attr("y", chart.height - 6).attr("text-anchor", "middle").text("right");
      part("rect", "bar", bars).attr("class", (_, k) => `bar ${COLOURS[k]}`)
        .attr("x", (_, k) => x(k + 0.68)).attr("width", x(1.64) - x(1))
        .attr("y", (one) => y(Math.max(one, 0))).attr("height", (one) => Math.abs(y(one) - y(0)));
      part("rect", "guide", index === 1 ? [state.y] : [])
        .attr("x", (k) => x(k - 0.32)).attr("width", x(1.64) - x(1)).attr("y", y(1)).attr("height", y(0) - y(1));
      if (index) return;
      part("line", "guide", [max, lse]).attr("x1", x(0.5)).attr("x2", x(4.5)).attr("y1", y).attr("y2", y);
      part("text", "bound", [["max", max, 12], ["lse", lse, -4]])
        .attr("x", x(4.5) + 3).attr("y", ([, at, beside]) => y(at) + beside).text(([name]) => name);
      part("line", "loss").attr("x1", x(state.y)).attr("x2", x(state.y)).attr("y1", y(entering[state.y - 1])).attr("y2", y(lse));
      part("text", "loss", y(entering[state.y - 1]) - y(lse) > 24 ? [loss] : [])
        .attr("x", x(state.y) + 6).attr("y", (y(entering[state.y - 1]) + y(lse)) / 2).text("ℓ");
    });
  const { x, y } = charts[0];
  return CLASSES.map((k) => ({
    name: `z${k}`, label: `logit of class ${k}, as it enters the softmax`, along: "y", kind: COLOURS[k - 1], step: far / 50,
    x: [x, k], y: [y, entering[k - 1]], move: ([, height]) => ({ [`z${k}`]: height * state.T - state.c }),
  }));
}

export default explorer({
  title: "four logits",
  paired: true,
  controls: [
    range("c", "common shift <i>c</i>", { min: -1000, max: 1000, step: 1, value: 0, limits: [-1e4, 1e4] }),
    range("T", "temperature <i>T</i>", { min: 0.05, max: 100, step: 0.05, value: 1, log: true }),
    choice("y", "right class <i>y</i>", { options: CLASSES.map((k) => [k, `${k}`]), value: 2 }),
    coordinates("Set the four logits exactly", CLASSES.map((k) => [`z${k}`, `<i>z</i><sub>${k}</sub>`, START[k - 1]]), { step: 0.1, limits: [-1e4, 1e4] }),
  ],
  values,
  readouts: [
    { name: "loss", label: "loss ℓ = −ln <i>p<sub>y</sub></i>", value: ({ loss }) => loss },
    { name: "naive", label: "ℓ by the naive formula", value: ({ naive }) => naive },
    { name: "lse", label: "log-sum-exp, lse", value: ({ lse }) => lse },
    { name: "max", label: "maximum, max", value: ({ max }) => max },
    ...CLASSES.flatMap((k) => [
      { name: `p${k}`, label: `<i>p</i><sub>${k}</sub>`, kind: COLOURS[k - 1], value: ({ p }) => p[k - 1] },
      { name: `g${k}`, label: `∂ℓ/∂<i>z</i><sub>${k}</sub>`, kind: COLOURS[k - 1], value: ({ gradient }) => gradient[k - 1] },
    ]),
  ],
  summary: ({ y }, { p, loss, gradient, lse, max }) =>
    `Class ${y} is right and has probability ${shown(p[y - 1])}: loss ${shown(loss)}, ` +
    `gradient at its logit ${shown(gradient[y - 1])}; log-sum-exp ${shown(lse)}, maximum ${shown(max)}.`,
  height: (width) => (width > 560 ? 320 : 470),
  draw,
  tries: [
    {
      text: "Shift all four by more and more. What moves along, what stands still, and from where on does the naive formula −ln <i>p<sub>y</sub></i>, computed as it stands, fail?",
      set: { c: 3 },
    },
    {
      text: "Cool down to <i>T</i> = 0.05, then heat up to 100. Where does the loss go at either end, if the right class leads and if it does not?",
      set: { T: 0.5 },
    },
  ],
});
