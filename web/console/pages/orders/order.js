/** One order: what it is, its seats and tickets, its whole life in words, and its money back. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { ApiError, call } from '../../api.js';
import { money, when } from '../../numbers.js';
import { Problem, SecondLook, useAsked } from '../../parts.js';
import { hasRole } from '../../session.js';
import { moment, words } from '../../words.js';
import { tone } from './find.js';
import { Move } from './move.js';
import { told } from './told.js';

/** Those who give money back, and those who give other seats. */
const REFUND = ['owner', 'manager'];
const MOVE = ['owner', 'manager', 'box_office'];

/**
 * @typedef {object} FoundOrder
 * @property {string} reservation_id
 * @property {number} concert_id
 * @property {string} title
 * @property {number} schedule_id
 * @property {string} starts_at
 * @property {string | null} time_zone
 * @property {'PLANNED' | 'CALLED_OFF'} state
 * @property {number} user_id
 * @property {string} name
 * @property {'TEMP_RESERVED' | 'RESERVED' | 'EXPIRED' | 'CANCELLED'} status
 * @property {number} amount
 * @property {string} currency
 * @property {string} opened_at
 * @property {string} [ended_at]
 * @property {{ source: string, at: string, amount: number, refunded: number, reason?: string }} [payment]
 * @property {{ seat: number, label: string, category: string, price: number }[]} seats
 *
 * @typedef {object} OrderEvent
 * @property {string} at
 * @property {string} what
 * @property {string} [reservation_id]
 * @property {number} [user_id]
 * @property {number[]} [seats]
 * @property {number} [amount]
 * @property {number} [balance]
 * @property {string} [why]
 * @property {string} [reason]
 * @property {{ operator_id?: number, name?: string, user_id?: number }} [by]
 * @property {string} [until]
 * @property {string} [before]
 *
 * @typedef {object} OrderLife
 * @property {FoundOrder} order
 * @property {{ ticket_id: string, seat: number, label: string, code: string, valid: boolean }[]} tickets
 * @property {OrderEvent[]} events
 * @property {{ seat: number, label: string }[]} labels
 * @property {number} left_out
 * @property {boolean} beginning_archived
 */

