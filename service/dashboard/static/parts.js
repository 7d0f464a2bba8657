/** What pages are put together from. */

import { h, newId, show } from "./dom.js";
import { ago, exact } from "./format.js";

const WORDS = {
  queued: "waits", running: "running", succeeded: "succeeded", failed: "failed", cancelled: "cancelled",
  uploading: "waits for its file", validating: "being checked", valid: "ready", invalid: "has errors",
};
const TONES = { running: "busy", validating: "busy", queued: "quiet", uploading: "quiet", cancelled: "quiet", succeeded: "good", valid: "good", failed: "bad", invalid: "bad" };

export const pill = (text, tone = "quiet") => h("span", { class: `pill ${tone}` }, text);
export const stateOf = (word) => pill(WORDS[word] ?? word, TONES[word] ?? "quiet");
export const when = (moment) => h("time", { datetime: moment, title: exact(moment) }, ago(moment));
export const note = (...children) => h("p", { class: "muted" }, children);
export const mono = (text) => h("code", {}, text);

/** The head of a page: title, what belongs to it, buttons. */
export function head(title, { kicker, lead, actions = [] } = {}) {
  return h("header", { class: "head" },
    h("div", {}, kicker && h("p", { class: "kicker" }, kicker), h("h1", { tabindex: "-1" }, title), lead && h("p", { class: "lead" }, lead)),
    actions.some(Boolean) && h("div", { class: "actions" }, actions));
}

export const card = (title, ...children) => h("section", { class: "card" }, title && h("h2", {}, title), children);

export function tile(label, value, ...below) {
  return h("div", { class: "tile" }, h("span", {}, label), h("strong", {}, value), below.map((text) => text && h("small", {}, text)));
}

export const button = (text, act, { kind = "", disabled = false, label, type = "button" } = {}) =>
  h("button", { type, class: `button ${kind}`, disabled, "aria-label": label, on: act && { click: act } }, text);

export const link = (text, to, kind) => h("a", { href: `#${to}`, class: kind && `button ${kind}` }, text);

/** An error in one line: what each wrong part of the request is told, where there are such parts. */
export function reasons(error) {
  const parts = (error.problem?.errors ?? []).map(({ detail }) => detail).filter(Boolean);
  return parts.length ? parts.join(" ") : error.message;
}

/** A button that waits for its work and shows what went wrong in a toast. */
export function working(text, work, options = {}) {
  const made = button(text, async () => {
    made.disabled = true;
    made.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      toast(reasons(error), "bad");
    } finally {
      made.disabled = false;
      made.removeAttribute("aria-busy");
    }
  }, options);
  return made;
}

/** How a cell breaks: a short text or link stands in one line, a long one may take the width. */
function ofLength(cell) {
  const text = typeof cell === "string" ? cell : cell instanceof Element ? cell.textContent : null;
  if (text === null) return false;
  if (text.length <= 14) return "short";
  return typeof cell === "string" && cell.length > 40 && "wide";
}

/** A table; a cell is a text or elements; a head of a column is a text. On narrow screens every row stands as a card. */
export function table(caption, columns, rows, { marked = () => false } = {}) {
  const body = rows.map((row, number) => h("tr", { class: marked(number) && "marked" },
    row.map((cell, place) => (place === 0 ? h("th", { scope: "row" }, cell) : h("td", { class: ofLength(cell), data: { label: columns[place] } }, h("span", {}, cell))))));
  return h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, body));
}

/** A labelled field of a form, with help under it. */
export function field(label, control, help) {
  const id = newId("field");
  control.id = id;
  const described = help && newId("help");
  if (described) control.setAttribute("aria-describedby", described);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, help && h("small", { id: described }, help));
}

export function select(choices, chosen, act, label) {
  return h("select", { "aria-label": label, on: act && { change: (event) => act(event.target.value) } },
    choices.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

export const input = (properties) => h("input", { type: "text", autocomplete: "off", spellcheck: "false", ...properties });

/** What stands where there is nothing yet. */
export const empty = (title, text, ...actions) => h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "actions" }, actions));

export const loading = (text = "Loading …") => h("p", { class: "loading", role: "status" }, text);

/** An error as a person can act on it. */
export function problem(error) {
  const more = (error.problem?.errors ?? []).filter(({ detail }) => !error.message.endsWith(detail));
  const said = more.map((one) => h("li", {}, one.pointer && mono(one.pointer), one.pointer && " ", one.detail));
  const denied = error.status === 403;
  return h("div", { class: "notice bad", role: "alert" }, h("strong", {}, denied ? "Your key may not do this" : "That did not work"), h("p", {}, error.message), said.length > 0 && h("ul", {}, said));
}

/** Say something for some seconds. */
export function toast(text, tone = "good") {
  const said = h("div", { class: `toast ${tone}` }, text);
  document.getElementById("toasts").append(said);
  setTimeout(() => said.remove(), 7000);
}

/** Ask before what cannot be taken back; true where it was confirmed. */
export function confirmed(title, text, word) {
  return new Promise((done) => {
    const titled = newId("title");
    const dialog = h("dialog", { "aria-labelledby": titled }, h("h2", { id: titled }, title), h("p", {}, text),
      h("div", { class: "actions" }, button("Keep it", () => dialog.close("no")), button(word, () => dialog.close("yes"), { kind: "danger" })));
    dialog.addEventListener("close", () => { dialog.remove(); done(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A text to copy, and the button that copies it. */
export function copyable(text, label) {
  return h("div", { class: "copyable" }, h("pre", { tabindex: "0", "aria-label": label }, h("code", {}, text)),
    button("Copy", async () => {
      await navigator.clipboard.writeText(text);
      toast("Copied.");
    }, { label: `Copy ${label}`, kind: "small" }));
}

/** Tabs: `[name, make]` pairs; only the chosen one is made. */
export function tabs(label, pairs) {
  const panel = h("div", { role: "tabpanel", id: newId("panel"), tabindex: "0" });
  const heads = pairs.map(([name, make], place) => h("button", { type: "button", role: "tab", id: newId("tab"), "aria-controls": panel.id, on: {
    click: () => choose(place, make),
    keydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        const next = heads[(place + step + heads.length) % heads.length];
        next.focus();
        next.click();
      }
    },
  } }, name));
  function choose(place, make) {
    heads.forEach((head, number) => {
      head.setAttribute("aria-selected", String(number === place));
      head.tabIndex = number === place ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", heads[place].id);
    show(panel, make());
  }
  choose(0, pairs[0][1]);
  return h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": label }, heads), panel);
}

/** A bar of progress with its words. */
export function progress(share, label) {
  return h("div", { class: "progress", role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(Math.round(100 * share)) },
    h("span", { style: { width: `${Math.max(1, 100 * share)}%` } }));
}

/** Pages of a list by cursor: `[rows, next_cursor]` from `load(cursor)`; `draw(rows)` shows them. */
export async function paged(place, load, draw) {
  const cursors = [null];
  async function turn() {
    const { rows, next } = await load(cursors.at(-1));
    const back = cursors.length > 1 && button("Newer", () => { cursors.pop(); turn(); }, { kind: "small" });
    const on = next && button("Older", () => { cursors.push(next); turn(); }, { kind: "small" });
    show(place, draw(rows), (back || on) && h("nav", { class: "pager", "aria-label": "Pages of the list" }, back, h("span", {}, `Page ${cursors.length}`), on));
  }
  await turn();
}
