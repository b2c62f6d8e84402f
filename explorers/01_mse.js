// Chapter 1: a line through six points, the square of each error, and what a penalty does to the best line.

import { axisBottom, axisLeft, scaleLinear, select } from "../d3/d3.js";
import { coordinates, explorer, range, shown } from "./explorer.js";

const POINTS = [[-2.5, -1.4], [-1.5, -1.1], [-0.5, 0.5], [0.5, 0.2], [1.5, 1.3], [2.5, 1.1]];
const M = POINTS.length;
const LEVER = 3; // where the handle of the slope stands

/** A sum; what is only round-off of its terms is 0. */
function total(terms) {
  const sum = terms.reduce((a, b) => a + b, 0);
  return Math.abs(sum) <= 1e-14 * terms.reduce((a, b) => a + Math.abs(b), 0) ? 0 : sum;
}

const mean = (numbers) => total(numbers) / M;
const centred = (numbers) => {
  const fromFirst = numbers.map((number) => number - numbers[0]); // exactly 0 where all are equal
  const middle = mean(fromFirst);
  return { middle: numbers[0] + middle, apart: fromFirst.map((number) => total([number, -middle])) };
};

const pointsOf = (state) => POINTS.map((_, i) => [state[`x${i + 1}`], state[`y${i + 1}`]]);
const squares = (numbers) => numbers.map((number) => number ** 2);

/** The line with the smallest J; without one, where all points lie above each other and nothing is penalised, any is as good. */
function best(points, lambda) {
  const x = centred(points.map(([across]) => across));
  const y = centred(points.map(([, up]) => up));
  const curvature = total([...squares(x.apart), lambda]);
  const slope = curvature ? total(x.apart.map((apart, i) => apart * y.apart[i])) / curvature : 0;
  const errors = x.apart.map((apart, i) => total([slope * apart, -y.apart[i]]));
  return {
    unique: curvature > 0,
    curvature: curvature / M,
    centre: [x.middle, y.middle],
    intercept: total([y.middle, -slope * x.middle]),
    slope,
    cost: total([...squares(errors), lambda * slope ** 2]) / (2 * M),
  };
}

function costs({ theta0, theta1, lambda, ...state }) {
  const points = pointsOf(state);
  const errors = points.map(([x, y]) => total([theta0, theta1 * x, -y]));
  const shares = squares(errors).map((square) => square / (2 * M));
  const data = total(shares);
  const penalty = (lambda * theta1 ** 2) / (2 * M);
  const [xx, x] = [mean(squares(points.map(([across]) => across))) + lambda / M, mean(points.map(([across]) => across))];
  const steepest = (1 + xx) / 2 + Math.hypot((1 - xx) / 2, x); // larger eigenvalue of the Hessian, whose entries are 1, x, x, xx
  const least = best(points, lambda);
  return {
    points, errors, shares, data, penalty,
    cost: data + penalty,
    gradient0: mean(errors),
    gradient1: total([...errors.map((error, i) => error * points[i][0]), lambda * theta1]) / M,
    rate: 1 / steepest,
    flattest: least.curvature / steepest, // smaller eigenvalue, since their product is the determinant
    flat: xx > 1 ? [steepest - 1, -x] : [x, xx - steepest],
    best: least,
  };
}

/** Twice as far is unstable; this far, every step goes down. */
function descend(state) {
  const { rate, gradient0, gradient1 } = costs(state);
  return { theta0: state.theta0 - rate * gradient0, theta1: state.theta1 - rate * gradient1 };
}

/**
 * As many steps as bring the line a fifth closer to the best one: where one direction is much flatter than the other, these are
 * many. The first ends at the best place of the steep direction; along the flat one each leaves the same share of the way.
 */
function descendFar(state) {
  const { rate, flattest, flat: [f0, f1], best: { intercept, slope } } = costs(state);
  const each = Math.log1p(-rate * flattest);
  const steps = each ? Math.max(1, Math.round(Math.log(0.8) / each)) : 1;
  const way = ((state.theta0 - intercept) * f0 + (state.theta1 - slope) * f1) / (f0 ** 2 + f1 ** 2 || 1) * Math.exp(steps * each);
  return { theta0: intercept + way * f0, theta1: slope + way * f1 };
}

// The picture

const UP = 3.2;
const margin = { left: 30, right: 14, above: 10, between: 62, below: 20 };
const unitOf = (width) => Math.min((width - margin.left - margin.right) / (2 * UP), 54);
const BAR = 20;

