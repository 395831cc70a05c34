/**
 * The page's words in the reader's language, and its numbers, dates and money as that language writes them.
 *
 * Always: the dictionary of the present language is loaded before anything is drawn in it.
 */
import { batch, computed, signal } from '@preact/signals';
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
 * @param {number} amount In the currency's minor unit.
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

const dates = computed(() => ({
  long: new Intl.DateTimeFormat(language.value, {
    weekday: 'short',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  }),
  short: new Intl.DateTimeFormat(language.value, { weekday: 'short', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }),
}));

/**
 * @param {string} time RFC 3339.
 * @param {'long' | 'short'} [form]
 */
export function date(time, form = 'long') {
  const at = new Date(time);
  const own = forms.value.date;
  return own ? own(moment(at), form) : dates.value[form].format(at);
}

const calendar = new Intl.DateTimeFormat('en-US', {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  weekday: 'short',
  hour: 'numeric',
  minute: 'numeric',
  hourCycle: 'h23',
});
const WEEKDAYS = Object.freeze(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']);

/**
 * @param {Date} at
 * @returns {Moment}
 */
function moment(at) {
  const parts = Object.fromEntries(calendar.formatToParts(at).map(({ type, value }) => [type, value]));
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
 * Time left as a clock: 9:05, 1:00:00.
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
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
    // What is written on the plan: the stage, and sections' names beside their seats.
    areas: layout.areas.map((area) => (area.text?.text ? { ...area, text: { ...area.text, text: demo[area.text.text] ?? zone(area.text.text) } } : area)),
  };
}
