/** One concert's sale, whatever this fan's place in it: not joined, in line, choosing, done, over. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { words } from '../i18n.js';
import { explain } from '../explain.js';
import { notify } from '../notices.js';
import { Message } from '../parts/message.js';
import { Named } from '../parts/named.js';
import { Share } from '../parts/share.js';
import { concerts, join, now, places, queue, refreshConcerts, returnTo, session, settled, tokenWanted } from '../session.js';
import { WhereAndWhen, opening } from './concerts.js';
import { prepareChime } from '../chime.js';
import { Seats, prepareSelling } from '../later.js';
import { loadJson } from '../storage.js';
import { Waiting } from './waiting.js';

/** The time within which changes to the sale (opening, closing) show to a fan without a place in it. */
const REFRESH_EVERY_MS = 15_000;

/** @param {{concertId: number}} props */
export function Sale({ concertId }) {
  const w = words();
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  const concert = concerts.value?.find((candidate) => candidate.concert_id === concertId);
  const mine = queue.value?.concert_id === concertId ? queue.value : null;
  const placed = places.value[String(concertId)] !== undefined;

  const fail = (/** @type {unknown} */ error) => setFailure(explain(error));
  const lookAtSale = () => void refreshConcerts().catch(fail);
  const lookForPlace = () => void (!mine && placed && returnTo(concertId).catch(fail));
  const retry = () => {
    setFailure(null);
    lookAtSale();
    lookForPlace();
  };
  useEffect(lookAtSale, [session.value]);
  useEffect(lookForPlace, [concertId, placed, mine === null, session.value]);
  useEffect(() => prepareSelling(concert), [concert === undefined]);

  if (concerts.value && !concert) {
    return html`<${Message} title=${w.lobby.missing} text=${w.lobby.missingText} href="#/" action=${w.lobby.toConcerts} />`;
  }
  // The hello brings the place after a reload; until then nothing is claimed.
  if (!concert || (!mine && (placed || !settled.value))) {
    if (!failure) return html`<p class="page empty" role="status">${w.loading}</p>`;
    return html`<p class="page empty" role="alert">${failure} <button type="button" onClick=${retry}>${w.retry}</button></p>`;
  }

  switch (mine?.status) {
    case 'WAITING':
      return html`<${Waiting} concert=${concert} place=${mine} />`;
    case 'PROGRESS':
      return html`<${Seats} concert=${concert} />`;
    case 'DONE': {
      const [title, text, action] = allCancelled(concertId) ? [w.lobby.cancelled, w.lobby.cancelledText, w.lobby.seeOrders] : [w.lobby.done, w.lobby.doneText, w.lobby.seeTickets];
      return html`<${Message} title=${title} text=${text} href="#/tickets" action=${action}>
        <${Join} concert=${concert} again quiet />
      <//>`;
    }
    case 'EXPIRED': {
      const reason = mine.reason ?? 'time';
      const closed = reason === 'closed' || concert.sale.state === 'CLOSED';
      return html`<${Message} title=${w.lobby.expired[reason] ?? w.lobby.expired.time} text=${closed ? w.lobby.closedText : w.lobby.expiredText}>
        <${Join} concert=${concert} again />
      <//>`;
    }
    default:
      return html`<${Message} title=${concert.title}><div><${WhereAndWhen} concert=${concert} /></div><${Join} concert=${concert} /><${Share} concert=${concert} /><//>`;
  }
}

/**
 * Whether what was bought of this concert was given back, as far as this device knows.
 * @param {number} concertId
 */
function allCancelled(concertId) {
  /** @type {{tickets: import('../../sdk/wire.js').Ticket[], cancelled: import('../../sdk/wire.js').Ticket[]}} */
  const { tickets, cancelled } = loadJson('tickets', { tickets: [], cancelled: [] });
  const isOfIt = (/** @type {import('../../sdk/wire.js').Ticket} */ ticket) => ticket.concert_id === concertId;
  return cancelled.some(isOfIt) && !tickets.some(isOfIt);
}

/**
 * The state of the sale at the moment, and the way into it, where there is one.
 * @param {{concert: import('../session.js').Concert, again?: boolean, quiet?: boolean}} props
 */
function Join({ concert, again = false, quiet = false }) {
  const w = words();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const refresh = () => document.visibilityState === 'visible' && void refreshConcerts().catch(() => {});
    const timer = setInterval(refresh, REFRESH_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const { state, message, opens_at: opensAt } = concert.sale;
  const playing = concert.schedules.length > 0;
  const soldOut = playing && concert.schedules.every((schedule) => schedule.sold_out);

  async function enter() {
    prepareChime();
    setBusy(true);
    try {
      await join(concert.concert_id);
    } catch (error) {
      if (!tokenWanted.value) notify({ kind: 'bad', key: 'join', text: explain(error) });
    } finally {
      setBusy(false);
    }
  }

  if (state === 'CLOSED' || !playing) {
    return html`${!again && html`<p role="status">${w.lobby.over}</p>`}${!quiet && html`<a class="button" href="#/">${w.lobby.toConcerts}</a>`}`;
  }
  const early = state === 'SCHEDULED';
  const text = early ? w.lobby.early : state === 'PAUSED' ? w.lobby.paused : soldOut ? w.lobby.soldOut : again ? '' : w.lobby.text;
  const label = again ? w.lobby.again : early ? w.lobby.joinEarly : soldOut ? w.lobby.joinSoldOut : w.lobby.join;
  return html`
    ${text && html`<p role="status">${text}</p>`}
    ${early && opensAt && html`<p class="opens">${opening(opensAt, now.value, concert.time_zone)}</p>`}
    ${message && html`<p class="sale-message"><${Named} text=${message} /></p>`}
    ${state !== 'PAUSED' && html`<button type="button" class=${quiet ? '' : 'primary'} disabled=${busy} onClick=${enter}>${label}</button>`}
  `;
}
