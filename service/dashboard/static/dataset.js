/** One data set: what was found in it, column by column. */

import { can, get, getOr, remove } from "./api.js";
import { profileCard } from "./dataset_profile.js";
import { appendCard, limitsCard, newest, versionsCard } from "./dataset_versions.js";
import { h } from "./dom.js";
import { poll } from "./events.js";
import { bytes, count } from "./format.js";
import { card, confirmed, head, link, loading, note, pill, stateOf, table, tile, toast, working } from "./parts.js";

/** The card of findings, errors first. */
export function findings(all, none = "Nothing is wrong with this table.") {
  if (!all.length) return card("Findings", note(none));
  const sorted = [...all].sort((a, b) => (a.severity > b.severity ? 1 : -1));
  return card("Findings", table("Findings", ["Where", "Severity", "What"], sorted.slice(0, 50).map((one) => [
    [one.column ?? "whole table", one.row !== null && one.row !== undefined && h("small", {}, `row ${count(one.row)}`)], pill(one.severity, one.severity === "error" ? "bad" : "warn"), one.message])),
  all.length > 50 && note(`${all.length - 50} more are not shown.`));
}

/** The page. */
export async function dataset({ id, signal, reload }) {
  const one = await get(`v1/datasets/${id}`);
  const checking = one.state === "validating";
  if (checking) poll(async () => { const { state } = await get(`v1/datasets/${id}`, { signal }); if (state !== "validating") reload(); return state !== "validating"; }, 700, signal).catch(() => {});
  const report = one.state === "valid" || one.state === "invalid" ? await getOr(`v1/datasets/${id}/report`, null) : null;
  const changes = one.state === "valid" && one.version > 1 ? (await getOr(`v1/datasets/${id}/versions/${one.version}/report`, null))?.changes : null;
  const drifts = new Map((changes?.fields ?? []).map((change) => [change.column, change]));
  const top = one.state === "valid" ? await newest(id) : null;
  const appending = top?.state === "validating";
  if (appending) poll(async () => { const { state } = await get(`v1/datasets/${id}/versions/${top.version}`, { signal }); if (state !== "validating") reload(); return state !== "validating"; }, 700, signal).catch(() => {});
  const all = report?.findings ?? one.error?.findings ?? [];
  const gone = working("Delete", async () => {
    if (!(await confirmed(`Delete ${one.name}?`, "Its file and its estimates go. Models that were trained on it stay.", "Delete it"))) return;
    await remove(`v1/datasets/${id}`);
    toast("Deleted.");
    location.hash = "/datasets";
  }, { kind: "danger" });
  const actions = [can("data") && gone, can("data") && !checking && link("Correct the columns", `/datasets/${id}/columns`, "plain"), can("search") && one.state === "valid" && one.labelled && link("Start a search", `/searches/new?dataset=${id}`, "main")];
  return [
    head(one.name, { kicker: "Data set", actions }),
    h("div", { class: "tiles" }, tile("State", stateOf(one.state), one.state === "valid" && `version ${one.version}`), tile("Rows", count(report?.rows)), tile("Columns", count(report?.profiles.length)), tile("Size", bytes(one.size))),
    appending && h("div", { class: "notice", role: "status" }, `Version ${top.version} is being checked. Until then version ${one.version} is in use; this page goes on by itself.`),
    top?.state === "invalid" && h("div", { class: "notice warn", role: "alert" }, h("strong", {}, `Version ${top.version} was refused; version ${one.version} stays in use`), h("p", {}, top.error?.detail, " ", link("See what is wrong", `/datasets/${id}/versions/${top.version}`))),
    checking && card("Check", loading("iHAS reads every row and looks for errors. This page goes on by itself.")),
    one.state === "uploading" && card("File", note("No file has arrived yet. Upload it again as a new data set.")),
    one.error && h("div", { class: "notice bad", role: "alert" }, h("strong", {}, "This table cannot be used as it is"), h("p", {}, one.error.detail)),
    !checking && one.state !== "uploading" && findings(all),
    one.state === "valid" && [await versionsCard(one, top, reload), appending ? null : appendCard(one, reload), limitsCard(one, reload)],
    report && [h("h2", {}, "Columns"), h("div", { class: "grid" }, report.profiles.slice(0, 200).map((profile) => profileCard(profile, report.rows, drifts.get(profile.column))))],
  ];
}
