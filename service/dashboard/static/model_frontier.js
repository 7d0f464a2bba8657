/** Points of a model's frontier: what else can be served, without training. */

import { can, post } from "./api.js";
import { bytes, count, fixed } from "./format.js";
import { card, note, pill, table, toast, working } from "./parts.js";
import { costAxis, plain, plotPlace } from "./plot.js";

/** The card. */
export function frontierCard(frontier, base, reload) {
  const { points, chosen } = frontier;
  if (points.length === 1) return null;
  const { place, figure } = plotPlace("Test AUC against multiply-adds of each point", 320);
  figure({
    data: [{ x: points.map((one) => one.multiply_adds), y: points.map(({ test }) => test.auc), text: points.map(({ name }) => plain(name)), mode: "lines+markers+text", textposition: points.map((_, number) => (number % 2 ? "bottom center" : "top center")), cliponaxis: false, type: "scatter", line: { dash: "dot", color: "#8a94a3" },
      marker: { size: 12, color: "#2f7ed8", symbol: points.map(({ name }) => (name === chosen ? "star" : "circle")) }, hovertemplate: "%{text}: AUC %{y:.4f}, %{x:,.0f} multiply-adds<extra></extra>" }],
    layout: { showlegend: false, margin: { l: 8, r: 56, t: 24, b: 8 }, xaxis: costAxis(points.map((one) => one.multiply_adds), "multiply-adds a row<br>(left is cheaper)"), yaxis: { title: { text: "test AUC" }, tickformat: ".3f" } },
  });
  const take = (name) => async () => {
    const made = await post(`${base}/choose`, { point: name, version: frontier.version });
    await reload();
    toast(`${name} is version ${made.version}. Promote it to let it answer.`);
  };
  const rows = points.map((one) => [
    [one.name, " ", one.name === chosen && pill(`version ${frontier.version}`, "good")], fixed(one.test.auc), fixed(one.test.log_loss), count(one.multiply_adds), bytes(one.memory_bytes), `${fixed(one.row_p99_us, 0)} µs`, `${fixed(one.candidates_p99_us, 0)} µs`,
    one.version ? `version ${one.version}` : can("models") && frontier.kept ? working("Choose", take(one.name), { kind: "small", label: `Choose ${one.name}` }) : "–"]);
  return card(`What version ${frontier.version} could serve instead`, place, table("Points of the frontier", ["Point", "AUC", "Log-loss", "Multiply-adds", "Memory", "One row, p99", "500 items, p99", "Version"], rows, { marked: (number) => points[number].name === chosen }), note("No other candidate beats these in quality and cost together. Choosing one makes it a version; nothing is trained."));
}
