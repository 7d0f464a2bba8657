/** How a model did day by day: click rate with its interval, calibration, and drift. */

import { daily } from "./days.js";
import { h, show } from "./dom.js";
import { card, loading, note } from "./parts.js";
import { plotPlace } from "./plot.js";

const MUCH_DRIFT = 0.25;
const [BLUE, ORANGE, GREEN] = ["#2f7ed8", "#e6862a", "#2ca58d"];

/** Dates of the days, oldest first; each ends at this hour. */
function dates(number) {
  const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
  return Array.from({ length: number }, (_, place) => day.format(new Date(Date.now() - (number - 1 - place) * 86_400_000)));
}

const line = (x, y, color, axis, words) => ({ x, y, xaxis: "x", yaxis: axis, mode: "lines+markers", type: "scatter", connectgaps: true, line: { width: 2, color }, marker: { size: 8 }, hovertemplate: `%{x}: ${words}<extra></extra>` });
const across = (axis, at) => ({ type: "line", xref: "paper", x0: 0, x1: 1, yref: axis, y0: at, y1: at, line: { dash: "dash", width: 1.5, color: "#8a94a3" } });

function figureOf(days) {
  const x = dates(days.length);
  const rates = days.map(({ rate }) => rate);
  const drifts = days.some(({ drift }) => drift !== null);
  const domains = drifts ? [[0.7, 1], [0.36, 0.62], [0, 0.26]] : [[0.57, 1], [0, 0.42]];
  const data = [
    { ...line(x, rates.map((one) => one && one.middle), BLUE, "y", "%{y:.1%} clicked"), error_y: { type: "data", array: rates.map((one) => (one ? one.high - one.middle : 0)), arrayminus: rates.map((one) => (one ? one.middle - one.low : 0)), thickness: 1.5, color: BLUE } },
    line(x, days.map(({ calibration }) => calibration), ORANGE, "y2", "%{y:.2f} times"),
    drifts && line(x, days.map(({ drift }) => drift), GREEN, "y3", "drift %{y:.3f}"),
  ].filter(Boolean);
  const layout = {
    showlegend: false, margin: { l: 8, r: 16, t: 12, b: 8 }, xaxis: { type: "category", anchor: drifts ? "y3" : "y2", tickangle: 0 },
    yaxis: { domain: domains[0], title: { text: "click rate" }, tickformat: ".0%", rangemode: "tozero", nticks: 4 }, yaxis2: { domain: domains[1], title: { text: "calibration" }, rangemode: "tozero", nticks: 4 },
    ...(drifts && { yaxis3: { domain: domains[2], title: { text: "drift" }, rangemode: "tozero", nticks: 4 } }),
    shapes: [across("y2", 1), drifts && across("y3", MUCH_DRIFT)].filter(Boolean),
  };
  return { data, layout, drifts };
}

/** The card; it fills itself, since nothing else of the page waits for its windows. */
export function daysCard(name, version, signal) {
  const place = h("div", {}, loading());
  daily(name, version, { signal }).then(({ days }) => {
    const known = days.filter(({ shown }) => shown > 0).length;
    if (known < 2) return show(place, note(known ? "A line comes with the second day of what was shown and clicked." : "Nothing was shown in the last 7 days."));
    const drawn = figureOf(days);
    const plot = plotPlace(`Click rate, calibration${drawn.drifts ? " and drift" : ""} of each of the last ${days.length} days`, drawn.drifts ? 460 : 340);
    plot.figure(drawn);
    return show(place, plot.place, note(`Click rates with their 95 % intervals. Calibration: 1 is right, above 1 the scores are too high.${drawn.drifts ? ` Drift: how far the visitors are from the training rows; above ${MUCH_DRIFT} train on newer rows.` : " This version has one group, so there is no drift of groups."}`));
  }, (error) => { if (!signal.aborted) show(place, note(error.message)); });
  return card("Day by day", place);
}
