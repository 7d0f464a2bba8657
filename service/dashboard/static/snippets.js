/** The same request as TOML, curl and Python, to copy. */

import { h } from "./dom.js";
import { copyable, tabs } from "./parts.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const host = () => new URL(".", location.href).href.replace(/\/$/, "");

function tomlValue(value) {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (value !== null && typeof value === "object") return `{ ${Object.entries(value).map(([name, one]) => `${tomlName(name)} = ${tomlValue(one)}`).join(", ")} }`;
  return JSON.stringify(value);
}

const tomlName = (name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name));
const isGroup = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** A document as TOML. */
export function toml(document, prefix = "") {
  const entries = Object.entries(document);
  const lines = entries.filter(([, value]) => !isGroup(value)).map(([name, value]) => `${tomlName(name)} = ${tomlValue(value)}`);
  const groups = entries.filter(([, value]) => isGroup(value)).map(([name, value]) => {
    const path = prefix ? `${prefix}.${tomlName(name)}` : tomlName(name);
    const inner = toml(value, path);
    const own = Object.values(value).some((one) => !isGroup(one));
    return `${own ? `[${path}]\n` : ""}${inner}`;
  });
  return [...lines, ...(groups.length && lines.length ? [""] : []), ...groups].join("\n");
}

function python(value, indent = 0) {
  const pad = " ".repeat(indent + 4);
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((one) => python(one, indent)).join(", ")}]`;
  if (typeof value === "object") return Object.keys(value).length ? `{\n${Object.entries(value).map(([name, one]) => `${pad}${JSON.stringify(name)}: ${python(one, indent + 4)},`).join("\n")}\n${" ".repeat(indent)}}` : "{}";
  return JSON.stringify(value);
}

const curl = (path, body) => `curl -s ${host()}/${path} \\\n  -H "authorization: Bearer $IHAS_API_KEY" -H 'content-type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}`;
const client = `import os\n\nimport ihas\n\nclient = ihas.Client(${JSON.stringify("HERE")}, api_key=os.environ.get("IHAS_API_KEY"))\n`;
const begun = () => client.replace('"HERE"', JSON.stringify(host()));

/** A search to copy. */
export function searchSnippets(body) {
  const { name, dataset_id: dataset, ...rest } = body;
  const args = Object.entries(rest).map(([key, value]) => `, ${key}=${python(value)}`).join("");
  return h("div", {}, tabs("Copy this search", [
    ["Recipe (TOML)", () => copyable(`${toml(rest.learning ?? {}) || "# all settings are the defaults"}\n\n# ihas search run ${dataset} --name ${name} --recipe recipe.toml`, "the recipe")],
    ["curl", () => copyable(curl("v1/searches", body), "the curl command")],
    ["Python", () => copyable(`${begun()}client.create_search(${JSON.stringify(name)}, ${JSON.stringify(dataset)}${args})\n`, "the Python program")],
  ]));
}

/** A recommendation to copy. */
export function recommendSnippets(model, body) {
  return tabs("Copy this request", [
    ["curl", () => copyable(curl(`v1/models/${encodeURIComponent(model)}/recommend`, body), "the curl command")],
    ["Python", () => copyable(`${begun()}client.recommend(${JSON.stringify(model)}, ${python(body)})\n`, "the Python program")],
  ]);
}
