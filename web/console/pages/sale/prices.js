/** What the free seats of a performance cost from now on. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { money } from '../../numbers.js';
import { SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { Changed } from './change.js';
import { PriceFields, readPrices } from './price-fields.js';

/** @typedef {import('./price-fields.js').PricesOf} PricesOf */

/** @param {{ schedule: import('./life.js').HouseSchedule, concert: import('./life.js').HouseConcert, onDone: () => Promise<void>, onTold: () => Promise<void> }} props */
export function Prices({ schedule, concert, onDone, onTold }) {
  const { life: w, making } = words();
  const [wrong, setWrong] = useState('');
  const [asked, setAsked] = useState(/** @type {{ prices: PricesOf, all: boolean } | null} */ (null));
  const [look, setLook] = useState(false);
  const [told, setTold] = useState(/** @type {{ error: unknown, saw: PricesOf } | null} */ (null));
  // On top of what was seen when the form was opened; whoever was told that it is something else has seen that.
  const [saw, setSaw] = useState(() => /** @type {PricesOf} */ (Object.fromEntries(schedule.categories.map(({ name, price }) => [name, price]))));
  const { currency } = concert;
  const id = schedule.schedule_id;
  // In all of them at once only what costs the same in all: else nobody saw what is changed.
  const others = concert.schedules.filter((other) => other.state === 'PLANNED' && !other.begun && other !== schedule);
  const alike = others.length > 0 && others.every((other) => other.categories.every(({ name, price }) => saw[name] === price));

  /** @param {SubmitEvent} event */
  const read = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const typed = readPrices(form, schedule.categories, currency);
    setWrong(typed.wrong === null ? '' : making.priceWrong(typed.wrong));
    if (typed.wrong !== null) return;
    const prices = Object.fromEntries(Object.entries(typed.prices).filter(([name, price]) => price !== saw[name]));
    if (Object.keys(prices).length === 0) return;
    setAsked({ prices, all: form.has('all') });
    setLook(true);
  };
  const change = async () => {
    if (!asked) return;
    setTold(null);
    const { prices, all } = asked;
    const was = { prices: Object.fromEntries(Object.keys(prices).map((name) => [name, saw[name]])) };
    try {
      await call('PATCH', `/schedules/${id}`, { prices, ...(all ? { all_performances: true } : {}) }, { was });
      await onDone();
    } catch (error) {
      setTold({ error, saw });
      setSaw({ ...saw, .../** @type {any} */ (error).data?.was?.prices });
      await onTold();
    }
  };
  const isNow = /** @type {any} */ (told?.error)?.data?.was;
  const inMoney = (/** @type {PricesOf | undefined} */ prices) => Object.fromEntries(Object.entries(prices ?? {}).map(([name, price]) => [name, money(price, currency)]));
  return html`<form class="whole" onSubmit=${read}>
    <${PriceFields} categories=${schedule.categories.map(({ name }) => ({ name, price: saw[name] }))} currency=${currency}
      label=${(/** @type {string} */ name) => making.priceOf(name, schedule.categories.find((of) => of.name === name)?.left ?? 0)} />
    ${alike && html`<label class="choice"><input type="checkbox" name="all" /> ${w.allPerformances}</label>`}
    <small class="hint">${w.pricesHint}</small>
    <div role="alert">${wrong && html`<p class="problem">${wrong}</p>`}</div>
    <button>${w.lookPrices}</button>
    <${Changed} error=${told?.error} wanted=${inMoney(asked?.prices)} saw=${inMoney(told?.saw)} is=${isNow?.prices && inMoney(isNow.prices)} />
    ${asked && look && html`<${SecondLook} title=${w.prices} confirm=${w.change} onConfirm=${() => void change()} onClose=${() => setLook(false)}
      text=${html`<span class="difference">${Object.entries(asked.prices).map(([name, price]) => html`<span key=${name}><strong>${name}</strong>: ${money(saw[name], currency)} → ${money(price, currency)}</span>`)}
        <span>${asked.all ? w.pricesAllText : w.pricesText}</span></span>`} />`}
  </form>`;
}
