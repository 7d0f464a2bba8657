/** What is served, what runs, and what needs attention. */

import { can, get, getOr, part } from "./api.js";
import { sparkline } from "./charts.js";
import { DAYS, daily, wilson } from "./days.js";
import { newest } from "./dataset_versions.js";
import { h, show } from "./dom.js";
import { poll } from "./events.js";
import { count, fixed, percent, seconds, signed } from "./format.js";
import { ofSchedules } from "./model_schedule.js";
import { card, head, link, note, pill, progress, stateOf, tile, when } from "./parts.js";

const MODELS_SHOWN = 6;
const LOOKED_AT = 8;
const MUCH_DRIFT = 0.25;

/** What the newest version waits for. */
function ofVersions(model, where) {
  const [last] = model?.versions ?? [];
  if (!last?.candidate || last.version === model.serving) return [];
  if (last.gates_passed === false) return [[pill("gates failed", "bad"), where, `Version ${last.version} did not meet its gates, and waits. Read why before it is promoted.`]];
  return [[pill("candidate", "busy"), where, `Version ${last.version} ${last.gates_passed ? "met its gates and " : ""}waits to be promoted.`]];
}

/** Canaries, and what is known of them. */
function ofTraffic(traffic, trial, where) {
  return (traffic?.canaries ?? []).map(({ version, percent: share }) => {
    const arm = trial?.arms.find((one) => one.version === version);
    const known = arm?.finding === "better" || arm?.finding === "worse";
    const tag = known ? pill(`canary ${arm.finding}`, arm.finding === "better" ? "good" : "bad") : pill("canary open", "busy");
    const figures = known ? ` Clicks an answer: ${signed(arm.difference)} (${signed(arm.low)} to ${signed(arm.high)}) against the champion.` : "";
    return [tag, where, `Version ${version} gets ${share} % of the requests.${figures} ${known ? (arm.finding === "better" ? "Promote it." : "Stop it.") : "Promote it or stop it once its click rate is known."}`];
  });
}

/** Appends that were refused, and data sets that cannot be used. */
async function ofData(datasets) {
  const invalid = datasets.filter(({ state }) => state === "invalid").slice(0, 3).map((one) => [pill("data has errors", "bad"), link(one.name, `/datasets/${one.id}`), one.error?.detail ?? "Its table cannot be used as it is."]);
  const valid = datasets.filter(({ state }) => state === "valid").slice(0, LOOKED_AT);
  const tops = await Promise.all(valid.map(({ id }) => newest(id)));
  const refused = valid.map((one, place) => [one, tops[place]]).filter(([, top]) => top?.state === "invalid").map(([one, top]) => [pill("append refused", "bad"), link(one.name, `/datasets/${one.id}/versions/${top.version}`), [h("bdi", {}, top.error?.detail ?? "The rows cannot be used."), ` Version ${one.version} stays in use.`]]);
  return [...invalid, ...refused];
}

/** Groups whose own model cannot be used; the service names them where it needs no keys. */
async function ofGroups(models) {
  const { degraded = {} } = await getOr("readyz", {});
  return models.filter(({ name }) => degraded[name]?.length).map(({ name }) => [pill("degraded", "warn"), link(name, `/models/${part(name)}`), `The own model of group ${degraded[name].join(", ")} cannot be used; the plain model serves it.`]);
}

async function modelCard(listed, troubles) {
  const [model, live, traffic] = await Promise.all([
    getOr(`v1/models/${part(listed.name)}`, null), daily(listed.name, null), getOr(`v1/models/${part(listed.name)}/traffic`, null)]);
  const to = `/models/${part(listed.name)}`;
  if (model?.problem) troubles.push([pill("nothing serves", "bad"), link(listed.name, to), model.problem]);
  const drift = live.online.drift ?? live.online.routing?.group_drift;
  if (drift > MUCH_DRIFT) troubles.push([pill("drift", "warn"), link(listed.name, to), `Its visitors differ from its training rows (drift ${fixed(drift, 2)}, above ${MUCH_DRIFT}). Train a new version on newer rows.`]);
  troubles.push(...ofVersions(model, link(listed.name, to)), ...ofTraffic(traffic, live.online.trial, link(listed.name, to)));
  const { week } = live;
  const rate = week.shown > 0 && wilson(week.clicks, week.shown);
  const lines = [["Click rate by day", live.days.map((one) => one.rate && one.rate.middle)], ["Calibration by day", live.days.map(({ calibration }) => calibration)]].map(([label, values]) => sparkline(values, label));
  return h("article", { class: "card" },
    h("div", { class: "row" }, h("h3", {}, link(listed.name, to)), model?.serving ? pill(`version ${model.serving} serves`, "good") : pill("nothing serves", "bad")),
    h("dl", { class: "sparks" },
      h("div", {}, h("dt", {}, `Click rate, ${DAYS} days`), h("dd", {}, h("strong", {}, rate ? percent(rate.middle) : "not known"), h("small", {}, rate ? `${fixed(100 * rate.low, 1)} to ${percent(rate.high)} (95 %)` : "report what is shown and clicked"), h("small", {}, `${count(week.shown)} shown`), lines[0])),
      h("div", {}, h("dt", {}, "Calibration"), h("dd", {}, h("strong", {}, week.clicks ? fixed(week.scored / week.clicks, 2) : "–"), h("small", {}, week.clicks ? "1 is right" : "needs clicks"), lines[1]))),
    rate && !lines.some(Boolean) && note("Lines by day come with the second day."));
}

