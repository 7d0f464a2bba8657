/** Upload: a file, what its columns are, and how far it is. */

import { post, remove, upload } from "./api.js";
import { columnsForm, columnsSetting } from "./columns_form.js";
import { h, show } from "./dom.js";
import { bytes, percent } from "./format.js";
import { button, card, empty, field, head, input, loading, note, problem, progress } from "./parts.js";
import { can } from "./api.js";
import { sniff } from "./sniff.js";

const TYPES = ".csv,.tsv,.txt,.jsonl,.ndjson,.parquet,.gz,.zst";
/** Files that were uploaded from this page, for a correction of their columns. */
export const files = new Map();

/** Create a data set and upload its file, with progress shown in `place`; its id, or null where it failed. */
export async function send(name, file, columns, place) {
  let created = null;
  try {
    created = await post("v1/datasets", { name, columns });
    const words = h("p", { class: "muted" });
    const line = h("div");
    show(place, card("Uploading", line, words));
    await upload(`v1/datasets/${created.id}/content`, file, (share) => {
      show(line, progress(share, "Progress of the upload"));
      show(words, `${percent(share, 0)} of ${bytes(file.size)}`);
    });
    files.set(created.id, file);
    return created.id;
  } catch (error) {
    show(place, problem(error));
    if (created) await remove(`v1/datasets/${created.id}`).catch(() => {});
    return null;
  }
}

/** The page. */
export function newDataset() {
  if (!can("data")) return empty("Your key may not upload", "It needs the scope data. Ask whoever made it.");
  const place = h("div");
  const choose = input({ type: "file", accept: TYPES, autocomplete: undefined });
  const drop = h("div", { class: "drop" }, field("Your table of clicks", choose, "CSV with a header, Parquet or JSON lines, as it is or compressed with gzip or zstd. Or drop the file here."));
  const take = async (file) => {
    if (!file) return;
    show(place, loading("Looking at the first rows …"));
    show(place, await described(file));
  };
  choose.addEventListener("change", () => take(choose.files[0]));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files[0]); });
  return [head("Upload a table", { lead: "One row per item that was shown, with what was known at that moment, and whether it was clicked." }), drop, place];
}

async function described(file) {
  const columns = await sniff(file);
  const name = input({ value: file.name.replace(/(\.(csv|tsv|txt|jsonl|ndjson|parquet))?(\.(gz|zst))?$/i, "") || file.name, required: true, maxlength: "200" });
  const outcome = h("div");
  const go = button("Upload and check", async () => {
    go.disabled = true;
    const id = await send(name.value.trim() || file.name, file, columnsSetting(columns), outcome);
    go.disabled = false;
    if (id) location.hash = `/datasets/${id}`;
  }, { kind: "main" });
  return [
    card("Name", field("Name of the data set", name, `${file.name}, ${bytes(file.size)}`)),
    card("Columns", columns.length ? columnsForm(columns) : note("The columns of this kind of file cannot be shown before it is uploaded. iHAS looks at them then, and you can correct what it found.")),
    outcome, h("div", { class: "actions sticky" }, go),
  ];
}
