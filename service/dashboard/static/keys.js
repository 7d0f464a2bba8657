/** Who asks, what it may, keys of the tenant, and what is kept. */

import { can, get, post, remove, state } from "./api.js";
import { h, show } from "./dom.js";
import { bytes, percent } from "./format.js";
import { button, card, confirmed, copyable, field, head, input, note, pill, problem, table, toast, when, working } from "./parts.js";

const SCOPES = [["read", "see data sets, searches, models"], ["data", "upload and delete data"], ["search", "start and stop searches"], ["models", "promote, roll back, split traffic"], ["score", "ask models, report clicks"], ["admin", "make and end keys"]];
const KINDS = { datasets: "Data sets", searches: "Searches and models", answers: "Recommendations and events" };

function usageCard(usage) {
  const rows = Object.entries(usage).map(([kind, { used, limit }]) => [KINDS[kind] ?? kind, limit ? used / limit : 0, `${bytes(used)}${limit ? ` of ${bytes(limit)}` : ""}`]);
  return card("Kept", table("Usage", ["Kind", "Bytes", "Of the limit"], rows.map(([name, share, words]) => [name, words, percent(share, 2)])));
}

function created(place, answer) {
  show(place, h("div", { class: "notice good" }, h("strong", {}, "Copy this key now. It is shown only once."), copyable(answer.key, "the new key")));
}

function creator(place, redraw) {
  const name = input({ required: true, maxlength: "200", placeholder: "shop front" });
  const boxes = SCOPES.filter(([scope]) => state.caller.scopes.includes(scope)).map(([scope, text]) => {
    const box = h("input", { type: "checkbox", id: `scope-${scope}`, value: scope, checked: scope === "read" || scope === "score" });
    return { box, row: h("div", { class: "check" }, box, h("label", { for: box.id }, h("strong", {}, scope), ` ${text}`)) };
  });
  const form = h("form", { on: { submit: async (event) => {
    event.preventDefault();
    try {
      created(place, await post("v1/keys", { name: name.value, scopes: boxes.filter(({ box }) => box.checked).map(({ box }) => box.value) }));
      await redraw();
    } catch (error) {
      show(place, problem(error));
    }
  } } }, field("Name", name, "Where it is used."), h("fieldset", {}, h("legend", {}, "What it may do"), boxes.map(({ row }) => row)), button("Create the key", null, { kind: "main", type: "submit" }));
  return card("A new key", form);
}

async function keyList(place, said) {
  const { keys: all } = await get("v1/keys");
  const redraw = () => keyList(place, said);
  const ended = (one) => one.revoked_at || (one.expires_at && Date.parse(one.expires_at) < Date.now());
  const rotate = (one) => async () => { created(said, await post(`v1/keys/${one.id}/rotate`, {})); await redraw(); };
  const revoke = (one) => async () => {
    if (!(await confirmed(`Revoke ${one.name}?`, "Programs that use it are refused from now on.", "Revoke it"))) return;
    await remove(`v1/keys/${one.id}`);
    toast("Revoked.");
    await redraw();
  };
  show(place, all.length ? table("Keys", ["Name", "Id", "May", "Created", "State", "Change"], all.slice(0, 200).map((one) => [one.name, h("code", {}, one.id), one.scopes.join(", "), when(one.created_at), ended(one) ? pill("ended") : one.expires_at ? pill("ends soon", "warn") : pill("valid", "good"),
    ended(one) ? "–" : h("span", { class: "actions" }, working("Rotate", rotate(one), { kind: "small", label: `Rotate ${one.name}` }), working("Revoke", revoke(one), { kind: "small danger", label: `Revoke ${one.name}` }))])) : note("There are no keys yet."));
}

/** The page. */
export async function keys() {
  const { caller } = state;
  const usage = await get("v1/usage");
  const [list, said] = [h("div"), h("div")];
  if (can("admin")) await keyList(list, said);
  return [
    head("Keys and usage"),
    h("div", { class: "pair" }, card("You", h("dl", { class: "facts" }, h("dt", {}, "Tenant"), h("dd", {}, caller.tenant), h("dt", {}, "Name"), h("dd", {}, caller.name), h("dt", {}, "May"), h("dd", {}, caller.scopes.join(", "))), caller.access === "local" && note("This service asks for no keys and answers this machine only. Set IHAS_ACCESS=keys before others use it.")), usageCard(usage)),
    said, can("admin") ? [card("Keys", list), creator(said, () => keyList(list, said))] : card("Keys", note("Your key may not see other keys. It needs the scope admin.")),
  ];
}
