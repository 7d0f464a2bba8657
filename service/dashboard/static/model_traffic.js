/** Who gets which version: canaries with their shares, interleaved lists, and who decides between them. */

import { can, getTagged, putTagged } from "./api.js";
import { h, newId, show } from "./dom.js";
import { card, field, input, note, progress, select, toast, working } from "./parts.js";

const MOST = 8;

function now({ canaries, interleave, champion, shadows }) {
  const rest = `version ${champion ?? "–"} the rest`;
  if (!canaries.length && !interleave) return h("p", {}, champion ? `Version ${champion} gets all requests.` : "No version answers.");
  const share = [...canaries, ...(interleave ? [interleave] : [])].reduce((sum, { percent }) => sum + percent, 0);
  const one = canaries.length === 1 && !interleave;
  return [progress(share / 100, "Share of other versions"), one ? h("p", {}, `Version ${canaries[0].version} gets ${canaries[0].percent} % of the requests, ${rest}.`) : note(`${Number(share.toFixed(2))} % of the requests are shared as below, ${rest}.`), shadows.length > 0 && note(`Shadows: ${shadows.join(", ")}.`)];
}

function running(traffic, change) {
  const { canaries, interleave } = traffic;
  if (canaries.length === 1 && !interleave) return h("div", { class: "actions" }, working("Stop the canary", () => change({ canaries: [], experiment: null }, "The canary gets no more requests.")));
  const without = (version) => canaries.filter((one) => one.version !== version);
  const stop = (version) => working("Stop", () => change({ canaries: without(version), ...(without(version).length ? {} : { experiment: null }) }, `Version ${version} gets no more requests.`), { kind: "small", label: `Stop version ${version}` });
  const rows = [
    ...canaries.map((one) => [`Version ${one.version}: ${one.percent} %${one.groups.length ? `, of groups ${one.groups.join(", ")}` : ""}`, stop(one.version)]),
    ...(interleave ? [[`Version ${interleave.version}: interleaved in ${interleave.percent} % of the lists`, working("Stop", () => change({ interleave: null }, "Lists are of one version again."), { kind: "small", label: `Stop interleaving version ${interleave.version}` })]] : [])];
  return h("ul", { class: "list" }, rows.map(([words, button]) => h("li", {}, h("div", { class: "row" }, h("span", {}, words), can("models") && button))));
}

function checkbox(label, checked) {
  const box = h("input", { type: "checkbox", id: newId("check"), checked });
  return { box, made: h("div", { class: "check" }, box, h("label", { for: box.id }, label)) };
}

function rulesForm(experiment) {
  const decides = checkbox("Let iHAS stop what is worse", Boolean(experiment));
  const promotes = checkbox("and promote what is better", experiment?.promote ?? false);
  const effect = input({ type: "number", step: "any", min: "0", inputmode: "decimal", value: String(experiment?.minimum_effect ?? 0.01) });
  const more = h("div", {}, promotes.made, field("Difference that matters", effect, "Clicks an answer. What differs by less is stopped as no different."));
  const turn = () => { more.hidden = !decides.box.checked; };
  decides.box.addEventListener("change", turn);
  turn();
  return { made: h("div", {}, decides.made, more), value: () => (decides.box.checked ? { ...experiment, minimum_effect: Number(effect.value) || 0.01, promote: promotes.box.checked } : null) };
}

function form(traffic, others, change) {
  let version = others[0].version;
  let how = "canary";
  const chosen = select(others.map((one) => [String(one.version), `Version ${one.version}`]), String(version), (value) => { version = Number(value); });
  chosen.removeAttribute("aria-label");
  const share = input({ type: "range", min: "1", max: "50", value: "5" });
  const words = h("output", { class: "pill" }, "5 %");
  share.addEventListener("input", () => show(words, `${share.value} %`));
  const shared = field("Share of the requests", share);
  shared.querySelector("label").append(" ", words);
  const sticky = input({ value: traffic.sticky_field ?? "", placeholder: "none: chance divides" });
  const rules = rulesForm(traffic.experiment);
  const go = working("Start the canary", () => {
    const asked = { sticky_field: sticky.value || null };
    if (how === "interleave") return change({ ...asked, interleave: { version, percent: Number(share.value) } }, `${share.value} % of the lists are of both versions.`);
    return change({ ...asked, canaries: [...traffic.canaries, { version, percent: Number(share.value), groups: [] }], experiment: rules.value() }, `Version ${version} gets ${share.value} % of the requests.`);
  }, { kind: "main" });
  const ways = select([["canary", "Alone: it answers a share of the requests"], ...(traffic.interleave ? [] : [["interleave", "Interleaved: one list of both rankings"]])], how, (value) => {
    how = value;
    rules.made.hidden = how === "interleave";
    show(go, how === "interleave" ? "Interleave" : "Start the canary");
  });
  ways.removeAttribute("aria-label");
  return [field("Canary", chosen, "A version that answers some of the requests, so that its click rate can be compared."), field("How", ways), shared, field("Field that names a person", sticky, "Whoever got a version stays with it. The header Sticky-Key comes first."), rules.made, h("div", { class: "actions" }, go)];
}

/** The card. */
export async function trafficCard(model, base, reload) {
  const { document: traffic, tag } = await getTagged(`${base}/traffic`);
  const { canaries, interleave, champion, shadows } = traffic;
  const kept = Object.fromEntries(["canaries", "sticky_field", "shadows", "shadow_groups", "experiment", "interleave", "explore"].map((name) => [name, traffic[name]]));
  const change = async (plan, words) => {
    await putTagged(`${base}/traffic`, { ...kept, ...plan }, tag, reload);
    await reload();
    toast(words);
  };
  const busy = canaries.length > 0 || interleave;
  const used = new Set([champion, interleave?.version, ...canaries.map(({ version }) => version)]);
  const others = model.versions.filter(({ version }) => !used.has(version)).slice(0, 50);
  const parts = [now(traffic), busy && (can("models") || canaries.length + Boolean(interleave) > 1 || interleave) && running(traffic, change), !busy && shadows.length > 0 && note(`Shadows: ${shadows.join(", ")}.`)];
  if (!can("models")) return card("Traffic", parts);
  if (!others.length || !champion) return card("Traffic", parts, !busy && note("A second version can get a share of the requests, to see how it does on real visitors."));
  if (!busy) return card("Traffic", parts, form(traffic, others, change));
  return card("Traffic", parts, canaries.length < MOST && h("details", {}, h("summary", {}, "Another version"), form(traffic, others, change)));
}
