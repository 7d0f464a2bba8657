/** Recommendations for a visitor of your making, why each is there, and what a changed value does. */

import { can, get, part, post } from "./api.js";
import { twoSided } from "./charts.js";
import { h, newId, show } from "./dom.js";
import { counted, fixed, percent, points } from "./format.js";
import { card, empty, field, head, input, link, loading, note, pill, problem, select, working } from "./parts.js";
import { recommendSnippets } from "./snippets.js";
import { fieldsOf, nameOf, ofTheUser, tick } from "./try_fields.js";

const MOST_VALUES = 60;

function control({ name, profile }, context, tell) {
  const values = (profile?.commonest ?? []).slice(0, MOST_VALUES).map(([value]) => value);
  const list = values.length > 0 && h("datalist", { id: newId("values") }, values.map((value) => h("option", { value })));
  const text = input({ list: list && list.id, value: context[name] ?? "", placeholder: "not known" });
  text.addEventListener("input", () => {
    if (text.value === "") delete context[name];
    else context[name] = text.value;
    tell();
  });
  return [text, list];
}

function why(item) {
  const { explanation } = item;
  if (!explanation) return note("This model explains nothing.");
  const told = explanation.contributions ?? [];
  const strongest = [...told].sort((a, b) => Math.abs(b.logit) - Math.abs(a.logit)).slice(0, 8).filter(({ logit }) => Math.abs(logit) > 0.0005);
  const routing = Object.entries(explanation.group_contributions ?? {}).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 6);
  return h("div", { class: "inside" },
    h("div", {}, h("p", {}, explanation.sentence), h("h3", {}, "What moves the score"), strongest.length ? twoSided(strongest.map((one) => [`${one.field} = ${one.values.join(", ")}`, one.logit]), "Contributions to the score in log-odds") : note("No field moves it."), note("In log-odds: to the right raises the score.")),
    h("div", {}, h("h3", {}, "Why this group"), h("dl", { class: "facts" }, h("dt", {}, "Group"), h("dd", {}, String(item.group)), h("dt", {}, "Model"), h("dd", {}, explanation.path), h("dt", {}, "Margin to the next group"), h("dd", {}, explanation.margin === null ? "there is one group only" : fixed(explanation.margin, 3))),
      routing.length > 0 && twoSided(routing, "What each field adds to the margin", 3)));
}

/** The group and the model of an item, where a change moved it to others. */
function moves(former, item) {
  if (!former) return null;
  const paths = [former, item].map(({ explanation }) => explanation?.path);
  return [former.group !== item.group && [" ", pill(`group ${former.group} → ${item.group}`, "warn")], paths[0] !== paths[1] && [" ", pill(`model ${paths.join(" → ")}`, "warn")]];
}

function ranked(answer, before, display) {
  const places = new Map((before?.items ?? []).map((item) => [item.id, item]));
  return h("ol", { class: "items" }, answer.items.map((item) => {
    const former = places.get(item.id);
    const moved = before && (former ? former.rank - item.rank : "new");
    const move = before && (moved === "new" ? pill("new", "busy") : moved === 0 ? pill("same place") : pill(moved > 0 ? `up ${moved}` : `down ${-moved}`, moved > 0 ? "good" : "bad"));
    const shift = before && former && ` ${points(item.score - former.score)}`;
    return h("li", {}, h("details", { class: "item" }, h("summary", {}, h("span", { class: "rank" }, String(item.rank)), h("span", {}, nameOf(item, display), " ", move, moves(former, item)),
      h("span", { class: "bar-line", "aria-hidden": "true" }, h("span", { style: { width: `${100 * item.score}%` } })), h("span", { class: "score" }, percent(item.score), shift && h("small", { class: "muted" }, shift))), why(item)));
  }));
}

function degraded({ degraded_groups: groups }) {
  return groups?.length > 0 && h("p", { class: "notice warn", role: "status" }, `The own model of group ${groups.join(", ")} cannot be used; the plain model serves it.`);
}

function options(columns, user, state, tell) {
  const seen = user && tick("Leave out what the user has clicked", state.seen, (yes) => { state.seen = yes; tell(); });
  const shown = columns.slice(0, 12).map((column) => tick(column, state.columns.has(column), (yes) => { state.columns[yes ? "add" : "delete"](column); tell(); }));
  return [seen, shown.length > 0 && h("fieldset", {}, h("legend", {}, "Show items with"), h("div", { class: "ticks" }, shown))];
}

