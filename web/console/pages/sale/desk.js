/**
 * The box office: the chosen seats are sold to somebody who stands there, or given away, after a second look at the sum; and
 * afterwards their tickets' codes.
 *
 * Always: a wish has one request id until it is known what became of it, so that pressing again sells nothing twice.
 */
import { useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { ApiError, call } from '../../api.js';
import { money } from '../../numbers.js';
import { Problem, SecondLook } from '../../parts.js';
import { words } from '../../words.js';

/** Seats of one order, as the server takes them. */
const SEATS_MAX = 20;
/** Refusals after which something may have been sold all the same. */
const UNSURE = ['NETWORK', 'OUTCOME_UNKNOWN', 'UNAVAILABLE', 'INTERNAL'];

/** @typedef {'cash' | 'card' | 'gift'} Source */
/** @typedef {{ seat: number, label: string, category: string, price: number, code: string, ticket_id: string }} DeskTicket */
/** @typedef {{ order: { reservation_id: string, amount: number, source: Source }, name: string, currency: string, tickets: DeskTicket[] }} DeskOrder */

/**
 * @param {{
 *   concert: number, schedule: number, layout: import('../../../sdk/wire.js').Layout, currency: string, seats: ReadonlySet<number>,
 *   onSold: (order: DeskOrder) => void,
 * }} props
 */
export function Desk({ concert, schedule, layout, currency, seats, onSold }) {
  const { desk: w } = words();
  const [name, setName] = useState('');
  const [note, setNote] = useState('');
  const [how, setHow] = useState(/** @type {'cash' | 'card'} */ ('cash'));
  const [asked, setAsked] = useState(/** @type {{ source: Source, sum: number } | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [told, setTold] = useState('');
  const request = useRef({ wish: '', id: '' });
  const chosen = [...seats].sort((a, b) => a - b);
  const labels = (/** @type {number[]} */ of) => of.map((seat) => layout.seats.label[seat]).join(', ');
  /** What it costs at this moment is asked of the server, as prices may have changed. @param {Source} source */
  const look = async (source) => {
    setError(null);
    setTold('');
    try {
      /** @type {{ schedules: { schedule_id: number, categories: { name: string, price: number }[] }[] }} */
      const house = await call('GET', `/concerts/${concert}`);
      const categories = house.schedules.find((of) => of.schedule_id === schedule)?.categories ?? [];
      const price = new Map(categories.map((category) => [category.name, category.price]));
      const sum = chosen.reduce((all, seat) => all + (price.get(layout.categories[layout.seats.category[seat]].name) ?? 0), 0);
      setAsked({ source, sum: source === 'gift' ? 0 : sum });
    } catch (failure) {
      setError(failure);
    }
  };
  /** @param {{ source: Source, sum: number }} wish */
  const sell = async ({ source, sum }) => {
    const wish = JSON.stringify([schedule, source, chosen]);
    if (request.current.wish !== wish) request.current = { wish, id: crypto.randomUUID() };
    const texts = { ...(name.trim() ? { name: name.trim() } : {}), ...(note.trim() ? { note: note.trim() } : {}) };
    try {
      const sold = await call('POST', `/schedules/${schedule}/sell`, { seats: chosen, source, amount: sum, ...texts, request_id: request.current.id });
      onSold(sold);
    } catch (failure) {
      if (!(failure instanceof ApiError)) setError(failure);
      else if (UNSURE.includes(failure.reason)) return setTold(w.unsure);
      else if (failure.reason === 'SEAT_TAKEN') setTold(w.taken(labels(failure.data.seats ?? [])));
      else if (failure.reason === 'CHANGED_MEANWHILE') setTold(w.priced);
      else setError(failure);
      // Nothing was sold: the next try is another order.
      request.current = { wish: '', id: '' };
    }
  };
  const tooMany = chosen.length > SEATS_MAX;
  return html`<section class="card desk" aria-labelledby="desk-title">
    <h3 id="desk-title">${w.title}</h3>
    <p>${w.text}</p>
    <label class="field">${w.name}<input name="buyer" maxlength="100" autocomplete="off" value=${name} onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)} /></label>
    <label class="field">${w.note}<input name="desk-note" maxlength="500" autocomplete="off" value=${note} onInput=${(/** @type {any} */ event) => setNote(event.currentTarget.value)} /></label>
    <fieldset><legend>${w.how}</legend>${/** @type {const} */ (['cash', 'card']).map((one) => html`<label key=${one} class="choice">
      <input type="radio" name="how" value=${one} checked=${how === one} onChange=${() => setHow(one)} /> ${w[one]}</label>`)}</fieldset>
    ${tooMany && html`<p class="hint">${w.tooMany(SEATS_MAX)}</p>`}
    <div class="buttons">
      <button type="button" class="primary" disabled=${tooMany} onClick=${() => void look(how)}>${w.sell}</button>
      <button type="button" disabled=${tooMany} onClick=${() => void look('gift')}>${w.give}</button>
    </div>
    <p role="status">${told}</p>
    <${Problem} error=${error} />
    ${asked && html`<${SecondLook} title=${asked.source === 'gift' ? w.giveAway(chosen.length) : w.sellFor(money(asked.sum, currency))}
      confirm=${asked.source === 'gift' ? w.giveAway(chosen.length) : w.sellFor(money(asked.sum, currency))}
      text=${html`<span class="difference"><strong>${labels(chosen)}</strong>
        <span>${asked.source === 'gift' ? w.giveText : w.sellText(money(asked.sum, currency), asked.source === 'cash' ? w.inCash : w.byCard)}</span></span>`}
      onConfirm=${() => void sell(asked)} onClose=${() => setAsked(null)} />`}
  </section>`;
}

/** What was sold, with the codes to copy or print. @param {{ sold: DeskOrder, onNext: () => void }} props */
export function Sold({ sold, onNext }) {
  const { desk: w } = words();
  const [told, setTold] = useState('');
  const { order, tickets, currency } = sold;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(tickets.map(({ label, code }) => `${label}\t${code}`).join('\n'));
      setTold(w.copied);
    } catch {
      setTold(w.notCopied);
    }
  };
  return html`<section class="card desk" aria-labelledby="sold-title">
    <h3 id="sold-title" tabindex="-1" ref=${(/** @type {HTMLElement | null} */ head) => head?.focus()}>${order.source === 'gift' ? w.given(tickets.length) : w.sold(tickets.length, money(order.amount, currency))}</h3>
    <ul class="rows" aria-label=${w.tickets}>${tickets.map((ticket) => html`<li key=${ticket.ticket_id} class="row">
      <div class="row-what"><strong>${ticket.label}</strong> <span>${ticket.category}</span> <span class="code" aria-label=${w.code(ticket.label)}>${ticket.code}</span></div>
    </li>`)}</ul>
    <div class="buttons">
      <a class="button primary" href=${`#/orders/${order.reservation_id}/tickets`}>${w.print}</a>
      <button type="button" onClick=${() => void copy()}>${w.copy}</button>
      <a class="button" href=${`#/orders/${order.reservation_id}`}>${w.order}</a>
      <button type="button" class="quiet" onClick=${onNext}>${w.next}</button>
    </div>
    <p role="status">${told}</p>
  </section>`;
}
