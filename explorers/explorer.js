// What all explorers share: labelled controls, values as live text, points that mouse, touch and arrow keys move,
// steps that can be played, and the setting in the address. An explorer's own module says what is particular to it:
//
//   title      its name, for those who do not see it
//   controls   its state, one number each, made by range(), choice() or coordinates(); linked() ones follow from it
//   values     state -> everything that is computed from it, an object of numbers
//   readouts   [{ name, label, value, kind }]: what is shown of the values as text; value(values, state) is a number, a vector
//              or a text, kind "one", "two", "three" or "four" its colour in the picture
//   height     width -> height of the picture, in CSS pixels
//   draw       (picture, state, values, set) -> the movable points of the picture; see Points below. While one is dragged the
//              picture is `held`: its scales should stay
//   summary    (state, values) -> what is to be seen, announced once the reader pauses
//   tries      [{ text, set }]: what to try, with the setting that it starts from
//   paired     true where each readout belongs beside the next, for two things that are compared
//   steps      { advance, done, play, every, rewind }: state -> the next state; whether it is the last; with play, Play and Pause
//              too, which go by advance, or by play where it is a function, every so many milliseconds; with rewind,
//              state -> the first state, Play starts anew at the end; label is what stands on Step

import { drag, select } from "../d3/d3.js";

const QUIET = 700; // milliseconds without a change before anything is announced
const LONGEST = 400; // frames of a film
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Controls

/**
 * A number with a slider; the number beside it may go as far as `limits`. With `log`, the slider's `step` is in decades;
 * with `near`, in decades of the number plus `near`, so that it reaches 0. With `whole`, it finds whole numbers.
 */
export const range = (name, label, { min, max, step, value, limits = [min, max], near = 0, log = near > 0, whole = false }) =>
  ({ kind: "range", name, label, min, max, step, value, limits, log, near, whole });

/** A slider for what follows from the state, `of(state)`, and sets it back, `set(x)`; it is no part of the state itself. */
export const linked = (name, label, { min, max, step, of, set }) => ({ kind: "linked", name, label, min, max, step, of, set });

/** One of a few numbers; `options` are pairs of number and label. */
export const choice = (name, label, { options, value }) =>
  ({ kind: "choice", name, label, options, value, limits: [Math.min(...options.map(([n]) => n)), Math.max(...options.map(([n]) => n))] });

/** Numbers that are set by moving a point, or exactly in a list that is folded; `fields` are triples of name, label, value. */
export const coordinates = (legend, fields, { step, limits }) =>
  ({ kind: "coordinates", legend, fields: fields.map(([name, label, value]) => ({ kind: "number", name, label, value, step, limits })) });

// Text

const UP = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A number to four significant digits, as 0.01235, −1235 or 1.235 × 10⁻⁹, or a vector of such. */
export function shown(x) {
  if (typeof x === "string") return x;
  if (Array.isArray(x)) return `(${x.map(shown).join(", ")})`;
  if (Number.isNaN(x)) return "not a number";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const [mantissa, exponent] = x.toExponential(3).split("e").map((part) => part.replace("+", ""));
  const text = size >= 1e-3 && size < 9999.5 ? x.toPrecision(4)
    : `${mantissa} × 10${[...exponent].map((digit) => UP[digit]).join("")}`;
  return text.replace("-", "−");
}

/** A setting of a control, as a field shows it; the state may have more digits. */
const plain = (x) => String(+x.toPrecision(6));
const setting = (x) => plain(x).replace("-", "−");

/** How far an axis goes that has room for x: the first of 1, 2, 5, 10, 20, … beyond it, and `least` at least. */
export function reach(x, least) {
  const decade = 10 ** Math.floor(Math.log10(Math.max(x, least)));
  return Math.max([1, 2, 5, 10, 20].map((one) => one * decade).find((one) => one > x), least);
}

/** Rounded to whole steps, so that what is moved by hand lands on numbers one can read. */
const snap = (x, step) => +(Math.round(x / step) * step).toFixed(10);

// The page

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const rich = (name, html, attributes) => {
  const made = element(name, attributes);
  made.innerHTML = html;
  return made;
};

/** Put the explorer that `design` describes into the element `place`. */
export function explorer(design) {
  return (place) => new Explorer(design, place);
}

