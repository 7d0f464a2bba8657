/** What the gates said of versions as they were registered. */

import { get, getOr } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { card, note, pill, table } from "./parts.js";

const SHOWN = 4;
const NAMES = { golden: "Reproduces its own answers", auc: "Ranks as well as the champion", calibration: "Its scores are right", latency: "Answers as fast" };
const evaluated = ({ gates_passed: passed }) => passed !== null && passed !== undefined;

/** A version's state in pills: whether it serves, waits, and met its gates. */
export function standing(one, serving) {
  const where = one.version === serving ? pill("serves", "good") : one.candidate ? pill("candidate", "busy") : null;
  const gates = evaluated(one) && pill(one.gates_passed ? "gates met" : "gates failed", one.gates_passed ? "good" : "bad");
  return [where && [" ", where], gates && [" ", gates]];
}

/** The gates that a version failed, in a sentence; empty where it failed none. */
export async function failedGates(base, version) {
  const { gates } = await get(`${base}/versions/${version}/gates`);
  return gates.filter(({ passed }) => !passed).map(({ name, detail }) => `${NAMES[name] ?? name}: ${detail}`).join(" ");
}

function verdict(found, serving, open) {
  const compared = found.champion ? `Compared with version ${found.champion} on the ${count(found.rows)} newest test rows.` : "No version served yet, so that it was compared with none.";
  return h("details", { open }, h("summary", {}, `Version ${found.version} `, pill(found.passed ? "met" : "failed", found.passed ? "good" : "bad"), found.candidate && found.version !== serving && [" ", pill("waits to be promoted", "busy")]),
    note(compared), table(`Gates of version ${found.version}`, ["Gate", "It is", "What was measured, and what was asked"], found.gates.map((gate) => [[NAMES[gate.name] ?? gate.name, h("small", {}, gate.name)], pill(gate.passed ? "met" : "not met", gate.passed ? "good" : "bad"), gate.detail])));
}

/** The card, of the newest versions that were evaluated; null where there are none. */
export async function gatesCard(model, base) {
  const found = (await Promise.all(model.versions.filter(evaluated).slice(0, SHOWN).map(({ version }) => getOr(`${base}/versions/${version}/gates`, null)))).filter(Boolean);
  if (!found.length) return null;
  return card("Gates", note("What a new version must meet to go live without a person."), found.map((one, place) => verdict(one, model.serving, place === 0 && one.candidate && one.version !== model.serving)));
}
