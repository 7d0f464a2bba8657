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
  if (!("coloraxis" in copy)) {
    copy.margin = { ...copy.margin, t: copy.showlegend === false ? 24 : 40 };
  }
  return copy;
}

function draw() {
  for (const place of document.querySelectorAll("[data-figure]")) {
    const figure = figures[place.dataset.figure];
    Plotly.react(place, structuredClone(figure.data), themed(figure.layout), { responsive: true, displayModeBar: false });
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
