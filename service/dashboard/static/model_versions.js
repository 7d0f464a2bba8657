/** The versions of a model: what each came of, whether it serves or waits, and what can be done with it. */

import { can, part, post, remove } from "./api.js";
import { h } from "./dom.js";
import { count, fixed } from "./format.js";
import { failedGates, standing } from "./model_gates.js";
import { card, confirmed, field, input, link, table, toast, when, working } from "./parts.js";

function rowsOf(lineage) {
  if (!lineage) return "–";
  const { dataset_id: id, dataset_name: name, dataset_version: version, window } = lineage;
  return h("span", {}, link(name, `/datasets/${id}`), h("small", {}, [version > 1 && `version ${version}`, window && `last ${count(window.days)} days`].filter(Boolean).join(", ")));
}

function origin(one, lineage) {
  const from = lineage?.refreshed_from;
  return h("span", {}, link(from ? "refresh" : "search", `/searches/${part(one.search_id)}`), from && h("small", {}, `of version ${from}`));
}

/** The card; `lineages` are those of the versions, in their order. */
export function versionsCard(model, lineages, base, reload) {
  const reason = input({ maxlength: "1000", placeholder: "Why, for the history" });
  const promote = (one) => async () => {
    const failed = one.gates_passed === false ? await failedGates(base, one.version) : "";
    if (failed && !(await confirmed(`Version ${one.version} failed its gates. Promote it?`, failed, "Promote it all the same"))) return;
    await post(`${base}/promote`, { version: one.version, reason: reason.value });
    await reload();
    toast(`Version ${one.version} answers now.`);
  };
  const drop = (version) => async () => {
    if (!(await confirmed(`Delete version ${version}?`, "Its bundle goes; its search stays.", "Delete it"))) return;
    await remove(`${base}/versions/${version}`);
    await reload();
  };
  const rows = model.versions.map((one, place) => [
    [`Version ${one.version}`, standing(one, model.serving)], lineages[place]?.chosen ?? "–", fixed(lineages[place]?.test?.auc), rowsOf(lineages[place]), origin(one, lineages[place]), when(one.created_at),
    can("models") && one.version !== model.serving ? h("span", { class: "actions" }, working("Promote", promote(one), { kind: "small main", label: `Promote version ${one.version}` }), working("Delete", drop(one.version), { kind: "small", label: `Delete version ${one.version}` })) : "–"]);
  const listed = table("Versions", ["Version", "Serves as", "Test AUC", "Data set", "From", "Trained", "Change"], rows, { marked: (place) => model.versions[place].version === model.serving });
  return card("Versions", listed, can("models") && model.versions.some(({ version }) => version !== model.serving) && field("Reason", reason, "Goes into the history with the next change."));
}
