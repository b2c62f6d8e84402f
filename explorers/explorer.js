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
//   summary    (state, values) -> what is announced once the reader pauses
//   tries      [{ text, set }]: what to try, with the setting that it starts from
//   paired     true where each readout belongs beside the next, for two things that are compared
//   steps      { advance, done, play, every, rewind }: state -> the next state; whether it is the last; with play, Play and Pause
//              too, which go by advance, or by play where it is a function, every so many milliseconds; with rewind,
//              state -> the first state, Play starts anew at the end

import { drag, select } from "../d3/d3.js";

const QUIET = 700; // milliseconds without a change before anything is announced
const LONGEST = 10000; // frames of a film whose end is shown at once
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

/** A setting of a control, without digits that say nothing. */
const setting = (x) => String(+x.toPrecision(12)).replace("-", "−");

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
    for (const name of Object.keys(this.start)) this.showInput(name);
    this.showLinked();
    this.render();
    if (wanted.problem) this.complain(wanted.problem);
    new ResizeObserver(() => this.render()).observe(this.picture.node().parentNode);
  }

  // Building

  build() {
    const { design, place } = this;
    const id = (name) => `${place.id}-${name}`;
    const svg = element("div", { class: "explorer-picture" });
    this.picture = select(svg).append("svg").attr("role", "group").attr("aria-label", `${design.title}, picture`);
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
      const link = element("a", { href: this.address({ ...this.start, ...set }) }, "Start here");
      link.setAttribute("aria-label", `Start here: ${text}`);
      link.addEventListener("click", (event) => this.follow(event, { ...this.start, ...set }));
      tries.append(element("li", {}, rich("span", text), " ", link));
    }

    this.problem = element("p", { class: "explorer-problem", role: "alert" });
    this.news = element("p", { class: "visually-hidden", role: "status" });
    const region = element("div", { class: "explorer-live", role: "group", "aria-label": `Explorer: ${design.title}` });
    region.append(svg, controls, this.problem, buttons, list, element("p", { class: "explorer-try" }, "Two things to try"), tries, this.news);
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
    const number = element("input", { type: "number", id: id(name), name, step: "any", min: limits[0], max: limits[1] });
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
    for (const { name, limits } of this.fields)
      if (name in changes) this.state[name] = Math.min(Math.max(changes[name], limits[0]), limits[1]);
    for (const name of Object.keys(changes)) this.showInput(name, source);
    this.showLinked(source);
    this.dirty ??= requestAnimationFrame(() => this.render());
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.settle(), QUIET);
  }

  settle() {
    history.replaceState(history.state, "", this.address(this.state));
    if (!this.playing) this.news.textContent = this.design.summary(this.state, this.design.values(this.state));
  }

  typed(field, number) {
    const [low, high] = field.limits;
    const x = number.valueAsNumber;
    const right = Number.isFinite(x) && x >= low && x <= high;
    number.toggleAttribute("aria-invalid", !right);
    if (right) this.set({ [field.name]: x }, number);
    else this.complain(`${this.nameOf(field.name)}: write a number from ${setting(low)} to ${setting(high)}. Until then it stays ${setting(this.state[field.name])}.`);
  }

  complain(problem) {
    if (this.problem.textContent !== problem) this.problem.textContent = problem;
  }

  nameOf(name) {
    return (this.inputs[name][0].labels[0]?.closest("fieldset")?.querySelector("legend") ?? this.inputs[name][0].labels[0]).textContent;
  }

  showInput(name, source) {
    const { log, near } = this.fields.find((field) => field.name === name);
    for (const input of this.inputs[name]) {
      if (log && input.type === "range") input.setAttribute("aria-valuetext", setting(this.state[name]));
      if (input === source) continue;
      if (input.type === "radio") input.checked = +input.value === this.state[name];
      else if (log && input.type === "range") input.value = Math.log10(this.state[name] + near);
      else input.value = +this.state[name].toPrecision(12);
      input.removeAttribute("aria-invalid");
    }
  }

  showLinked(source) {
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
    const state = {};
    let problem = "";
    for (const [name, text] of new URLSearchParams(location.search)) {
      const field = this.fields.find((one) => one.name === name);
      if (!field) continue;
      const [low, high] = field.limits;
      const x = text.trim() === "" ? NaN : Number(text);
      const known = field.kind !== "choice" || field.options.some(([number]) => number === x);
      if (known && x >= low && x <= high) state[name] = x;
      else problem = `The address asks for ${name} = ${text}: it takes a number from ${setting(low)} to ${setting(high)}, and stays ${setting(field.value)}.`;
    }
    return { state, problem };
  }

  follow(event, state) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.set(state);
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
    const next = steps.play instanceof Function ? steps.play : steps.advance;
    if (steps.done(this.state)) this.change(steps.rewind(this.state));
    if (calm.matches) { // the end at once, without the film
      let state = this.state;
      for (let frames = 0; frames < LONGEST && !steps.done(state); frames++) state = { ...state, ...next(state) };
      return this.change(state);
    }
    let last = -Infinity;
    const frame = (now) => {
      if (steps.done(this.state)) return this.pause();
      if (now - last >= (steps.every ?? 0)) {
        this.change(next(this.state));
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
    if (this.stepButton) this.stepButton.disabled = design.steps.done(state);
    if (this.playButton) this.playButton.disabled = design.steps.done(state) && !design.steps.rewind;
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
          const [right, up] = ARROWS[event.key].map((one) => one * point.step * (event.shiftKey ? 10 : 1));
          to(select(this).datum(), point.x[1] + right, point.y[1] + up);
        });
        return made.call(dragged.container(explorer.picture.node()));
      })
      .attr("class", ({ kind = "" }) => `point ${kind}`)
      .attr("transform", at)
      .attr("aria-label", ({ label }) => label)
      .attr("aria-valuenow", ({ x, y, along }) => setting(along === "y" ? y[1] : x[1]).replace("−", "-"))
      .attr("aria-valuemin", ({ x, y, along }) => Math.min(...(along === "y" ? y : x)[0].domain()))
      .attr("aria-valuemax", ({ x, y, along }) => Math.max(...(along === "y" ? y : x)[0].domain()))
      .attr("aria-valuetext", ({ x, y, along }) => (along === "y" ? setting(y[1]) : `${setting(x[1])} across, ${setting(y[1])} up`))
      .select("text")
      .attr("text-anchor", (point) => (!point.beside && atRight(point) ? "end" : "start"))
      .attr("x", (point) => (point.beside ?? [atRight(point) ? -12 : 12])[0])
      .attr("y", ({ y: [y, b], beside = [0, y(b) < 25 ? 22 : -10] }) => beside[1])
      .text(({ text = "" }) => text);
  }
}
