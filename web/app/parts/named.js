/**
 * A name that somebody else chose: a title, a venue, the operator's words. They may be in another language than the page,
 * and what reads them aloud has to know, or it spells them.
 */
import { html } from '../html.js';
import { language } from '../i18n.js';

/** Scripts that one language uses, or one far more than others. Han alone could be Korean, Japanese or Chinese. */
const SCRIPTS = /** @type {const} */ ([
  ['ko', /\p{Script=Hangul}/u],
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['en', /\p{Script=Latin}/u],
]);

/**
 * The text in parts, each with its language where that is another than the page's. Numbers, dots and spaces belong to
 * what is before them. A page in a Latin script says nothing of Latin words: they may be of any such language.
 * @param {string} text
 * @param {string} page
 * @returns {{text: string, lang: string | undefined}[]}
 */
export function spoken(text, page) {
  const latin = page !== 'ko';
  /** @type {{text: string, lang: string | undefined}[]} */
  const parts = [];
  for (const word of text.split(/(?<=\s)/u)) {
    const found = SCRIPTS.find(([, script]) => script.test(word))?.[0];
    const last = parts[parts.length - 1];
    const lang = found === undefined ? last?.lang : found === page || (found === 'en' && latin) ? undefined : found;
    if (last && last.lang === lang) last.text += word;
    else parts.push({ text: word, lang });
  }
  return parts;
}

/** @param {{text: string}} props */
export function Named({ text }) {
  return spoken(text, language.value).map(({ text, lang }) => (lang ? html`<span lang=${lang}>${text}</span>` : text));
}
