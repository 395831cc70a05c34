/** Whose a seat is and was: the orders that have or had it, the newest first, each with the way to its whole life. */
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { Problem, useAsked } from '../../parts.js';
import { words } from '../../words.js';
import { Line } from '../orders/find.js';

/** Older ones are found with the orders. */
const SHOWN = 3;

/** @typedef {import('../orders/order.js').FoundOrder} FoundOrder */

/** @param {{ concert: number, schedule: number, label: string }} props */
export function Whose({ concert, schedule, label }) {
  const { sale: w, orders, loading } = words();
  const seat = new URLSearchParams({ schedule_id: String(schedule), seat: label });
  const { value, error } = useAsked(() => call('GET', `/orders?${seat}&limit=${SHOWN}`));
  const found = /** @type {{ orders: FoundOrder[], next: string | null } | null} */ (value);
  return html`<section class="whose" aria-labelledby="whose-title">
    <h3 id="whose-title">${w.whose(label)}</h3>
    <${Problem} error=${error} />
    ${!found && !error && html`<p role="status">${loading}</p>`}
    ${found?.orders.length === 0 && html`<p class="empty">${w.nobodys}</p>`}
    <ul class="rows">${found?.orders.map((order) => html`<${Line} key=${order.reservation_id} order=${order} />`)}</ul>
    ${found?.next && html`<p><a href=${`#/orders?${seat}&concert=${concert}`}>${orders.older}</a></p>`}
  </section>`;
}
