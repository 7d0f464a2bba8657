/** A search to submit: for whom, how thoroughly, and what it would take. */

import { can, get, post } from "./api.js";
import { h, show } from "./dom.js";
import { pause } from "./events.js";
import { bytes, count, interval, seconds } from "./format.js";
import { card, empty, field, head, input, link, loading, note, problem, select, tile, working } from "./parts.js";
import { merged, pruned, schemaOf, settingsForm } from "./settings_form.js";
import { searchSnippets } from "./snippets.js";

const WAYS = [
  ["quick", "A quick look", "A few passes over the data, to see that all works. The figures are worse than they could be.", { training: { epochs: 2, embedding_dim: 4, batch_size: 1024, learning_rate: 0.02 }, search: { epochs: 2 }, distil: { members: 2 } }],
  ["standard", "As iHAS would do it", "All settings at their defaults. Right for most tables.", {}],
  ["thorough", "Thorough, with controls", "Trains comparisons too, random groups among them, which say what the grouping itself is worth. Takes longer.", { evaluate: { controls: true } }],
];
const LIMITS = [
  ["wall_s", "Time limit", [[600, "10 minutes"], [3600, "1 hour"], [14400, "4 hours"], [null, "none"]], "A search that takes longer ends; what is finished stays."],
  ["p99_ms", "Slowest answer for one row", [[0.05, "0.05 ms"], [0.5, "0.5 ms"], [2, "2 ms"], [null, "any"]], "Models that answer more slowly on the worker are not chosen."],
  ["memory_bytes", "Memory of the served model", [[5e6, "5 MB"], [5e7, "50 MB"], [5e8, "500 MB"], [null, "any"]], "Larger models are not chosen."],
];

function slider([name, label, stops, help], budget, tell) {
  const range = input({ type: "range", min: "0", max: String(stops.length - 1), step: "1", value: String(stops.length - 1) });
  const words = h("output", { class: "pill" }, stops.at(-1)[1]);
  range.setAttribute("aria-valuetext", stops.at(-1)[1]);
  range.addEventListener("input", () => {
    const [value, text] = stops[Number(range.value)];
    show(words, text);
    range.setAttribute("aria-valuetext", text);
    if (value === null) delete budget[name];
    else budget[name] = value;
    tell();
  });
  const made = field(label, range, help);
  made.querySelector("label").append(" ", words);
  return made;
}

async function estimated(place, body, signal) {
  show(place, loading("Two small searches on parts of the table are at work …"));
  try {
    let one = await post("v1/searches/estimate", body);
    while (!["succeeded", "failed", "cancelled"].includes(one.state) && !signal.aborted) {
      await pause(1000, signal);
      one = await get(`v1/searches/estimates/${one.id}`, { signal });
    }
    if (one.state !== "succeeded") throw new Error(one.error?.detail ?? "There is no estimate.");
    const { estimate } = one;
    show(place, h("div", { class: "tiles" }, tile("Time", `${seconds(estimate.seconds_low)} to ${seconds(estimate.seconds_high)}`, `${count(estimate.rows)} training rows`),
      tile("Memory", bytes(estimate.memory_bytes)), tile("Parameters", count(estimate.parameters), "of the plain model"), estimate.gain && tile("Gain in the trial", interval(estimate.gain, 3), "AUC, 95 % interval")),
    h("div", { class: "notice" }, h("strong", {}, "Is it worth it?"), h("p", {}, estimate.advice)));
  } catch (error) {
    if (!signal.aborted) show(place, problem(error));
  }
}

/** The page. */
export async function newSearch({ query, signal }) {
  if (!can("search")) return empty("Your key may not start searches", "It needs the scope search. Ask whoever made it.");
  const { datasets } = await get("v1/datasets?limit=200");
  const valid = datasets.filter(({ state, labelled }) => state === "valid" && labelled);
  if (!valid.length) return empty("First a table", "A search needs a data set without errors.", can("data") && link("Upload a table", "/datasets/new", "main"));
  const { schema, solve } = await schemaOf("LearningConfig");
  const state = { dataset: query.get("dataset") ?? valid[0].id, way: "standard", changes: {}, budget: {} };
  if (!valid.some(({ id }) => id === state.dataset)) state.dataset = valid[0].id;
  const nameFor = (id) => (valid.find((one) => one.id === id).name.toLowerCase().split(".")[0].replace(/[^a-z0-9-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40) || "model");
  const name = input({ value: nameFor(state.dataset), required: true, pattern: "[a-z0-9][a-z0-9\\-]{0,63}", maxlength: "64" });
  const copies = h("div");
  const body = () => {
    const [, , , preset] = WAYS.find(([way]) => way === state.way);
    const learning = merged(preset, pruned(state.changes));
    return { name: name.value.trim(), dataset_id: state.dataset, ...(Object.keys(learning).length && { learning }), ...(Object.keys(state.budget).length && { budget: state.budget }) };
  };
  const tell = () => show(copies, searchSnippets(body()));
  name.addEventListener("input", tell);
  const chosen = select(valid.map((one) => [one.id, one.name]), state.dataset, (id) => { state.dataset = id; tell(); });
  chosen.removeAttribute("aria-label");
  const ways = h("fieldset", {}, h("legend", {}, "How thoroughly"), WAYS.map(([way, label, text]) => {
    const radio = h("input", { type: "radio", name: "way", value: way, id: `way-${way}`, checked: way === state.way, on: { change: () => { state.way = way; tell(); } } });
    return h("div", { class: "check" }, radio, h("label", { for: radio.id }, h("strong", {}, label), h("small", { class: "muted" }, ` ${text}`)));
  }));
  const place = h("div");
  const failed = h("div");
  const start = working("Start the search", async () => {
    show(failed);
    if (!name.checkValidity()) throw new Error("The name may have lower-case letters, digits and hyphens.");
    try {
      const made = await post("v1/searches", body());
      location.hash = `/searches/${made.id}`;
    } catch (error) {
      show(failed, problem(error));
    }
  }, { kind: "main" });
  tell();
  return [
    head("New search", { lead: "iHAS trains a plain model, then looks for smaller and better ones, and keeps what is worth it." }),
    card("What", h("div", { class: "fields" }, field("Data set", chosen), field("Name of the model", name, "Lower-case letters, digits, hyphens. An existing name gets its next version.")), ways),
    card("Limits", h("div", { class: "fields" }, LIMITS.map((limit) => slider(limit, state.budget, tell)))),
    card("What would it take?", note("An estimate takes a minute or two and trains on small parts of the table."), place, h("div", { class: "actions" }, working("Estimate", () => { const { learning = {} } = body(); return estimated(place, { dataset_id: state.dataset, learning }, signal); }))),
    h("section", { class: "card" }, h("details", {}, h("summary", {}, "All settings"), note("What you leave alone keeps its default."), settingsForm(schema, solve, state.changes, tell)), h("details", {}, h("summary", {}, "The same as a recipe, with curl, or in Python"), copies)),
    failed, h("div", { class: "actions sticky" }, start),
  ];
}
