/** The seats that are held for this fan, their sum, and the way to pay for them. */
import { useRef } from 'preact/hooks';
import { html } from '../html.js';
import { money, words } from '../i18n.js';
import { currency, heldElsewhere } from '../session.js';
import { Icon } from './icons.js';
import { Label } from './label.js';

/**
 * @param {{reservation: import('../session.js').Reservation | null, busy: boolean,
 *   onRelease: (seats?: number[]) => Promise<void>}} props
 */
export function Cart({ reservation, busy, onRelease }) {
  const w = words().cart;
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  const other = heldElsewhere(reservation);
  if (!reservation) return html`<section class="cart" aria-label=${w.title}><p class="hint">${w.empty}</p></section>`;

  /** @param {number} [seat] */
  async function release(seat) {
    await onRelease(seat === undefined ? undefined : [seat]);
    section.current?.focus(); // The button that was pressed is gone.
  }

  return html`<section class="cart full" aria-labelledby="cart-title" tabindex="-1" ref=${section}>
    <h2 id="cart-title">${w.title}</h2>
    ${byRow(reservation.seats).map(
      ({ key, row, category, price, seats }) => html`<section class="held-row" key=${key}>
        <p>${row && html`<span aria-hidden="true"><${Label} text=${row} /></span> `}<small>${category} · ${money(price, currency.value)}</small></p>
        <ul class="held">
          ${seats.map(
            (seat) => html`<li key=${seat.seat}>
              <strong class="visually-hidden">${seat.label}</strong>
              <span aria-hidden="true"><${Label} text=${seat.number} /></span>
              <button type="button" class="quiet round" aria-label=${w.remove(seat.label)} aria-disabled=${busy} onClick=${() => busy || void release(seat.seat)}>
                <${Icon} name="close" />
              </button>
            </li>`,
          )}
        </ul>
      </section>`,
    )}
    ${other && html`<p class="hint">${w.other}</p>`}
    <div class="cart-foot">
      <p class="total"><span>${w.total}</span> <strong>${money(reservation.amount, currency.value)}</strong></p>
      <a class="button primary" href="#/checkout/${reservation.reservation_id}">${w.checkout}<${Icon} name="next" /></a>
    </div>
  </section>`;
}

/**
 * Seats side by side share a row and a price, which are said once.
 * @param {import('../session.js').NamedSeat[]} seats
 */
function byRow(seats) {
  /** @type {Map<string, {key: string, row: string, category: string, price: number, seats: import('../session.js').NamedSeat[]}>} */
  const rows = new Map();
  for (const seat of seats) {
    const { row, category, price } = seat;
    const key = JSON.stringify([row, category, price]);
    const known = rows.get(key);
    if (known) known.seats.push(seat);
    else rows.set(key, { key, row, category, price, seats: [seat] });
  }
  return [...rows.values()];
}
