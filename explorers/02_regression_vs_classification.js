// Chapter 2: two neurons, each a logit of its own, go downhill from the same wrong start.

import { axisBottom, axisLeft, line, scaleLinear, scaleLog, select } from "../d3/d3.js";
import { explorer, range, shown } from "./explorer.js";

const LAST = 500_000; // steps, which both neurons walk between two pictures

const sigmoid = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** For y = 1: the loss of a logit, its push −dℓ/dz, the time that the flow needs from 0 to z, and from z₀ < 0 to 0. */
const NEURONS = [
  {
    name: "squared", kind: "one", title: "squared error",
    loss: (z) => sigmoid(-z) ** 2 / 2,
    push: (z) => sigmoid(z) * sigmoid(-z) ** 2,
    time: (z) => -Math.expm1(-z) + 3 * z + 3 * Math.expm1(z) + Math.expm1(2 * z) / 2,
  },
  {
    name: "rival", kind: "two", title: "−ln h",
    loss: (z) => softplus(-z),
    push: (z) => sigmoid(-z),
    time: (z) => z + Math.expm1(z),
  },
];

/** Gradient descent on one logit, as far as it was asked for; where it was is kept for steps a few per cent apart. */
class Walk {
  constructor(push, z0, eta) {
    Object.assign(this, { push, eta, kept: [{ t: 0, z: z0 }], half: z0 >= 0 ? 0 : Infinity });
  }

  /** The logit after t steps. */
  at(t) {
    let { t: now, z } = this.kept.findLast((one) => one.t <= t);
    const last = this.kept.at(-1).t;
    let keep = now === last ? now + 1 + Math.floor(now / 40) : Infinity;
    while (now < t) {
      z += this.eta * this.push(z);
      now += 1;
      if (z >= 0 && now < this.half) this.half = now;
      if (now === keep) {
        this.kept.push({ t: now, z });
        keep += 1 + Math.floor(now / 40);
      }
    }
    return z;
  }
}

let walks = [];
let walked = "";

function race({ z0, eta, t }) {
  const steps = Math.floor(t);
  if (walked !== `${z0} ${eta}`) [walks, walked] = [NEURONS.map(({ push }) => new Walk(push, z0, eta)), `${z0} ${eta}`];
  const neurons = NEURONS.map(({ name, loss, push, time }, i) => {
    const z = walks[i].at(steps);
    const { half, kept } = walks[i];
    return [name, {
      z, a: sigmoid(z), loss: loss(z), gradient: -push(z),
      half: half <= steps ? half : Infinity,
      predicted: z0 < 0 ? -time(z0) / eta : 0,
      path: [...kept.filter((one) => one.t < steps), { t: steps, z }],
    }];
  });
  return Object.fromEntries(neurons);
}

// The picture

const REACH = [-11, 5];
const logits = Array.from({ length: 161 }, (_, i) => REACH[0] + i / 10);
const inReach = (z) => Math.min(Math.max(z, REACH[0]), REACH[1]);
const TICKS = [[0, "0"], [1, "1"], [10, "10"], [100, "100"], [1e3, "10³"], [1e4, "10⁴"], [1e5, "10⁵"]];

