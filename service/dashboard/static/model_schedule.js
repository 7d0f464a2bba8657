/** When a model is refreshed by itself: seen, set and ended; what the schedule missed, skipped and could not start. */

import { ApiError, can, get, getOr, getTagged, part, putTagged, remove } from "./api.js";
import { h, show } from "./dom.js";
import { exact } from "./format.js";
import { card, confirmed, field, input, link, mono, note, pill, problem, select, stateOf, toast, when, working } from "./parts.js";

const WAYS = [
  ["day", "Every day", ([minute, hour]) => `${minute} ${hour} * * *`], ["week", "Every Monday", ([minute, hour]) => `${minute} ${hour} * * 1`],
  ["month", "On the first of the month", ([minute, hour]) => `${minute} ${hour} 1 * *`], ["cron", "At other times", null], ["figure", "When a figure asks for it", null],
];
const MODES = [["", "as the model's settings say"], ["passing", "if it meets the gates"], ["never", "only by a person"]];
const FIGURES = [
  ["new_rows", "New rows, at least", "1", "Of the data set, since the version that was learnt from."], ["drift_above", "Drift above", "any", "Population stability index; .25 is a large change."],
  ["click_through_below", "Click rate below, percent", "any", "Of the version that serves, over a day."],
];
const PERCENT = "click_through_below";
const factor = (name) => (name === PERCENT ? 100 : 1);

/** Settings of a schedule in words. */
export function words({ cron, zone, triggers }) {
  if (!cron) return FIGURES.filter(([name]) => triggers[name] !== null && triggers[name] !== undefined).map(([name, label]) => `${label.replace(", percent", "")} ${Number((triggers[name] * factor(name)).toPrecision(10))}${name === PERCENT ? " %" : ""}`).join(", or ");
  const [minute, hour] = cron.split(" ").map(Number);
  const usual = WAYS.find(([, , make]) => make?.([minute, hour]) === cron);
  return usual ? `${usual[1]} at ${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}, ${zone}` : [mono(cron), `, ${zone}`];
}

/** What needs a person's eye: a run that could not start or failed, and missed ones. */
export function troubles(schedule) {
  const told = [];
  if (schedule.last_error) told.push({ tag: "refresh failed", tone: "bad", text: `${schedule.last_error.code === "not_started" ? "The last run could not start" : "The last run failed"}: ${schedule.last_error.detail}` });
  if (schedule.missed) told.push({ tag: "run missed", tone: "warn", text: `${schedule.missed === 1 ? "1 run was" : `${schedule.missed} runs were`} missed because the service did not run, the last at ${exact(schedule.missed_at.at(-1))}.` });
  return told;
}

