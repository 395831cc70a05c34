/** Numbers, money and times as the reader's language writes them. */
import { language, words } from './words.js';

/** @param {number} value */
export const count = (value) => new Intl.NumberFormat(language.value).format(value);

/** @param {number} amount In the currency's minor unit. @param {string} currency ISO 4217. */
export function money(amount, currency) {
  const format = new Intl.NumberFormat(language.value, { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** A point in time of day. @param {string} time RFC 3339. */
export const clock = (time) => new Intl.DateTimeFormat(language.value, { timeStyle: 'medium' }).format(new Date(time));

/** In the venue's zone, named, if it is known. @param {string} time @param {string | null} [zone] */
export function when(time, zone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const parts = { year: 'numeric', month: 'short', day: 'numeric', weekday: 'short', hour: '2-digit', minute: '2-digit', timeZoneName: 'short', timeZone: zone ?? undefined };
  return new Intl.DateTimeFormat(language.value, parts).format(new Date(time));
}

/** So long, as far as it matters. @param {number} seconds */
export function lasting(seconds) {
  const { tonight: w } = words();
  if (seconds < 90) return w.seconds(Math.round(seconds));
  if (seconds < 90 * 60) return w.minutes(Math.round(seconds / 60));
  if (seconds < 36 * 3_600) return w.hours(Math.round(seconds / 3_600));
  return w.days(Math.round(seconds / 86_400));
}
