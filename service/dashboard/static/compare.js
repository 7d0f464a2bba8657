/** Searches side by side: figures with intervals, what each can serve, settings that differ. */

import { can, get } from "./api.js";
import { h } from "./dom.js";
import { count, fixed, interval, outcome } from "./format.js";
import { card, empty, head, link, note, pill, table } from "./parts.js";
import { deleter, noteForm, tagsOf } from "./notes.js";
import { costAxis, plain, plotPlace } from "./plot.js";

const MOST = 100; // two requests each
const COLOURS = ["#2f7ed8", "#e6862a", "#2ca58d", "#b565c9", "#c9a227", "#d9577a", "#6b8e23", "#7f8fa6"];

/** Settings as `group.name` with their values. */
export function flat(settings, prefix = "") {
  return Object.entries(settings ?? {}).flatMap(([name, value]) =>
    (value !== null && typeof value === "object" && !Array.isArray(value) ? flat(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value === null ? "not set" : JSON.stringify(value)]]));
}

function differing(runs) {
  const all = runs.map(({ result }) => new Map(flat(result.learning)));
  const names = [...new Set(all.flatMap((one) => [...one.keys()]))];
  return names.filter((name) => new Set(all.map((one) => one.get(name))).size > 1).map((name) => [name, ...all.map((one) => one.get(name) ?? "–")]);
}

function frontier(runs) {
  return {
    data: runs.filter(({ result }) => result.frontier?.length).map(({ label, result }, number) => ({
      x: result.frontier.map(({ multiply_adds: adds }) => adds), y: result.frontier.map(({ test }) => test.auc), text: result.frontier.map(({ name }) => plain(name)), name: plain(label), type: "scatter", mode: "lines+markers",
      line: { color: COLOURS[number % COLOURS.length], dash: "dot" }, marker: { size: 11, symbol: result.frontier.map(({ name }) => (name === result.chosen ? "star" : "circle")) }, hovertemplate: "%{text}: AUC %{y:.4f}, %{x:,.0f} multiply-adds<extra></extra>",
    })),
    layout: { showlegend: true, xaxis: costAxis(runs.flatMap(({ result }) => (result.frontier ?? []).map(({ multiply_adds: adds }) => adds)), "multiply-adds a row<br>(left is cheaper)"), yaxis: { title: { text: "test AUC" }, tickformat: ".3f" } },
  };
}

function notes(runs, ids) {
  const without = (id) => () => { location.hash = `/searches/compare?ids=${ids.filter((one) => one !== id).join(",")}`; };
  return card("Notes", h("div", { class: "grid" }, runs.map(({ search, label }) => h("section", {}, h("h3", {}, label), noteForm(search, label), can("search") && h("div", { class: "actions apart" }, deleter(search, label, without(search.id)))))));
}

/** The page. */
export async function compare({ query }) {
  const asked = (query.get("ids") ?? "").split(",").filter(Boolean);
  const ids = asked.slice(0, MOST);
  const loaded = await Promise.all(ids.map(async (id) => ({ search: await get(`v1/searches/${encodeURIComponent(id)}`), result: await get(`v1/searches/${encodeURIComponent(id)}/result`) })));
  const runs = loaded.filter(({ result }) => result.variants).map((one) => ({ ...one, label: `${one.search.name} ${one.search.model_version ?? one.search.id}` }));
  if (runs.length < 2) return empty("Two or more", "Tick two or more searches of clicks that succeeded.", link("Searches", "/searches", "main"));
  const best = Math.max(...runs.map(({ result }) => result.variants.find(({ name }) => name === result.chosen).test.auc ?? 0));
  const rows = runs.map(({ search, result, label }) => {
    const chosen = result.variants.find(({ name }) => name === result.chosen);
    return [[link(label, `/searches/${search.id}`), " ", chosen.test.auc === best && pill("highest AUC", "good"), tagsOf(search)], result.chosen, fixed(chosen.test.auc), chosen.gain ? pill(interval(chosen.gain), outcome(chosen.gain)) : "serves the plain model", fixed(chosen.test.log_loss), count(chosen.cost.multiply_adds), count(chosen.cost.parameters_total)];
  });
  const different = differing(runs);
  const sameData = new Set(runs.map(({ search }) => search.dataset_id)).size === 1;
  const drawn = runs.some(({ result }) => result.frontier?.length);
  const { place, figure } = plotPlace("Test AUC against multiply-adds of the points that each search can serve", 420);
  if (drawn) figure(frontier(runs));
  return [
    head(`Compare ${runs.length} searches`, { kicker: "Searches" }),
    asked.length > MOST && h("div", { class: "notice warn" }, `At most ${MOST} searches are compared at a time, but ${asked.length} were ticked: these are the first.`),
    !sameData && h("div", { class: "notice warn" }, "They are of different data sets, so their figures are on different rows."),
    card("Figures on test rows", table("Figures", ["Search", "Serves", "AUC", "Minus its plain model, 95 %", "Log-loss", "Multiply-adds", "Parameters"], rows), note("Two searches under different seeds differ by themselves. Read every gain with its interval.")),
    drawn && card("What each can serve", place, note("Up ranks better, left is cheaper. The star is what the search chose.")),
    card("Settings that differ", different.length ? table("Settings that differ", ["Setting", ...runs.map(({ label }) => label)], different) : note("None: the searches have the same settings.")),
    notes(runs, ids),
  ];
}
