/** Another use of the columns: the corrected data set takes the place of the one before. */

import { get, getOr, post, remove } from "./api.js";
import { columnsForm, columnsOf, columnsSetting } from "./columns_form.js";
import { h, show } from "./dom.js";
import { button, card, field, head, input, loading, problem, toast } from "./parts.js";
import { files, send } from "./new_dataset.js";
import { sniff } from "./sniff.js";

/** A data set of the same file, which the service has already, with other columns; its id, or null where it failed. */
async function copied(dataset, columns, place) {
  show(place, loading("The service reads its file again …"));
  try {
    return (await post("v1/datasets", { name: dataset.name, columns, copy_of: dataset.id })).id;
  } catch (error) {
    show(place, problem(error));
    return null;
  }
}

/** The page. */
export async function columns({ id }) {
  const dataset = await get(`v1/datasets/${id}`);
  const report = await getOr(`v1/datasets/${id}/report`, null);
  const kept = dataset.version === 1 && dataset.state !== "uploading";
  let file = files.get(id);
  const found = report ? columnsOf(report) : file ? await sniff(file) : [];
  const place = h("div");
  const again = input({ type: "file", autocomplete: undefined });
  again.addEventListener("change", () => { [file] = again.files; });
  const go = button("Check again with these columns", async () => {
    if (!kept && !file) {
      toast("Choose the file first.", "bad");
      return;
    }
    go.disabled = true;
    const setting = columnsSetting(found);
    const created = kept ? await copied(dataset, setting, place) : await send(dataset.name, file, setting, place);
    go.disabled = false;
    if (!created) return;
    if (file) files.set(created, file);
    await remove(`v1/datasets/${id}`).catch(() => toast("The data set before stays, since something needs it."));
    location.hash = `/datasets/${created}`;
  }, { kind: "main" });
  return [
    head("Correct the columns", { kicker: dataset.name, lead: "Tell iHAS what each column is. The table is then checked anew." }),
    !kept && !file && card("File", field("The whole table as one file", again, "Rows were appended to this data set, or its file never came whole. The table is read anew from one file.")),
    found.length > 0 && card("Columns", columnsForm(found)), place, h("div", { class: "actions sticky" }, go),
  ];
}
