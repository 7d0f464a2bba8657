/** What each column is, chosen by clicking. */

import { h, show } from "./dom.js";
import { input, pill, select, table } from "./parts.js";

const USES = [["auto", "let iHAS decide"], ["label", "the click, 0 or 1"], ["item_id", "names the item"], ["item", "about the item"], ["context", "about visitor or moment"], ["time", "time of the row"], ["ignored", "leave out"]];
const KINDS = [["auto", "let iHAS decide"], ["categorical", "categories"], ["numeric", "a number"], ["multivalued", "several values, parted by |"], ["text", "a text, read as its words"], ["vector", "a list of numbers"]];

/** A form over columns `{name, examples, use, kind, separator, note}`, which it changes. */
export function columnsForm(columns) {
  const said = h("div", { role: "status" });
  const check = () => {
    const labels = columns.filter(({ use }) => use === "label").length;
    const ids = columns.filter(({ use }) => use === "item_id").length;
    const words = [labels === 0 && "No column is named as the click; iHAS will look for one.", labels > 1 && "Only one column can be the click.", ids === 0 && "No column names the item. Without it, rows can be scored, but items not recommended.", ids > 1 && "Only one column can name the item."].filter(Boolean);
    show(said, words.length ? h("div", { class: "notice warn" }, words.map((text) => h("p", {}, text))) : h("div", { class: "notice good" }, "The click and the item are named. The rest can be left to iHAS."));
  };
  const rows = columns.map((column) => {
    const separator = input({ value: column.separator ?? "|", "aria-label": `Separator of ${column.name}`, maxlength: "1" });
    separator.hidden = column.kind !== "multivalued";
    separator.addEventListener("input", () => { column.separator = separator.value; });
    return [
      [column.name, column.note && pill(column.note)], column.examples.join(", ") || "–",
      select(USES, column.use, (value) => { column.use = value; check(); }, `Use of ${column.name}`),
      [select(KINDS, column.kind, (value) => { column.kind = value; separator.hidden = value !== "multivalued"; }, `Kind of ${column.name}`), separator],
    ];
  });
  check();
  return h("div", {}, said, table("Columns and their use", ["Column", "Examples", "Use", "Kind"], rows));
}

/** The settings `columns` of a data set, for what was chosen. */
export function columnsSetting(columns) {
  const named = (test) => columns.filter(test).map(({ name }) => name);
  const found = {};
  const put = (key, value) => { if (value !== undefined && value.length !== 0) found[key] = value; };
  put("label", named(({ use }) => use === "label")[0]);
  put("item_id", named(({ use }) => use === "item_id")[0]);
  put("time", named(({ use }) => use === "time")[0]);
  put("item", named(({ use }) => use === "item" || use === "item_id"));
  put("ignored", named(({ use }) => use === "ignored"));
  const isField = ({ use }) => use !== "label" && use !== "time" && use !== "ignored";
  put("categorical", named((one) => isField(one) && one.kind === "categorical"));
  put("numeric", named((one) => isField(one) && one.kind === "numeric"));
  put("text", named((one) => isField(one) && one.kind === "text"));
  put("vectors", named((one) => isField(one) && one.kind === "vector"));
  const several = columns.filter((one) => isField(one) && one.kind === "multivalued").map(({ name, separator }) => [name, separator || "|"]);
  if (several.length) found.multivalued = Object.fromEntries(several);
  return found;
}

/** Columns for the form, from a report of the service. */
export function columnsOf(report) {
  const { columns, profiles } = report;
  const fields = new Map(columns.fields.map((field) => [field.name, field]));
  return profiles.map((profile) => {
    const field = fields.get(profile.column);
    const use = profile.column === columns.label ? "label" : profile.column === columns.item_id ? "item_id" : profile.column === columns.time && !field ? "time" : !field ? "ignored" : field.role;
    return { name: profile.column, examples: profile.commonest.slice(0, 3).map(([value]) => value), use, kind: field?.kind ?? "auto", separator: field?.separator ?? "|", note: "" };
  });
}
