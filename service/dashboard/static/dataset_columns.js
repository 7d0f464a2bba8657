/** Another use of the columns: the corrected data set takes the place of the one before. */

import { get, getOr, remove } from "./api.js";
import { columnsForm, columnsOf, columnsSetting } from "./columns_form.js";
import { h } from "./dom.js";
import { button, card, field, head, input, toast } from "./parts.js";
import { files, send } from "./new_dataset.js";
import { sniff } from "./sniff.js";

/** The page. */
export async function columns({ id }) {
  const dataset = await get(`v1/datasets/${id}`);
  const report = await getOr(`v1/datasets/${id}/report`, null);
  let file = files.get(id);
  const found = report ? columnsOf(report) : file ? await sniff(file) : [];
  const place = h("div");
  const again = input({ type: "file", autocomplete: undefined });
  again.addEventListener("change", () => { [file] = again.files; });
  const go = button("Check again with these columns", async () => {
    if (!file) {
      toast("Choose the file first.", "bad");
      return;
    }
    go.disabled = true;
    const created = await send(dataset.name, file, columnsSetting(found), place);
    go.disabled = false;
    if (!created) return;
    await remove(`v1/datasets/${id}`).catch(() => toast("The data set before stays, since something needs it."));
    location.hash = `/datasets/${created}`;
  }, { kind: "main" });
  return [
    head("Correct the columns", { kicker: dataset.name, lead: "Tell iHAS what each column is. The table is then checked anew." }),
    !file && card("File", field("The same file", again, "The service gives no file back, so it has to be sent again.")),
    found.length > 0 && card("Columns", columnsForm(found)), place, h("div", { class: "actions sticky" }, go),
  ];
}