function facts(one, dataset) {
  const { refresh } = one.settings;
  const run = one.last_job_id ? [link(one.last_job_state ? "its refresh" : one.last_job_id, `/searches/${one.last_job_id}`), " ", one.last_job_state && stateOf(one.last_job_state), " ", when(one.last_at)] : "none yet";
  const told = troubles(one);
  return [
    told.length > 0 && h("div", { class: "notice warn" }, h("strong", {}, "Look at this schedule"), h("ul", {}, told.map(({ text }) => h("li", {}, text)))),
    h("dl", { class: "facts" }, [["Runs", words(one.settings)], [one.settings.cron ? "Next run" : "Figures are looked at from", when(one.next_at)], ["Last run", run], ["On", link(dataset?.name ?? refresh.dataset_id, `/datasets/${refresh.dataset_id}`)],
      ["Goes live", (MODES.find(([mode]) => mode === (refresh.auto_promote ?? "")) ?? [, "the first version alone"])[1]], one.settings.append_events && ["First appends", "what was shown since the last run"], one.skipped > 0 && ["Skipped", `${one.skipped}, since the run before was still at work`], ["Set by", one.actor]]
      .filter(Boolean).map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
  ];
}

function choice(pairs, chosen, act) {
  const made = select(pairs, chosen, act);
  made.removeAttribute("aria-label");
  return made;
}

function startOf(settings) {
  if (!settings) return { way: "week", time: "03:00" };
  if (!settings.cron) return { way: "figure", time: "03:00" };
  const [minute, hour] = settings.cron.split(" ").map(Number);
  const usual = WAYS.find(([, , make]) => make?.([minute, hour]) === settings.cron);
  return usual ? { way: usual[0], time: `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}` } : { way: "cron", time: "03:00" };
}

function form(model, before, datasets, save) {
  const settings = before?.settings;
  const asked = { ...startOf(settings), dataset: settings?.refresh.dataset_id ?? datasets[0].id, auto: settings?.refresh.auto_promote ?? "" };
  const time = input({ type: "time", value: asked.time, required: true });
  const cron = input({ value: asked.way === "cron" ? settings.cron : "", placeholder: "0 3 * * 1", maxlength: "200" });
  const zone = input({ value: settings?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC", maxlength: "100" });
  const figures = FIGURES.map(([name, label, step, help]) => {
    const known = settings?.triggers?.[name];
    const control = input({ type: "number", min: "0", step, inputmode: "decimal", value: known === null || known === undefined ? "" : String(Number((known * factor(name)).toPrecision(10))) });
    return { name, control, made: field(label, control, help) };
  });
  const append = h("input", { type: "checkbox", id: "schedule-append", checked: Boolean(settings?.append_events) });
  const [at, other, inZone] = [field("At", time), field("Times", cron, "Minute, hour, day of the month, month, day of the week."), field("Time zone", zone)];
  const appending = h("div", { class: "check" }, append, h("label", { for: append.id }, "Append what was shown since the last run first"));
  const asking = h("div", { class: "fields" }, figures.map(({ made }) => made));
  const turn = () => {
    at.hidden = asked.way === "cron" || asked.way === "figure";
    other.hidden = asked.way !== "cron";
    inZone.hidden = appending.hidden = asked.way === "figure";
    asking.hidden = asked.way !== "figure";
  };
  const ways = choice(WAYS.map(([way, label]) => [way, label]), asked.way, (value) => { asked.way = value; turn(); });
  turn();
  const place = h("div", { "aria-live": "polite" });
  const body = () => {
    const refresh = { ...settings?.refresh, dataset_id: asked.dataset, auto_promote: asked.auto || null };
    if (asked.way === "figure") return { refresh, triggers: { ...settings?.triggers, ...Object.fromEntries(figures.map(({ name, control }) => [name, control.value === "" ? null : Number((Number(control.value) / factor(name)).toPrecision(10))])) } };
    const times = WAYS.find(([way]) => way === asked.way)[2];
    const [hour, minute] = time.value.split(":").map(Number);
    return { refresh, cron: times ? times([minute, hour]) : cron.value, zone: zone.value, ...(append.checked && { append_events: settings?.append_events ?? {} }) };
  };
  const go = working(before ? "Change the schedule" : "Set the schedule", async () => {
    show(place);
    try {
      await save(body());
    } catch (error) {
      show(place, problem(error));
    }
  }, { kind: before ? "" : "main" });
  const known = datasets.some(({ id }) => id === asked.dataset) ? datasets : [{ id: asked.dataset, name: asked.dataset }, ...datasets];
  return [
    h("div", { class: "fields" }, field("How often", ways), at, other, inZone, field("Newer rows from", choice(known.map((one) => [one.id, one.name]), asked.dataset, (value) => { asked.dataset = value; })), field("The new version goes live", choice(MODES, asked.auto, (value) => { asked.auto = value; }))),
    asking, appending, place, h("div", { class: "actions" }, go),
  ];
}

async function kept(base) {
  try {
    return await getTagged(`${base}/schedule`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { document: null, tag: '"0"' };
    throw error;
  }
}

/** The card. The data set `learnt`, which the model comes from, is offered first. */
export async function scheduleCard(model, learnt, base, reload) {
  const [{ document: one, tag }, { datasets }] = await Promise.all([kept(base), get("v1/datasets?limit=200")]);
  const usable = datasets.filter(({ state, labelled }) => state === "valid" && labelled);
  usable.sort((first, other) => (other.id === learnt) - (first.id === learnt));
  const lead = one ? null : note("None: this model is refreshed only by a person.");
  const shown = one && facts(one, datasets.find(({ id }) => id === one.settings.refresh.dataset_id));
  if (!can("search")) return card("Schedule", lead, shown);
  const save = async (body) => {
    await putTagged(`${base}/schedule`, body, tag, reload);
    await reload();
    toast("The schedule is set.");
  };
  const end = one && working("Delete the schedule", async () => {
    if (!(await confirmed(`Delete the schedule of ${model.name}?`, "The model is then refreshed only by a person. A refresh that has begun goes on.", "Delete it"))) return;
    await remove(`${base}/schedule`);
    await reload();
    toast("There is no schedule any more.");
  }, { kind: "danger" });
  if (!usable.length && !one) return card("Schedule", lead, note("It needs a data set without errors."));
  const made = h("div", {}, form(model, one, usable, save));
  return card("Schedule", lead, shown, one ? [h("details", {}, h("summary", {}, "Change it"), made), h("div", { class: "actions" }, end)] : made);
}

/** Lines of the home page's list. */
export async function ofSchedules() {
  const { schedules } = await getOr("v1/schedules?limit=200", { schedules: [] });
  return schedules.flatMap((one) => troubles(one).map(({ tag, tone, text }) => [pill(tag, tone), link(one.model, `/models/${part(one.model)}`), text]));
}
