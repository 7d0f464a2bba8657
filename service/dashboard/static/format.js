/** Numbers and times as a person reads them. */

const LANGUAGE = "en";
const whole = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
const NONE = "–";
const absent = (value) => value === null || value === undefined || Number.isNaN(value);

export const count = (value) => (absent(value) ? NONE : whole.format(value));
export const fixed = (value, digits = 4) => (absent(value) ? NONE : Number(value).toFixed(digits));
export const signed = (value, digits = 4) => (absent(value) ? NONE : `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(digits)}`);
export const percent = (share, digits = 1) => (absent(share) ? NONE : `${(100 * share).toFixed(digits)} %`);
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A difference of shares, in percentage points. */
export const points = (share, digits = 1) => (absent(share) ? NONE : `${signed(100 * share, digits)} points`);

/** A difference with its 95 % interval. */
export const interval = (gain, digits = 4) => (gain ? `${signed(gain.difference, digits)} (${signed(gain.low, digits)} to ${signed(gain.high, digits)})` : NONE);

/** What an interval says: better or worse where it excludes zero. */
export function outcome(gain) {
  if (!gain || (gain.low <= 0 && gain.high >= 0)) return "unclear";
  return gain.low > 0 ? "better" : "worse";
}

export function bytes(value) {
  if (absent(value)) return NONE;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let number = value;
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  return `${unit ? number.toFixed(1) : number} ${units[unit]}`;
}

export function seconds(value) {
  if (absent(value)) return NONE;
  if (value < 90) return `${Math.max(1, Math.round(value))} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
}

const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [2592000, "day", 86400], [Infinity, "month", 2592000]];

/** How long ago, in words. */
export function ago(moment) {
  if (!moment) return NONE;
  const since = (Date.now() - Date.parse(moment)) / 1000;
  const [, unit, of] = STEPS.find(([below]) => Math.abs(since) < below);
  return relative.format(-Math.round(since / of), unit);
}

/** The moment itself, for whoever points at `ago`. */
export const exact = (moment) => (moment ? new Date(moment).toLocaleString(LANGUAGE) : "");
