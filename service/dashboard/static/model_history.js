/** Which versions served before, and the way back: to the former one, to any, or to none. */

import { can, post } from "./api.js";
import { h } from "./dom.js";
import { card, confirmed, field, note, select, table, toast, when, working } from "./parts.js";

const WORDS = { set: "promoted", rollback: "rolled back", deleted: "deleted" };
const SHOWN = 50;

function way(model, base, reload) {
  let to = "";
  const others = model.versions.filter(({ version }) => version !== model.serving).slice(0, SHOWN);
  const choices = [["", "the former version"], ...others.map(({ version }) => [String(version), `version ${version}`]), ["none", "none: requests are refused"]];
  const chosen = select(choices, "", (value) => { to = value; });
  chosen.removeAttribute("aria-label");
  const go = working("Roll back", async () => {
    if (to === "none" && !(await confirmed("Let no version answer?", "Requests for this model are refused until a version is promoted.", "Let none answer"))) return;
    const now = await post(`${base}/rollback`, { ...(to && { to: to === "none" ? "none" : Number(to) }), reason: "From the dashboard." });
    await reload();
    toast(now.version ? `Version ${now.version} answers again.` : "No version answers until one is promoted.");
  });
  return [field("Go back to", chosen), h("div", { class: "actions" }, go)];
}

/** The card. */
export function historyCard(changes, model, base, reload) {
  const told = changes.length ? table("History", ["Change", "Version", "By", "Reason", "When"], changes.map((one) => [WORDS[one.kind] ?? one.kind, one.version ? `version ${one.version}` : "none", one.actor, one.reason || "–", when(one.at)])) : note("Nothing was promoted yet: the newest version answers that is no candidate.");
  return card("History", told, can("models") && (model.serving || model.versions.length > 1) && way(model, base, reload));
}
