/**
 * The page's words in the reader's language, and its numbers, dates and money as that language writes them.
 *
 * Always: the dictionary of the present language is loaded before anything is drawn in it.
 */
import { batch, computed, signal } from '@preact/signals';
import { partsInWords, placeInWords } from '../seatmap/place.js';
import { save } from './storage.js';

/** @typedef {import('./i18n/en.js').Words} Words */
/** @typedef {import('./i18n/en.js').Moment} Moment */
/** @typedef {import('./i18n/en.js').Forms} Forms */

export const LANGUAGES = Object.freeze({ en: 'English', ko: '한국어' });
/** @typedef {keyof typeof LANGUAGES} Language */

/** @type {import('@preact/signals').Signal<Language>} */
export const language = signal(/** @type {Language} */ (document.documentElement.lang));
const dictionary = signal(/** @type {Words} */ (/** @type {unknown} */ (null)));
const forms = signal(/** @type {Forms} */ ({}));

/** The words; reading it in a component draws that component again when the language changes. */
export const words = () => dictionary.value;

/** The language that was asked for last. @type {Language | null} */
let asked = null;

/** @param {Language} wanted */
export async function useLanguage(wanted) {
  asked = wanted;
  const loaded = wanted === 'ko' ? await import('./i18n/ko.js') : await import('./i18n/en.js');
  if (asked !== wanted) return; // Another one was chosen while this one was fetched.
  batch(() => {
    dictionary.value = loaded.words;
    forms.value = loaded.forms;
    language.value = wanted;
  });
  document.documentElement.lang = wanted;
}

/** @param {Language} wanted */
export async function chooseLanguage(wanted) {
  save('language', wanted);
  await useLanguage(wanted);
}

const numbers = computed(() => new Intl.NumberFormat(language.value));

/** @param {number} value */
export const count = (value) => numbers.value.format(value);

/** @type {Map<string, {format: Intl.NumberFormat, unit: number}>} */
const currencies = new Map();

/**
 * @param {number} amount The amount in the currency's minor unit.
 * @param {string} currency ISO 4217.
 */
export function money(amount, currency) {
  const key = `${language.value} ${currency}`;
  let known = currencies.get(key);
  if (!known) {
    const format = new Intl.NumberFormat(language.value, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    known = { format, unit: 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0) };
    currencies.set(key, known);
  }
  const own = forms.value.money?.(count(amount / known.unit), currency);
  return own ?? known.format.format(amount / known.unit);
}

