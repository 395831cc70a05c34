/** The tickets that this fan has bought, by purchase, with the codes for the door; and cancelling them. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { date, money, named, venueTime, whereabouts, words } from '../i18n.js';
import { explain } from '../explain.js';
import { notify } from '../notices.js';
import { keepPage, kept } from '../offline.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { Label, SeatName } from '../parts/label.js';
import { Message } from '../parts/message.js';
import { Named } from '../parts/named.js';
import { Qr } from '../parts/qr.js';
import { useWakeLock } from '../parts/wakelock.js';
import { balance, changes, currency, layoutOf, now, placeIn, reservations, session, signedIn, start, status } from '../session.js';
import { loadJson, saveJson } from '../storage.js';
import { useTitle } from '../title.js';

/**
 * A ticket with its seat's place, once that is known: a door may be without a network, and a drawing is large.
 * @typedef {import('../../sdk/wire.js').Ticket & {place?: import('../../seatmap/place.js').SeatPlace, movedFrom?: string}} Ticket
 */

/** The time after its start when a performance is over for sure, and its tickets move behind the others. */
const OVER_AFTER_MS = 6 * 3600_000;

/**
 * The server's last answer, kept on the device for a door without a network.
 * @typedef {{at: string, tickets: Ticket[], cancelled: Ticket[]}} Known
 */

/** @param {{bought: string | null}} props The reservation that was paid just now. */
export function Tickets({ bought }) {
  const w = words().tickets;
  const [loaded, setKnown] = useState(/** @type {Known | null} */ (loadJson('tickets', null)));
  // A fan who signed out has left none on this device; one whose sign-in expired still has what they bought.
  const known = signedIn.value ? loaded : /** @type {Known | null} */ (loadJson('tickets', null));
  const [fresh, setFresh] = useState(false);
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  useTitle(w.title);

  function refresh() {
    if (!signedIn.value) return;
    setFailure(null);
    start()
      .orders()
      .then(
        ({ tickets, cancelled }) => {
          keep({ at: new Date(now.value).toISOString(), tickets, cancelled });
          setFresh(true);
          // The places of seats are needed for what is still to come; for the rest their labels will do.
          const wanted = new Set(tickets.filter((ticket) => !isOver(ticket) && !placeIn(ticket.schedule_id, ticket.seat)).map((ticket) => ticket.schedule_id));
          for (const schedule of wanted) layoutOf(schedule).then(() => keep({ at: new Date(now.value).toISOString(), tickets, cancelled }), () => {});
        },
        (error) => setFailure(explain(error)),
      );
  }
  /** @param {Known} news */
  function keep({ at, tickets, cancelled }) {
    if (!signedIn.value) return; // Signed out meanwhile: nothing is left here.
    const before = /** @type {Known | null} */ (loadJson('tickets', null));
    const earlier = new Map([...(before?.tickets ?? []), ...(before?.cancelled ?? [])].map((ticket) => [ticket.ticket_id, ticket]));
    const withPlace = (/** @type {Ticket} */ ticket) => {
      const was = earlier.get(ticket.ticket_id);
      const place = placeIn(ticket.schedule_id, ticket.seat) ?? was?.place;
      // What this device knew before is what its fan was told then.
      const movedFrom = was?.starts_at && was.starts_at !== ticket.starts_at ? was.starts_at : was?.movedFrom;
      return { ...ticket, ...(place ? { place } : {}), ...(movedFrom ? { movedFrom } : {}) };
    };
    if (before && [...tickets, ...cancelled].some((ticket) => ticket.called_off && earlier.get(ticket.ticket_id)?.called_off !== true)) {
      notify({ kind: 'warn', key: 'called-off', stays: true, text: words().tickets.calledOffNews });
    }
    const news = { at, tickets: tickets.map(withPlace), cancelled: cancelled.map(withPlace) };
    saveJson('tickets', news);
    setKnown(news);
  }
  // Somebody at the box office may give seats back, or other ones, while the page is open.
  const orders = reservations.value.filter((order) => order.status !== 'TEMP_RESERVED');
  const changed = orders.map((order) => [order.reservation_id, order.status, ...order.seats.map((seat) => seat.seat)].join(' ')).join();
  useEffect(refresh, [bought, signedIn.value, session.value, changed, changes.value]);
  const some = known !== null && known.tickets.length > 0;
  useEffect(() => {
    if (some) void keepPage();
  }, [some]);

  const alarm = failure && html`<p class="page empty" role="alert">${failure} <button type="button" onClick=${refresh}>${words().retry}</button></p>`;
  if (signedIn.value && !known) return alarm ?? html`<p class="page empty" role="status">${words().loading}</p>`;
  if (!known || known.tickets.length + known.cancelled.length === 0) {
    return html`<${Message} title=${w.none} text=${w.noneText} href="#/" action=${words().lobby.toConcerts} />`;
  }
  const over = (/** @type {PurchaseOf} */ { tickets: [ticket] }) => Number(isOver(ticket));
  const purchases = byPurchase(known.tickets.map(inWords));
  purchases.sort((a, b) => Number(b.reservationId === bought) - Number(a.reservationId === bought) || over(a) - over(b));
  const cancelled = byPurchase(known.cancelled.map(inWords));
  // This is only the server's last answer, until it has said what is true now.
  const stale = !fresh && status.value !== 'online';
  return html`<div class="page tickets">
    ${bought && purchases[0]?.reservationId === bought
      ? html`<div class="thanks" role="status"><h1>${w.thanks}</h1><p>${w.thanksText}</p></div>`
      : html`<h1>${w.title}</h1>`}
    ${alarm} ${stale && html`<p class="stale-tickets" role="status">${w.stale(date(known.at))}</p>`}
    ${purchases.map((purchase) => html`<${Purchase} key=${purchase.reservationId} purchase=${purchase} onCancelled=${refresh} />`)}
    ${some && kept.value && !stale && html`<p class="hint">${w.offline}</p>`}
    ${cancelled.length > 0 && html`<h2 class="cancelled-title">${w.cancelledTitle}</h2>`}
    ${cancelled.map((purchase) => html`<${CancelledOrder} key=${purchase.reservationId} purchase=${purchase} />`)}
  </div>`;
}

