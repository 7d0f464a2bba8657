/** What a search found, inside the page: the same figures and plots as in its report. */

import { can, get, getOr, part, send } from "./api.js";
import { h } from "./dom.js";
import { count, counted, fixed, interval, outcome, percent } from "./format.js";
import { card, link, note, pill, table, tile, working } from "./parts.js";
import { plotOf } from "./plot.js";

const PLOTS = [
  ["auc", "Does it rank better than the plain model?", "Right of the dashed line is better. Where a bar crosses it, these rows cannot tell the two apart."],
  ["pareto", "What does it cost?", "Up ranks better, left is smaller. The dotted line joins candidates that no other beats."],
  ["calibration", "Are its scores right?", "On the dashed line, a score of 30 % means 30 clicks of 100 rows."],
  ["history", "How it learnt", "Each line is one training. It ends when ranking does not improve any more."],
  ["gains", "What does each group gain?", "The difference to the plain model within each group, with its 95 % interval."],
  ["kept", "What each field gets", "Numbers that describe the field in each group. No bar: the group does without it."],
  ["groups", "Groups in the plane", "Each point is a training row. Near points need similar numbers."],
  ["counts", "How many groups", "Log-loss for each number of groups that was tried; lower is better."],
];
const GROUPS = ["#2f7ed8", "#e6862a", "#2ca58d", "#b565c9", "#c9a227", "#d9577a", "#6b8e23", "#7f8fa6"];
const byName = (a, b) => (b.gain?.difference ?? 0) - (a.gain?.difference ?? 0);

/** Cards of groups: who is in them and what they gain; where they route no request, that is said first. */
export function groupCards(result) {
  const idle = result.chosen !== "grouped" && note(`${result.chosen} serves all rows alike: these groups are what the search found, and route no request.`);
  return h("div", {}, idle, h("div", { class: "grid" }, result.groups.map((group) => h("article", { class: "card" },
    h("h3", {}, h("span", { class: "swatch", style: { background: GROUPS[group.group % GROUPS.length] } }), `Group ${group.group}`, " ", pill(`${percent(group.share, 0)} of the rows`)),
    h("p", {}, group.typical.length ? "More often here than elsewhere:" : "Nothing is typical of it."), group.typical.length > 0 && h("ul", {}, group.typical.slice(0, 5).map((text) => h("li", {}, text))),
    h("dl", { class: "facts" }, h("dt", {}, "Click rate"), h("dd", {}, percent(group.click_rate)), h("dt", {}, "AUC"), h("dd", {}, `${fixed(group.test.auc)}, ${fixed(group.base_test.auc)} of the plain model`),
      h("dt", {}, "Gain"), h("dd", {}, group.gain ? pill(interval(group.gain), outcome(group.gain)) : "–"), h("dt", {}, "Dimensions"), h("dd", {}, `${count(group.kept_dims.reduce((sum, one) => sum + one, 0))} of ${count(result.fields.length * result.dim)}`))))));
}

function weak(result) {
  const worst = result.groups.filter(({ gain, test }) => (gain && outcome(gain) === "worse") || (test.calibration !== null && Math.abs(test.calibration - 1) > 0.15));
  if (!worst.length) return null;
  return h("div", { class: "notice warn" }, h("strong", {}, "Weak segments"), h("ul", {}, worst.map((group) => h("li", {}, `Group ${group.group} (${percent(group.share, 0)} of the rows): ${outcome(group.gain) === "worse" ? "ranks worse than the plain model" : `scores are ${fixed(group.test.calibration, 2)} times the click rate`}.`))));
}

function importance(result) {
  const kept = result.fields.map((name, place) => [name, result.groups.reduce((sum, group) => sum + group.share * group.kept_dims[place], 0)]).sort((a, b) => b[1] - a[1]).slice(0, 12);
  return kept.map(([name, dims]) => [name, dims / result.dim, `${fixed(dims, 1)} of ${result.dim}`]);
}

