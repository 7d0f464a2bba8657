/** The next version from newer rows, without a search. */

import { can, get, getOr, once, post } from "./api.js";
import { h, show } from "./dom.js";
import { poll } from "./events.js";
import { searchLine } from "./home.js";
import { card, field, input, link, note, problem, select, working } from "./parts.js";

const SETTINGS = [
  ["epochs", "Epochs, at most", "2"], ["shrink", "Keep of what was learnt", "0.5"], ["regroup_above", "Form groups anew above a drift of", "0.25"],
];
const MODES = [["", "as the model's settings say"], ["passing", "if it meets the gates"], ["never", "only by a person"]];

function plainSelect(choices, act) {
  const made = select(choices, choices[0][0], act);
  made.removeAttribute("aria-label");
  return made;
}

const number = (placeholder) => input({ type: "number", step: "any", min: "0", inputmode: "decimal", placeholder });

function form(model, datasets, base, busy) {
  const asked = { dataset: datasets[0].id, version: "", auto: "" };
  const settings = SETTINGS.map(([name, label, usual]) => ({ name, control: number(usual), label }));
  const [days, column] = [number("all rows"), input({ placeholder: "that of the data set" })];
  const place = h("div", { "aria-live": "polite" });
  const body = () => {
    const stated = settings.filter(({ control }) => control.value !== "").map(({ name, control }) => [name, Number(control.value)]);
    return { dataset_id: asked.dataset, ...(asked.version && { version: Number(asked.version) }), ...(asked.auto && { auto_promote: asked.auto }), ...(stated.length && { settings: Object.fromEntries(stated) }),
      ...(days.value !== "" && { window: { days: Number(days.value), ...(column.value && { column: column.value }) } }) };
  };
  let [sent, again] = ["", once()];
  const go = working(busy ? "Refresh once more" : "Refresh", async () => {
    show(place);
    try {
      const asking = JSON.stringify(body());
      if (asking !== sent) again = once();
      sent = asking;
      const made = await post(`${base}/refresh`, body(), { more: again });
      location.hash = `/searches/${made.id}`;
    } catch (error) {
      show(place, problem(error));
    }
  }, { kind: busy ? "" : "main" });
  return [
    h("div", { class: "fields" }, field("Newer rows", plainSelect(datasets.map((one) => [one.id, `${one.name}, version ${one.version}`]), (value) => { asked.dataset = value; }), "With the columns of the first table; old rows that are left out are forgotten little by little."),
      field("Go on from", plainSelect([["", "the newest version"], ...model.versions.slice(0, 50).map(({ version }) => [String(version), `version ${version}`])], (value) => { asked.version = value; }))),
    h("details", {}, h("summary", {}, "More"), h("div", { class: "fields" }, field("Goes live", plainSelect(MODES, (value) => { asked.auto = value; })), settings.map(({ label, control }) => field(label, control)), field("Only the last days", days), field("Column of the time", column))),
    place, h("div", { class: "actions" }, go),
  ];
}

/** Draw the page anew once one of the refreshes at work has ended. */
function watch(ids, signal, reload) {
  poll(async () => {
    const states = await Promise.all(ids.map(async (id) => (await getOr(`v1/searches/${id}`, { state: "gone" }, { signal })).state));
    const ended = states.some((one) => one !== "running" && one !== "queued");
    if (ended) reload();
    return ended;
  }, 2500, signal).catch(() => {});
}

/** The card; null for whom it is not. The data set `learnt`, which the model comes from, is offered first. */
export async function refreshCard(model, learnt, base, signal, reload) {
  const { searches } = await getOr("v1/searches?limit=50", { searches: [] });
  const busy = searches.filter((one) => one.name === model.name && one.kind === "refresh" && (one.state === "running" || one.state === "queued"));
  if (busy.length) watch(busy.map(({ id }) => id), signal, reload);
  const atWork = busy.length > 0 && h("ul", { class: "list" }, busy.map(searchLine));
  if (!can("search")) return atWork ? card("Refresh at work", atWork) : null;
  const datasets = (await get("v1/datasets?limit=200")).datasets.filter(({ state, labelled }) => state === "valid" && labelled);
  const lead = note("Learns on from its own weights with newer rows: known ids keep what was learnt, new ones are added. The result is the next version.");
  const own = (one) => one.id === learnt;
  datasets.sort((one, other) => own(other) - own(one));
  return card("Refresh", lead, atWork && [note("At work. A second one would go on from the version that is newest when it starts."), atWork], datasets.length ? form(model, datasets, base, busy.length > 0) : [note("It needs a data set without errors."), can("data") && link("Upload a table", "/datasets/new", "plain")]);
}
