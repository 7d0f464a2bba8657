/** A model's last days, each by itself: differences of windows that end now. */

import { getOr, part } from "./api.js";

const DAY_S = 86400;
export const DAYS = 7;
const Z = 1.959964;
const LEAST_SHARE = 1e-4;

/** 95 % interval of a rate (Wilson 1927), as the service gives it. */
export function wilson(clicks, shown) {
  const [share, spread] = [clicks / shown, (Z * Z) / shown];
  const half = Z * Math.sqrt((share * (1 - share)) / shown + spread / (4 * shown));
  return { middle: share, low: Math.max(0, (share + spread / 2 - half) / (1 + spread)), high: Math.min(1, (share + spread / 2 + half) / (1 + spread)) };
}

/** Impressions, clicks and summed scores of one window, and impressions by group of one version. */
function totals(online, version) {
  const sum = { shown: 0, clicks: 0, scored: 0, groups: new Map() };
  for (const one of online.groups) {
    sum.shown += one.impressions;
    sum.clicks += one.clicks;
    sum.scored += (one.calibration ?? 0) * one.clicks;
    if (one.version === version) sum.groups.set(one.group, one.impressions);
  }
  return sum;
}

/** Population stability index of a day's groups against those of the training rows; null where it is not known. */
function drift(groups, before, training) {
  const shown = training.map(({ group }) => (groups.get(group) ?? 0) - (before?.get(group) ?? 0));
  const total = shown.reduce((sum, number) => sum + number, 0);
  if (training.length < 2 || total <= 0) return null;
  return training.reduce((sum, one, place) => {
    const [now, then] = [Math.max(LEAST_SHARE, shown[place] / total), Math.max(LEAST_SHARE, one.training_share)];
    return sum + (now - then) * Math.log(now / then);
  }, 0);
}

function dayOf(sum, before, training) {
  const [shown, clicks, scored] = [sum.shown - (before?.shown ?? 0), sum.clicks - (before?.clicks ?? 0), sum.scored - (before?.scored ?? 0)];
  return { shown, rate: shown > 0 ? wilson(clicks, shown) : null, calibration: clicks > 0 ? scored / clicks : null, drift: drift(sum.groups, before?.groups, training) };
}

/** The whole week, what is known of it, and its days, oldest first; drift is that of the groups of `version`. */
export async function daily(name, version, options) {
  const windows = await Promise.all(Array.from({ length: DAYS }, (_, day) => getOr(`v1/models/${part(name)}/online?within_s=${(day + 1) * DAY_S}`, { groups: [] }, options)));
  const sums = windows.map((one) => totals(one, version));
  const training = windows.at(-1).routing?.groups ?? [];
  return { week: sums.at(-1), online: windows.at(-1), days: sums.map((sum, day) => dayOf(sum, sums[day - 1], training)).reverse() };
}
