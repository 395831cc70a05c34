/** Another performance of a concert, in the same hall: its start, its prices, and a second look before it is on sale. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { money, when } from '../../numbers.js';
import { Problem, SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { PriceFields, readPrices } from './price-fields.js';
import { atVenue } from './venue-time.js';

/** @typedef {import('./price-fields.js').PricesOf} PricesOf */

/** @param {{ concert: import('./life.js').HouseConcert, onDone: (start: string) => Promise<void>, onClose: () => void }} props */
export function AddPerformance({ concert, onDone, onClose }) {
  const { life: w, making, cancel } = words();
  const [asked, setAsked] = useState(/** @type {{ starts_at: string, prices: PricesOf } | null} */ (null));
  const [look, setLook] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const first = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => first.current?.focus(), []);
  const { currency, time_zone: zone, schedules } = concert;
  // What the last one costs is the likeliest.
  const [like] = useState(() => schedules.filter((schedule) => schedule.state === 'PLANNED').at(-1) ?? schedules[schedules.length - 1]);

  /** @param {SubmitEvent} event */
  const read = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const start = atVenue(String(form.get('start')), zone);
    const { prices, wrong: unread } = readPrices(form, like.categories, currency);
    const isThere = schedules.some((schedule) => schedule.state === 'PLANNED' && Date.parse(schedule.starts_at) === Date.parse(start));
    const told = unread !== null ? making.priceWrong(unread) : isThere ? w.startsThen : Date.parse(start) <= Date.now() ? w.startBehind : '';
    setError(null);
    setWrong(told);
    if (told) return;
    setAsked({ starts_at: start, prices });
    setLook(true);
  };
  const add = async () => {
    if (!asked) return;
    setBusy(true);
    try {
      await call('POST', `/concerts/${concert.concert_id}/schedules`, asked);
      await onDone(asked.starts_at);
    } catch (failure) {
      setBusy(false);
      setError(failure);
    }
  };
  return html`<form class="card" aria-label=${w.add} onSubmit=${read}>
    <h3>${w.add}</h3>
    <p>${w.addText}</p>
    <label class="field">${zone ? w.start(zone) : w.startHere}<input ref=${first} name="start" type="datetime-local" required /></label>
    <fieldset><legend>${w.prices}</legend>
      <${PriceFields} categories=${like.categories} currency=${currency} label=${(/** @type {string} */ name) => name} />
    </fieldset>
    <div role="alert">${wrong && html`<p class="problem">${wrong}</p>`}</div>
    <${Problem} error=${error} />
    <div class="buttons"><button type="button" disabled=${busy} onClick=${onClose}>${cancel}</button><button class="primary" disabled=${busy}>${w.lookAdd}</button></div>
    <p role="status">${busy ? w.adding : ''}</p>
    ${asked && look && html`<${SecondLook} title=${w.addOf(when(asked.starts_at, zone))} confirm=${w.addButton} onConfirm=${() => void add()} onClose=${() => setLook(false)}
      text=${html`<span class="difference">${Object.entries(asked.prices).map(([name, price]) => html`<span key=${name}><strong>${name}</strong>: ${money(price, currency)}</span>`)}
        <span>${w.addSure}</span></span>`} />`}
  </form>`;
}