/** The page. */
export async function tryIt({ query }) {
  const { models } = await get("v1/models");
  if (!can("score")) return empty("Your key may not ask models", "It needs the scope score. Ask whoever made it.");
  if (!models.length) return empty("No models yet", "A search that succeeds makes one.", can("search") && link("Start a search", "/searches/new", "main"));
  const name = models.some((one) => one.name === query.get("model")) ? query.get("model") : models[0].name;
  const known = await get(`v1/models/${part(name)}`);
  const version = Number(query.get("version")) || known.serving || known.latest;
  const to = (model, number) => { location.hash = `/try?model=${part(model)}${number ? `&version=${number}` : ""}`; };
  const { stated: fields, shown: columns, display, user } = await fieldsOf(name, version);
  const context = Object.fromEntries(fields.filter(({ profile }) => profile?.commonest.length).slice(0, 4).map((one) => [one.name, one.profile.commonest[0][0]]));
  const state = { k: 10, before: null, asked: null, seen: false, columns: new Set(display.slice(0, 3)) };
  const [answers, copies] = [h("div", { "aria-live": "polite" }), h("div")];
  const body = () => ({ context, k: state.k, explain: true, ...(state.seen && { exclude_seen: true }), ...(state.columns.size && { fields: [...state.columns] }) });
  const tell = () => show(copies, recommendSnippets(name, body()));
  const ask = async (compare) => {
    show(answers, loading("Asking …"));
    try {
      const asked = body();
      const answer = await post(`v1/models/${part(name)}/recommend?version=${version}`, asked);
      const before = compare ? state.before : null;
      const changed = before && Object.keys({ ...context, ...state.asked }).filter((field) => context[field] !== state.asked[field]);
      show(answers, card(before ? "After the change" : "Recommended", before && note(changed.length ? `Changed: ${changed.map((field) => `${field} = ${context[field] ?? "not known"}`).join(", ")}.` : "Nothing was changed."), degraded(answer), ofTheUser(answer, asked) && h("p", { class: "notice", role: "status" }, ofTheUser(answer, asked)), answer.items.length ? ranked(answer, before, display) : note("No item is left."),
        note(`${counted(answer.num_scored, "item")} ${answer.num_scored === 1 ? "was" : "were"} scored by version ${answer.version}. Open an item to see why it is there.${answer.unknown_values.length ? ` Values that the model does not know: ${answer.unknown_values.map((one) => `${one.field} = ${one.value}`).join(", ")}.` : ""}`)));
      Object.assign(state, { before: answer, asked: { ...context } });
      show(whatIf, working("What if? Compare with the last answer", () => ask(true)));
    } catch (error) {
      show(answers, problem(error));
    }
  };
  const whatIf = h("span");
  const pick = select(models.map((one) => [one.name, one.name]), name, (value) => to(value));
  const number = select(known.versions.slice(0, 50).map((one) => [String(one.version), `Version ${one.version}${one.version === known.serving ? ", serves" : ""}`]), String(version), (value) => to(name, value));
  [pick, number].forEach((one) => one.removeAttribute("aria-label"));
  const most = input({ type: "number", min: "1", max: "100", value: "10" });
  most.addEventListener("input", () => { state.k = Number(most.value) || 10; tell(); });
  const made = (one) => { const [text, list] = control(one, context, tell); const shown = field(one.name, text); if (list) shown.append(list); return shown; };
  tell();
  return [
    head("Try it", { lead: "Say what is known about a visitor, and see what they would get, and why." }),
    card("Model", h("div", { class: "fields" }, field("Model", pick), field("Version", number), field("Items", most))),
    card("Visitor and moment", note("What you leave empty is not known, as for a visitor whom you have never seen.", user && ` Of a user whom the model knows (${user}), what describes them and is left empty is that of their newest row.`), h("div", { class: "fields" }, fields.slice(0, 12).map(made)), fields.length > 12 && h("details", {}, h("summary", {}, `${fields.length - 12} more fields`), h("div", { class: "fields" }, fields.slice(12).map(made))),
      options(columns, user, state, tell), h("div", { class: "actions" }, working("Recommend", () => ask(false), { kind: "main" }), whatIf)),
    answers, card("The same elsewhere", copies),
  ];
}
