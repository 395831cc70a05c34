/** What this fan has bought, by purchase, with the codes for the door; and giving it back. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { date, money, words } from '../i18n.js';
import { explain } from '../explain.js';
import { tell } from '../notices.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { Label } from '../parts/label.js';
import { Message } from '../parts/message.js';
import { Qr } from '../parts/qr.js';
import { balance, currency, now, signedIn, start } from '../session.js';
import { useTitle } from '../title.js';

/** @typedef {import('../../sdk/wire.js').Ticket} Ticket */

/** @param {{bought: string | null}} props The reservation that was paid just now. */
export function Tickets({ bought }) {
  const w = words().tickets;
  const [tickets, setTickets] = useState(/** @type {Ticket[] | null} */ (null));
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  useTitle(w.title);

  function refresh() {
    if (!signedIn.value) return;
    setFailure(null);
    start()
      .tickets()
      .then(setTickets, (error) => setFailure(explain(error)));
  }
  useEffect(refresh, [bought, signedIn.value]);

  if (failure) return html`<p class="page empty" role="alert">${failure} <button type="button" onClick=${refresh}>${words().retry}</button></p>`;
  if (signedIn.value && !tickets) return html`<p class="page empty" role="status">${words().loading}</p>`;
  if (!tickets || tickets.length === 0) {
    return html`<${Message} title=${w.none} text=${w.noneText} href="#/" action=${words().lobby.toConcerts} />`;
  }
  const purchases = byPurchase(tickets);
  purchases.sort((a, b) => Number(b.reservationId === bought) - Number(a.reservationId === bought));
  return html`<div class="page tickets">
    ${bought && purchases[0].reservationId === bought
      ? html`<div class="thanks" role="status"><h1>${w.thanks}</h1><p>${w.thanksText}</p></div>`
      : html`<h1>${w.title}</h1>`}
    ${purchases.map((purchase) => html`<${Purchase} key=${purchase.reservationId} purchase=${purchase} onCancelled=${refresh} />`)}
  </div>`;
}

/**
 * @typedef {object} PurchaseOf
 * @property {string} reservationId
 * @property {Ticket[]} tickets
 */

/**
 * @param {Ticket[]} tickets
 * @returns {PurchaseOf[]}
 */
function byPurchase(tickets) {
  /** @type {Map<string, Ticket[]>} */
  const purchases = new Map();
  for (const ticket of tickets) purchases.set(ticket.reservation_id, [...(purchases.get(ticket.reservation_id) ?? []), ticket]);
  return [...purchases].map(([reservationId, tickets]) => ({ reservationId, tickets: tickets.sort((a, b) => a.seat - b.seat) }));
}

/** @param {{purchase: PurchaseOf, onCancelled: () => void}} props */
function Purchase({ purchase, onCancelled }) {
  const w = words().tickets;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const { reservationId, tickets } = purchase;
  const [{ title, venue, starts_at: startsAt, cancel_until: cancelUntil }] = tickets;
  const amount = tickets.reduce((sum, ticket) => sum + ticket.price, 0);
  const cancellable = !cancelUntil || Date.parse(cancelUntil) > now.value;

  async function cancel() {
    setAsking(false);
    setBusy(true);
    try {
      const answer = await start().cancel(reservationId);
      balance.value = answer.balance;
      tell({ kind: 'good', text: w.cancelled(money(amount, currency.value)) });
      onCancelled();
    } catch (error) {
      tell({ kind: 'bad', text: explain(error) });
    } finally {
      setBusy(false);
    }
  }

  return html`<section class="purchase">
    <header>
      <h2>${title}</h2>
      <p>${startsAt && html`<time datetime=${startsAt}>${date(startsAt)}</time>`}${venue && html` · ${venue}`}</p>
    </header>
    <ul class="ticket-list">
      ${tickets.map(
        (ticket) => html`<li class="ticket" key=${ticket.ticket_id}>
          <div class="ticket-main">
            <p class="label">${w.seat}</p>
            <p class="ticket-seat"><${Label} text=${ticket.label} /></p>
            <p class="ticket-price">${ticket.category} · ${money(ticket.price, currency.value)}</p>
            <p class="label">${w.code}</p>
            <p class="ticket-code">${ticket.code}</p>
          </div>
          <div class="ticket-stub"><${Qr} text=${ticket.code} label=${w.qr(ticket.label)} /></div>
        </li>`,
      )}
    </ul>
    ${cancellable && html`<button type="button" class="quiet" disabled=${busy} onClick=${() => setAsking(true)}><${Icon} name="trash" />${w.cancel}</button>`}
    ${asking &&
    html`<${Dialog} title=${w.cancelTitle} onClose=${() => setAsking(false)}>
      <p>${w.cancelText(money(amount, currency.value))}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick=${() => setAsking(false)}>${w.keep}</button>
        <button type="button" onClick=${cancel}>${w.cancelYes}</button>
      </div>
    <//>`}
  </section>`;
}
