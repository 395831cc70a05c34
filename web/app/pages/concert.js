/** A concert's own page: what is played, where and when, what it costs and what is left, and the way into its sale. */
import { useEffect, useState } from 'preact/hooks';
import { fetchConcert } from '@frontrow/sdk';
import { html } from '../html.js';
import { count, language, money, venueTime, words } from '../i18n.js';
import { explain } from '../explain.js';
import { Message } from '../parts/message.js';
import { Named } from '../parts/named.js';
import { Poster } from '../parts/poster.js';
import { Share } from '../parts/share.js';
import { now } from '../session.js';
import { textsOf } from '../texts.js';
import { useTitle } from '../title.js';
import { opening } from './concerts.js';
import { WORDS } from './concert.words.js';

/** @typedef {import('../../sdk/wire.js').ConcertPage} Page */

/** The time within which what is left, and what an operator changes, shows. */
const REFRESH_EVERY_MS = 15_000;
/** So many are few. */
const FEW = 20;

/** @param {{concertId: number}} props */
export function ConcertPage({ concertId }) {
  const w = words();
  const [page, setPage] = useState(/** @type {Page | null} */ (null));
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const ask = () =>
    fetchConcert(undefined, concertId).then(
      (loaded) => {
        setPage(loaded);
        setFailure(null);
      },
      (error) => setFailure(error),
    );
  useEffect(() => {
    void ask();
    const timer = setInterval(() => document.visibilityState === 'visible' && void ask(), REFRESH_EVERY_MS);
    return () => clearInterval(timer);
  }, [concertId]);
  useTitle(page?.concert.title ?? '');
  if (page) return html`<${Shown} page=${page} />`;
  if (failure?.reason === 'CONCERT_NOT_FOUND') {
    return html`<${Message} title=${w.lobby.missing} text=${w.lobby.missingText} href="#/" action=${w.lobby.toConcerts} />`;
  }
  if (failure) {
    return html`<p class="page empty" role="alert">${WORDS[language.value].failed} ${explain(failure)} <button type="button" onClick=${ask}>${w.retry}</button></p>`;
  }
  return html`<p class="page empty" role="status">${w.loading}</p>`;
}

/** @param {{page: Page}} props */
function Shown({ page: { concert, about, schedules, cancel_before_start_ms: cancelBefore } }) {
  const { concerts: w, lobby } = words();
  const own = WORDS[language.value];
  const { concert_id: id, title, venue, sale, time_zone: zone } = concert;
  const currency = concert.currency ?? 'KRW';
  const texts = textsOf(about);
  // What became of the performances stands in the list's words of them.
  const reasons = new Map(concert.schedules.map((schedule) => [schedule.schedule_id, schedule.reason]));
  const calledOff = concert.schedules.filter((schedule) => schedule.state === 'CALLED_OFF');
  const isOff = schedules.length === 0 && calledOff.length > 0;
  const soldOut = schedules.length > 0 && schedules.every((schedule) => schedule.sold_out);
  const opensIn = sale.state === 'SCHEDULED' && sale.opens_at ? Date.parse(sale.opens_at) - now.value : 0;
  const paragraphs = (texts.description ?? '').split(/\n\s*\n/).filter(Boolean);
  const image = about.image_id;
  return html`<article class="page concert-page">
    ${image
      ? html`<img class="picture" src="/images/${image}-1600.jpg" srcset="/images/${image}-800.jpg 800w, /images/${image}-1600.jpg 1600w" sizes="(max-width: 60rem) 100vw, 60rem" alt=${texts.image_alt ?? ''} />`
      : html`<${Poster} text=${title} />`}
    <header>
      <p class="badge ${soldOut || isOff ? 'closed' : sale.state.toLowerCase()}">${isOff ? own.off : soldOut ? w.soldOut : (w.state[sale.state] ?? sale.state)}</p>
      <h1><${Named} text=${title} /></h1>
      ${venue && html`<p class="venue"><${Named} text=${venue} /></p>`}
      ${opensIn > 0 && sale.opens_at && html`<p class="opens">${opening(sale.opens_at, now.value, zone)}</p>`}
      ${sale.message && html`<p class="sale-message"><${Named} text=${sale.message} /></p>`}
    </header>
    <p><a class="button primary" href="#/sale/${id}">${sale.state === 'CLOSED' || schedules.length === 0 ? lobby.toConcerts : sale.state === 'SCHEDULED' ? w.joinEarly : soldOut ? lobby.joinSoldOut : w.join}</a> <${Share} concert=${concert} /></p>
    ${paragraphs.length > 0 && html`<div class="text">${paragraphs.map((text) => html`<p><${Named} text=${text} /></p>`)}</div>`}
    <section aria-labelledby="dates">
      <h2 id="dates">${own.dates}</h2>
      <ul class="days">
        ${schedules.map((schedule) => html`<li key=${schedule.schedule_id} class="day">
          <time datetime=${schedule.starts_at}>${venueTime(schedule.starts_at, zone)}</time>
          ${reasons.get(schedule.schedule_id) && html`<p class="news">${own.moved} <${Named} text=${reasons.get(schedule.schedule_id)} /></p>`}
          <dl>${schedule.categories.map(({ name, price, left }) => html`<div key=${name}>
            <dt><${Named} text=${name} /></dt><dd class="money">${money(price, currency)}</dd>
            <dd class="left">${left === 0 ? own.none : left <= FEW ? own.few(count(left)) : own.left(count(left))}</dd></div>`)}
          </dl>
        </li>`)}
        ${calledOff.map((schedule) => html`<li key=${schedule.schedule_id} class="day called-off">
          <p>${w.calledOff(venueTime(schedule.starts_at, zone))}</p>
          ${schedule.reason && html`<p class="news"><${Named} text=${schedule.reason} /></p>`}
          <p>${own.moneyBack}</p>
        </li>`)}
      </ul>
    </section>
    <section aria-labelledby="about">
      <h2 id="about">${own.about}</h2>
      <dl class="particulars">
        ${(texts.address || about.map_url) && html`<dt>${own.address}</dt><dd>${texts.address && html`<${Named} text=${texts.address} />`} ${about.map_url && html`<a href=${about.map_url} rel="noreferrer">${own.map}</a>`}</dd>`}
        ${texts.age && html`<dt>${own.age}</dt><dd><${Named} text=${texts.age} /></dd>`}
        <dt>${own.limits}</dt><dd>${own.perOrder(count(concert.seats_per_reservation_max))} ${concert.seats_per_user_max > 0 && own.perUser(count(concert.seats_per_user_max))}</dd>
        ${schedules.length > 0 && html`<dt>${own.refund}</dt><dd>${cancelBefore === 0
          ? own.refundStart
          : html`${own.refundText}<ul>${schedules.map(({ schedule_id: schedule, starts_at: start }) => html`<li key=${schedule}>${own.refundUntil(venueTime(new Date(Date.parse(start) - cancelBefore).toISOString(), zone))}</li>`)}</ul>`}</dd>`}
        ${texts.seller && html`<dt>${own.seller}</dt><dd><${Named} text=${texts.seller} /></dd>`}
        ${texts.terms && html`<dt>${own.terms}</dt><dd><${Named} text=${texts.terms} /></dd>`}
      </dl>
    </section>
  </article>`;
}
