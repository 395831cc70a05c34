/** The console's words in the reader's language, which is the same as in the fans' pages. */
import { batch, computed, signal } from '@preact/signals';
import { load, save } from '../app/storage.js';

/** @typedef {import('./i18n/en.js').Words} Words */

export const LANGUAGES = Object.freeze({ en: 'English', ko: '한국어' });
/** @typedef {keyof typeof LANGUAGES} Language */

/** @param {string | null} tag @returns {Language | undefined} */
const known = (tag) => /** @type {Language[]} */ (Object.keys(LANGUAGES)).find((name) => name === (tag ?? '').slice(0, 2).toLowerCase());

/** @type {import('@preact/signals').Signal<Language>} */
export const language = signal(known(load('language')) ?? navigator.languages.map(known).find(Boolean) ?? 'en');
const dictionary = signal(/** @type {Words} */ (/** @type {unknown} */ (null)));

export const words = () => dictionary.value;

/** @param {Language} wanted */
export async function useLanguage(wanted) {
  const loaded = wanted === 'ko' ? await import('./i18n/ko.js') : await import('./i18n/en.js');
  batch(() => {
    dictionary.value = loaded.words;
    language.value = wanted;
  });
  document.documentElement.lang = wanted;
  document.title = loaded.words.title;
}

/** @param {Language} wanted */
export async function chooseLanguage(wanted) {
  save('language', wanted);
  await useLanguage(wanted);
}

const moments = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'medium' }));

/** @param {string} time RFC 3339. */
export const moment = (time) => moments.value.format(new Date(time));

const theme = load('theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