function draw({ ink, width, height }, state, values) {
  const unit = unitOf(width);
  const across = (width - margin.left - margin.right) / unit / 2;
  const bottom = margin.above + 2 * UP * unit;
  const x = scaleLinear([-across, across], [margin.left, width - margin.right]).clamp(true);
  const y = scaleLinear([-UP, UP], [bottom, margin.above]).clamp(true);
  const part = (parent, name, key) => parent
    .selectAll(`:scope > ${name}.${key.replaceAll(" ", ".")}`).data([0]).join(name).attr("class", key);
  const named = (g, key, text, [left, top], anchor = "start") =>
    part(g, "text", key).attr("x", left).attr("y", top).attr("text-anchor", anchor).text(text);

  const frame = part(ink, "svg", "frame")
    .attr("x", x(-across)).attr("y", y(UP)).attr("width", x(across) - x(-across)).attr("height", y(-UP) - y(UP));
  const [px, py] = [(a) => (a + across) * unit, (b) => (UP - b) * unit]; // within the frame, and beyond it
  const reach = 1e5; // more pixels than any screen has
  const near = (pixels) => Math.min(Math.max(pixels, -reach), reach);
  const squareOf = ([a, b], error) => { // to the right below the line, to the left above it
    const side = Math.abs(error) * unit;
    return { left: near(px(a) - (error < 0 ? side : 0)), top: near(py(Math.max(b, b + error))), side: Math.min(side, 2 * reach) };
  };
  frame.selectAll("rect.square").data(values.points.map((point, i) => squareOf(point, values.errors[i]))).join("rect")
    .attr("class", "square one")
    .attr("x", ({ left }) => left).attr("y", ({ top }) => top).attr("width", ({ side }) => side).attr("height", ({ side }) => side);
  const lineOf = (g, intercept, slope) => g.attr("x1", px(-across)).attr("x2", px(across))
    .attr("y1", near(py(intercept - slope * across))).attr("y2", near(py(intercept + slope * across)));
  const { unique, centre, intercept, slope } = values.best;
  part(frame, "line", "best curve three").attr("visibility", unique ? "visible" : "hidden").call(lineOf, intercept, slope);
  part(frame, "circle", "pivot curve three").attr("visibility", unique ? "hidden" : "visible")
    .attr("cx", px(centre[0])).attr("cy", py(centre[1])).attr("r", 12);
  part(frame, "line", "line curve two").call(lineOf, state.theta0, state.theta1);

  const whole = (limit) => [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5].filter((number) => Math.abs(number) <= limit);
  const plain = (number) => String(number).replace("-", "−");
  part(ink, "g", "across").call(axisBottom(x).tickValues(whole(across)).tickFormat(plain)).attr("transform", `translate(0,${bottom})`);
  part(ink, "g", "up").call(axisLeft(y).tickValues(whole(UP)).tickFormat(plain)).attr("transform", `translate(${margin.left},0)`);
  named(ink, "unit", "x", [width - margin.right, bottom + 32], "end");
  named(ink, "title", "y", [margin.left + 6, margin.above + 8]);
  named(ink, "three", unique ? "dashed: the best line" : "every line through the ring is best", [width - margin.right, bottom - 8], "end");

  const top = bottom + margin.between;
  const length = scaleLinear([0, Math.max(2, values.cost)], [margin.left, width - margin.right]);
  const parts = [...values.shares.map((share) => ({ share, kind: "one" })), { share: values.penalty, kind: "four" }];
  let sum = 0;
  for (const one of parts) [one.from, sum] = [sum, sum + one.share];
  const bar = part(ink, "g", "bar-of-parts");
  bar.selectAll("rect").data(parts).join("rect").attr("class", ({ kind }) => `part ${kind}`).attr("y", top).attr("height", BAR)
    .attr("x", ({ from }) => length(from)).attr("width", ({ share }) => length(share) - length(0));
  part(bar, "line", "best curve three").attr("y1", top - 6).attr("y2", top + BAR)
    .attr("x1", length(values.best.cost)).attr("x2", length(values.best.cost));
  const along = axisBottom(length).ticks(width > 500 ? 8 : 4);
  if (values.cost > 1e4) along.tickValues([0, values.cost / 2]).tickFormat(shown);
  part(bar, "g", "along").call(along).attr("transform", `translate(0,${top + BAR})`);
  named(bar, "title", "J = squares + penalty", [margin.left, top - 8]);

  const far = ([a, b]) => (Math.abs(a) > across || Math.abs(b) > UP ? `(${plain(a)}, ${plain(b)})` : "");
  const inside = ([a, b]) => ({ x: [x, Math.min(Math.max(a, -across), across)], y: [y, Math.min(Math.max(b, -UP), UP)] });
  const tenths = (number) => Math.round(number * 10) / 10;
  return [
    ...values.points.map((point, i) => ({
      name: `point${i + 1}`, label: `point ${i + 1}`, kind: "one", step: 0.1, text: far(point), ...inside(point),
      move: ([a, b]) => ({ [`x${i + 1}`]: a, [`y${i + 1}`]: b }),
    })),
    {
      name: "theta0", label: "height of the line at x = 0, the bias θ₀", kind: "two", text: "θ₀", along: "y", step: 0.1,
      ...inside([0, state.theta0]), move: ([, up]) => ({ theta0: tenths(up) }),
    },
    {
      name: "theta1", label: `height of the line at x = ${LEVER}, which sets the weight θ₁`, kind: "two", text: "θ₁", along: "y",
      step: 0.1, ...inside([LEVER, state.theta0 + LEVER * state.theta1]),
      move: ([, up]) => ({ theta1: +((up - state.theta0) / LEVER).toFixed(2) }),
    },
  ];
}

