/** Which new versions of a model go live without a person, and the bounds of the gates. */

import { can, getTagged, putTagged } from "./api.js";
import { h } from "./dom.js";
import { card, field, input, note, select, toast, working } from "./parts.js";

const MODES = { first: "The first version alone", passing: "Every version that meets the gates", never: "None: a person promotes" };
const BOUNDS = [
  ["auc_tolerance", "AUC below the champion's", "How far the lower end of the difference's 95 % interval may lie below 0."],
  ["calibration_low", "Calibration, at least", "Sum of scores over clicks; 1 is right."],
  ["calibration_high", "Calibration, at most", "Sum of scores over clicks."],
  ["calibration_error", "Calibration error, at most", "About .04 on a thousand rows by chance alone."],
  ["latency_ratio", "Time of a row, at most", "Times the champion's 99th percentile."],
];

function shown(settings) {
  return [h("dl", { class: "facts" }, h("dt", {}, "Go live unasked"), h("dd", {}, MODES[settings.auto_promote] ?? settings.auto_promote), BOUNDS.map(([name, label]) => [h("dt", {}, label), h("dd", {}, String(settings.gates[name]))]))];
}

/** The card. */
export async function promotionCard(base, reload) {
  const { document: settings, tag } = await getTagged(`${base}/promotion`);
  const lead = note("Every other version is a candidate: it answers where a request names it, as a canary or as a shadow, until it is promoted.");
  if (!can("models")) return card("New versions", shown(settings), lead);
  let mode = settings.by_default ? "" : settings.auto_promote;
  const byDefault = settings.by_default ? `As the service is set: ${MODES[settings.auto_promote].toLowerCase()}` : "As the service is set";
  const chosen = select([["", byDefault], ...Object.entries(MODES)], mode, (value) => { mode = value; });
  chosen.removeAttribute("aria-label");
  const bounds = BOUNDS.map(([name, label, help]) => {
    const control = input({ type: "number", step: "any", min: "0", inputmode: "decimal", value: String(settings.gates[name]) });
    return { name, control, made: field(label, control, help) };
  });
  const save = working("Save", async () => {
    const gates = Object.fromEntries(bounds.filter(({ control }) => control.value !== "").map(({ name, control }) => [name, Number(control.value)]));
    await putTagged(`${base}/promotion`, { auto_promote: mode || null, gates }, tag, reload);
    await reload();
    toast("It holds for versions from now on.");
  });
  return card("New versions", field("Go live without a person", chosen), lead, h("details", {}, h("summary", {}, "Bounds of the gates"), h("div", { class: "fields" }, bounds.map(({ made }) => made))), h("div", { class: "actions" }, save));
}
