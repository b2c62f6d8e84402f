// Chapter 3: what two losses charge for one answer, and how hard each pushes.

import { axisBottom, axisLeft, line, scaleLinear, select } from "../d3/d3.js";
import { choice, explorer, linked, range, shown } from "./explorer.js";

const sigmoid = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** Both losses and their gradients in z; a − y is computed without cancelling. */
function losses({ z, y }) {
  const a = sigmoid(z);
  const delta = y === 1 ? -sigmoid(-z) : a;
  return {
    a,
    entropy: softplus(y === 1 ? -z : z),
    entropyGradient: delta,
    squared: delta ** 2 / 2,
    squaredGradient: delta * sigmoid(z) * sigmoid(-z),
  };
}

const REACH = 10;
const logits = Array.from({ length: 201 }, (_, index) => -REACH + (index * REACH) / 100);
const panels = [
  { title: "loss", top: 10.5, bottom: -1.3, entropy: "entropy", squared: "squared", ticks: [0, 2, 4, 6, 8, 10] },
  { title: "gradient, dℓ/dz", top: 1.1, bottom: -1.1, entropy: "entropyGradient", squared: "squaredGradient", ticks: [-1, -0.5, 0, 0.5, 1] },
];

function draw({ ink, width, height }, state, values) {
  const left = 44, right = 12, above = 24, below = 38;
  const wide = width > 560;
  const each = wide ? { width: width / 2, height } : { width, height: height / 2 };
  const shownAt = Math.min(Math.max(state.z, -REACH), REACH);
  const charts = panels.map((panel, index) => ({
    ...panel,
    offset: wide ? [index * each.width, 0] : [0, index * each.height],
    x: scaleLinear([-REACH, REACH], [left, each.width - right]),
    y: scaleLinear([panel.bottom, panel.top], [each.height - below, above]).clamp(true),
  }));
  ink.selectAll("g.chart").data(charts).join("g").attr("class", "chart")
    .attr("transform", ({ offset }) => `translate(${offset})`)
    .each(function (chart) {
      const g = select(this);
      const part = (name, key) => g.selectAll(`${name}.${key}`).data([chart]).join(name).attr("class", key);
      part("g", "across").call(axisBottom(chart.x).tickValues([-10, -5, 0, 5, 10])).attr("transform", `translate(0,${chart.y(chart.bottom)})`);
      part("g", "up").call(axisLeft(chart.y).tickValues(chart.ticks)).attr("transform", `translate(${left},0)`);
      part("text", "title").attr("x", left + 6).attr("y", 14).text(chart.title);
      part("text", "unit").attr("x", chart.x(0)).attr("y", each.height - 4).attr("text-anchor", "middle").text("logit z");
      for (const [key, colour] of [["entropy", "one"], ["squared", "two"]]) {
        const at = (z) => losses({ z, y: state.y })[chart[key]];
        const curve = line((z) => chart.x(z), (z) => chart.y(at(z))).defined((z) => at(z) <= chart.top);
        g.selectAll(`path.${colour}`).data([logits]).join("path").attr("class", `curve ${colour}`).attr("d", curve);
        g.selectAll(`circle.${colour}`).data([chart]).join("circle").attr("class", `bar ${colour}`).attr("r", 5)
          .attr("cx", chart.x(shownAt)).attr("cy", chart.y(Math.min(values[chart[key]], chart.top)));
      }
      part("line", "guide").attr("x1", chart.x(shownAt)).attr("x2", chart.x(shownAt)).attr("y1", above).attr("y2", each.height - below);
    });
  const { x, y, bottom } = charts[0];
  return [{
    name: "z", label: "logit z", along: "x", step: 0.1, x: [x, shownAt], y: [y, bottom], move: ([z]) => ({ z }),
    text: state.z === shownAt ? "" : `z = ${shown(state.z)}`,
  }];
}

export default explorer({
  title: "two losses of one answer",
  controls: [
    range("z", "logit <i>z</i>", { min: -REACH, max: REACH, step: 0.1, value: -2, limits: [-1000, 1000] }),
    linked("a", "answer <i>a</i> = σ(<i>z</i>), the probability of yes", {
      min: 0.001, max: 0.999, step: 0.001, of: ({ z }) => sigmoid(z), set: (a) => ({ z: Math.log(a / (1 - a)) }),
    }),
    choice("y", "the truth <i>y</i> is", { options: [[1, "yes, 1"], [0, "no, 0"]], value: 1 }),
  ],
  values: losses,
  readouts: [
    { name: "a", label: "answer <i>a</i>", value: ({ a }) => a },
    { name: "surprise", label: "surprise in bits", value: ({ entropy }) => entropy / Math.LN2 },
    { name: "entropy", label: "cross-entropy, nats", kind: "one", value: ({ entropy }) => entropy },
    { name: "entropyGradient", label: "its gradient, <i>a</i> − <i>y</i>", kind: "one", value: ({ entropyGradient }) => entropyGradient },
    { name: "squared", label: "squared error", kind: "two", value: ({ squared }) => squared },
    { name: "squaredGradient", label: "its gradient", kind: "two", value: ({ squaredGradient }) => squaredGradient },
  ],
  summary: ({ z, y }, { entropy, entropyGradient, squared, squaredGradient }) =>
    `At z = ${shown(z)}, y = ${y}: cross-entropy ${shown(entropy)}, gradient ${shown(entropyGradient)}; ` +
    `squared error ${shown(squared)}, gradient ${shown(squaredGradient)}.`,
  height: (width) => (width > 560 ? 280 : 470),
  draw,
  tries: [
    { text: "Be wrong with more and more confidence, from <i>z</i> = −2 to −8. Which of the two gradients notices?", set: {} },
    { text: "Move left from <i>z</i> = 0 until the squared error pushes hardest. How hard does cross-entropy push there?", set: { z: 0 } },
  ],
});
