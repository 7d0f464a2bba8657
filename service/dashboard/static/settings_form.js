/** A form made of the settings' own description (JSON schema): their defaults, limits and help. Only what differs is sent. */

import { get } from "./api.js";
import { h } from "./dom.js";
import { field, input } from "./parts.js";

let description;

/** The schema of a component of the API's description, and how to look up others. */
export async function schemaOf(name) {
  description ??= await get("openapi.json");
  const all = description.components.schemas;
  const solve = (schema) => {
    const one = schema.$ref ? { ...all[schema.$ref.split("/").at(-1)], ...(schema.default !== undefined && { default: schema.default }), ...(schema.description && { description: schema.description }) } : schema;
    const some = one.anyOf?.filter(({ type }) => type !== "null");
    return some?.length === 1 ? { ...solve(some[0]), description: one.description, default: one.default, optional: true } : one;
  };
  return { schema: all[name] ?? all[`${name}-Input`], solve };
}

const spelled = (name) => name.replaceAll("_", " ");
const shown = (value) => (value === undefined || value === null ? "automatic" : Array.isArray(value) || typeof value === "object" ? JSON.stringify(value) : String(value));
const helpOf = (schema) => (schema.description ?? "").replaceAll("`", "");

function control(schema, changed) {
  const first = schema.default;
  if (schema.enum || schema.const !== undefined) return choice((schema.enum ?? [schema.const]).map(String), first, changed);
  if (schema.type === "boolean") return choice(["true", "false"], first, (text) => changed(text === undefined ? undefined : text === "true"));
  if (schema.type === "integer" || schema.type === "number") {
    const made = input({ type: "number", step: schema.type === "integer" ? "1" : "any", min: schema.minimum ?? schema.exclusiveMinimum, max: schema.maximum, placeholder: shown(first), inputmode: "decimal" });
    made.addEventListener("input", () => changed(made.value === "" ? undefined : Number(made.value)));
    return made;
  }
  const made = input({ placeholder: shown(first) });
  made.addEventListener("input", () => {
    if (made.value.trim() === "") changed(undefined);
    else try { changed(schema.type === "string" ? made.value : JSON.parse(made.value)); made.removeAttribute("aria-invalid"); } catch { changed(schema.anyOf ? made.value : undefined); made.setAttribute("aria-invalid", schema.anyOf ? "false" : "true"); }
  });
  return made;
}

function choice(values, first, changed) {
  const standard = shown(first);
  const made = h("select", { on: { change: () => changed(made.value === "" ? undefined : made.value) } },
    h("option", { value: "" }, `${standard} (default)`), values.filter((value) => value !== standard).map((value) => h("option", { value }, value)));
  return made;
}

/** Fields for the properties of a schema; `changes` takes what differs, by name, groups as objects. */
export function settingsForm(schema, solve, changes, tell, leave = []) {
  const plain = [];
  const groups = [];
  for (const [name, raw] of Object.entries(schema.properties ?? {})) {
    const one = solve(raw);
    if (leave.includes(name)) continue;
    if (one.properties) groups.push([name, one]);
    else plain.push(field(spelled(name), control(one, (value) => { if (value === undefined) delete changes[name]; else changes[name] = value; tell(); }), helpOf(one)));
  }
  return [
    plain.length > 0 && h("div", { class: "fields" }, plain),
    groups.map(([name, one]) => {
      changes[name] ??= {};
      return h("details", {}, h("summary", {}, spelled(name)), settingsForm(one, solve, changes[name], tell));
    }),
  ];
}

/** Changes without empty groups. */
export function pruned(changes) {
  const kept = Object.entries(changes).map(([name, value]) => [name, value !== null && typeof value === "object" && !Array.isArray(value) ? pruned(value) : value]);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined && !(value !== null && typeof value === "object" && !Array.isArray(value) && !Object.keys(value).length)));
}

/** The same changes, with others under them. */
export function merged(below, above) {
  const both = { ...below, ...above };
  for (const name of Object.keys(above)) {
    const [one, other] = [below[name], above[name]];
    if (one && other && typeof one === "object" && typeof other === "object" && !Array.isArray(other)) both[name] = merged(one, other);
  }
  return both;
}
