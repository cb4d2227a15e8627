// What the charts show: calls by target in steps of five seconds, and times by target in half minutes.
//
// The proxy keeps half minutes, of which the picture at the beginning is made; from then on each step shows what has
// come since the one before.

import { Chart } from "./draw.js";
import { html, keep } from "./dom.js";
import { ms } from "./words.js";

const STEPS = 60;
const STEP_S = 5;
const IN_SLOT = 6; // steps of a half minute
const SLOTS = 10;
const COLOURS = 8; // more targets share the last one

const FAILED = { name: "not answered", colour: "failed" };
const PAST = ["5 min ago", "now"];

/** Calls by target and step. */
class Traffic {
  constructor() {
    this.targets = new Map();
  }

  #of(target) {
    if (!this.targets.has(target)) this.targets.set(target, { slots: new Map(), answered: new Map(), failed: new Map() });
    return this.targets.get(target);
  }

  /** Adds what the rows tell beyond what they told before. `first`: nobody knows when in its half minute it came. */
  count(rows, step, first) {
    for (const row of rows) {
      const known = this.#of(row.target);
      for (const slot of row.course) {
        const before = known.slots.get(slot.number) ?? { answered: 0, failed: 0 };
        const from = first ? slot.number * IN_SLOT : step;
        const until = first ? Math.min(step, from + IN_SLOT - 1) : step;
        for (const kind of ["answered", "failed"]) {
          const each = (slot[kind] - before[kind]) / (until - from + 1);
          for (let at = from; each > 0 && at <= until; at += 1) known[kind].set(at, (known[kind].get(at) ?? 0) + each);
        }
        known.slots.set(slot.number, slot);
      }
    }
    this.#forget(step);
  }

  #forget(step) {
    for (const known of this.targets.values()) {
      for (const map of [known.answered, known.failed]) for (const at of map.keys()) if (at <= step - STEPS) map.delete(at);
      for (const number of known.slots.keys()) if (number < step / IN_SLOT - SLOTS - 1) known.slots.delete(number);
    }
  }

  /** Calls a second of each step, the oldest first. */
  rates(target, kind, step) {
    const counts = this.targets.get(target)?.[kind];
    return Array.from({ length: STEPS }, (_, place) => (counts?.get(step - STEPS + 1 + place) ?? 0) / STEP_S);
  }
}

export class Charts {
  constructor(traffic, times, legend, measure) {
    this.traffic = new Chart(traffic, { stacked: true, unit: (value) => `${value}/s` });
    this.times = new Chart(times, { stacked: false, unit: ms });
    this.legend = legend;
    this.measure = measure;
    this.calls = new Traffic();
    this.names = new Map();
    measure.addEventListener("change", () => this.seen && this.#drawTimes(this.seen));
  }

  begin(seen) {
    this.calls = new Traffic();
    this.calls.count(seen.rows.values(), Math.floor(seen.slot * IN_SLOT), true);
  }

  count(seen) {
    this.calls.count(seen.rows.values(), Math.floor(seen.slot * IN_SLOT), false);
  }

  draw(seen) {
    this.seen = seen;
    for (const name of seen.order) this.#colour(name);
    keep(this.legend, [...seen.order.map((name) => this.names.get(name)), FAILED], (one) =>
      html("li", {}, html("span", { class: `swatch ${one.colour}` }), one.name),
    );
    this.#drawTraffic(seen);
    this.#drawTimes(seen);
  }

  #colour(name) {
    const number = Math.min(this.names.size, COLOURS - 1);
    if (!this.names.has(name)) this.names.set(name, { name, colour: `c${number}` });
  }

  #drawTraffic(seen) {
    const step = Math.floor(seen.slot * IN_SLOT);
    const series = seen.order.map((name) => ({
      name,
      colour: this.names.get(name).colour,
      values: this.calls.rates(name, "answered", step),
    }));
    const failed = seen.order.map((name) => this.calls.rates(name, "failed", step));
    const sum = failed.reduce((all, one) => all.map((value, place) => value + one[place]), new Array(STEPS).fill(0));
    series.push({ ...FAILED, values: sum });
    this.traffic.draw(series, PAST);
  }

  #drawTimes(seen) {
    const [what, quantile] = this.measure.value.split(" ");
    const last = Math.floor(seen.slot);
    const series = seen.order.map((name) => {
      const values = new Array(SLOTS).fill(null);
      for (const slot of seen.rows.get(name).course) {
        const place = slot.number - last + SLOTS - 1;
        if (place >= 0 && slot[what]) values[place] = slot[what][quantile];
      }
      return { name, colour: this.names.get(name).colour, values };
    });
    this.times.draw(series, PAST);
  }
}
