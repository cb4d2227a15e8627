// Charts over time as SVG: bars that stand on each other, or lines. Colours are classes of the style sheet, so that a
// change between light and dark needs no drawing.

import { html, svg } from "./dom.js";

const USUAL = 600; // where nobody knows how wide it is
const HEIGHT = 180;
const LEFT = 58;
const BOTTOM = 22;
const TOP = 8;
const INNER = HEIGHT - TOP - BOTTOM;

/** The least round number that is not below `value`. */
export function round(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((one) => one >= value * 0.9999);
}

const tidy = (value) => Number(value.toPrecision(3));

export class Chart {
  /** `unit(value)` writes a value at the axis. */
  constructor(host, { stacked, unit }) {
    this.host = host;
    this.stacked = stacked;
    this.unit = unit;
    this.svg = svg("svg", { role: "img" });
    this.empty = html("p", { class: "empty" }, "Nothing in the last five minutes.");
    host.append(this.svg, this.empty);
  }

  /** `series`: name, colour and values, the oldest first, null where there is none; `ends`: words below the axis. */
  draw(series, ends) {
    this.width = this.host.clientWidth || USUAL; // so that words are as large as any
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const top = round(this.stacked ? this.#highest(series) : Math.max(0, ...series.flatMap((one) => one.values)));
    const any = series.some((one) => one.values.some((value) => value));
    this.empty.hidden = any;
    this.svg.setAttribute("aria-label", any ? this.#told(series) : "Nothing in the last five minutes");
    const shapes = this.stacked ? this.#bars(series, top) : this.#lines(series, top);
    this.svg.replaceChildren(...this.#axes(top, ends, any), ...shapes);
  }

  #highest(series) {
    const sums = series[0].values.map((_, place) => series.reduce((sum, one) => sum + one.values[place], 0));
    return Math.max(...sums);
  }

  /** The latest value of each, for who cannot see it. */
  #told(series) {
    const parts = series
      .map((one) => [one.name, one.values.findLast((value) => value)])
      .filter(([, value]) => value)
      .map(([name, value]) => `${name} ${this.unit(tidy(value))}`);
    return `Latest: ${parts.join(", ")}`;
  }

  #axes(top, ends, any) {
    const lines = [0, 0.5, 1].map((part) => {
      const y = TOP + INNER * (1 - part);
      return svg("line", { class: "grid", x1: LEFT, x2: this.width, y1: y, y2: y });
    });
    const marks = [0, 0.5, 1].map((part) => {
      const y = TOP + INNER * (1 - part);
      return svg("text", { class: "mark", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, this.unit(tidy(top * part)));
    });
    const words = [
      svg("text", { class: "mark", x: LEFT, y: HEIGHT - 4 }, ends[0]),
      svg("text", { class: "mark", x: this.width - 2, y: HEIGHT - 4, "text-anchor": "end" }, ends[1]),
    ];
    return any ? [...lines, ...marks, ...words] : [lines[0], ...words];
  }

  /** A path for each series: a rectangle a step. */
  #bars(series, top) {
    const width = (this.width - LEFT) / series[0].values.length;
    const floor = series[0].values.map(() => 0);
    return series.map((one) => {
      const parts = one.values.map((value, place) => {
        if (!value) return "";
        const low = floor[place];
        floor[place] += value;
        const y = TOP + INNER * (1 - floor[place] / top);
        const height = (INNER * (floor[place] - low)) / top;
        return `M${LEFT + place * width} ${y}h${width - 1}v${height}h${1 - width}z`;
      });
      return svg("path", { class: `area ${one.colour}`, d: parts.join("") });
    });
  }

  /** A line for each series, with a dot at each value, so that one without neighbours is seen. */
  #lines(series, top) {
    const step = (this.width - LEFT - 12) / Math.max(1, series[0]?.values.length - 1);
    return series.flatMap((one) => {
      let path = "";
      const dots = [];
      one.values.forEach((value, place) => {
        if (value === null) return;
        const [x, y] = [LEFT + 6 + place * step, TOP + INNER * (1 - value / top)];
        path += `${one.values[place - 1] ?? null ? "L" : "M"}${x} ${y}`;
        dots.push(svg("circle", { class: `dot ${one.colour}`, cx: x, cy: y, r: 3 }));
      });
      return [svg("path", { class: `curve ${one.colour}`, d: path }), ...dots];
    });
  }
}
