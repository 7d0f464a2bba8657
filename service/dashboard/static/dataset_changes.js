/** What rows that were appended have changed, in words and drawings. */

import { difference } from "./charts.js";
import { h } from "./dom.js";
import { count, counted, fixed, percent, points, signed } from "./format.js";
import { card, note, pill, table } from "./parts.js";

const [MOVED, CHANGED] = [0.1, 0.25];
const FEWEST = 100;
const SHOWN = 100;

/** Whether a field is as before, moved or changed: its drift against the common bounds, and above what chance alone gives. */
export function judged({ drift, by_chance: chance }) {
  if (drift <= chance || drift <= MOVED) return "as before";
  return drift > CHANGED ? "changed" : "moved";
}

const TONES = { "as before": "quiet", moved: "warn", changed: "bad" };
const rateWords = ({ before, appended, low, high }) => `${points(appended - before)} (${signed(100 * low, 1)} to ${signed(100 * high, 1)})`;

/** The changes in a few words, for a line of a table. */
export function brief(changes) {
  if (!changes) return "–";
  const moved = changes.fields.filter((one) => judged(one) !== "as before").length;
  const fresh = changes.fields.filter((one) => one.new_values > 0).length;
  const told = changes.rows_appended < FEWEST ? pill("too few rows to judge") : moved ? pill(`${counted(moved, "field")} moved`, "warn") : pill("fields as before", "good");
  return [told, changes.click_rate && h("small", {}, `Click rate ${percent(changes.click_rate.before)} → ${percent(changes.click_rate.appended)}`), fresh > 0 && h("small", {}, `New values in ${counted(fresh, "field")}`)];
}

function clickRate(rate) {
  if (!rate) return card("Click rate", note("These rows have no label."));
  const most = Math.max(Math.abs(rate.low), Math.abs(rate.high), 0.001) * 1.2;
  const sure = rate.low > 0 || rate.high < 0;
  return card("Click rate", h("p", {}, `${percent(rate.appended)} of the appended rows are clicks, ${percent(rate.before)} of those before.`), difference({ ...rate, difference: rate.appended - rate.before }, most, `${rateWords(rate)}, 95 %`),
    note(sure ? "The interval lies on one side of 0: the click rate is another one." : "The interval holds 0: so many rows cannot tell the two rates apart."));
}

function fields(changes) {
  const sorted = [...changes.fields].sort((a, b) => b.drift - b.by_chance - (a.drift - a.by_chance));
  const rows = sorted.slice(0, SHOWN).map((one) => [
    one.column, pill(judged(one), TONES[judged(one)]), [fixed(one.drift, 3), h("small", {}, `by chance up to ${fixed(one.by_chance, 3)}`)],
    one.new_values || one.new_share ? [one.new_values ? counted(one.new_values, "value") : "outside the range", h("small", {}, `${percent(one.new_share)} of the cells`)] : "none", `${percent(one.missing_before)} → ${percent(one.missing)}`]);
  return card("Fields", table("What changed in each field", ["Field", "It is", "Drift", "New", "Missing"], rows),
    sorted.length > SHOWN && note(`${sorted.length - SHOWN} fields that moved less are not shown.`),
    note("Drift is the population stability index of the appended rows against those before: above .1 a field moved, above .25 it changed."));
}

/** The cards. */
export function changesCards(changes) {
  return [changes.rows_appended < FEWEST && h("div", { class: "notice" }, `Only ${count(changes.rows_appended)} rows were appended. Below ${FEWEST} nothing is judged, so the figures below say little.`), clickRate(changes.click_rate), fields(changes)];
}
