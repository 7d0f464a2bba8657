/** Notes and tags of searches: seen by all who may read, written by those who may search; and the way to delete a search. */

import { can, put, remove } from "./api.js";
import { h } from "./dom.js";
import { card, confirmed, field, input, note, pill, toast, working } from "./parts.js";

const [MOST_NOTE, MOST_TAGS] = ["4000", "900"];

/** Tags as they stand beside a name. */
export const tagsOf = ({ tags = [] }) => tags.length > 0 && h("span", { class: "tags" }, tags.map((one) => [" ", pill(one)]));

function shown(search) {
  if (!search.note && !search.tags.length) return note("Nobody wrote anything about it.");
  return [search.note && h("p", { class: "said" }, search.note), tagsOf(search)];
}

/** What was written about a search, and a form to write it; `label` names the search where several stand on the page. */
export function noteForm(search, label = "") {
  if (!can("search")) return shown(search);
  const of = label && ` of ${label}`;
  const text = h("textarea", { rows: "3", maxlength: MOST_NOTE, "aria-label": of ? `Note${of}` : null }, search.note);
  const tags = input({ maxlength: MOST_TAGS, value: search.tags.join(", "), placeholder: "baseline, spring", "aria-label": of ? `Tags${of}` : null });
  const save = working("Save the note", async () => {
    const made = await put(`v1/searches/${search.id}/note`, { note: text.value, tags: tags.value.split(",").map((one) => one.trim()).filter(Boolean) });
    text.value = made.note;
    tags.value = made.tags.join(", ");
    toast("The note is kept.");
  }, { kind: "small", label: of ? `Save the note${of}` : undefined });
  return [field("Note", text), field("Tags", tags, "Words, with commas between them."), h("div", { class: "actions" }, save)];
}

/** The card of one search's page. */
export const noteCard = (search) => card("Notes", noteForm(search));

/** A button that deletes a search after it was asked; `gone` goes on. */
export function deleter(search, label, gone) {
  return can("search") && working("Delete", async () => {
    if (!(await confirmed(`Delete ${label}?`, "Its log, result and report go, and with it the other points of its frontier.", "Delete it"))) return;
    await remove(`v1/searches/${search.id}`);
    toast("Deleted.");
    await gone();
  }, { kind: "small danger", label: `Delete ${label}` });
}
