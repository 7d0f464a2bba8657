/** The searches, and the choice of those to compare. */

import { can, get } from "./api.js";
import { h, show } from "./dom.js";
import { percent, seconds } from "./format.js";
import { tagsOf } from "./notes.js";
import { button, card, empty, head, link, paged, stateOf, table, when } from "./parts.js";

/** The page. */
export async function searches() {
  const chosen = new Set();
  const place = h("div");
  const start = can("search") && link("Start a search", "/searches/new", "main");
  const comparing = h("span");
  const drawComparing = () => show(comparing, button(chosen.size ? `Compare ${chosen.size}` : "Compare", () => { location.hash = `/searches/compare?ids=${[...chosen].join(",")}`; }, { disabled: chosen.size < 2 }));
  drawComparing();
  const box = (one) => one.state === "succeeded" && h("input", { type: "checkbox", checked: chosen.has(one.id), "aria-label": `Compare ${one.name}, version ${one.model_version}`, on: {
    change: (event) => { if (event.target.checked) chosen.add(one.id); else chosen.delete(one.id); drawComparing(); },
  } });
  await paged(place, async (cursor) => {
    const found = await get(`v1/searches?limit=25${cursor ? `&cursor=${cursor}` : ""}`);
    return { rows: found.searches, next: found.next_cursor };
  }, (rows) => (rows.length ? card(null, table("Searches", ["Model", "State", "Stage", "Version", "Started", "Compare"], rows.map((one) => [
    [link(one.name, `/searches/${one.id}`), tagsOf(one)], stateOf(one.state),
    one.state === "running" ? `${one.stage ?? ""} ${percent(one.progress, 0)}${one.eta_s === null ? "" : `, ${seconds(one.eta_s)} left`}` : one.state === "succeeded" ? "–" : one.stage ?? "–",
    one.model_version ? link(`version ${one.model_version}`, `/models/${encodeURIComponent(one.name)}`) : "–", when(one.created_at), box(one) || "–"])))
    : empty("No searches yet", "A search trains a recommender on a data set, tries smaller and larger ones, and says which is worth it.", start)));
  return [head("Searches", { lead: "Tick two or more that succeeded to compare them.", actions: [comparing, start] }), place];
}
