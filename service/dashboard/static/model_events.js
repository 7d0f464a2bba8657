/** What was shown and clicked, as rows to learn from: a data set of the service, or a file. */

import { can, part, post, send } from "./api.js";
import { h, newId, show } from "./dom.js";
import { count } from "./format.js";
import { field, input, note, problem, select, toast, working } from "./parts.js";

const HOUR_S = 3600;

async function save(base, asked, format, name) {
  const query = new URLSearchParams({ ...asked, format });
  const answer = await send("GET", `${base}/events/export?${query}`);
  const address = URL.createObjectURL(await answer.blob());
  h("a", { href: address, download: `${name}.${format}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  const waiting = Number(answer.headers.get("open-rows") ?? 0);
  if (waiting) toast(`${count(waiting)} rows are not in it: people may still click on them.`);
}

/** The card; null for a key that may not see what people stated. */
export function eventsCard(name, base) {
  if (!can("data")) return null;
  let format = "parquet";
  const title = input({ value: `${name}, as shown`, maxlength: "200" });
  const positive = input({ value: "click", maxlength: "80" });
  const hours = input({ type: "number", min: "0", step: "any", value: "24" });
  const since = input({ type: "date" });
  const open = h("input", { type: "checkbox", id: newId("open") });
  const formats = select([["parquet", "Parquet"], ["jsonl", "JSON lines"]], format, (value) => { format = value; });
  formats.removeAttribute("aria-label");
  const place = h("div", { "aria-live": "polite" });
  const asked = () => ({ positive: positive.value.trim() || "click", window_s: Number(hours.value || 24) * HOUR_S, ...(since.value && { since: `${since.value}T00:00:00Z` }), ...(open.checked && { open: true }) });
  const attempt = (work) => async () => {
    show(place);
    try {
      await work();
    } catch (error) {
      show(place, problem(error));
    }
  };
  const make = working("Make a data set", attempt(async () => {
    const made = await post(`${base}/events/dataset`, { name: title.value.trim() || name, ...asked() });
    location.hash = `/datasets/${part(made.id)}`;
  }), { kind: "main" });
  const take = working("Download", attempt(() => save(base, asked(), format, name)));
  return h("section", { class: "card" }, h("details", {}, h("summary", {}, "Rows of what was shown"), note("Every item that was shown becomes a row with the columns of the model's table, its label by what people did. Learn from it, or append the file to the data set."),
    h("div", { class: "fields" }, field("Name of the data set", title), field("What makes the label 1", positive, "A kind of event, or one with a number, such as rating >= 4."), field("Hours to wait for it", hours, "What happens later does not count."), field("Shown since", since, "Empty: all that is kept."), field("Format of the file", formats)),
    h("div", { class: "check" }, open, h("label", { for: open.id }, "Also rows that people may still click on")), place, h("div", { class: "actions" }, make, take)));
}
