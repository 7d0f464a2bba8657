/** The data sets. */

import { can, get } from "./api.js";
import { h } from "./dom.js";
import { bytes } from "./format.js";
import { card, empty, head, link, paged, stateOf, table, when } from "./parts.js";

/** The page. */
export async function datasets() {
  const place = h("div");
  const more = can("data") && link("Upload a table", "/datasets/new", "main");
  await paged(place, async (cursor) => {
    const found = await get(`v1/datasets?limit=25${cursor ? `&cursor=${cursor}` : ""}`);
    return { rows: found.datasets, next: found.next_cursor };
  }, (rows) => (rows.length ? card(null, table("Data sets", ["Name", "State", "Size", "Created"],
    rows.map((one) => [link(one.name, `/datasets/${one.id}`), stateOf(one.state), bytes(one.size), when(one.created_at)])))
    : empty("No data yet", "Begin with a table of clicks: one row per item that was shown to somebody, and a column that says whether it was clicked.", more)));
  return [head("Data sets", { lead: "Tables of clicks that recommenders learn from.", actions: [more] }), place];
}