/** @typedef {Ticket & import('../i18n.js').Whereabouts & {movedSeat?: string}} NamedTicket */

/**
 * A ticket with its names in the page's language.
 * @param {Ticket} ticket
 * @returns {NamedTicket}
 */
function inWords(ticket) {
  const { title, venue, label, place, moved_from: before } = ticket;
  const movedSeat = before && whereabouts(null, before, venue).label;
  return { ...ticket, movedSeat, title: title && named(title), venue: venue && named(venue), ...whereabouts(place, label, venue) };
}

/** @param {Ticket} ticket */
function isOver({ starts_at: startsAt }) {
  return Boolean(startsAt && Date.parse(startsAt) < now.value - OVER_AFTER_MS);
}

/**
 * @typedef {object} PurchaseOf
 * @property {string} reservationId
 * @property {NamedTicket[]} tickets
 */

/**
 * @param {NamedTicket[]} tickets
 * @returns {PurchaseOf[]}
 */
function byPurchase(tickets) {
  /** @type {Map<string, NamedTicket[]>} */
  const purchases = new Map();
  for (const ticket of tickets) purchases.set(ticket.reservation_id, [...(purchases.get(ticket.reservation_id) ?? []), ticket]);
  return [...purchases].map(([reservationId, tickets]) => ({ reservationId, tickets: tickets.sort((a, b) => a.seat - b.seat) }));
}

/** @param {{tickets: Ticket[]}} props The performance: what, when and where. */
function Performance({ tickets: [{ title, venue, starts_at: startsAt, time_zone: zone, movedFrom, called_off: calledOff, reason }] }) {
  const w = words().tickets;
  const news = movedFrom && !calledOff ? w.moved(venueTime(movedFrom, zone)) : '';
  return html`<header>
    <h2><${Named} text=${title} /></h2>
    <p>${startsAt && html`<time datetime=${startsAt}>${venueTime(startsAt, zone)}</time>`}${venue && html` · ${venue}`}</p>
    ${(news || reason) && html`<p class="news">${news} ${reason && html`<${Named} text=${reason} />`}</p>`}
  </header>`;
}

