/** The models. */

import { can, get, getOr, part } from "./api.js";
import { card, empty, head, link, pill, table, when } from "./parts.js";

const SHOWN = 100;

/** The page. */
export async function models() {
  const listed = (await get("v1/models")).models;
  if (!listed.length) return [head("Models"), empty("No models yet", "A search that succeeds makes one.", can("search") && link("Start a search", "/searches/new", "main"))];
  const known = await Promise.all(listed.slice(0, SHOWN).map((one) => getOr(`v1/models/${part(one.name)}`, null)));
  return [
    head("Models", { lead: "What answers requests, and which version of it.", actions: [link("Batches", "/batches")] }),
    card(null, table("Models", ["Name", "Serves", "Newest", "Kind", "Trained", "Try"], listed.slice(0, SHOWN).map((one, place) => [
      link(one.name, `/models/${part(one.name)}`), known[place]?.serving ? pill(`version ${known[place].serving}`, "good") : pill("nothing", "bad"), `version ${one.version}`, known[place]?.summary.chosen ?? known[place]?.summary.kind ?? "–", when(one.created_at),
      can("score") ? link("Try it", `/try?model=${part(one.name)}`) : "–"]))),
  ];
}
