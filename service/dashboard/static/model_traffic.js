/** Who gets which version: the canary and its share. */

import { can, getTagged, put } from "./api.js";
import { h, show } from "./dom.js";
import { card, field, input, note, progress, select, toast, working } from "./parts.js";

/** The card. */
export async function trafficCard(model, base, reload) {
  const { document: traffic, tag } = await getTagged(`${base}/traffic`);
  const { canary, champion } = traffic;
  const change = async (plan, words) => {
    await put(`${base}/traffic`, { canary: null, sticky_field: traffic.sticky_field, shadows: traffic.shadows, shadow_groups: traffic.shadow_groups, ...plan }, { more: { "if-match": tag } });
    await reload();
    toast(words);
  };
  const now = canary ? [progress(canary.percent / 100, "Share of the canary"), h("p", {}, `Version ${canary.version} gets ${canary.percent} % of the requests, version ${champion ?? "–"} the rest.`)] : h("p", {}, champion ? `Version ${champion} gets all requests.` : "No version answers.");
  const others = model.versions.filter(({ version }) => version !== champion);
  if (!can("models")) return card("Traffic", now);
  if (canary) return card("Traffic", now, traffic.shadows.length > 0 && note(`Shadows: ${traffic.shadows.join(", ")}.`), h("div", { class: "actions" }, working("Stop the canary", () => change({}, "The canary gets no more requests."))));
  if (!others.length) return card("Traffic", now, note("A second version can get a share of the requests, to see how it does on real visitors."));
  let version = others[0].version;
  const chosen = select(others.map((one) => [String(one.version), `Version ${one.version}`]), String(version), (value) => { version = Number(value); });
  chosen.removeAttribute("aria-label");
  const share = input({ type: "range", min: "1", max: "50", value: "5" });
  const words = h("output", { class: "pill" }, "5 %");
  share.addEventListener("input", () => show(words, `${share.value} %`));
  const shared = field("Share of the requests", share);
  shared.querySelector("label").append(" ", words);
  return card("Traffic", now, field("Canary", chosen, "A version that answers some of the requests, so that its click rate can be compared."), shared, h("div", { class: "actions" }, working("Start the canary", () => change({ canary: { version, percent: Number(share.value), groups: [] } }, `Version ${version} gets ${share.value} % of the requests.`), { kind: "main" })));
}
