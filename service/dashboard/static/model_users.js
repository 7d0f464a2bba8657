/** Known users of a model: what was put of one of them, changed and forgotten. What the bundle itself knows is not shown. */

import { ApiError, can, get, getOr, part, put, remove } from "./api.js";
import { h, show } from "./dom.js";
import { counted } from "./format.js";
import { card, confirmed, field, input, note, problem, toast, working } from "./parts.js";
import { fieldsOf } from "./try_fields.js";

const SHOWN = 60;

async function kept(base, user) {
  try {
    return (await get(`${base}/users/${part(user)}`)).fields;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function editor(base, user, fields, known, redraw) {
  const controls = known.map((name) => {
    const control = input({ value: fields?.[name] === undefined || fields[name] === null ? "" : [fields[name]].flat().join(", "), placeholder: "not known" });
    return { name, control, was: control.value, made: field(name, control) };
  });
  const body = () => {
    const others = Object.entries(fields ?? {}).filter(([name]) => !known.includes(name));
    const stated = controls.filter(({ control }) => control.value !== "").map(({ name, control, was }) => [name, control.value === was ? fields[name] : control.value]);
    return { fields: Object.fromEntries([...others, ...stated]) };
  };
  const place = h("div", { "aria-live": "polite" });
  const save = working(`Keep what is known of ${user}`, async () => {
    show(place);
    try {
      await put(`${base}/users`, { users: [{ user, ...body() }] });
      toast("Requests get it from now on.");
      await redraw();
    } catch (error) {
      show(place, problem(error));
    }
  }, { kind: "main" });
  const forget = fields && working("Forget this user", async () => {
    if (!(await confirmed(`Forget ${user}?`, "What was put goes, and which items they have clicked. What the model was trained on stays in it.", "Forget"))) return;
    await remove(`${base}/users/${part(user)}`);
    toast("Forgotten.");
    await redraw();
  }, { kind: "danger" });
  return [note(fields ? `What was put of ${user}:` : `Nothing was put of ${user} yet.`), h("div", { class: "fields" }, controls.map(({ made }) => made)), place, h("div", { class: "actions" }, save, forget)];
}

/** The card; null for whom it is not, and where the model knows no users. */
export async function usersCard(model, base) {
  const { serving, name } = model;
  if (!can("data") || !serving) return null;
  const [total, { stated, user }] = await Promise.all([getOr(`${base}/users`, null), fieldsOf(name, serving)]);
  if (!total || !user) return null;
  const known = stated.map((one) => one.name).filter((one) => one !== user).slice(0, SHOWN);
  const [count, place] = [h("p", { class: "muted" }), h("div", { class: "apart" })];
  place.hidden = true;
  const tell = ({ users }) => show(count, users ? `Something was put of ${counted(users, "user")}.` : "Nothing was put of any user yet. What is put of one fills in what a request leaves out.");
  tell(total);
  const text = input({ required: true, maxlength: "255", placeholder: "the id of a user" });
  const look = async (who) => {
    place.hidden = false;
    show(place, editor(base, who, await kept(base, who), known, async () => { tell(await get(`${base}/users`)); await look(who); }));
  };
  const form = h("form", { on: { submit: async (event) => {
    event.preventDefault();
    try {
      await look(text.value.trim());
    } catch (error) {
      place.hidden = false;
      show(place, problem(error));
    }
  } } }, field(`User, as the field ${user} spells it`, text), h("div", { class: "actions" }, h("button", { type: "submit", class: "button" }, "Look up")));
  return card("Known users", count, form, place);
}
