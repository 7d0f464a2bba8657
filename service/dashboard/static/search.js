/** One search: live while it runs, its report afterwards. */

import { can, get, post, remove, send } from "./api.js";
import { h, show } from "./dom.js";
import { follow, poll } from "./events.js";
import { fixed, percent, seconds } from "./format.js";
import { card, confirmed, head, link, note, progress, stateOf, tile, toast, when, working } from "./parts.js";
import { noteCard } from "./notes.js";
import { plain, plotPlace } from "./plot.js";
import { report } from "./report.js";

const STAGES = [["reading", "Read"], ["base", "Plain model"], ["distil", "Teacher"], ["search", "Search"], ["cluster", "Group"], ["retrain", "Train groups"], ["evaluate", "Compare"]];
const COLOURS = ["#2f7ed8", "#e6862a", "#2ca58d", "#b565c9", "#c9a227", "#d9577a", "#6b8e23", "#7f8fa6"];

/** Name and line of a training; trainings under settings that were tried are grey and share one name. */
function looks(name, number, all) {
  if (!name.includes("=")) return { name: plain(name), line: { width: 2, color: COLOURS[number % COLOURS.length] } };
  const shared = `${name.split("/")[0]}, settings tried`;
  return { name: plain(shared), legendgroup: shared, showlegend: name === all.find((one) => one.includes("=") && one.split("/")[0] === name.split("/")[0]), line: { width: 1, color: "#8a94a3" } };
}

/** Points of learning curves, by model, from the events' messages and metrics. */
function curves() {
  const lines = new Map();
  return {
    add(event) {
      const found = /^(.+): epoch (\d+),/.exec(event.message);
      const value = event.metrics?.valid_auc ?? event.metrics?.auc;
      if (!found || value === undefined) return false;
      const line = lines.get(found[1]) ?? { x: [], y: [] };
      if (line.x.at(-1) !== Number(found[2])) {
        line.x.push(Number(found[2]));
        line.y.push(value);
      }
      lines.set(found[1], line);
      return true;
    },
    best: () => Math.max(...[...lines.values()].flatMap(({ y }) => y)),
    figure: () => ({
      data: [...lines].map(([name, { x, y }], number) => ({ x, y, mode: "lines+markers", type: "scatter", ...looks(name, number, [...lines.keys()]), hovertemplate: "epoch %{x}: %{y:.4f}<extra></extra>" })),
      layout: { showlegend: true, xaxis: { title: { text: "epoch" }, rangemode: "tozero", dtick: 1 }, yaxis: { title: { text: "validation AUC" }, tickformat: ".3f" } },
    }),
  };
}

function logs(id, signal, live) {
  const text = h("pre", { class: "log", tabindex: "0", "aria-label": "Log of the search" });
  let offset = 0;
  let begun = false;
  const look = async () => {
    const answer = await send("GET", `v1/searches/${id}/logs?offset=${offset}`, { signal });
    offset = Number(answer.headers.get("next-offset") ?? offset);
    const more = await answer.text();
    if (more) text.append(more);
    else if (!text.textContent) text.append("");
    return !live();
  };
  return h("details", { on: { toggle: () => { if (!begun) { begun = true; poll(look, 2000, signal).catch((error) => text.append(error.message)); } } } }, h("summary", {}, "Log"), text);
}

function watched(search, signal, reload) {
  const bar = h("div");
  const words = h("p", { class: "muted", role: "status" });
  const stages = h("ol", { class: "stages" });
  const tiles = h("div", { class: "tiles" });
  const drawn = curves();
  const { place, figure } = plotPlace("Validation AUC of each training by epoch", 320);
  const learning = card("Learning curves", place, note("How well each model ranks clicks in rows that it does not learn from. Higher is better; .5 is guessing."));
  learning.hidden = true;
  let timer = null;
  const draw = (one) => {
    show(bar, progress(one.progress, "Progress of the search"));
    show(words, one.message);
    const at = STAGES.findIndex(([name]) => name === one.stage);
    show(stages, STAGES.map(([, text], place) => h("li", { class: place < at ? "done" : place === at && "now", "aria-current": place === at && "step" }, text)));
    show(tiles, tile("State", stateOf(one.state)), tile("Done", percent(one.progress, 0)), tile("Time left", one.eta_s === null || one.eta_s === undefined ? "–" : `about ${seconds(one.eta_s)}`), tile("Best so far", Number.isFinite(drawn.best()) ? fixed(drawn.best()) : "–", "validation AUC"));
  };
  draw(search);
  follow(search.id, (event) => {
    if (drawn.add(event)) {
      learning.hidden = false;
      timer ??= setTimeout(() => { timer = null; figure(drawn.figure()); }, 250);
    }
    draw(event);
    if (["succeeded", "failed", "cancelled"].includes(event.state)) reload();
  }, signal).catch((error) => { if (!signal.aborted) toast(error.message, "bad"); });
  return [tiles, card("Progress", bar, words, search.kind !== "refresh" && stages), learning];
}

/** The page. */
export async function search({ id, signal, reload }) {
  const one = await get(`v1/searches/${id}`);
  const refresh = one.kind === "refresh";
  const live = one.state === "running" || one.state === "queued";
  const act = (text, work, options) => can("search") && working(text, work, options);
  const again = async (path, words) => { await post(`v1/searches/${id}/${path}`); toast(words); await reload(); };
  const cloned = async () => { const made = await post(`v1/searches/${id}/clone`, { learning: {} }); toast("A copy was submitted."); location.hash = `/searches/${made.id}`; };
  const gone = async () => {
    if (!(await confirmed("Delete this search?", "Its log, result and report go, and with it the other points of its frontier.", "Delete it"))) return;
    await remove(`v1/searches/${id}`);
    location.hash = "/searches";
  };
  const actions = [
    !live && act("Delete", gone, { kind: "danger" }), live && act("Cancel", () => again("cancel", "Cancelled. What is finished stays."), { kind: "danger" }),
    (one.state === "failed" || one.state === "cancelled") && act("Resume", () => again("resume", "It goes on after its last finished stage."), { kind: "main" }),
    !refresh && act("Run again", cloned), one.model_version && link(`Open version ${one.model_version}`, `/models/${encodeURIComponent(one.name)}`, "main"),
  ];
  return [
    head(one.name, { kicker: refresh ? "Refresh" : "Search", lead: one.state === "succeeded" || live ? undefined : one.message, actions }),
    one.error && h("div", { class: "notice bad", role: "alert" }, h("strong", {}, refresh ? "The refresh failed" : "The search failed"), h("p", {}, one.error.detail)),
    live ? watched(one, signal, reload) : one.state === "succeeded" ? await report(one) : h("div", { class: "tiles" }, tile("State", stateOf(one.state)), tile("Ended", when(one.finished_at)), tile("Stage", one.stage ?? "–"), tile("Done", percent(one.progress, 0))),
    noteCard(one),
    card("More", h("dl", { class: "facts" }, h("dt", {}, "Id"), h("dd", {}, h("code", {}, one.id)), h("dt", {}, "Data set"), h("dd", {}, link(one.dataset_id, `/datasets/${one.dataset_id}`)), h("dt", {}, "Submitted"), h("dd", {}, when(one.created_at)), h("dt", {}, "Attempts"), h("dd", {}, String(one.attempt))),
      logs(id, signal, () => live)),
  ];
}