/** @type {Record<'long' | 'short', Intl.DateTimeFormatOptions>} */
const FORMS = {
  long: { weekday: 'short', year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' },
  short: { weekday: 'short', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' },
};

/** @type {Map<string, Intl.DateTimeFormat>} */
const dates = new Map();

/**
 * @param {string} locale
 * @param {Intl.DateTimeFormatOptions} options
 */
function dateFormat(locale, options) {
  const key = locale + JSON.stringify(options);
  let known = dates.get(key);
  if (!known) dates.set(key, (known = new Intl.DateTimeFormat(locale, options)));
  return known;
}

/**
 * The time at which something happened to this reader, by their own clock.
 * @param {string} time RFC 3339.
 * @param {'long' | 'short'} [form]
 */
export function date(time, form = 'long') {
  return shown(new Date(time), form, undefined);
}

/**
 * The time at which something happens at a venue, by the clocks there. The zone is named where the reader's clock shows
 * another time, and where the venue's zone is not known, so that it is the reader's.
 * @param {string} time RFC 3339.
 * @param {string | null | undefined} zone IANA, of the venue.
 * @param {'long' | 'short'} [form]
 */
export function venueTime(time, zone, form = 'long') {
  const name = venueZone(time, zone);
  return name ? `${venueClock(time, zone, form)} (${name})` : venueClock(time, zone, form);
}

/**
 * The same without its zone, for where `venueZone` stands beside it.
 * @param {string} time RFC 3339.
 * @param {string | null | undefined} zone
 * @param {'long' | 'short'} [form]
 */
export function venueClock(time, zone, form = 'long') {
  return shown(new Date(time), form, zone && isKnown(zone) ? zone : undefined);
}

/**
 * The zone's name where it has to be shown; else nothing.
 * @param {string} time RFC 3339.
 * @param {string | null | undefined} zone
 */
export function venueZone(time, zone) {
  const at = new Date(time);
  const timeZone = zone && isKnown(zone) ? zone : undefined;
  // Zones are compared by what their clocks show: they have several names, and many the same time.
  const named = timeZone === undefined || zonePart(at, 'en', timeZone, 'longOffset') !== zonePart(at, 'en', undefined, 'longOffset');
  return named ? zonePart(at, language.value, timeZone, 'shortGeneric') : '';
}

/**
 * @param {Date} at
 * @param {'long' | 'short'} form
 * @param {string | undefined} timeZone The reader's without.
 */
function shown(at, form, timeZone) {
  const own = forms.value.date;
  return own ? own(moment(at, timeZone), form) : dateFormat(language.value, { ...FORMS[form], timeZone }).format(at);
}

/** @param {string} zone A browser may be older than the zone's name. */
function isKnown(zone) {
  try {
    return dateFormat('en', { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * @param {Date} at
 * @param {string} locale
 * @param {string | undefined} timeZone The reader's without.
 * @param {'longOffset' | 'shortGeneric'} timeZoneName
 */
function zonePart(at, locale, timeZone, timeZoneName) {
  const parts = dateFormat(locale, { timeZone, timeZoneName }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value;
}

/** @type {Intl.DateTimeFormatOptions} */
const CALENDAR = { year: 'numeric', month: 'numeric', day: 'numeric', weekday: 'short', hour: 'numeric', minute: 'numeric', hourCycle: 'h23' };
const WEEKDAYS = Object.freeze(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']);

/**
 * @param {Date} at
 * @param {string | undefined} timeZone
 * @returns {Moment}
 */
function moment(at, timeZone) {
  const parts = Object.fromEntries(dateFormat('en-US', { ...CALENDAR, timeZone }).formatToParts(at).map(({ type, value }) => [type, value]));
  const number = (/** @type {string} */ part) => Number(parts[part]);
  return {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    weekday: WEEKDAYS.indexOf(parts.weekday),
    hour: number('hour'),
    minute: number('minute'),
  };
}

/**
 * Time left as a clock: 9:05, 1:00:00. To the nearest second: by as little as two clocks differ, ten minutes would begin
 * with 10:01 if a part of a second counted as a whole one.
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The venues that the server makes up: their names are ours. Those of real houses stay as the house writes them. */
const MADE_UP = Object.freeze(['Frontrow Hall', 'Frontrow Arena', 'Frontrow Stadium']);
const MADE_UP_TITLE = 'Front Row Night';

/**
 * A concert's or venue's name; those of the demo in the page's language.
 * @param {string} name
 */
export function named(name) {
  return name === MADE_UP_TITLE || MADE_UP.includes(name) ? (forms.value.demo?.[name] ?? name) : name;
}

/**
 * A zone or a seat's label in this venue.
 * @param {string} label
 * @param {string | null | undefined} venue
 */
export function placed(label, venue) {
  return venue && MADE_UP.includes(venue) ? (forms.value.zone?.(label) ?? label) : label;
}

/**
 * A seat's place: in full, and in two parts, of which seats side by side share the first, if there is one.
 * @typedef {{label: string, row: string, number: string}} Whereabouts
 */

/**
 * A seat's place, in the page's language.
 * @param {import('../seatmap/place.js').SeatPlace | null | undefined} place
 * @param {string} label The server's name for it, which has to do where no more is known.
 * @param {string | null | undefined} venue
 * @returns {Whereabouts}
 */
export function whereabouts(place, label, venue) {
  if (!place) return { label: placed(label, venue), row: '', number: placed(label, venue) };
  const here = { ...place, zone: placed(place.zone, venue) };
  const { row, seat } = partsInWords(here, words().map);
  return { label: placeInWords(here, words().map), row, number: seat };
}

/**
 * A drawing with its names in the page's language.
 * @param {import('../sdk/wire.js').Layout} layout
 * @returns {import('../sdk/wire.js').Layout}
 */
export function layoutNamed(layout) {
  const { demo, zone } = forms.value;
  if (!demo || !zone || !layout.venue || !MADE_UP.includes(layout.venue)) return layout;
  return {
    ...layout,
    title: named(layout.title),
    venue: named(layout.venue),
    zones: layout.zones.map((of) => ({ ...of, name: zone(of.name) })),
    // The texts on the plan: the stage, and sections' names beside their seats.
    areas: layout.areas.map((area) => (area.text?.text ? { ...area, text: { ...area.text, text: demo[area.text.text] ?? zone(area.text.text) } } : area)),
  };
}
