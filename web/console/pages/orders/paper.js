/** The tickets of an order on paper, with their codes as fans' tickets show them. */
import { html } from '../../../app/html.js';
import { Qr } from '../../../app/parts/qr.js';
import { ApiError, call } from '../../api.js';
import { money, when } from '../../numbers.js';
import { Problem, useAsked } from '../../parts.js';
import { words } from '../../words.js';

/** @param {{ id: string }} props */
export function Paper({ id }) {
  const { desk: w, orders: o, loading } = words();
  const { value, error } = useAsked(() => call('GET', `/orders/${id}`));
  const life = /** @type {import('./order.js').OrderLife | null} */ (value);
  const back = html`<p class="back"><a href=${`#/orders/${id}`}>← ${o.order}</a></p>`;
  if (!life) {
    const missing = error instanceof ApiError && ['RESERVATION_NOT_FOUND', 'INVALID_PARAMS'].includes(error.reason);
    return html`${back}<h1>${w.printTitle}</h1>${missing ? html`<p class="empty">${o.missing}</p>` : html`<${Problem} error=${error} />`}
      ${!error && html`<p role="status">${loading}</p>`}`;
  }
  const { order } = life;
  const seats = new Map(order.seats.map((seat) => [seat.seat, seat]));
  const tickets = life.tickets.filter((ticket) => ticket.valid);
  return html`${back}
    <div class="paper-told"><h1>${w.printTitle}</h1>
    <p>${w.printHint}</p></div>
    ${tickets.length > 0 && html`<div class="buttons paper-told"><button type="button" class="primary" onClick=${() => print()}>${w.printNow}</button></div>`}
    ${tickets.length === 0 && html`<p class="empty">${w.none}</p>`}
    <section class="purchase paper">
      <header><h2>${order.title}</h2><p><time datetime=${order.starts_at}>${when(order.starts_at, order.time_zone)}</time>${order.name && html` · ${order.name}`}</p></header>
      <ul class="ticket-list">${tickets.map((ticket) => {
        const seat = seats.get(ticket.seat);
        return html`<li class="ticket" key=${ticket.ticket_id}>
          <div class="ticket-main">
            <p class="label">${w.seat}</p>
            <p class="ticket-seat">${ticket.label}</p>
            ${seat && html`<p class="ticket-price">${seat.category} · ${money(seat.price, order.currency)}</p>`}
            <p class="label">${w.codeHead}</p>
            <p class="ticket-code">${ticket.code}</p>
          </div>
          <div class="ticket-stub"><div class="ticket-qr"><${Qr} text=${ticket.code} label=${w.qr(ticket.label)} /></div></div>
        </li>`;
      })}</ul>
    </section>`;
}