async function save(id, name) {
  const file = await (await send("GET", `v1/searches/${id}/report`)).blob();
  const address = URL.createObjectURL(file);
  h("a", { href: address, download: `${name}.html` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function variants(result) {
  const rows = [...result.variants].sort(byName);
  return card("Everything that was tried", table("Variants on the same test rows", ["Variant", "AUC", result.refresh ? "Minus the model as it was, 95 %" : "Minus the plain model, 95 %", "Log-loss", "Multiply-adds", "Parameters", "Dimensions"], rows.map((one) => [
    [one.name, " ", one.name === result.chosen && pill("chosen", "good"), one.role === "control" && pill("control"), h("small", {}, one.description)],
    fixed(one.test.auc), one.gain ? pill(interval(one.gain), outcome(one.gain)) : "reference", fixed(one.test.log_loss), count(one.cost.multiply_adds), count(one.cost.parameters_total), count(one.cost.kept_dims)]),
  { marked: (place) => rows[place].name === result.chosen }));
}

function refreshed(refresh, chosen) {
  const values = (all) => Object.entries(all).map(([name, number]) => `${name}: ${count(number)}`).join(", ") || "none";
  const facts = [
    ["Learnt on against as it was", [pill(outcome(refresh.valid_gain), outcome(refresh.valid_gain)), ` AUC ${interval(refresh.valid_gain)} on the same validation rows`]], ["Before, on its own test rows", `AUC ${fixed(refresh.was.auc)}, now ${fixed(chosen.test.auc)}`], ["New values", values(refresh.new_values)], ["Values that no longer occur", values(refresh.silent_values)],
    ["Groups", refresh.group_drift === null ? refresh.groups : `${refresh.groups}, drift ${fixed(refresh.group_drift, 3)}`], ["Epochs", count(refresh.epochs)]];
  return card("What the refresh did", h("dl", { class: "facts" }, facts.map(([name, words]) => [h("dt", {}, name), h("dd", {}, words)])));
}

/** A search of another kind: its verdict and its figures. */
function other(result) {
  const figures = Object.entries(result.test ?? result.metrics ?? {}).filter(([, value]) => typeof value === "number");
  return [result.verdict && card("Result", h("p", {}, result.verdict)), figures.length > 0 && card("Figures on test rows", h("dl", { class: "facts" }, figures.map(([name, value]) => [h("dt", {}, name), h("dd", {}, fixed(value))])))];
}

/** The report of a search that succeeded. */
export async function report(search) {
  const [result, plots] = await Promise.all([get(`v1/searches/${search.id}/result`), getOr(`v1/searches/${search.id}/plots`, { figures: [] })]);
  const saving = working("Download the report", () => save(search.id, search.name));
  if (!result.variants) return [other(result), h("div", { class: "actions" }, saving)];
  const chosen = result.variants.find(({ name }) => name === result.chosen);
  const base = (result.refresh && result.variants.find(({ name }) => name === "before")) || result.variants[0];
  const reference = result.refresh ? "as it was" : "plain model";
  const { bars } = await import("./charts.js");
  return [
    h("div", { class: `notice ${outcome(chosen.gain) === "better" ? "good" : ""}` }, h("strong", {}, `Served: ${result.chosen}`), h("p", {}, result.verdict.replaceAll("`", ""))),
    h("div", { class: "tiles" },
      tile("AUC", fixed(chosen.test.auc), `${reference} ${fixed(base.test.auc)}`, chosen.gain && interval(chosen.gain)), tile("Log-loss", fixed(chosen.test.log_loss), `${reference} ${fixed(base.test.log_loss)}`),
      tile("Multiply-adds a row", count(chosen.cost.multiply_adds), `${reference} ${count(base.cost.multiply_adds)}`), tile("Calibration", fixed(chosen.test.calibration, 2), "1 is right")),
    result.refresh && refreshed(result.refresh, chosen), weak(result), variants(result),
    h("div", { class: "columns" }, PLOTS.filter(([name]) => plots.figures.includes(name) && (name !== "gains" || result.groups.some(({ gain }) => gain))).map(([name, title, read]) => plotOf(search.id, name, title, read))),
    h("h2", {}, "Who is in each group"), groupCards(result),
    card("Fields that matter", note("Numbers that the search keeps for each field, averaged over rows. A field that keeps none is not used."), bars(importance(result), "Dimensions kept by field")),
    card("What next", h("div", { class: "actions" }, can("score") && link("Try it", `/try?model=${part(search.name)}&version=${search.model_version}`, "main"), link("Choose another point, or promote it", `/models/${part(search.name)}`, "plain"), saving),
      note(`Took ${counted(Math.round(Object.values(result.seconds).reduce((sum, one) => sum + one, 0)), "second")} on ${counted(result.rows.train, "training row")}.`)),
  ];
}
