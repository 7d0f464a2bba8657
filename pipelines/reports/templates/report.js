"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function themed(layout) {
  const copy = structuredClone(layout);
  copy.font = { ...copy.font, color: colour("--muted") };
  copy.hoverlabel = { ...copy.hoverlabel, bgcolor: colour("--card"), font: { color: colour("--ink") } };
  for (const key of Object.keys(copy).filter((name) => /^[xy]axis/.test(name))) {
    copy[key].gridcolor = colour("--grid");
  }
  const legend = copy.showlegend !== false && !("coloraxis" in copy);
  copy.margin = { ...copy.margin, t: legend ? 40 : 24 };
  return copy;
}

function draw() {
  for (const place of document.querySelectorAll("[data-figure]")) {
    const figure = figures[place.dataset.figure];
    Plotly.react(place, structuredClone(figure.data), themed(figure.layout), { displayModeBar: false });
    place.removeAllListeners("plotly_afterplot");
    place.on("plotly_afterplot", () => unclutter(place));
    unclutter(place);
  }
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

/** Plotly's script, packed in the page; the page's policy names it by its hash. */
async function library(packed) {
  const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
  const script = document.createElement("script");
  script.textContent = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.head.append(script);
}

async function begin() {
  const packed = document.getElementById("library");
  if (!packed) return;
  await library(packed);
  draw();
  const sizes = new ResizeObserver((changes) => changes.forEach((change) => Plotly.Plots.resize(change.target)));
  document.querySelectorAll("[data-figure]").forEach((place) => sizes.observe(place));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

begin().catch(() => document.querySelectorAll("[data-figure]").forEach((place) => { place.textContent = "This browser is too old to draw the figure; the tables hold the same figures."; }));