/** @param {{purchase: PurchaseOf}} props */
function CancelledOrder({ purchase: { tickets } }) {
  const w = words().tickets;
  const [{ cancelled_at: at, called_off: calledOff }] = tickets;
  return html`<section class="purchase cancelled">
    <${Performance} tickets=${tickets} />
    <p>${tickets.map((ticket, index) => html`${index > 0 && words().seats.between}<${Label} text=${ticket.label} />`)}</p>
    <p class="hint">${at && html`<time datetime=${at}>${(calledOff ? w.calledOffOn : w.cancelledOn)(date(at))}</time> · `}${w.refunded(money(sumOf(tickets), currency.value))}</p>
  </section>`;
}

/** @param {Ticket[]} tickets */
function sumOf(tickets) {
  return tickets.reduce((sum, ticket) => sum + ticket.price, 0);
}

/** @param {{purchase: PurchaseOf, onCancelled: () => void}} props */
function Purchase({ purchase, onCancelled }) {
  const w = words().tickets;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const { reservationId, tickets } = purchase;
  const [{ cancel_until: cancelUntil, called_off: calledOff }] = tickets;
  const [shown, setShown] = useState(/** @type {number | null} */ (null));
  const amount = sumOf(tickets);
  const cancellable = !calledOff && (!cancelUntil || Date.parse(cancelUntil) > now.value);

  async function cancel() {
    setAsking(false);
    setBusy(true);
    try {
      const answer = await start().cancel(reservationId);
      balance.value = answer.balance;
      notify({ kind: 'good', text: w.cancelled(money(amount, currency.value)) });
      onCancelled();
    } catch (error) {
      notify({ kind: 'bad', text: explain(error) });
    } finally {
      setBusy(false);
    }
  }

  return html`<section class="purchase">
    <${Performance} tickets=${tickets} />
    ${calledOff && html`<p class="hint" role="status">${w.calledOff}</p>`}
    <ul class="ticket-list">
      ${tickets.map(
        (ticket, index) => html`<li class="ticket" key=${ticket.ticket_id}>
          <div class="ticket-main">
            <p class="label">${w.seat}</p>
            <p class="ticket-seat"><${SeatName} seat=${ticket} /></p>
            ${ticket.movedSeat && html`<p class="news">${w.movedFrom(ticket.movedSeat)}</p>`}
            <p class="ticket-price">${ticket.category} · ${money(ticket.price, currency.value)}</p>
            <p class="label">${w.code}</p>
            <p class="ticket-code">${ticket.code}</p>
          </div>
          <div class="ticket-stub">
            <button type="button" class="ticket-qr" aria-label=${w.show(ticket.label)} onClick=${() => setShown(index)}>
              <${Qr} text=${ticket.code} label=${w.qr(ticket.label)} />
            </button>
          </div>
        </li>`,
      )}
    </ul>
    ${shown !== null && html`<${AtTheDoor} tickets=${tickets} shown=${shown} onShow=${setShown} />`}
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

/**
 * One code as wide as the screen, one at a time, so that a scanner never reads the neighbour's; the screen stays awake.
 * @param {{tickets: NamedTicket[], shown: number, onShow: (shown: number | null) => void}} props
 */
function AtTheDoor({ tickets, shown, onShow }) {
  const w = words().tickets;
  useWakeLock();
  const ticket = tickets[shown];
  return html`<${Dialog} title=${w.full} whole onClose=${() => onShow(null)}>
    <div class="at-the-door">
      <${Qr} text=${ticket.code} label=${w.qr(ticket.label)} />
      <p class="ticket-seat"><${SeatName} seat=${ticket} /></p>
      <p class="ticket-code">${ticket.code}</p>
      ${tickets.length > 1 &&
      html`<div class="door-steps">
        <button type="button" class="round" aria-label=${w.previous} disabled=${shown === 0} onClick=${() => onShow(shown - 1)}><${Icon} name="back" /></button>
        <p aria-live="polite">${w.nth(shown + 1, tickets.length)}</p>
        <button type="button" class="round" aria-label=${w.next} disabled=${shown === tickets.length - 1} onClick=${() => onShow(shown + 1)}><${Icon} name="next" /></button>
      </div>`}
    </div>
  <//>`;
}
