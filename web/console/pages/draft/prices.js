/** A price for each category of the plan. */
import { useState } from 'preact/hooks';
import { readAmount } from '../../../app/amount.js';
import { html } from '../../../app/html.js';
import { language, words } from '../../words.js';
import { Card, Field } from './card.js';

const USUAL = 'KRW';

/** @param {string} currency */
function formatOf(currency) {
  try {
    return new Intl.NumberFormat(language.value, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  } catch {
    return new Intl.NumberFormat(language.value, { style: 'currency', currency: USUAL });
  }
}

/** @param {import('../draft.js').CardProps} props */
export function Prices({ draft, save }) {
  const { making: w } = words();
  const [wrong, setWrong] = useState(/** @type {string | null} */ (null));
  const { prices, currency } = draft.entered;
  const format = formatOf(currency ?? USUAL);
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  const categories = draft.plan?.categories ?? [];
  const plain = new Intl.NumberFormat(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  /** @param {FormData} form */
  const onSave = async (form) => {
    const next = /** @type {Record<string, number>} */ ({});
    for (const [n, { name }] of categories.entries()) {
      const text = String(form.get(`price-${n}`)).trim();
      if (text === '') continue;
      // Nothing is a price, too: a free seat.
      const amount = /^0+([.,]0+)?$/.test(text) ? 0 : readAmount(text, { language: language.value, digits }).sure;
      if (amount === null) {
        setWrong(w.priceWrong(name));
        return false;
      }
      next[name] = amount;
    }
    setWrong(null);
    return save(() => ({ prices: next, currency: String(form.get('currency')).trim().toUpperCase() }));
  };
  const full = categories.reduce((sum, { name, seats }) => sum + (prices[name] ?? 0) * seats, 0);
  return html`<${Card} id="prices" title=${w.prices} shows=${[prices, currency, categories]} onSave=${onSave}>
    <div role="alert">${wrong && html`<p class="problem">${wrong}</p>`}</div>
    <${Field} name="currency" label=${w.currency} value=${currency ?? ''} hint=${w.currencyHint} maxlength="3" pattern="[A-Za-z]{3}" />
    ${categories.length === 0 && html`<p>${w.pricesNone}</p>`}
    ${categories.map(({ name, seats }, n) => html`<${Field} key=${name} name=${`price-${n}`} label=${w.priceOf(name, seats)} inputmode="decimal"
      value=${prices[name] === undefined ? '' : plain.format(prices[name] / 10 ** digits)} />`)}
    ${full > 0 && html`<p>${w.sum(format.format(full / 10 ** digits))}</p>`}
  <//>`;
}
