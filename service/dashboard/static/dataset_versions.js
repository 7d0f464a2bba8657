/** The versions of a data set: what each append brought, and how to append more. */

import { can, get, getOr, once, put, remove, upload } from "./api.js";
import { brief } from "./dataset_changes.js";
import { h, newId, show } from "./dom.js";
import { bytes, count, percent } from "./format.js";
import { card, confirmed, field, input, link, note, paged, pill, problem, progress, stateOf, table, toast, when, working } from "./parts.js";

const PAGE = 8;
const LIMITS = [
  ["drift", "Drift of a field", "Population stability index, such as 0.5. Above .25 a field has changed.", 1],
  ["new_values", "New values, percent", "Of the appended cells of a field.", 100],
  ["missing", "More missing cells, percent", "How much their share may grow, such as 20.", 100],
  ["click_rate", "Click rate, percent up or down", "Against the rate before: 50 is half as high again, or half as low.", 100],
];

/** The newest version, whatever its state; null where there is none. */
export const newest = async (id) => (await getOr(`v1/datasets/${id}/versions?limit=1`, { versions: [] })).versions[0] ?? null;

/** Ask, and delete the newest version; true where it is gone. */
export async function dropVersion(id, version) {
  if (!(await confirmed(`Delete version ${version}?`, "The rows that it appended go, and the version before is in use. Its number is not given again.", "Delete it"))) return false;
  await remove(`v1/datasets/${id}/versions/${version}`);
  toast(`Version ${version} is deleted.`);
  return true;
}

async function line(dataset, one, last, reload) {
  const report = one.state === "valid" && one.parent ? await getOr(`v1/datasets/${dataset.id}/versions/${one.version}/report`, null) : null;
  const told = one.state === "invalid" ? h("span", {}, one.error?.detail ?? "It cannot be used.") : one.state !== "valid" ? "–" : one.parent ? brief(report?.changes) : "the first rows";
  const drop = can("data") && last && one.parent && working("Delete", async () => { if (await dropVersion(dataset.id, one.version)) await reload(); }, { kind: "small", label: `Delete version ${one.version}` });
  return [[link(`Version ${one.version}`, `/datasets/${dataset.id}/versions/${one.version}`), " ", one.version === dataset.version && dataset.state === "valid" && pill("in use", "good")], one.state === "invalid" && one.parent ? pill("refused", "bad") : stateOf(one.state), count(one.rows), told, when(one.created_at), ...(can("data") ? [drop || "–"] : [])];
}

/** The card of versions; nothing where none can be listed. */
export async function versionsCard(dataset, top, reload) {
  const place = h("div");
  const heads = ["Version", "State", "Rows", "What changed", "When", ...(can("data") ? ["Change"] : [])];
  await paged(place, async (cursor) => {
    const { versions, next_cursor: next } = await get(`v1/datasets/${dataset.id}/versions?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ""}`);
    const rows = await Promise.all(versions.map((one) => line(dataset, one, one.version === top?.version, reload)));
    return { rows, next };
  }, (rows) => (rows.length ? table("Versions", heads, rows) : note("There is no version yet.")));
  return card("Versions", place);
}

/** The card that appends a file. */
export function appendCard(dataset, reload) {
  if (!can("data")) return null;
  const choose = input({ type: "file", autocomplete: undefined });
  let again = once();
  choose.addEventListener("change", () => { again = once(); });
  const place = h("div", { "aria-live": "polite" });
  const go = working("Append and check", async () => {
    const [file] = choose.files;
    if (!file) {
      toast("Choose a file first.", "bad");
      return;
    }
    try {
      const made = await upload(`v1/datasets/${dataset.id}/append`, file, (share) => show(place, progress(share, "Progress of the upload"), note(`${percent(share, 0)} of ${bytes(file.size)}`)), { method: "POST", more: again });
      toast(`Version ${made.version} is being checked.`);
      await reload();
    } catch (error) {
      show(place, problem(error));
    }
  }, { kind: "main" });
  return card("Append rows", field("A file with the same columns", choose, "CSV, Parquet or JSON lines. Its rows follow those that are there; until they are checked, and where they are refused, the version before stays in use."), place, h("div", { class: "actions" }, go));
}

const shown = (value, factor) => (value === null || value === undefined ? "" : String(Number((value * factor).toPrecision(10))));
const limitWords = ([name, label, , factor], limits) => [label.replace(/, percent.*/, ""), limits[name] === null || limits[name] === undefined ? "no limit" : factor === 100 ? percent(limits[name], 0) : shown(limits[name], 1)];

/** The card of limits: how much rows that are appended may differ. */
export function limitsCard(dataset, reload) {
  const { limits } = dataset;
  if (!can("data")) return card("Limits of an append", h("dl", { class: "facts" }, LIMITS.map((one) => limitWords(one, limits)).map(([label, words]) => [h("dt", {}, label), h("dd", {}, words)])));
  const controls = LIMITS.map(([name, label, help, factor]) => {
    const control = input({ type: "number", min: "0", step: "any", inputmode: "decimal", placeholder: "no limit", value: shown(limits[name], factor) });
    return { name, factor, control, made: field(label, control, help) };
  });
  const save = working("Save the limits", async () => {
    const stated = controls.filter(({ control }) => control.value !== "").map(({ name, factor, control }) => [name, Number((Number(control.value) / factor).toPrecision(10))]);
    await put(`v1/datasets/${dataset.id}/limits`, Object.fromEntries(stated));
    await reload();
    toast("The limits hold for what is appended from now on.");
  });
  const titled = newId("limits");
  const given = Object.values(limits).filter((value) => value !== null).length;
  return card("Limits of an append", note(given ? "Rows that differ more are refused, and the version before stays in use." : "There are none: nothing is refused for what it changed. State one, and a bad day is refused."),
    h("div", { class: "fields", role: "group", "aria-labelledby": titled }, h("span", { class: "unseen", id: titled }, "Limits of an append"), controls.map(({ made }) => made)), h("div", { class: "actions" }, save));
}
