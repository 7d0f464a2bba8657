/** One version of a data set: where its rows came from, and what they changed. */

import { can, get, getOr, part } from "./api.js";
import { findings } from "./dataset.js";
import { changesCards } from "./dataset_changes.js";
import { dropVersion, newest } from "./dataset_versions.js";
import { h } from "./dom.js";
import { poll } from "./events.js";
import { bytes, count, percent, points, signed } from "./format.js";
import { card, head, link, loading, stateOf, tile, when, working } from "./parts.js";

/** The page. */
export async function datasetVersion({ id, version, signal, reload }) {
  const path = `v1/datasets/${id}/versions/${part(version)}`;
  const [dataset, one, last] = await Promise.all([get(`v1/datasets/${id}`), get(path), newest(id)]);
  const checking = one.state === "validating";
  if (checking) poll(async () => { const { state } = await get(path, { signal }); if (state !== "validating") reload(); return state !== "validating"; }, 700, signal).catch(() => {});
  const report = checking || one.state === "uploading" ? null : await getOr(`${path}/report`, null);
  const changes = report?.changes;
  const gone = can("data") && last?.version === one.version && one.parent && working("Delete", async () => { if (await dropVersion(id, one.version)) location.hash = `/datasets/${id}`; }, { kind: "danger" });
  const rate = changes?.click_rate;
  return [
    head(`Version ${one.version}`, { kicker: link(dataset.name, `/datasets/${id}`), actions: [gone, can("search") && one.state === "valid" && one.version === dataset.version && dataset.labelled && link("Start a search", `/searches/new?dataset=${id}`, "main")] }),
    h("div", { class: "tiles" }, tile("State", stateOf(one.state), one.version === dataset.version && dataset.state === "valid" && "in use"), tile("Rows", count(one.rows ?? report?.rows), changes && `${count(changes.rows_before)} before`),
      tile("Appended", changes ? count(changes.rows_appended) : "–", bytes(one.size)), rate && tile("Click rate", percent(rate.appended), `${signed(100 * rate.low, 1)} to ${points(rate.high)} against before`)),
    checking && card("Check", loading("iHAS reads every row, the new ones and those before. This page goes on by itself.")),
    one.error && h("div", { class: "notice bad", role: "alert" }, h("strong", {}, one.parent ? "These rows were refused" : "This table cannot be used as it is"), h("p", {}, one.error.detail), one.parent && h("p", {}, `Version ${dataset.version} stays in use. Correct the rows and append them again, or raise the limit.`)),
    (report || one.error) && findings(report?.findings ?? one.error?.findings ?? [], "Nothing is wrong with these rows."),
    changes && changesCards(changes),
    card("Where it came from", h("dl", { class: "facts" }, h("dt", {}, "Follows"), h("dd", {}, one.parent ? link(`Version ${one.parent}`, `/datasets/${id}/versions/${one.parent}`) : "nothing: it is the first"), h("dt", {}, "By"), h("dd", {}, one.actor ?? "–"), h("dt", {}, "When"), h("dd", {}, when(one.created_at)), h("dt", {}, "Digest of the table"), h("dd", {}, h("code", {}, one.sha256 ?? "–")))),
  ];
}
