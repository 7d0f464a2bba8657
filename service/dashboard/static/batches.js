/** Batches: rows of a data set answered by a version, followed, and fetched as a file. */

import { can, get, once, post, remove, send } from "./api.js";
import { h, show } from "./dom.js";
import { poll } from "./events.js";
import { bytes, percent, seconds } from "./format.js";
import { card, confirmed, empty, field, head, input, link, note, paged, problem, progress, select, stateOf, table, toast, when, working } from "./parts.js";

const live = ({ state }) => state === "queued" || state === "running";

async function save(id) {
  const file = await (await send("GET", `v1/batches/${id}/rows`)).blob();
  const address = URL.createObjectURL(file);
  h("a", { href: address, download: `${id}.parquet` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function acts(one, redraw) {
  if (!can("search")) return "–";
  const stop = async () => { await post(`v1/batches/${one.id}/cancel`); toast("Cancelled."); await redraw(); };
  const drop = async () => {
    if (!(await confirmed("Delete this batch?", "Its answers go.", "Delete it"))) return;
    await remove(`v1/batches/${one.id}`);
    await redraw();
  };
  const of = `the batch of ${one.model}`;
  return h("span", { class: "actions" }, live(one) && working("Cancel", stop, { kind: "small", label: `Cancel ${of}` }), one.state === "succeeded" && working("Download", () => save(one.id), { kind: "small main", label: `Download the answers of ${of}` }), !live(one) && working("Delete", drop, { kind: "small", label: `Delete ${of}` }));
}

const words = (one) => (one.error ? one.error.detail : live(one) ? [progress(one.progress, `Progress of the batch of ${one.model}`), h("small", {}, one.eta_s ? `about ${seconds(one.eta_s)} left` : percent(one.progress, 0))] : one.bytes ? bytes(one.bytes) : "–");

function plainSelect(choices, act) {
  const made = select(choices, choices[0][0], act);
  made.removeAttribute("aria-label");
  return made;
}

function form(models, datasets, redraw) {
  const asked = { model: models[0].name, dataset: datasets[0].id, what: "rows" };
  const k = input({ type: "number", min: "1", max: "1000", value: "10", inputmode: "numeric" });
  const many = field("Items a row", k);
  many.hidden = true;
  const place = h("div", { "aria-live": "polite" });
  let [sent, again] = ["", once()];
  const go = working("Start the batch", async () => {
    show(place);
    const body = { dataset_id: asked.dataset, ...(asked.what === "items" && { items: { k: Number(k.value) } }) };
    const asking = JSON.stringify([asked.model, body]);
    if (asking !== sent) again = once();
    sent = asking;
    try {
      await post(`v1/models/${encodeURIComponent(asked.model)}/batch`, body, { more: again });
      again = once();
      toast("The batch waits for a worker.");
      await redraw();
    } catch (error) {
      show(place, problem(error));
    }
  }, { kind: "main" });
  return card("A new batch", h("div", { class: "fields" }, field("Model", plainSelect(models.map(({ name }) => [name, name]), (value) => { asked.model = value; })),
    field("Rows of", plainSelect(datasets.map((one) => [one.id, `${one.name}, version ${one.version}`]), (value) => { asked.dataset = value; })),
    field("Wanted", plainSelect([["rows", "the score of each row"], ["items", "the best items for each row"]], (value) => { asked.what = value; many.hidden = value !== "items"; })), many), place, h("div", { class: "actions" }, go));
}

/** The page. */
export async function batches({ signal }) {
  const [{ models }, { datasets }] = await Promise.all([get("v1/models"), get("v1/datasets?limit=200")]);
  const usable = datasets.filter(({ state }) => state === "valid");
  const place = h("div");
  let shown = [];
  const redraw = () => paged(place, async (cursor) => {
    const found = await get(`v1/batches?limit=25${cursor ? `&cursor=${cursor}` : ""}`);
    shown = found.batches;
    return { rows: found.batches, next: found.next_cursor };
  }, (rows) => (rows.length ? card(null, table("Batches", ["Model", "State", "Rows of", "Answers", "Started", "Change"], rows.map((one) => [
    [link(one.model, `/models/${encodeURIComponent(one.model)}`), h("small", {}, `version ${one.version}`)], stateOf(one.state), [link("data set", `/datasets/${one.dataset_id}`), h("small", {}, one.items ? `the best ${one.items.k} items a row` : "scores")], words(one), when(one.created_at), acts(one, redraw)])))
    : empty("No batches yet", "A batch answers all rows of a data set at once, and gives a Parquet file.")));
  await redraw();
  poll(async () => { if (place.isConnected && shown.some(live)) await redraw(); return false; }, 3000, signal).catch(() => {});
  const offered = can("search") && (models.length && usable.length ? form(models, usable, redraw) : card("A new batch", note("It needs a model and a data set without errors.")));
  return [head("Batches", { kicker: link("Models", "/models"), lead: "All rows of a table answered at once." }), offered, place];
}
