/** How far the money of performances that are called off is back, live, and what is stuck. */
import { useEffect } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { money, when } from '../../numbers.js';
import { Problem, useAsked } from '../../parts.js';
import { words } from '../../words.js';

/** Refunds go on by hundreds a second: more often is not read. */
const ASK_EVERY_MS = 1_000;

/** @typedef {import('./life.js').HouseSchedule} HouseSchedule */
/** @typedef {{ schedule_id: number, concert_id: number, seats_left: number, orders_done: number, at_desk: { orders: number, seats: number, amount: number }, stuck: { reservation_id: string, reason: string, message: string }[] }} Refund */

/** @param {{ id: number, schedules: HouseSchedule[], zone: string | null, currency: string }} props */
export function Progress({ id, schedules, zone, currency }) {
  const { life: w, desk, problems } = words();
  const off = new Map(schedules.filter((schedule) => schedule.state === 'CALLED_OFF').map((schedule) => [schedule.schedule_id, schedule]));
  const { value, error, again } = useAsked(() => call('GET', '/refunds'));
  const own = /** @type {Refund[]} */ (value?.refunds ?? []).filter((of) => of.concert_id === id && off.has(of.schedule_id));
  const goesOn = own.some((of) => of.seats_left > 0);
  useEffect(() => {
    if (!goesOn) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && void again(), ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [goesOn]);
  if (off.size === 0) return null;
  return html`<section class="card" aria-labelledby="refunds-title">
    <h3 id="refunds-title">${w.refunds}</h3>
    <${Problem} error=${error} />
    <p role="status">${own.length === 0 ? '' : goesOn ? w.goesOn : w.allBack}</p>
    <ul class="rows">${own.map((of) => html`<li key=${of.schedule_id} class="row">
      <div class="row-what"><strong>${when(off.get(of.schedule_id)?.starts_at ?? '', zone)}</strong>
        <span>${of.seats_left > 0 ? w.seatsLeft(of.seats_left) : w.allBack}</span> <small>${w.ordersDone(of.orders_done)}</small>
        ${of.at_desk.orders > 0 && html`<p>${desk.backAtDesk(of.at_desk.orders, of.at_desk.seats, money(of.at_desk.amount, currency))}</p>`}
        ${of.stuck.length > 0 && html`<div class="problem stuck"><p>${w.stuck(of.stuck.length)}</p>
          <ul>${of.stuck.map((one) => html`<li key=${one.reservation_id}><a href=${`#/orders/${one.reservation_id}`}>${one.reservation_id}</a>:
            ${/** @type {Record<string, any>} */ (problems)[one.reason] ?? one.message}</li>`)}</ul></div>`}
      </div>
    </li>`)}</ul>
  </section>`;
}
