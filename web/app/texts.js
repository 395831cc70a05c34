/** A concert's texts, as its reader gets them. */
import { language } from './i18n.js';

/**
 * The texts in the reader's language, where the promoter wrote them; else as they are.
 * @param {import('../sdk/wire.js').ConcertPage['about']} about
 */
export const textsOf = (about) => ({ ...about.texts, ...about.languages?.[language.value] });