class Explorer {
  constructor(design, place) {
    this.design = design;
    this.place = place;
    this.fields = design.controls.flatMap((control) => control.fields ?? [control]).filter(({ kind }) => kind !== "linked");
    this.linked = [];
    this.start = Object.fromEntries(this.fields.map(({ name, value }) => [name, value]));
    this.inputs = {};
    this.build();
    const wanted = this.asked();
    this.state = { ...this.start, ...wanted.state };
    this.showInputs();
    this.render();
    this.news.textContent = this.summary();
    if (wanted.problem) this.complain(wanted.problem);
    new ResizeObserver(() => this.render()).observe(this.picture.node().parentNode);
  }

  // Building

  build() {
    const { design, place } = this;
    const id = (name) => `${place.id}-${name}`;
    const svg = element("div", { class: "explorer-picture" });
    this.picture = select(svg).append("svg").attr("role", "group").attr("aria-label", `${design.title}, picture`);
    this.picture.attr("aria-describedby", id("summary"));
    this.news = element("p", { class: "visually-hidden", role: "status", id: id("summary") });
    this.ink = this.picture.append("g").attr("aria-hidden", "true");
    this.handles = this.picture.append("g");

    const controls = element("div", { class: "explorer-controls" }, ...design.controls.map((control) => this.control(control, id)));
    const buttons = element("div", { class: "explorer-buttons" });
    if (design.steps?.play) buttons.append((this.playButton = this.button("Play", () => this.toggle())));
    if (design.steps) buttons.append((this.stepButton = this.button(design.steps.label ?? "Step", () => this.advance())));
    buttons.append(this.button("Reset", () => this.set(this.start)));
    this.link = element("a", { href: "" }, "Link to this setting");
    buttons.append(this.link);

    this.outputs = {};
    const list = element("dl", { class: `explorer-values${design.paired ? " paired" : ""}` });
    for (const { name, label, kind } of design.readouts) {
      this.outputs[name] = element("dd", { "data-value": name });
      list.append(element("div", {}, rich("dt", label, kind && { class: `swatch ${kind}` }), this.outputs[name]));
    }

    const tries = element("ul", { class: "explorer-tries" });
    for (const { text, set } of design.tries) {
      const what = rich("span", text);
      const link = element("a", { href: this.address({ ...this.start, ...set }) }, "Start here");
      link.setAttribute("aria-label", `Start here: ${what.textContent}`);
      link.addEventListener("click", (event) => this.follow(event, { ...this.start, ...set }));
      tries.append(element("li", {}, what, " ", link));
    }

    this.problem = element("p", { class: "explorer-problem", role: "alert", id: id("problem") });
    const region = element("div", { class: "explorer-live", role: "group", "aria-label": `Explorer: ${design.title}` });
    region.append(svg, this.news, buttons, controls, this.problem, list, element("p", { class: "explorer-try" }, "Two things to try"), tries);
    place.replaceChildren(region);
  }

  control(control, id) {
    if (control.kind === "coordinates") {
      const folded = element("details", { class: "explorer-exact" }, element("summary", {}, control.legend));
      folded.append(element("div", { class: "explorer-fields" }, ...control.fields.map((field) => this.field(field, id))));
      return folded;
    }
    return this.field(control, id);
  }

  field(field, id) {
    const { kind, name, label, limits, step } = field;
    if (kind === "choice") {
      const set = element("fieldset", { class: "explorer-choice" }, rich("legend", label));
      this.inputs[name] = field.options.map(([number, text]) => {
        const input = element("input", { type: "radio", name: id(name), value: number, id: id(`${name}${number}`) });
        input.addEventListener("change", () => this.set({ [name]: number }));
        set.append(element("span", {}, input, rich("label", text, { for: input.id })));
        return input;
      });
      return set;
    }
    if (kind === "linked") {
      const slider = element("input", { type: "range", id: id(name), min: field.min, max: field.max, step });
      slider.addEventListener("input", () => this.set(field.set(+slider.value), slider));
      this.linked.push([slider, field]);
      return element("div", { class: "explorer-field" }, rich("label", label, { for: slider.id }), slider);
    }
    const number = element("input", { type: "number", id: id(name), name, step: "any", min: limits[0], max: limits[1], "aria-errormessage": id("problem") });
    number.addEventListener("input", () => this.typed(field, number));
    this.inputs[name] = [number];
    const row = element("div", { class: "explorer-field" }, rich("label", label, { for: number.id }), number);
    if (kind === "range") {
      const end = (x) => (field.log ? snap(Math.log10(x + field.near), step) : x);
      const ofDecades = (u) => +(field.whole ? Math.round(10 ** u - field.near) : (10 ** u - field.near).toPrecision(2));
      const slider = element("input", { type: "range", min: end(field.min), max: end(field.max), step });
      slider.setAttribute("aria-label", `${row.firstChild.textContent}, slider`);
      slider.addEventListener("input", () => this.set({ [name]: field.log ? ofDecades(slider.value) : +slider.value }, slider));
      this.inputs[name].push(slider);
      row.append(slider);
    }
    return row;
  }