/** @param {{ id: string }} props */
export function Order({ id }) {
  const { orders: w, desk, loading } = words();
  const { value, error, again } = useAsked(() => call('GET', `/orders/${id}`));
  const life = /** @type {OrderLife | null} */ (value);
  const back = html`<p class="back"><a href="#/orders">← ${w.back}</a></p>`;
  if (!life) {
    const missing = error instanceof ApiError && (error.reason === 'RESERVATION_NOT_FOUND' || error.reason === 'INVALID_PARAMS');
    return html`${back}<h1>${w.order}</h1>${missing ? html`<p class="empty">${w.missing}</p>` : html`<${Problem} error=${error} />`}
      ${!error && html`<p role="status">${loading}</p>`}`;
  }
  const { order } = life;
  const good = order.seats.filter(({ seat }) => life.tickets.some((ticket) => ticket.seat === seat && ticket.valid));
  const paid = order.payment;
  return html`${back}
    <div class="sale-head"><h1>${w.orderOf(order.name || desk.nameless)}</h1> <span class=${`tag ${tone(order)}`}>${w.status(order)}</span></div>
    <${Problem} error=${error} />
    <dl class="figures more">
      <${Fact} name=${w.concert}><a href=${`#/sale/${order.concert_id}`}>${order.title}</a><//>
      <${Fact} name=${w.performance}>${when(order.starts_at, order.time_zone)} ${order.state === 'CALLED_OFF' && html`<span class="tag bad">${words().log.states.CALLED_OFF}</span>`}<//>
      <${Fact} name=${w.fan}><a href=${`#/orders?user_id=${order.user_id}`}>${order.name || desk.nameless}</a> <small>${w.userNo(order.user_id)}</small><//>
      ${paid
        ? html`<${Fact} name=${w.paid}>${money(paid.amount, order.currency)} <small>${w.paidBy(paid.source, moment(paid.at))}</small><//>
            ${paid.refunded > 0 && html`<${Fact} name=${w.refunded}>${money(paid.refunded, order.currency)}<//>`}`
        : html`<${Fact} name=${w.costs}>${money(order.amount, order.currency)}<//>`}
      <${Fact} name=${w.number}><span class="code">${order.reservation_id}</span><//>
    </dl>
    <section aria-labelledby="seats-title">
      <h2 id="seats-title">${w.seats}</h2>
      <ul class="rows">${order.seats.map((seat) => {
        const tickets = life.tickets.filter((ticket) => ticket.seat === seat.seat);
        return html`<li key=${seat.seat} class="row">
          <div class="row-what"><strong>${seat.label}</strong> <span>${seat.category}</span> <span>${money(seat.price, order.currency)}</span>
            ${tickets.map((ticket) => html`<small key=${ticket.ticket_id}>${w.ticket} <span class="code">${ticket.code}</span> <span class=${`tag ${ticket.valid ? 'good' : 'bad'}`}>${ticket.valid ? w.valid : w.void}</span></small>`)}
          </div>
        </li>`;
      })}</ul>
      ${good.length > 0 && html`<p><a href=${`#/orders/${order.reservation_id}/tickets`}>${desk.print}</a></p>`}
    </section>
    <section aria-labelledby="life-title">
      <h2 id="life-title">${w.life}</h2>
      ${life.beginning_archived && html`<p class="hint">${w.archived}</p>`}
      ${life.left_out > 0 && html`<p class="hint">${w.leftOut(life.left_out)}</p>`}
      <ol class="rows life">${life.events.map((event, n) => html`<li key=${n} class=${`row ${event.reservation_id && event.reservation_id !== order.reservation_id ? 'aside' : ''}`}>
        <div class="row-what"><small><time datetime=${event.at}>${moment(event.at)}</time></small> <span>${told(event, life)}</span>
          ${event.reason && html`<p class="quote">${event.reason}</p>`}
        </div>
      </li>`)}</ol>
    </section>
    ${order.status === 'RESERVED' && order.state === 'PLANNED' && good.length > 0 && hasRole(...MOVE) && html`<${Move} key=${`move ${good.map(({ seat }) => seat)}`} order=${order} seats=${good} onDone=${again} />`}
    ${order.status === 'RESERVED' && hasRole(...REFUND) && html`<${Refund} key=${`refund ${good.map(({ seat }) => seat)}`} order=${order} seats=${good} onDone=${again} />`}`;
}

/** @param {{ name: string, children: unknown }} props */
function Fact({ name, children }) {
  return html`<div class="figure"><dt>${name}</dt><dd>${children}</dd></div>`;
}

/**
 * All of an order, or single seats of it.
 * @param {{ order: FoundOrder, seats: FoundOrder['seats'], onDone: () => Promise<void> }} props `seats`: those whose tickets are good.
 */
function Refund({ order, seats, onDone }) {
  const { orders: w, desk } = words();
  const source = order.payment?.source ?? 'wallet';
  const isOff = order.state === 'CALLED_OFF';
  const [chosen, setChosen] = useState(/** @type {ReadonlySet<number>} */ (new Set(seats.map(({ seat }) => seat))));
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const all = chosen.size === seats.length;
  const theirs = seats.filter(({ seat }) => chosen.has(seat));
  // The rest of what was paid, to the last unit; single seats are what they cost.
  const left = all ? (order.payment?.amount ?? 0) - (order.payment?.refunded ?? 0) : theirs.reduce((sum, { price }) => sum + price, 0);
  const labels = theirs.map((seat) => seat.label).join(', ');
  const sum = money(left, order.currency);
  const title = source === 'gift' ? desk.gift : w.refundSum(sum);
  const inWallet = isOff ? w.refundOff(sum, order.name) : w.refundText(sum, order.name, labels);
  const atDesk = isOff ? desk.refundOff(sum) : desk.refundText(sum, labels);
  const text = source === 'wallet' ? inWallet : source === 'gift' ? desk.giftText(labels) : atDesk;
  const refund = async () => {
    setError(null);
    try {
      await call('POST', `/orders/${order.reservation_id}/refund`, { reason: reason.trim(), ...(all ? {} : { seats: [...chosen] }) });
    } catch (failure) {
      setError(failure);
    }
    // Also what another operator did is seen then.
    await onDone();
  };
  return html`<section class="card" aria-labelledby="refund-title">
    <h2 id="refund-title">${source === 'gift' ? desk.gift : w.refund}</h2>
    <form onSubmit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      setAsked(true);
    }}>
      ${seats.length > 1 && html`<fieldset><legend>${w.refundSeats}</legend>${seats.map(({ seat, label, price }) => html`<label key=${seat} class="choice"><input type="checkbox" checked=${chosen.has(seat)} onChange=${() => setChosen((before) => {
        const after = new Set(before);
        if (!after.delete(seat)) after.add(seat);
        return after;
      })} /> ${label} <small>${money(price, order.currency)}</small></label>`)}</fieldset>`}
      <label class="field">${w.reason}<input name="reason" required maxlength="500" pattern=".*\\S.*" autocomplete="off" value=${reason} onInput=${(/** @type {any} */ event) => setReason(event.currentTarget.value)} aria-describedby="reason-hint" /></label>
      <small class="hint" id="reason-hint">${w.reasonHint}</small>
      <button class="danger" disabled=${chosen.size === 0}>${title}</button>
    </form>
    <${Problem} error=${error} />
    ${asked && html`<${SecondLook} title=${title} confirm=${source === 'gift' ? desk.gift : w.refund} text=${text}
      onConfirm=${() => void refund()} onClose=${() => setAsked(false)} />`}
  </section>`;
}
