/** What versions that share the traffic earn, with intervals that hold at every look. */

import { difference } from "./charts.js";
import { h } from "./dom.js";
import { count, fixed, percent, signed } from "./format.js";
import { card, note, pill, table, when } from "./parts.js";

const TONES = { better: "good", worse: "bad", open: "quiet" };
const WORDS = { better: "better", worse: "worse", open: "cannot be told yet" };
const known = (one) => one.low !== null && one.high !== null && one.low !== undefined;

function gap(one, middle, most) {
  if (one.role === "champion") return "the reference";
  if (!known(one)) return [middle === null || middle === undefined ? "–" : signed(middle), h("small", {}, "too few clicks for an interval")];
  return difference({ difference: middle, low: one.low, high: one.high }, most, `${signed(middle)} (${signed(one.low)} to ${signed(one.high)})`);
}

const widest = (all) => 1.15 * Math.max(1e-9, ...all.filter(known).flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));

function arms(trial) {
  if (!trial.arms.length) return null;
  const most = widest(trial.arms);
  return table("Versions of the experiment", ["Version", "Answers", "Clicks an answer", `Against the champion, ${percent(1 - trial.alpha, 0)}`, "It is", "Answers needed"], trial.arms.map((one) => [
    [`Version ${one.version}`, " ", pill(one.role, one.role === "champion" ? "good" : "busy")], count(one.answers), [fixed(one.clicks_per_answer), h("small", {}, `${count(one.clicks)} clicks`)], gap(one, one.difference, most),
    one.finding ? pill(WORDS[one.finding], TONES[one.finding]) : "–", one.answers_needed ? `${count(one.answers_needed)} of each` : "–"]));
}

function preference(one) {
  if (!one) return null;
  return [h("h3", {}, "One list of two rankings"), table("Interleaved lists", ["Version", "Lists", "Won", "Lost", "Clicks more an answer"], [[`Version ${one.version}`, count(one.answers), count(one.wins), count(one.losses), gap(one, one.margin, widest([one]))]]),
    note(`Sign test: p = ${fixed(one.sign_test, 3)}, which holds at one look. It says which ranking people prefer, not by how many clicks.`)];
}

function rules(trial) {
  if (!trial.rules) return "A person decides.";
  return `iHAS stops a version that is worse, or differs by less than ${trial.rules.minimum_effect} clicks an answer${trial.rules.promote ? ", and promotes one that is better." : "; a person promotes."}`;
}

/** The card; null where nothing was compared yet. */
export function trialCard(trial) {
  if (!trial || (trial.ended && !trial.decisions.length)) return null;
  const span = trial.ended ? ["It began ", when(trial.began), " and ended ", when(trial.ended), "."] : ["Counted since ", when(trial.began), "; every change of the traffic begins anew. ", rules(trial)];
  const decided = trial.decisions.length > 0 && [h("h3", {}, "Decided"), h("ul", { class: "list" }, trial.decisions.map((one) => h("li", {}, h("div", { class: "row" }, h("span", {}, `Version ${one.version} `, pill(one.decision, one.decision === "promoted" ? "good" : "warn")), h("span", { class: "muted" }, when(one.at))), h("span", { class: "muted" }, one.detail))))];
  return card(trial.ended ? "The last experiment" : "Experiment", note(span), arms(trial), preference(trial.preference), decided, !trial.ended && note("The intervals hold at every look, so you may look as often as you like and stop when one lies beside 0."));
}
