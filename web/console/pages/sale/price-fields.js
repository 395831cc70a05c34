/** Prices of categories, typed as people write amounts in the currency of the concert. */
import { readAmount } from '../../../app/amount.js';
import { html } from '../../../app/html.js';
import { language } from '../../words.js';

/** @typedef {Record<string, number>} PricesOf */

/** @param {string} currency */
const digitsOf = (currency) => new Intl.NumberFormat(language.value, { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 0;

/**
 * @param {{ categories: { name: string, price: number }[], currency: string, label: (name: string) => string }} props
 */
export function PriceFields({ categories, currency, label }) {
  const digits = digitsOf(currency);
  const plain = new Intl.NumberFormat(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return categories.map(({ name, price }, n) => html`<label key=${name} class="field">${label(name)}<input name=${`price-${n}`} required inputmode="decimal" maxlength="40" autocomplete="off" defaultValue=${plain.format(price / 10 ** digits)} /></label>`);
}

/**
 * What was typed, or the first category whose price is no amount. Nothing is a price, too: a free seat.
 * @param {FormData} form
 * @param {{ name: string }[]} categories
 * @param {string} currency
 * @returns {{ prices: PricesOf, wrong: string | null }}
 */
export function readPrices(form, categories, currency) {
  const digits = digitsOf(currency);
  const prices = /** @type {PricesOf} */ ({});
  for (const [n, { name }] of categories.entries()) {
    const text = String(form.get(`price-${n}`)).trim();
    const amount = /^0+([.,]0+)?$/.test(text) ? 0 : readAmount(text, { language: language.value, digits }).sure;
    if (amount === null) return { prices, wrong: name };
    prices[name] = amount;
  }
  return { prices, wrong: null };
}
