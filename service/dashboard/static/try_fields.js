/** What a version's requests and answers may name: fields to state, columns to show items with, and whether users are known. */

import { getOr, part } from "./api.js";
import { h, newId } from "./dom.js";

/** Fields of a version: `stated` with profiles, `shown` columns of items, the first of which are displayed by default, and the user's `user` field. */
export async function fieldsOf(name, version) {
  const [model, lineage] = await Promise.all([getOr(`v2/models/${part(name)}${version ? `/versions/${version}` : ""}`, { inputs: [] }), getOr(`v1/models/${part(name)}/versions/${version}`, null)]);
  const report = lineage ? await reportOf(lineage) : null;
  const known = new Map((report?.profiles ?? []).map((profile) => [profile.column, profile]));
  const inputs = model.inputs.map((one) => one.name);
  const schema = report?.columns;
  const item = (schema?.fields ?? []).filter((one) => one.role === "item" && inputs.includes(one.name)).map((one) => one.name);
  const display = schema?.display ?? [];
  return {
    stated: inputs.map((field) => ({ name: field, profile: known.get(field) })).filter(({ name: field, profile }) => profile?.role !== "item" && !item.includes(field)),
    shown: [...display, ...item.filter((one) => one !== schema?.item_id)], display, user: schema?.user_id ?? null,
  };
}

async function reportOf({ dataset_id: id, dataset_version: version }) {
  return (await getOr(`v1/datasets/${id}/versions/${version}/report`, null)) ?? getOr(`v1/datasets/${id}/report`, null);
}

/** A labelled box that calls `act` with whether it is ticked. */
export function tick(label, checked, act) {
  const box = h("input", { type: "checkbox", id: newId("tick"), checked, on: { change: () => act(box.checked) } });
  return h("div", { class: "check" }, box, h("label", { for: box.id }, label));
}

/** What an answer says of the user, in sentences; empty where it says nothing. */
export function ofTheUser(answer, asked) {
  const told = [];
  if (answer.profile_fields?.length) told.push(`Known of this user, and not stated here: ${answer.profile_fields.join(", ")}.`);
  if (asked.exclude_seen) told.push(answer.seen_excluded ? `${answer.seen_excluded === 1 ? "1 item that they have clicked is" : `${answer.seen_excluded} items that they have clicked are`} left out.` : "They have clicked nothing that could be left out.");
  return told.join(" ");
}

/** An item's name: the first column that is displayed, with its id beside it; else its id. */
export function nameOf(item, display) {
  const title = display.map((column) => item.fields?.[column]).find((value) => value !== undefined && value !== null);
  const others = Object.entries(item.fields ?? {}).filter(([column]) => column !== display.find((one) => item.fields?.[one] !== undefined && item.fields?.[one] !== null));
  const words = others.map(([column, value]) => `${column}: ${Array.isArray(value) ? value.join(", ") : value}`).join(" · ");
  return h("span", { class: "named" }, title === undefined ? item.id : [String(title), " ", h("code", {}, item.id)], words && h("small", {}, words));
}