  button(text, act) {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", act);
    return button;
  }

  // The state

  /** Change some of the state: `source` is the input that already shows it. */
  set(changes, source) {
    this.pause();
    this.change(changes, source);
  }

  change(changes, source) {
    this.complain("");
    this.state = this.changed(this.state, changes);
    this.showInputs(source);
    this.dirty ??= requestAnimationFrame(() => this.render());
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.settle(), QUIET);
  }

  /** The state after these changes, as far as the limits allow. */
  changed(state, changes) {
    const within = ({ name, limits }) => [name, Math.min(Math.max(changes[name] ?? state[name], limits[0]), limits[1])];
    return Object.fromEntries(this.fields.map(within));
  }

  settle() {
    history.replaceState(history.state, "", this.address(this.state));
    if (!this.playing) this.news.textContent = this.summary();
  }

  summary() {
    return this.design.summary(this.state, this.design.values(this.state));
  }

  /** What is typed holds at once if it is right; if not, that is said after a pause, for it may be the beginning of a number. */
  typed(field, number) {
    const [low, high] = field.limits;
    const x = number.valueAsNumber;
    if (x >= low && x <= high) return this.set({ [field.name]: x }, number);
    clearTimeout(this.doubt);
    this.doubt = setTimeout(() => {
      number.setAttribute("aria-invalid", "true");
      const stays = setting(this.state[field.name]);
      this.complain(`${number.labels[0].textContent}: write a number from ${setting(low)} to ${setting(high)}. Until then it stays ${stays}.`);
    }, QUIET);
  }

  complain(problem) {
    clearTimeout(this.doubt);
    if (this.problem.textContent !== problem) this.problem.textContent = problem;
  }

  /** Show the state in all inputs but `source`, which does so already. */
  showInputs(source) {
    for (const { name, log, near } of this.fields) {
      for (const input of this.inputs[name]) {
        if (log && input.type === "range") input.setAttribute("aria-valuetext", setting(this.state[name]));
        input.removeAttribute("aria-invalid");
        if (input === source) continue;
        if (input.type === "radio") input.checked = +input.value === this.state[name];
        else if (log && input.type === "range") input.value = Math.log10(this.state[name] + near);
        else input.value = plain(this.state[name]);
      }
    }
    for (const [slider, { of }] of this.linked) if (slider !== source) slider.value = of(this.state);
  }

  // The address

  address(state) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(this.start)) {
      if (state[name] === value) query.delete(name);
      else query.set(name, +state[name].toPrecision(12));
    }
    return `${location.pathname}${query.size ? `?${query}` : ""}#${this.place.id}`;
  }

  /** What the address asks for: the part of the state that is right, and what is wrong with the rest. */
  asked() {
    const state = {}, problems = [];
    for (const [name, text] of new URLSearchParams(location.search)) {
      const field = this.fields.find((one) => one.name === name);
      if (!field) continue;
      const [low, high] = field.limits;
      const x = text.trim() === "" ? NaN : Number(text);
      const numbers = field.options?.map(([number]) => number);
      if (x >= low && x <= high && (numbers?.includes(x) ?? true)) state[name] = x;
      else {
        const right = numbers?.join(" or ") ?? `a number from ${setting(low)} to ${setting(high)}`;
        problems.push(`The address asks for ${name} = ${text}: it takes ${right}, and stays ${setting(field.value)}.`);
      }
    }
    return { state, problem: problems.join(" ") };
  }

  follow(event, state) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.set(state);
    this.picture.node().scrollIntoView({ block: "nearest" });
  }

  // Steps

  advance() {
    const { steps } = this.design;
    this.pause();
    if (!steps.done(this.state)) this.change(steps.advance(this.state));
  }

  toggle() {
    if (this.playing) return this.pause();
    const { steps } = this.design;
    if (steps.done(this.state)) {
      if (!steps.rewind) return;
      this.change(steps.rewind(this.state));
    }
    const next = steps.play instanceof Function ? steps.play : steps.advance;
    let frames = 0, moves = true;
    const on = (state) => {
      const later = this.changed(state, next(state));
      frames += 1;
      moves = Object.keys(state).some((name) => later[name] !== state[name]);
      return later;
    };
    const over = (state) => steps.done(state) || frames === LONGEST || !moves;
    const end = () => {
      this.pause();
      if (!steps.done(this.state)) this.complain("Play stops here, though its end is not reached.");
    };
    if (calm.matches) { // the end at once, without the film
      let { state } = this;
      while (!over(state)) state = on(state);
      this.change(state);
      return end();
    }
    let last = -Infinity;
    const frame = (now) => {
      if (over(this.state)) return end();
      if (now - last >= (steps.every ?? 0)) {
        this.change(on(this.state));
        last = now;
      }
      this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
    this.playButton.textContent = "Pause";
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.playing);
    this.playing = undefined;
    this.playButton.textContent = "Play";
  }

  // Drawing

  render() {
    this.dirty = undefined;
    const { design, state } = this;
    const width = Math.floor(this.picture.node().parentNode.clientWidth);
    if (!width) return; // not on the screen
    const height = Math.round(design.height(width));
    this.picture.attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`);
    const values = design.values(state);
    for (const { name, value } of design.readouts) {
      const text = shown(value(values, state));
      if (this.outputs[name].textContent !== text) this.outputs[name].textContent = text;
    }
    const set = (changes) => this.set(changes);
    this.drawPoints(design.draw({ ink: this.ink, width, height, held: this.held }, state, values, set) ?? []);
    this.link.href = this.address(state);
    const done = design.steps?.done(state); // a button that has the focus keeps it
    this.stepButton?.setAttribute("aria-disabled", done);
    this.playButton?.setAttribute("aria-disabled", done && !design.steps.rewind);
  }

  // Points: { name, label, x, y, step, move, along, kind, text, beside }
  //   x, y    [scale, number]: where it is
  //   step    what one press of an arrow key moves it by, ten times as much with Shift; what a drag lands on
  //   move    ([x, y]) -> the change of the state
  //   along   "x" or "y" where only one of them moves it
  //   kind    a class for its look
  //   text    what stands beside it, `beside` pixels to the right and below

  drawPoints(points) {
    const explorer = this;
    const at = ({ x: [x, a], y: [y, b] }) => `translate(${x(a)},${y(b)})`;
    const atRight = ({ x: [x, a] }) => x(a) > this.picture.attr("width") - 75;
    const to = (point, x, y) => this.set(point.move([snap(x, point.step), snap(y, point.step)]));
    const dragged = drag()
      .subject((event, { x: [x, a], y: [y, b] }) => ({ x: x(a), y: y(b) }))
      .on("start", function () {
        explorer.held = true;
        this.focus({ preventScroll: true });
      })
      .on("drag", function (event) {
        const point = select(this).datum();
        to(point, point.x[0].invert(event.x), point.y[0].invert(event.y));
      })
      .on("end", () => {
        this.held = false;
        this.render();
      });
    const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    this.handles
      .selectAll("g.point")
      .data(points, ({ name }) => name)
      .join((enter) => {
        const made = enter.append("g").attr("tabindex", 0).attr("role", "slider").attr("aria-roledescription", "movable point");
        made.append("circle").attr("class", "reach").attr("r", 20);
        made.append("circle").attr("class", "dot").attr("r", 7);
        made.append("text").attr("aria-hidden", "true");
        made.on("keydown", function (event, point) {
          if (!(event.key in ARROWS) || event.ctrlKey || event.altKey || event.metaKey) return;
          event.preventDefault();
          let [right, up] = ARROWS[event.key].map((one) => one * point.step * (event.shiftKey ? 10 : 1));
          if (point.along) right = up = right + up; // as with any slider
          to(point, point.x[1] + right, point.y[1] + up);
        });
        return made.call(dragged.container(explorer.picture.node()));
      })
      .attr("class", ({ kind = "" }) => `point ${kind}`)
      .attr("transform", at)
      .attr("aria-label", ({ label }) => label)
      .attr("aria-valuenow", ({ x, y, along }) => plain(along === "y" ? y[1] : x[1]))
      .attr("aria-valuemin", ({ x, y, along }) => plain(Math.min(...(along === "y" ? y : x)[0].domain())))
      .attr("aria-valuemax", ({ x, y, along }) => plain(Math.max(...(along === "y" ? y : x)[0].domain())))
      .attr("aria-valuetext", ({ x, y, along }) => (along === "y" ? setting(y[1]) : `${setting(x[1])} across, ${setting(y[1])} up`))
      .select("text")
      .attr("text-anchor", (point) => (!point.beside && atRight(point) ? "end" : "start"))
      .attr("x", (point) => (point.beside ?? [atRight(point) ? -12 : 12])[0])
      .attr("y", ({ y: [y, b], beside = [0, y(b) < 25 ? 22 : -10] }) => beside[1])
      .text(({ text = "" }) => text);
  }
}