export function searchLine(search) {
  const busy = search.state === "running";
  return h("li", {},
    h("div", { class: "row" }, h("span", {}, link(search.name, `/searches/${search.id}`), search.model_version && ` version ${search.model_version}`, " ", stateOf(search.state)), h("span", { class: "muted" }, busy && search.eta_s !== null ? `about ${seconds(search.eta_s)} left` : when(search.created_at))),
    busy && progress(search.progress, `Progress of ${search.name}`), (busy || search.state === "failed") && h("small", { class: "muted" }, search.error?.detail ?? search.message));
}

function firstSteps() {
  const step = (title, text, words, to, scope, kind = "plain") => h("li", { class: "card" }, h("h3", {}, title), h("p", { class: "muted" }, text), can(scope) && link(words, to, kind));
  return h("ol", { class: "steps" },
    step("Bring your clicks", "A table with one row per item that was shown, and whether it was clicked. CSV, Parquet or JSON lines.", "Upload a table", "/datasets/new", "data", "main"),
    step("Let it search", "iHAS trains a recommender, tries smaller and larger ones, and tells which is worth it.", "Start a search", "/searches/new", "search"),
    step("Try it and ship it", "Ask for recommendations, see why each item is there, and send a share of the traffic to it.", "See the models", "/models", "read"));
}

/** The page. */
export async function home({ signal }) {
  const [{ models }, { searches }, { datasets }] = await Promise.all([get("v1/models"), get("v1/searches?limit=20"), get("v1/datasets?limit=20")]);
  const troubles = [];
  const cards = await Promise.all(models.slice(0, MODELS_SHOWN).map((one) => modelCard(one, troubles)));
  for (const one of searches.filter(({ state }) => state === "failed").slice(0, 3)) troubles.push([pill(one.kind === "refresh" ? "refresh failed" : "search failed", "bad"), link(one.name, `/searches/${one.id}`), one.error?.detail ?? one.message]);
  troubles.push(...(await ofData(datasets)), ...(await ofGroups(models)), ...(await ofSchedules()));
  if (!models.length && !searches.length && !datasets.length) return [head("Welcome to iHAS", { lead: "Three steps to a recommender on your own clicks." }), firstSteps()];

  const list = h("ul", { class: "list" });
  const drawSearches = (all) => show(list, all.length ? all.slice(0, 6).map(searchLine) : h("li", {}, note("No searches yet.")));
  drawSearches(searches);
  if (searches.some(({ state }) => state === "running" || state === "queued")) {
    poll(async () => {
      if (!list.isConnected) return false;
      const newer = (await get("v1/searches?limit=20")).searches;
      drawSearches(newer);
      return !newer.some(({ state }) => state === "running" || state === "queued");
    }, 2500, signal).catch(() => {});
  }
  const busy = searches.filter(({ state }) => state === "running" || state === "queued").length;
  return [
    head("Overview", { actions: [can("data") && link("Upload a table", "/datasets/new", "plain"), can("search") && link("Start a search", "/searches/new", "main")] }),
    h("div", { class: "tiles" }, tile("Models", count(models.length)), tile("Searches at work", count(busy)), tile("Data sets", datasets.length === 20 ? "20+" : count(datasets.length)), tile("Needs attention", count(troubles.length))),
    troubles.length > 0 && card("Needs attention", h("ul", { class: "list" }, troubles.map(([tag, name, text]) => h("li", {}, h("div", { class: "row" }, h("span", {}, name, " ", tag)), h("span", { class: "muted" }, text))))),
    models.length ? [h("h2", {}, "Models"), h("div", { class: "grid" }, cards), models.length > MODELS_SHOWN && note(link(`All ${models.length} models`, "/models"))] : [h("h2", {}, "First steps"), firstSteps()],
    card("Latest searches", list, searches.length > 6 && link("All searches", "/searches")),
  ];
}
