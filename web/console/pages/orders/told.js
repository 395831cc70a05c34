/** What happened to an order, in words. */
import { money, when } from '../../numbers.js';
import { words } from '../../words.js';

/** @typedef {import('./order.js').OrderEvent} OrderEvent */
/** @typedef {import('./order.js').OrderLife} OrderLife */

/** @param {OrderEvent} event @param {OrderLife} life */
export function told(event, { order, labels }) {
  const { orders: w } = words();
  const { events: e } = w;
  const names = new Map(labels.map(({ seat, label }) => [seat, label]));
  const seats = (event.seats ?? []).map((seat) => names.get(seat) ?? `#${seat}`).join(', ');
  const sum = event.amount === undefined ? '' : money(event.amount, order.currency);
  const by = nameOf(event.by);
  const isOwn = event.reservation_id === order.reservation_id;
  const who = isOwn ? order.name || words().desk.nameless : w.another(event.user_id ?? 0);
  const why = (/** @type {Record<string, string>} */ known) => known[event.why ?? ''] ?? event.why ?? '';
  switch (event.what) {
    case 'hold':
    case 'add':
      return e.hold(who, seats);
    case 'release':
      return e.release(who, seats);
    case 'lapse':
      return e.lapse(who, seats, why(e.lapsed));
    case 'pay':
      return isOwn ? e.pay(who, seats, sum) : e.payOther(who, seats);
    case 'sell':
      if (event.why === 'gift') return e.give(by, who, seats);
      return isOwn ? e.sell(by, who, seats, sum, why(e.soldBy)) : e.payOther(who, seats);
    case 'refund':
    case 'refund_seats':
      return isOwn ? e.refund(who, seats, sum, event.why === 'operator' ? e.refundedBy(by) : why(e.refunded)) : e.refundOther(who, seats);
    case 'move': {
      const [from, to] = (event.seats ?? []).map((seat) => names.get(seat) ?? `#${seat}`);
      return isOwn ? e.move(by, from, to) : e.moveOther(who, seats);
    }
    case 'keep':
      return e.keep(by, seats);
    case 'open':
      return e.open(by, seats);
    case 'postpone':
      return e.postpone(by, when(event.before ?? '', order.time_zone), when(event.until ?? '', order.time_zone));
    case 'calloff':
      return e.calloff(by);
    default:
      // A word of a newer server.
      return `${event.what} ${seats}`;
  }
}

/** @param {OrderEvent['by']} by */
function nameOf(by) {
  const { orders: w, log } = words();
  if (!by) return w.house;
  if (by.name) return by.name;
  return by.user_id === undefined ? w.operator : log.user(by.user_id);
}
