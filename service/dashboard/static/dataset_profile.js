/** What a column holds: how often each value or range comes, its click rate, and how it drifted since the version before. */

import { bars, columns, quantiles, rate } from "./charts.js";
import { judged } from "./dataset_changes.js";
import { h } from "./dom.js";
import { count, counted, fixed, percent } from "./format.js";
import { note, pill } from "./parts.js";

const ROLES = { context: "visitor or moment", item: "item" };
const TONES = { "as before": "quiet", moved: "warn", changed: "bad" };
const short = (value) => (Math.abs(value) >= 1000 ? count(value) : Number(value.toPrecision(3)).toString());

/** The words of a part: its value, or its range. */
export const named = ({ value, start, end }) => (value !== null ? value : `${short(start)} to ${short(end)}`);

function rates({ column, parts }) {
  const known = parts.filter((one) => one.clicks !== null && one.rows);
  if (!known.length) return null;
  const most = Math.max(...known.map(({ high }) => high), 0.01);
  return h("details", {}, h("summary", {}, "Click rate by value"), h("ul", { class: "rates", "aria-label": `Click rate by value of ${column}` }, known.map((one) => h("li", {},
    h("div", { class: "row" }, h("strong", {}, named(one)), h("small", { class: "muted" }, counted(one.rows, "row"))), rate({ middle: one.clicks / one.rows, low: one.low, high: one.high }, most)))), note("Lines are 95 % intervals."));
}

function drifted(change) {
  if (!change) return null;
  return h("p", {}, pill(judged(change), TONES[judged(change)]), h("small", { class: "muted" }, ` drift ${fixed(change.drift, 3)} to the version before, by chance up to ${fixed(change.by_chance, 3)}`));
}

/** The card of a column; `change` is what the newest rows changed in it. */
export function profileCard(profile, rows, change) {
  const parts = profile.parts ?? [];
  const told = profile.commonest.slice(0, 6).map(([value, number]) => [value, number / Math.max(1, rows), percent(number / Math.max(1, rows))]);
  const purpose = profile.purpose === "field" ? pill(ROLES[profile.role] ?? "field", profile.role === "item" ? "busy" : "quiet") : pill(profile.purpose === "label" ? "the click" : profile.purpose, profile.purpose === "label" ? "good" : "quiet");
  const ranges = parts.filter(({ value }) => value === null);
  return h("article", { class: "card" },
    h("div", { class: "row" }, h("h3", {}, profile.column), purpose),
    note(`${profile.purpose === "label" ? "0 or 1" : profile.kind ?? "not used"}, ${counted(profile.distinct, "value")}, ${profile.missing ? `${percent(profile.missing)} missing` : "none missing"}`),
    drifted(change),
    ranges.length > 0 && columns(ranges.map((one) => [named(one), one.rows]), `Rows by range of ${profile.column}`),
    profile.quantiles.length === 5 ? quantiles(profile.quantiles) : bars(told, `Most frequent values of ${profile.column}`),
    rates({ column: profile.column, parts }));
}
