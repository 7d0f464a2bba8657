/** One model: its versions, what else it can serve, who gets which, and how it does. */

import { can, get, getOr, part, remove } from "./api.js";
import { rate } from "./charts.js";
import { h } from "./dom.js";
import { count, fixed, percent } from "./format.js";
import { eventsCard } from "./model_events.js";
import { frontierCard } from "./model_frontier.js";
import { gatesCard } from "./model_gates.js";
import { historyCard } from "./model_history.js";
import { promotionCard } from "./model_promotion.js";
import { refreshCard } from "./model_refresh.js";
import { scheduleCard } from "./model_schedule.js";
import { usersCard } from "./model_users.js";
import { trafficCard } from "./model_traffic.js";
import { trialCard } from "./model_trial.js";
import { versionsCard } from "./model_versions.js";
import { daysCard } from "./model_days.js";
import { card, confirmed, head, link, note, table, tile, working } from "./parts.js";
import { plotPlace } from "./plot.js";
import { groupCards } from "./report.js";

function live(online) {
  const { groups, routing } = online;
  if (!groups.length) return card("Live", note("Nothing was reported yet. Report what was shown and clicked (POST /v1/events) to see click rates with their intervals here."));
  const most = Math.max(...groups.map(({ high }) => high), 0.01);
  const drift = online.drift ?? routing?.group_drift;
  return card("Live, last 7 days",
    h("div", { class: "tiles" }, tile("Shown", count(groups.reduce((sum, one) => sum + one.impressions, 0))), tile("Clicked", count(groups.reduce((sum, one) => sum + one.clicks, 0))), tile("Drift", fixed(drift, 3), drift === null || drift === undefined ? "needs a version of several groups" : drift > 0.25 ? "the rows have changed" : "above .25 the rows have changed"), routing && tile("Unlike training", percent(routing.far_share), `${percent(routing.training_far_share)} is usual`)),
    table("Click rates", ["Version and group", "Shown", "Click rate, 95 %", "Calibration", "Share"], groups.map((one) => [`Version ${one.version}, group ${one.group}`, count(one.impressions), rate({ middle: one.click_through, low: one.low, high: one.high }, most), fixed(one.calibration, 2), percent(one.share, 0)])),
    online.shadows.length > 0 && table("Shadows", ["Shadow", "Requests", "Failures", "Mean difference", "Time"], online.shadows.map((one) => [`Version ${one.version}`, count(one.requests), count(one.failures), fixed(one.mean_difference), one.mean_ms === null ? "–" : `${fixed(one.mean_ms, 2)} ms`])));
}

function reliability(summary) {
  const bins = summary.calibration?.reliability ?? [];
  if (!bins.length) return null;
  const { place, figure } = plotPlace("Rate of clicks against the mean score of test rows", 320);
  const end = Math.max(...bins.flatMap((one) => [one.score, one.click_rate])) * 1.05;
  figure({ data: [{ x: [0, end], y: [0, end], mode: "lines", type: "scatter", line: { dash: "dash", color: "#8a94a3" }, hoverinfo: "skip" }, { x: bins.map(({ score }) => score), y: bins.map((one) => one.click_rate), mode: "lines+markers", type: "scatter", marker: { size: 9 }, line: { color: "#2f7ed8" }, hovertemplate: "score %{x:.3f}: %{y:.3f} are clicks<extra></extra>" }],
    layout: { showlegend: false, xaxis: { title: { text: "mean score" }, rangemode: "tozero" }, yaxis: { title: { text: "rate of clicks" }, rangemode: "tozero" } } });
  return h("figure", { class: "card" }, h("h2", {}, "Are its scores right?"), place, h("figcaption", {}, "On the dashed line a score of 30 % means 30 clicks of 100 rows."));
}

/** The page. */
export async function model({ name, signal, reload }) {
  const base = `v1/models/${part(name)}`;
  const one = await get(base);
  const shown = { ...one, versions: one.versions.slice(0, 30) };
  const [online, frontier, changes, ...lineages] = await Promise.all([getOr(`${base}/online`, { groups: [], shadows: [] }), getOr(`${base}/frontier`, null), getOr(`${base}/aliases/champion/history?limit=20`, { changes: [] }), ...shown.versions.map(({ version }) => getOr(`${base}/versions/${version}`, null))]);
  const gone = can("models") && working("Delete", async () => {
    if (!(await confirmed(`Delete ${name}?`, "All its versions go, and requests for it are refused from then on. Its searches stay.", "Delete it"))) return;
    await remove(`${base}?force=true`);
    location.hash = "/models";
  }, { kind: "danger" });
  const { summary } = one;
  const learnt = (lineages.find((known) => known?.version === one.serving) ?? lineages[0])?.dataset_id;
  const chosen = summary.variants?.find((variant) => variant.name === summary.chosen);
  const timed = frontier?.version === one.serving && frontier.points.find((point) => point.name === summary.chosen);
  const [gates, traffic, promotion, refresh, schedule, users] = await Promise.all([gatesCard(shown, base), trafficCard(one, base, reload), promotionCard(base, reload), refreshCard(one, learnt, base, signal, reload), scheduleCard(one, learnt, base, reload), usersCard(one, base)]);
  const verdict = summary.verdict?.replaceAll("`", "").split(/(?<=[.!?]) (?=[A-Z])/) ?? [];
  return [
    head(name, { kicker: "Model", lead: verdict.slice(0, 2).join(" "), actions: [gone, can("score") && link("Try it", `/try?model=${part(name)}`, "main")] }),
    one.problem && h("div", { class: "notice bad", role: "alert" }, h("strong", {}, "No version answers"), h("p", {}, one.problem)),
    h("div", { class: "tiles" }, tile("Serves", one.serving ? `version ${one.serving}` : "nothing"), tile("As", summary.chosen ?? summary.kind ?? "–"), chosen && tile("Test AUC", fixed(chosen.test.auc)), chosen && tile("Multiply-adds a row", count(chosen.cost.multiply_adds)), timed && tile("One row, 99th percentile", `${fixed(timed.row_p99_us, 0)} µs`, `${fixed(timed.candidates_p99_us, 0)} µs for 500 items`)),
    verdict.length > 2 && h("details", { class: "card" }, h("summary", {}, "What the search found"), h("p", {}, verdict.join(" "))),
    versionsCard(shown, lineages, base, reload), h("div", { class: "pair" }, traffic, historyCard(changes.changes, one, base, reload)), trialCard(online.trial), live(online),
    online.groups.length > 0 && daysCard(name, one.serving, signal), gates, frontier && frontierCard(frontier, base, reload), reliability(summary),
    summary.groups?.length > 0 && summary.fields && [h("h2", {}, "Who is in each group"), groupCards(summary)],
    h("div", { class: "pair" }, refresh, schedule), promotion, eventsCard(name, base), users,
  ];
}
