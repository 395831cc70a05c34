/** The concerts on sale, and this fan's standing in each. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { clock, venueTime, words } from '../i18n.js';
import { explain } from '../explain.js';
import { notify } from '../notices.js';
import { Named } from '../parts/named.js';
import { Poster } from '../parts/poster.js';
import { go } from '../router.js';
import { concerts, elsewhere, join, now, places, queue, refreshConcerts, tokenWanted } from '../session.js';
import { useTitle } from '../title.js';
import { prepareChime } from '../chime.js';
import { prepareSelling } from '../later.js';

/** The countdown to the opening is shown from so long before. */
const COUNTDOWN_FROM_MS = 24 * 3600_000;

/** The time within which changes to the sales (opening, closing, new concerts) show. */
const REFRESH_EVERY_MS = 15_000;

let askedAhead = false;

/** Asks before anything is drawn: the page's head asked already, so the first drawing has the list. What fails is asked again when it is shown. */
export function askAhead() {
  askedAhead = true;
  refreshConcerts().catch(() => {});
}

export function Concerts() {
  const w = words().concerts;
  useTitle('');
  useEffect(() => {
    const refresh = () => document.visibilityState === 'visible' && void refreshConcerts().catch(() => {});
    if (!askedAhead) refresh();
    askedAhead = false;
    const timer = setInterval(refresh, REFRESH_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="page concerts">
    <h1>${w.title}</h1>
    <p class="lead">${w.lead}</p>
    ${concerts.value === null
      ? html`<${Loading} />`
      : concerts.value.length === 0
        ? html`<p class="empty"><strong>${w.none}</strong> ${w.noneText}</p>`
        : html`<ul class="posters">
            ${concerts.value.map((concert) => html`<${Concert} key=${concert.concert_id} concert=${concert} />`)}
          </ul>`}
  </div>`;
}

function Loading() {
  const w = words();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!failed) refreshConcerts().catch(() => setFailed(true));
  }, [failed]);
  if (!failed) return html`<p class="empty" role="status">${w.loading}</p>`;
  return html`<p class="empty" role="alert">
    ${w.concerts.failed} <button type="button" onClick=${() => setFailed(false)}>${w.retry}</button>
  </p>`;
}

/**
 * The opening of the sale: a countdown when that is near, else the date.
 * @param {string} opensAt
 * @param {number} at
 * @param {string | null | undefined} zone The venue's time zone.
 */
export function opening(opensAt, at, zone) {
  const w = words().concerts;
  const left = Date.parse(opensAt) - at;
  return left < COUNTDOWN_FROM_MS ? w.opensIn(clock(Math.max(0, left))) : w.opens(venueTime(opensAt, zone));
}

/** More dates than these are seen where one chooses. */
const DATES_SHOWN = 3;

/** @param {{concert: import('../session.js').Concert}} props */
export function WhereAndWhen({ concert: { venue, schedules, calledOff = [], time_zone: zone } }) {
  return html`${venue && html`<p class="venue"><${Named} text=${venue} /></p>`}
    ${schedules.length > 0 &&
    html`<ul class="dates" aria-label=${words().concerts.dates(schedules.length)}>
      ${schedules.slice(0, DATES_SHOWN).map((s) => html`<li key=${s.schedule_id}><time datetime=${s.starts_at}>${venueTime(s.starts_at, zone)}</time></li>`)}
    </ul>`}
    ${calledOff.slice(0, DATES_SHOWN).map((s) => html`<p class="called-off" key=${s.schedule_id}>${words().concerts.calledOff(venueTime(s.starts_at, zone))}${s.reason && html` <${Named} text=${s.reason} />`}</p>`)}`;
}

/** @param {{concert: import('../session.js').Concert}} props */
function Concert({ concert }) {
  const w = words().concerts;
  const [busy, setBusy] = useState(false);
  const { concert_id, title, sale, schedules } = concert;
  const mine = queue.value?.concert_id === concert_id ? queue.value : (elsewhere.value[concert_id] ?? null);
  const placed = places.value[String(concert_id)] !== undefined;
  const opensIn = sale.state === 'SCHEDULED' && sale.opens_at ? Date.parse(sale.opens_at) - now.value : 0;
  const soldOut = schedules.length > 0 && schedules.every((schedule) => schedule.sold_out);
  // A full house may have seats again: one can wait for them.
  const joinable = schedules.length > 0 && (sale.state === 'OPEN' || sale.state === 'SCHEDULED');

  async function enter() {
    prepareChime();
    prepareSelling(concert);
    setBusy(true);
    try {
      await join(concert_id);
      go(`/sale/${concert_id}`);
    } catch (error) {
      if (!tokenWanted.value) notify({ kind: 'bad', key: 'join', text: explain(error) });
    } finally {
      setBusy(false);
    }
  }

  return html`<li class="poster-card">
    <${Poster} text=${title} />
    <div class="poster-text">
      <p class="badge ${soldOut ? 'closed' : sale.state.toLowerCase()}">${soldOut ? w.soldOut : (w.state[sale.state] ?? sale.state)}</p>
      <h2><a href="#/concert/${concert_id}"><${Named} text=${title} /></a></h2>
      <${WhereAndWhen} concert=${concert} />
      ${sale.message && html`<p class="sale-message"><${Named} text=${sale.message} /></p>`}
      ${opensIn > 0 && sale.opens_at && html`<p class="opens">${opening(sale.opens_at, now.value, concert.time_zone)}</p>`}
      ${placed
        ? html`<p class="mine">
              ${mine?.status === 'WAITING' && mine.position !== null ? w.inLine(mine.position) : mine?.status === 'PROGRESS' ? w.admitted : ''}
            </p>
            <a class="button primary wide" href="#/sale/${concert_id}" aria-label=${w.continueFor(title)}>${w.continue}</a>`
        : joinable &&
          html`<button type="button" class="primary wide" disabled=${busy} aria-label=${w.joinFor(title)} onClick=${enter}>
            ${sale.state === 'SCHEDULED' ? w.joinEarly : soldOut ? words().lobby.joinSoldOut : w.join}
          </button>`}
    </div>
  </li>`;
}