const ofBest = (part) => ({ best: { unique, [part]: value } }) => (unique ? value : "any");

export default explorer({
  title: "six squares and a line",
  controls: [
    range("theta0", "bias <i>θ</i><sub>0</sub>", { min: -3, max: 3, step: 0.05, value: 0.8, limits: [-1000, 1000] }),
    range("theta1", "weight <i>θ</i><sub>1</sub>", { min: -2, max: 2, step: 0.05, value: -0.2, limits: [-1000, 1000] }),
    range("lambda", "penalty <i>λ</i>", { min: 0, max: 1000, step: 0.05, value: 0, limits: [0, 1e9], near: 0.1 }),
    coordinates("The six points, exactly", POINTS.flatMap(([x, y], i) => [
      [`x${i + 1}`, `point ${i + 1}, <i>x</i>`, x], [`y${i + 1}`, `point ${i + 1}, <i>y</i>`, y],
    ]), { step: 0.1, limits: [-1000, 1000] }),
  ],
  values: costs,
  readouts: [
    { name: "cost", label: "cost <i>J</i>", value: ({ cost }) => cost },
    { name: "data", label: "½ mean square", kind: "one", value: ({ data }) => data },
    { name: "penalty", label: "penalty, <i>λθ</i><sub>1</sub>²/2<i>m</i>", kind: "four", value: ({ penalty }) => penalty },
    { name: "bestCost", label: "<i>J</i> of the best line", kind: "three", value: ({ best: { cost } }) => cost },
    { name: "bestTheta0", label: "its <i>θ</i><sub>0</sub>", kind: "three", value: ofBest("intercept") },
    { name: "bestTheta1", label: "its <i>θ</i><sub>1</sub>", kind: "three", value: ofBest("slope") },
    { name: "gradient0", label: "∂<i>J</i>/∂<i>θ</i><sub>0</sub>", kind: "two", value: ({ gradient0 }) => gradient0 },
    { name: "gradient1", label: "∂<i>J</i>/∂<i>θ</i><sub>1</sub>", kind: "two", value: ({ gradient1 }) => gradient1 },
    { name: "rate", label: "<i>η</i>, half the limit", kind: "two", value: ({ rate }) => rate },
  ],
  summary: ({ theta0, theta1 }, { cost, data, penalty, gradient0, gradient1, best: { cost: least } }) =>
    `The line has bias ${shown(theta0)}, weight ${shown(theta1)} and J = ${shown(cost)}: squares ${shown(data)}, penalty ${shown(penalty)}. ` +
    `Gradient ${shown(gradient0)} in θ₀, ${shown(gradient1)} in θ₁. The best line has J = ${shown(least)}.`,
  height: (width) => margin.above + 2 * UP * unitOf(width) + margin.between + BAR + margin.below,
  draw,
  steps: {
    label: "Step downhill", play: descendFar, every: 150,
    advance: descend,
    done: (state) => {
      const { cost, best: { cost: least } } = costs(state);
      return cost - least <= 1e-8 * (1 + least);
    },
  },
  tries: [
    {
      text: "Press Play, then raise <i>λ</i> as far as it goes and press Play again. " +
        "At which height does the line lie flat, and which number of the data is that?",
      set: {},
    },
    {
      text: "From the best line, pull a point in the middle far up. Whose square makes up most of <i>J</i> now, " +
        "how far does the best line follow, and does <i>λ</i> hold it back?",
      set: { theta0: 0.1, theta1: 0.55, y4: 3 },
    },
  ],
});
