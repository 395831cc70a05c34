/**
 * What a buyer has to know before paying: who sells, until when an order may be cancelled, the terms; and a box to agree, where
 * the sale asks for it.
 *
 * Always: a page that cannot be loaded keeps nobody from paying, since their time runs; it is asked for again.
 */
import { useEffect, useState } from 'preact/hooks';
import { fetchConcert } from '@frontrow/sdk';
import { html } from '../html.js';
import { language, venueTime } from '../i18n.js';
import { WORDS } from '../pages/concert.words.js';
import { textsOf } from '../texts.js';
import { Named } from './named.js';

const AGAIN_MS = 5_000;

/** @param {{ concertId: number, scheduleId: number, onMay: (may: boolean) => void }} props `onMay`: may they pay now? */
export function BeforePaying({ concertId, scheduleId, onMay }) {
  const own = WORDS[language.value];
  const [page, setPage] = useState(/** @type {import('../../sdk/wire.js').ConcertPage | null} */ (null));
  const [agreed, setAgreed] = useState(false);
  useEffect(() => {
    let current = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const ask = () =>
      fetchConcert(undefined, concertId).then(
        (loaded) => current && setPage(loaded),
        () => {
          if (!current) return;
          onMay(true);
          timer = setTimeout(ask, AGAIN_MS);
        },
      );
    void ask();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [concertId]);
  const asks = page?.about.must_agree === true;
  useEffect(() => {
    if (page) onMay(!asks || agreed);
  }, [page, asks, agreed]);
  if (!page) return null;
  const texts = textsOf(page.about);
  const schedule = page.schedules.find((candidate) => candidate.schedule_id === scheduleId);
  const until = schedule && new Date(Date.parse(schedule.starts_at) - page.cancel_before_start_ms).toISOString();
  const refund = page.cancel_before_start_ms === 0 ? own.refundStart : until && html`${own.refundText} ${own.refundUntil(venueTime(until, page.concert.time_zone))}`;
  return html`<section class="before-paying" aria-label=${own.about}>
    <dl>
      ${refund && html`<dt>${own.refund}</dt><dd>${refund}</dd>`}
      ${texts.seller && html`<dt>${own.seller}</dt><dd><${Named} text=${texts.seller} /></dd>`}
    </dl>
    ${texts.terms && html`<details open=${asks}><summary>${own.terms}</summary><div class="terms" tabindex="0" role="region" aria-label=${own.terms}><${Named} text=${texts.terms} /></div></details>`}
    ${asks && html`<label class="agree"><input type="checkbox" checked=${agreed} onChange=${(/** @type {any} */ event) => setAgreed(event.currentTarget.checked)} /> <span>${texts.terms ? own.agreeTerms : own.agree}</span></label>`}
  </section>`;
}