function draw({ ink, width, height }, state, values) {
  const left = 36, right = 14, above = 24, below = 40;
  const wide = width > 560;
  const each = wide ? { width: width / 2, height } : { width, height: height / 2 };
  const panel = (name, index) => ink.selectAll(`g.${name}`).data([0]).join("g").attr("class", name)
    .attr("transform", `translate(${wide ? index * each.width : 0},${wide ? 0 : index * each.height})`);
  const part = (g, name, key) => g.selectAll(`${name}.${key.replaceAll(" ", ".")}`).data([0]).join(name).attr("class", key);
  const axes = (g, across, up, title, unit) => {
    part(g, "g", "across").call(across).attr("transform", `translate(0,${each.height - below})`);
    part(g, "g", "up").call(up).attr("transform", `translate(${left},0)`);
    part(g, "text", "title").attr("x", left + 6).attr("y", 14).text(title);
    part(g, "text", "unit").attr("x", (left + each.width - right) / 2).attr("y", each.height - 4).attr("text-anchor", "middle").text(unit);
  };
  const [span, rise] = [[left, each.width - right], [each.height - below, above]];
  const upright = (g, key, x) => part(g, "line", `guide ${key}`).attr("x1", x).attr("x2", x).attr("y1", rise[0]).attr("y2", rise[1]);

  const counted = scaleLog([1, LAST + 1], span); // of a number that is one more, so that step 0 has a place
  const stepsAt = Object.assign((t) => counted(t + 1), { invert: (pixel) => counted.invert(pixel) - 1, domain: () => [0, LAST] });
  const answer = scaleLinear([-0.12, 1.02], rise);
  const overTime = panel("over-time", 0);
  axes(overTime, axisBottom(counted).tickValues(TICKS.map(([t]) => t + 1)).tickFormat((_, i) => TICKS[i][1]),
    axisLeft(answer).tickValues([0, 0.5, 1]), "answer a", "steps t");
  part(overTime, "line", "guide half").attr("x1", span[0]).attr("x2", span[1]).attr("y1", answer(0.5)).attr("y2", answer(0.5));
  part(overTime, "text", "note").text("dashed: the flow").attr("x", span[1]).attr("y", answer(0.12)).attr("text-anchor", "end");
  upright(overTime, "now", stepsAt(state.t));

  const losses = scaleLinear([-1.3, 11], rise);
  const across = scaleLinear(REACH, span);
  const overLogit = panel("over-logit", 1);
  axes(overLogit, axisBottom(across).tickValues([-10, -5, 0, 5]).tickFormat((z) => String(z).replace("-", "−")),
    axisLeft(losses).tickValues([0, 2, 4, 6, 8, 10]), "loss", "logit z");
  upright(overLogit, "start", across(inReach(state.z0)));

  for (const { name, kind, title, loss, time } of NEURONS) {
    const { z, a, path, predicted } = values[name];
    const flow = Array.from({ length: 401 }, (_, i) => state.z0 + ((22 - state.z0) * i) / 400)
      .map((z) => [(time(z) - time(state.z0)) / state.eta, sigmoid(z)]).filter(([t]) => t <= LAST);
    part(overTime, "path", `theory curve ${kind}`).attr("d", line(([t]) => stepsAt(t), ([, a]) => answer(a))(flow));
    part(overTime, "path", `run curve ${kind}`).attr("d", line(({ t }) => stepsAt(t), ({ z }) => answer(sigmoid(z)))(path));
    part(overTime, "circle", `escape ${kind}`).attr("r", 5).attr("cx", stepsAt(predicted)).attr("cy", answer(0.5))
      .attr("visibility", predicted > 0 && predicted <= LAST ? "visible" : "hidden");
    part(overTime, "circle", `bar ${kind}`).attr("r", 5).attr("cx", stepsAt(state.t)).attr("cy", answer(a));

    part(overLogit, "path", `run curve ${kind}`).attr("d", line((z) => across(z), (z) => losses(Math.min(loss(z), 11)))(logits));
    part(overLogit, "circle", `bar ${kind}`).attr("r", 5).attr("cx", across(inReach(z))).attr("cy", losses(Math.min(loss(z), 11)));
    part(overLogit, "text", kind).text(title).attr("x", across(kind === "one" ? -10.6 : -7.4)).attr("y", losses(kind === "one" ? 1 : 8.4));
  }
  const moved = (x, by) => Object.assign((number) => x(number) + by, { invert: (pixel) => x.invert(pixel - by), domain: () => x.domain() });
  const offset = wide ? [each.width, 0] : [0, each.height];
  return [
    {
      name: "t", label: "number of steps t", along: "x", step: 1, text: "t",
      x: [stepsAt, state.t], y: [answer, -0.12], move: ([t]) => ({ t }),
    },
    {
      name: "z0", label: "logit at the start, z₀", along: "x", step: 0.1, text: state.z0 === inReach(state.z0) ? "z₀" : `z₀ = ${shown(state.z0)}`,
      x: [moved(across, offset[0]), inReach(state.z0)], y: [moved(losses, offset[1]), -1.3], move: ([z0]) => ({ z0 }),
    },
  ];
}

// What is shown

const of = (what, label, value = (neuron) => neuron[what]) => NEURONS.map(({ name, kind, title }) => ({
  name: `${name}_${what}`, kind, value: (values) => value(values[name]), label: `${label}, ${title.replace(" h", " <i>h</i>")}`,
}));
const count = (steps) => (Number.isFinite(steps) ? String(steps) : "not yet");
const reached = ({ a, half }) => `a = ${shown(a)}, ${Number.isFinite(half) ? `one half after ${half} steps` : "one half not yet reached"}`;

export default explorer({
  title: "two neurons learn side by side",
  controls: [
    range("z0", "start <i>z</i><sub>0</sub>", { min: -10, max: 2, step: 0.1, value: -5, limits: [-30, 10] }),
    range("eta", "learning rate <i>η</i>", { min: 0.01, max: 100, step: 0.05, value: 1, limits: [0.001, 1000], log: true }),
    range("t", "steps <i>t</i>", { min: 0, max: LAST, step: 0.02, value: 0, near: 1, whole: true }),
  ],
  values: race,
  paired: true,
  readouts: [
    ...of("a", "<i>a</i>"),
    ...of("z", "<i>z</i>"),
    ...of("loss", "loss"),
    ...of("gradient", "d<i>ℓ</i>/d<i>z</i>"),
    ...of("half", "steps to ½", ({ half }) => count(half)),
    ...of("predicted", "½ by theory"),
  ],
  summary: ({ t }, { squared, rival }) => `After ${Math.floor(t)} steps: squared error ${reached(squared)}; −ln h ${reached(rival)}.`,
  height: (width) => (width > 560 ? 300 : 500),
  draw,
  steps: {
    play: ({ t }) => ({ t: t + 1 + Math.floor(t / 25) }),
    every: 33,
    advance: ({ t }) => ({ t: t + 1 }),
    done: (state) => {
      const { squared, rival } = race(state);
      return state.t >= LAST || Math.min(squared.a, rival.a) >= 0.95;
    },
    rewind: () => ({ t: 0 }),
  },
  tries: [
    {
      text: "Press Play from −5, then start at −8 and press it again. How many times as long does each neuron need now?",
      set: {},
    },
    {
      text: "From −5, find a learning rate with which squared error, too, reaches one half in six steps. Then start at −6: is it still enough?",
      set: { eta: 10, t: 10 },
    },
  ],
});
