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
  }
}

draw();
const sizes = new ResizeObserver((changes) => changes.forEach((change) => Plotly.Plots.resize(change.target)));
document.querySelectorAll("[data-figure]").forEach((place) => sizes.observe(place));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
