/** Plots by plotly, whose script is loaded by the first page that draws; in its place a sentence where it is not installed. */

import { get, part } from "./api.js";
import { h, show } from "./dom.js";
import { note } from "./parts.js";

const SCRIPT = "dashboard/plotly.min.js";
let loaded;
const drawn = new Set();

function plotly() {
  loaded ??= new Promise((done, fail) => {
    document.head.append(h("script", { src: SCRIPT, on: { load: () => done(window.Plotly), error: () => fail(new Error("Plots need the package plotly on the server.")) } }));
  });
  return loaded;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** Text that plotly, which reads some tags, shows as it is. */
export const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function themed(layout) {
  const axis = { automargin: true, zeroline: false, gridcolor: colour("--line"), linecolor: colour("--line") };
  const copy = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", ...structuredClone(layout) };
  copy.title = undefined;
  copy.font = { family: "system-ui, sans-serif", size: 13, ...copy.font, color: colour("--muted") };
  copy.hoverlabel = { ...copy.hoverlabel, bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } };
  copy.margin = { l: 8, r: 16, b: 8, ...copy.margin, t: copy.showlegend === false ? 16 : 44 };
  copy.legend = { orientation: "h", yanchor: "bottom", y: 1, xanchor: "left", x: 0, ...copy.legend };
  for (const name of new Set(["xaxis", "yaxis", ...Object.keys(copy).filter((one) => /^[xy]axis/.test(one))])) copy[name] = { ...axis, ...copy[name], gridcolor: axis.gridcolor };
  return copy;
}

/** Hide the names that would stand over another: numbers of the axes go before names of marks, which are told to whoever points at one. */
function unclutter(place) {
  const taken = [];
  const marked = ".ytick text, .xtick text, .y2tick text, .x2tick text";
  for (const text of [...place.querySelectorAll(marked), ...place.querySelectorAll(".textpoint text, .annotation-text")]) {
    text.style.visibility = "";
    const box = text.getBoundingClientRect();
    const over = taken.some((one) => box.left < one.right && one.left < box.right && box.top < one.bottom && one.top < box.bottom);
    if (over) text.style.visibility = "hidden";
    else taken.push(box);
  }
}

async function draw(place, figure) {
  try {
    const library = await plotly();
    await library.react(place, structuredClone(figure.data), themed(figure.layout), { displayModeBar: false, responsive: false });
    place.removeAllListeners("plotly_afterplot");
    place.on("plotly_afterplot", () => unclutter(place));
    unclutter(place);
  } catch (error) {
    show(place, note(error.message));
  }
}

const sizes = new ResizeObserver((changes) => changes.forEach(({ target }) => target.isConnected && target.classList.contains("js-plotly-plot") && window.Plotly?.Plots.resize(target)));

function again() {
  for (const one of drawn) {
    if (one.place.isConnected) draw(one.place, one.figure);
    else drawn.delete(one);
  }
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
addEventListener("ihas-theme", again);

/** Axis of costs: with a mark at 1, 2 and 5 of each power of ten where they differ by factors, else with even steps. */
export function costAxis(values, title) {
  const known = values.filter((value) => value > 0);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  if (most < 8 * least) return { title: { text: title }, nticks: 6, tickformat: "~s", ...(most === least && { range: [least / 2, 1.5 * most] }) };
  const powers = Array.from({ length: 16 }, (_, power) => 10 ** power);
  return { type: "log", title: { text: title }, tickmode: "array", tickvals: powers.flatMap((one) => [one, 2 * one, 5 * one]).filter((one) => one >= least / 2 && one <= 2 * most), tickformat: "~s" };
}

/** A place for a plot: `figure(plot)` draws one into it. `label` says in words what it shows. */
export function plotPlace(label, height = 360) {
  const place = h("div", { class: "plot", role: "img", "aria-label": label, style: { "min-height": `${height}px` } });
  const one = { place, figure: null };
  const shown = new Promise((done) => {
    const look = () => (place.isConnected ? done() : requestAnimationFrame(look));
    look();
  });
  return {
    place,
    figure: async (figure) => {
      one.figure = { data: figure.data, layout: { height, ...figure.layout } };
      drawn.add(one);
      await shown;
      sizes.observe(place);
      await draw(place, one.figure);
    },
  };
}

/** A plot of a search, the same as in its report. */
export function plotOf(search, name, title, read) {
  const { place, figure } = plotPlace(title, 300);
  get(`v1/searches/${search}/plots/${part(name)}`).then(figure, (error) => show(place, note(error.message)));
  return h("figure", { class: "card" }, h("h3", {}, title), place, h("figcaption", {}, read));
}
