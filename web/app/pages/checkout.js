/**
 * Paying what is held: one button, which charges the wallet first when it holds too little.
 *
 * Always: the page ends on the ticket as soon as the server says "paid", also when the answer got lost on the way or the
 * page was reloaded meanwhile. The server is asked first what is missing, because another page may have charged; no more is
 * charged than the button said, and a charge's request id is made of the reservation, so that two pages charge once.
 */
import { useEffect, useState } from 'preact/hooks';
import { InsufficientBalanceError, RequestIdReusedError } from '@frontrow/sdk';
import { html } from '../html.js';
import { money, venueTime, words } from '../i18n.js';
import { explain } from '../explain.js';
import { BeforePaying } from '../later.js';
import { notify } from '../notices.js';
import { Icon } from '../parts/icons.js';
import { Label } from '../parts/label.js';
import { Message } from '../parts/message.js';
import { go } from '../router.js';
import { balance, concerts, currency, heldElsewhere, layoutOf, now, refreshBalance, reservations, session, signedIn, start, status } from '../session.js';
import { useTitle } from '../title.js';
import { Named } from '../parts/named.js';

/** @typedef {'' | 'charging' | 'paying'} Step */

/** @param {{reservationId: string}} props */
export function Checkout({ reservationId }) {
  const w = words();
  const [step, setStep] = useState(/** @type {Step} */ (''));
  const [looked, setLooked] = useState(false);
  const [may, setMay] = useState(false);
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  useTitle(w.checkout.title);
  const reservation = reservations.value.find((candidate) => candidate.reservation_id === reservationId);
  const paid = reservation?.status === 'RESERVED';

  // Only the open reservations are known after a reload; this one may have been paid just before.
  const look = () => {
    if (!signedIn.value) return;
    setFailure(null);
    start()
      .listReservations()
      .then(
        () => setLooked(true),
        (error) => setFailure(explain(error)),
      );
    refreshBalance().catch(() => {});
  };
  useEffect(look, [reservationId, signedIn.value, session.value]);
  useEffect(() => {
    if (reservation) layoutOf(reservation.schedule_id).catch(() => {});
  }, [reservation?.schedule_id]);

  useEffect(() => {
    if (paid) go(`/tickets/${reservationId}`, { replace: true });
  }, [paid]);

  // Somebody else's address, or one of before signing out: nobody is asked for it, and nothing would answer.
  if (!signedIn.value) return html`<${Message} title=${w.checkout.gone} text=${w.checkout.goneText} href="#/" action=${w.lobby.toConcerts} />`;
  if (!reservation && !looked && failure) {
    return html`<p class="page empty" role="alert">${failure} <button type="button" onClick=${look}>${w.retry}</button></p>`;
  }
  if (paid || (!reservation && !looked)) return html`<p class="page empty" role="status">${w.loading}</p>`;
  if (!reservation || reservation.status !== 'TEMP_RESERVED') {
    const back = reservation ? `#/sale/${reservation.concert_id}` : '#/';
    return html`<${Message} title=${w.checkout.gone} text=${w.checkout.goneText} href=${back} action=${w.checkout.choose} />`;
  }

  const { amount, seats } = reservation;
  const have = balance.value ?? 0;
  const missing = Math.max(0, amount - have);
  const concert = concerts.value?.find((candidate) => candidate.concert_id === reservation.concert_id);
  const schedule = concert?.schedules.find((candidate) => candidate.schedule_id === reservation.schedule_id);
  const price = (/** @type {number} */ value) => money(value, currency.value);

  // The server ends it at the deadline, and says so; until that is here, nothing is begun any more.
  const over = reservation.expires_at !== null && Date.parse(reservation.expires_at) <= now.value;

  async function pay() {
    try {
      setStep('paying');
      await settle(reservationId, missing, setStep);
      go(`/tickets/${reservationId}`, { replace: true });
    } catch (error) {
      setStep('');
      refreshBalance().catch(() => {});
      notify({ kind: 'bad', key: 'pay', text: explain(error) });
    }
  }

  return html`<section class="page checkout" aria-labelledby="checkout-title">
      <a class="back" href="#/sale/${reservation.concert_id}"><${Icon} name="back" />${w.back}</a>
      <h1 id="checkout-title">${w.checkout.title}</h1>
      ${concert && html`<p class="kicker"><${Named} text=${concert.title} />${schedule && html` · <time datetime=${schedule.starts_at}>${venueTime(schedule.starts_at, concert.time_zone)}</time>`}</p>`}
      <div class="receipt">
        <h2>${w.checkout.seats}</h2>
        <ul>
          ${seats.map((seat) => html`<li key=${seat.seat}><span><span class="seat-name"><${Label} text=${seat.label} /></span> <small>${seat.category}</small></span><span>${price(seat.price)}</span></li>`)}
        </ul>
        <p class="sum"><span>${w.cart.total}</span><strong>${price(amount)}</strong></p>
        <p class="line"><span>${w.checkout.balance}</span><span>${balance.value === null ? '…' : price(have)}</span></p>
        ${missing > 0
          ? html`<p class="line"><span>${w.checkout.missing}</span><span>${price(missing)}</span></p>`
          : html`<p class="line"><span>${w.checkout.after}</span><span>${price(have - amount)}</span></p>`}
      </div>
      ${heldElsewhere(reservation) && html`<p class="hint">${w.cart.other}</p>`}
      <${BeforePaying} concertId=${reservation.concert_id} scheduleId=${reservation.schedule_id} onMay=${setMay} />
      <button type="button" class="primary wide big" disabled=${!may || step !== '' || over || balance.value === null} onClick=${pay}>
        ${step === 'charging' ? w.checkout.charging : step === 'paying' ? w.checkout.paying : missing > 0 ? w.checkout.chargeAndPay(price(missing)) : w.checkout.pay(price(amount))}
      </button>
      <p class="hint" role="status">${step && status.value !== 'online' ? w.checkout.waitForLink : ''}</p>
    </section>`;
}

/** A charge for the same reservation may have been spent elsewhere before it was paid; more often than this nobody does that. */
const CHARGES_MAX = 3;

/**
 * Pays, and charges what the server says is missing, as long as it is no more than the fan agreed to.
 * @param {string} reservationId
 * @param {number} agreed
 * @param {(step: Step) => void} onStep
 */
async function settle(reservationId, agreed, onStep) {
  for (let n = 0; ; n++) {
    try {
      return await start().pay(reservationId);
    } catch (error) {
      if (!(error instanceof InsufficientBalanceError) || n === CHARGES_MAX) throw error;
      const missing = error.missing ?? Number(error.required) - Number(error.balance);
      if (!(missing <= agreed)) throw error; // `!(…)` holds for what is no number, too.
      onStep('charging');
      // Used by another page for another amount: the server is asked again what that left missing.
      await start().charge(missing, { requestId: `pay ${reservationId} ${n}` }).catch((refused) => {
        if (!(refused instanceof RequestIdReusedError)) throw refused;
      });
      onStep('paying');
    }
  }
}
