/** Small drawings, which need no library: bars, sparklines, intervals. Each has its words for whoever does not see it. */

import { h, svg } from "./dom.js";
import { count, percent, signed } from "./format.js";

/** A line through values, some of which may be null; with an area under it. */
export function sparkline(values, label, { width = 150, height = 40 } = {}) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const least = Math.min(...known);
  const span = Math.max(...known) - least || 1;
  const place = (value, number) => [4 + (number * (width - 8)) / (values.length - 1), height - 5 - ((value - least) * (height - 10)) / span];
  const points = values.map((value, number) => (value === null ? null : place(value, number))).filter(Boolean);
  const line = points.map((point) => point.map((one) => one.toFixed(1)).join(",")).join(" ");
  const [end] = points.slice(-1);
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", role: "img", "aria-label": label },
    svg("polygon", { points: `${points[0][0]},${height} ${line} ${end[0]},${height}` }),
    svg("polyline", { points: line }), svg("circle", { cx: end[0], cy: end[1], r: 3 }));
}

/** Values with their shares, as bars: `[text, share, words]`. */
export function bars(rows, label) {
  const most = Math.max(...rows.map(([, share]) => share), 1e-9);
  return h("ul", { class: "bars", "aria-label": label }, rows.map(([text, share, words]) => h("li", {},
    h("span", { class: "bar-text" }, text), h("span", { class: "bar-line", "aria-hidden": "true" }, h("span", { style: { width: `${(100 * share) / most}%` } })),
    h("span", { class: "bar-value" }, words))));
}

/** Contributions to both sides of a middle line: `[text, value]`. */
export function twoSided(rows, label, digits = 2) {
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-9);
  return h("ul", { class: "bars two", "aria-label": label }, rows.map(([text, value]) => h("li", {},
    h("span", { class: "bar-text" }, text),
    h("span", { class: "bar-line", "aria-hidden": "true" }, h("span", {
      class: value >= 0 ? "up" : "down",
      style: { width: `${(50 * Math.abs(value)) / most}%`, "margin-left": value >= 0 ? "50%" : `${50 - (50 * Math.abs(value)) / most}%` },
    })),
    h("span", { class: "bar-value" }, signed(value, digits)))));
}

/** A rate with its interval on a line from 0 to `most`. */
export function rate({ middle, low, high }, most) {
  const at = (value) => Math.min(100, (100 * value) / most);
  return h("span", { class: "rate" }, h("span", { class: "rate-line", "aria-hidden": "true" },
    h("span", { class: "rate-span", style: { left: `${at(low)}%`, width: `${Math.max(1, at(high) - at(low))}%` } }), h("span", { class: "rate-dot", style: { left: `${at(middle)}%` } })),
  `${percent(middle)} (${percent(low)} to ${percent(high)})`);
}

/** A difference with its interval, about a line at 0, which ends at minus and plus `most`; `words` say it. */
export function difference({ difference: middle, low, high }, most, words) {
  const at = (value) => Math.min(100, Math.max(0, 50 + (50 * value) / most));
  const side = low > 0 ? "up" : high < 0 ? "down" : "";
  return h("span", { class: "rate" }, h("span", { class: `rate-line zero ${side}`, "aria-hidden": "true" },
    h("span", { class: "rate-span", style: { left: `${at(low)}%`, width: `${Math.max(1, at(high) - at(low))}%` } }), h("span", { class: "rate-dot", style: { left: `${at(middle)}%` } })), words);
}

/** Standing columns for counts of neighbouring ranges: `[text, count]`. */
export function columns(rows, label, { width = 260, height = 64 } = {}) {
  const most = Math.max(...rows.map(([, number]) => number), 1);
  const step = width / rows.length;
  const said = `${label}: ${rows.map(([text, number]) => `${text}, ${count(number)}`).join("; ")}`;
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "histogram", role: "img", "aria-label": said },
    rows.map(([text, number], place) => {
      const tall = number ? Math.max(1.5, ((height - 2) * number) / most) : 0;
      return svg("rect", { x: (place * step + 1).toFixed(1), y: (height - tall).toFixed(1), width: (step - 2).toFixed(1), height: tall.toFixed(1) }, svg("title", {}, `${text}: ${count(number)} rows`));
    }));
}

/** Minimum, quartiles and maximum of a numeric column. */
export function quantiles(values) {
  const [least, lower, median, upper, most] = values;
  const span = most - least || 1;
  const at = (value) => (100 * (value - least)) / span;
  const short = (value) => (Math.abs(value) >= 1000 ? count(value) : Number(value.toPrecision(3)).toString());
  return h("figure", { class: "box" }, h("span", { class: "box-line", "aria-hidden": "true" },
    h("span", { class: "box-span", style: { left: `${at(lower)}%`, width: `${Math.max(1, at(upper) - at(lower))}%` } }), h("span", { class: "box-mid", style: { left: `${at(median)}%` } })),
  h("figcaption", {}, `${short(least)} to ${short(most)}, half of the rows between ${short(lower)} and ${short(upper)}, median ${short(median)}`));
}
