/**
 * An amount of money as people type it.
 *
 * Always: what is read is what the text says in the page's language, or in whatever way it can be meant only; where more
 * than one amount may be meant, or another than the language says, the fan is asked. Nobody is charged a hundredfold
 * because of a comma. Digits are read as digits, without floating point.
 */

/**
 * `sure`: the amount, in the minor unit; `unsure`: what may be meant; neither: no amount at all.
 * @typedef {{sure: number | null, unsure: number[]}} Reading
 */

const TEXT_MAX = 40;
const NOTHING = Object.freeze({ sure: null, unsure: Object.freeze(/** @type {number[]} */ ([])) });

/**
 * @param {string} text
 * @param {{language: string, digits: number}} how `digits`: how many decimals the currency has.
 * @returns {Reading}
 */
export function readAmount(text, { language, digits }) {
  // Full-width digits are digits; a currency's sign before or behind says nothing new.
  const bare = text.slice(0, TEXT_MAX).normalize('NFKC').trim().replace(/^(?:\p{Sc}|원)\s*|\s*(?:\p{Sc}|원)$/gu, '');
  // Spaces and apostrophes separate groups of three and nothing else.
  const plain = bare.replace(/(?<=\d)[\s'’](?=\d{3}(?!\d))/g, '');
  if (!/^\d*(?:[.,]\d+)*$/.test(plain)) return /** @type {Reading} */ (NOTHING);
  const whole = asWhole(plain, digits);
  const decimal = asDecimal(plain, digits);
  const readings = [...new Set([whole ?? 0, decimal ?? 0])].filter((amount) => amount > 0 && Number.isSafeInteger(amount));
  if (readings.length === 0) return /** @type {Reading} */ (NOTHING);
  const mark = /[.,](?=[^.,]*$)/.exec(plain)?.[0];
  if (!mark) return { sure: readings[0], unsure: [] };
  // The last mark separates decimals, or it separates groups; the language says which, where both are possible.
  const own = mark === decimalMarkOf(language) ? decimal : whole;
  const certain = readings.length === 1 && (readings[0] === own || (readings[0] === decimal && digits > 0));
  if (certain) return { sure: readings[0], unsure: [] };
  return { sure: null, unsure: readings };
}

/**
 * Marks between groups of three, all alike, the first of them without a leading zero ("0,500" is half of one).
 * @param {string} text
 * @param {number} digits
 */
function asWhole(text, digits) {
  if (!/^[1-9]\d{0,2}(?:(?:,\d{3})+|(?:\.\d{3})+)$|^\d+$/.test(text)) return null;
  return Number(text.replace(/[.,]/g, '')) * 10 ** digits;
}

/**
 * The last mark before the decimals, other ones of the other kind between groups of three before it.
 * @param {string} text
 * @param {number} digits
 */
function asDecimal(text, digits) {
  const [, before, mark, after] = /^([\d.,]*?)([.,])(\d+)$/.exec(text) ?? [];
  if (after === undefined) return null;
  if (before.includes(mark) || !/^[1-9]\d{0,2}(?:[.,]\d{3})+$|^\d*$/.test(before)) return null;
  const [shown, beyond] = [after.slice(0, digits), after.slice(digits)];
  // More decimals than the currency has; only where it has none, ".00" may still be written.
  if (beyond !== '' && !(digits === 0 && /^0{1,2}$/.test(beyond))) return null;
  return Number(before.replace(/[.,]/g, '') + shown.padEnd(digits, '0'));
}

/** @param {string} language */
function decimalMarkOf(language) {
  const parts = new Intl.NumberFormat(language).formatToParts(1.5);
  return parts.find((part) => part.type === 'decimal')?.value ?? '.';
}
