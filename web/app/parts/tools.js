/** The tools to find seats: the best ones together, others instead, by price, on the map or in the list; and the legend. */
import { html } from '../html.js';
import { count, money, words } from '../i18n.js';
import { Icon } from './icons.js';

/**
 * @param {{together: number, most: number, onTogether: (n: number) => void, ready: boolean, onBest: () => void}} props
 */
export function Best({ together, most, onTogether, ready, onBest }) {
  const w = words().seats;
  return html`<div class="best">
    <div class="stepper" role="group" aria-label=${w.how}>
      <button type="button" class="quiet round" aria-label=${w.fewer} disabled=${together <= 1} onClick=${() => onTogether(together - 1)}>
        <${Icon} name="minus" />
      </button>
      <output aria-live="polite">${count(together)}</output>
      <button type="button" class="quiet round" aria-label=${w.more} disabled=${together >= most} onClick=${() => onTogether(together + 1)}>
        <${Icon} name="plus" />
      </button>
    </div>
    <button type="button" class="primary" title=${w.bestHint} disabled=${!ready} onClick=${onBest}><${Icon} name="spark" />${w.best(together)}</button>
  </div>`;
}

/**
 * The wish: seats of one category, or none dearer than a price.
 * @typedef {{category: number | null, priceMost: number | null}} Wish
 */

/** The least number of prices for a limit: with fewer, a tap on one of them says the same. */
const PRICES_LEAST = 3;

/**
 * @param {{layout: import('../session.js').Layout, legend: {fill: string, path: string}[], free: number[] | null,
 *   wish: Wish, onWish: (wish: Wish) => void}} props `free`: seats by category.
 */
export function Filters({ layout, legend, free, wish: { category, priceMost }, onWish }) {
  const w = words().seats;
  const onCategory = (/** @type {number | null} */ category) => onWish({ category, priceMost: null });
  const prices = [...new Set(layout.categories.map(({ price }) => price))].sort((a, b) => b - a);
  return html`<div class="filters" role="group" aria-label=${w.filter}>
    <button type="button" class="chip" aria-pressed=${category === null && priceMost === null} onClick=${() => onCategory(null)}>${w.all}</button>
    ${prices.length >= PRICES_LEAST &&
    html`<select
      class="price-most"
      aria-label=${w.priceMost}
      value=${String(priceMost ?? '')}
      onChange=${(/** @type {any} */ { target: { value } }) => onWish({ category: null, priceMost: value === '' ? null : Number(value) })}
    >
      <option value="">${w.anyPrice}</option>
      ${prices.slice(1).map((price) => html`<option key=${price} value=${String(price)}>${w.upTo(money(price, layout.currency))}</option>`)}
    </select>`}
    ${layout.categories.map(
      ({ name, price }, index) => html`<button
        type="button"
        class="chip"
        key=${index}
        aria-pressed=${category === index}
        onClick=${() => onCategory(category === index ? null : index)}
      >
        <svg class="glyph" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d=${legend[index]?.path ?? ''} fill=${legend[index]?.fill ?? 'none'} /></svg>
        <span><strong>${name}</strong> ${money(price, layout.currency)}${free && html` <small>${w.freeOf(free[index] ?? 0)}</small>`}</span>
      </button>`,
    )}
  </div>`;
}

/**
 * The meaning of a seat's looks.
 * @param {{kept: boolean}} props Whether there are seats that are not for sale: of most houses nobody has to know of them.
 */
export function Legend({ kept }) {
  const { state } = words().map;
  const looks = /** @type {import('../../seatmap/words.js').SeatLook[]} */ (['available', 'own', 'held', 'sold', ...(kept ? ['notForSale'] : [])]);
  return html`<ul class="legend" aria-label=${words().seats.legend}>
    ${looks.map(
      (look) => html`<li key=${look}>
        <svg class="look ${look}" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
          ${look === 'sold' ? html`<circle cx="10" cy="10" r="3.2" />` : html`<circle cx="10" cy="10" r="7.5" />`}
          ${look === 'own' && html`<path d="m6.4 10.4 2.4 2.5 4.8-5.2" />`} ${look === 'held' && html`<path d="m6.8 13.2 6.4-6.4" />`} ${look === 'notForSale' && html`<path d="M6.4 10h7.2" />`}
        </svg>
        ${state[look]}
      </li>`,
    )}
  </ul>`;
}

/** @param {{view: string, onView: (view: string) => void}} props */
export function Views({ view, onView }) {
  const w = words().seats;
  return html`<div class="views" role="group" aria-label=${w.view}>
    ${/** @type {const} */ (['map', 'list']).map(
      (name) => html`<button type="button" class="segment" key=${name} aria-pressed=${view === name} onClick=${() => onView(name)}>
        <${Icon} name=${name} /><span>${w[name]}</span>
      </button>`,
    )}
  </div>`;
}
