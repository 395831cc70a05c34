/**
 * The live seat map, and what an operator does with seats: choosing them one by one, by lasso, row, section or category, and
 * keeping them from sale or putting them on sale again, selling them at the box office or giving them away. By keyboard and in
 * the list as on the map.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import '../../../seatmap/index.js';
import { call } from '../../api.js';
import { useSeats } from '../../live.js';
import { count, money, when } from '../../numbers.js';
import { Problem, SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { Desk, Sold } from './desk.js';
import { within } from './lasso.js';
import { Whose } from './whose.js';

/** Seats that are named in one call: a body has 16 KiB. */
const SEATS_PER_CALL = 2_000;

/** @typedef {import('../../../sdk/wire.js').Layout} Layout */
/** @typedef {{ restrict: boolean, title: string, text: string }} Asked */

/** @param {{ concert: number, detail: import('../../../sdk/wire.js').SaleDetail, zone: string | null, currency: string, mayKeep: boolean, maySell: boolean }} props */
export function Seats({ concert, detail, zone, currency, mayKeep, maySell }) {
  const { sale: w, log } = words();
  const [chosen, setChosen] = useState(/** @type {number | null} */ (null));
  const schedule = chosen ?? detail.by_schedule[0]?.schedule_id ?? null;
  if (schedule === null) return null;
  const isOff = (/** @type {number} */ id) => detail.by_schedule.some((one) => one.schedule_id === id && one.state === 'CALLED_OFF');
  return html`<section class="seats" aria-labelledby="seats-title">
    <h2 id="seats-title">${w.seats}</h2>
    <p>${mayKeep || !maySell ? w.seatsText : w.seatsSellText}</p>
    ${detail.by_schedule.length > 1 && html`<label class="field short">${w.performance}
      <select value=${schedule} onChange=${(/** @type {any} */ event) => setChosen(Number(event.currentTarget.value))}>
        ${detail.by_schedule.map((one) => html`<option value=${one.schedule_id}>${when(one.starts_at, zone)}${isOff(one.schedule_id) ? ` – ${log.states.CALLED_OFF}` : ''}</option>`)}
      </select>
    </label>`}
    ${isOff(schedule) && html`<p class="problem off">${w.seatsOff}</p>`}
    <${Tool} key=${schedule} concert=${concert} schedule=${schedule} currency=${currency} mayKeep=${mayKeep} maySell=${maySell} />
  </section>`;
}

/** @param {{ concert: number, schedule: number, currency: string, mayKeep: boolean, maySell: boolean }} props */
function Tool({ concert, schedule, currency, mayKeep, maySell }) {
  const { sale: w, loading } = words();
  const model = useSeats(schedule);
  const [layout, setLayout] = useState(/** @type {Layout | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [seats, setSeats] = useState(/** @type {ReadonlySet<number>} */ (new Set()));
  const [list, setList] = useState(false);
  const [lasso, setLasso] = useState(false);
  const [asked, setAsked] = useState(/** @type {Asked | null} */ (null));
  const [told, setTold] = useState('');
  const [note, setNote] = useState('');
  const [sold, setSold] = useState(/** @type {import('./desk.js').DeskOrder | null} */ (null));
  const mayChoose = mayKeep || maySell;
  useEffect(() => {
    let current = true;
    call('GET', `/schedules/${schedule}/layout`).then(
      (found) => current && setLayout(found),
      (failure) => current && setError(failure),
    );
    return () => void (current = false);
  }, [schedule]);
  /** @param {Iterable<number>} more */
  const add = (more) => setSeats((before) => new Set([...before, ...more]));
  /** @param {number} seat */
  const toggle = (seat) =>
    setSeats((before) => {
      const after = new Set(before);
      if (!after.delete(seat)) after.add(seat);
      return after;
    });
  /** @param {boolean} restrict */
  const change = async (restrict) => {
    setError(null);
    setTold('');
    const all = [...seats].sort((a, b) => a - b);
    let [changed, left] = [0, 0];
    try {
      for (let from = 0; from < all.length; from += SEATS_PER_CALL) {
        const select = { seats: all.slice(from, from + SEATS_PER_CALL) };
        const done = await call('POST', `/schedules/${schedule}/seats`, { restrict, select, ...(note.trim() ? { note: note.trim() } : {}) });
        changed += done.changed;
        left += done.left;
      }
      // What was chosen and typed meanwhile stays.
      setSeats((now) => new Set([...now].filter((seat) => !seats.has(seat))));
      setNote((now) => (now === note ? '' : now));
    } catch (failure) {
      setError(failure);
    }
    setTold(w.changedSeats(changed, left));
  };
  if (!layout) return html`<${Problem} error=${error} />${error ? null : html`<p>${loading}</p>`}`;
  const n = seats.size;
  const [single] = n === 1 ? seats : [];
  return html`<div class="seat-tools">
      <div class="buttons" role="group" aria-label=${w.seats}>
        <button type="button" class="chip" aria-pressed=${!list} onClick=${() => setList(false)}>${w.map}</button>
        <button type="button" class="chip" aria-pressed=${list} onClick=${() => setList(true)}>${w.list}</button>
        ${mayChoose && !list && html`<button type="button" class="chip" aria-pressed=${lasso} title=${w.lassoText} onClick=${() => setLasso(!lasso)}>${w.lasso}</button>`}
      </div>
      ${mayChoose && html`<${Groups} layout=${layout} onChoose=${add} />`}
    </div>
    <${Map} layout=${layout} model=${model} seats=${seats} list=${list} lasso=${lasso && !list && mayChoose} currency=${currency}
      onPick=${mayChoose ? toggle : null} onLasso=${add} />
    <p role="status">${told}</p>
    <${Problem} error=${error} />
    ${mayChoose && html`<div class="chosen">
      <p role="status"><strong>${w.chosen(n)}</strong></p>
      ${maySell && single !== undefined && html`<${Whose} key=${`${single} ${model?.state(single)}`} concert=${concert} schedule=${schedule} label=${layout.seats.label[single]} />`}
      ${n > 0 && !mayKeep && html`<div class="buttons"><button type="button" class="quiet" onClick=${() => setSeats(new Set())}>${w.clear}</button></div>`}
      ${n > 0 && mayKeep && html`<label class="field">${w.note}<input maxlength="500" autocomplete="off" value=${note} onInput=${(/** @type {any} */ event) => setNote(event.currentTarget.value)} /></label>
      <div class="buttons">
        <button type="button" class="primary" onClick=${() => setAsked({ restrict: true, title: w.keep, text: w.keepText(n) })}>${w.keep}</button>
        <button type="button" onClick=${() => setAsked({ restrict: false, title: w.giveBack, text: w.giveBackText(n) })}>${w.giveBack}</button>
        <button type="button" class="quiet" onClick=${() => setSeats(new Set())}>${w.clear}</button>
      </div>`}
    </div>`}
    ${maySell && n > 0 && html`<${Desk} concert=${concert} schedule=${schedule} layout=${layout} currency=${currency} seats=${seats} onSold=${(/** @type {import('./desk.js').DeskOrder} */ order) => {
      setSold(order);
      setSeats(new Set());
    }} />`}
    ${sold && n === 0 && html`<${Sold} key=${sold.order.reservation_id} sold=${sold} onNext=${() => setSold(null)} />`}
    ${asked && html`<${SecondLook} title=${asked.title} text=${asked.text} confirm=${asked.title} onConfirm=${() => void change(asked.restrict)} onClose=${() => setAsked(null)} />`}`;
}

/** Choosing whole sections, rows and categories. @param {{ layout: Layout, onChoose: (seats: number[]) => void }} props */
function Groups({ layout, onChoose }) {
  const { sale: w } = words();
  const groups = useMemo(() => {
    /** @param {(seat: number) => number} of @param {number} n */
    const gathered = (of, n) => {
      /** @type {number[][]} */
      const found = Array.from({ length: n }, () => []);
      layout.seats.row.forEach((_, seat) => found[of(seat)].push(seat));
      return found;
    };
    const { seats, rows, zones, categories } = layout;
    const named = zones.length > 1;
    return {
      zone: { names: zones.map((zone, i) => zone.name || `${i + 1}`), seats: gathered((seat) => rows[seats.row[seat]].zone, zones.length) },
      row: { names: rows.map((row) => (named ? `${zones[row.zone].name} ${row.label}` : row.label)), seats: gathered((seat) => seats.row[seat], rows.length) },
      category: { names: categories.map((category) => category.name), seats: gathered((seat) => seats.category[seat], categories.length) },
    };
  }, [layout]);
  return html`<div class="groups">${/** @type {const} */ (['zone', 'row', 'category']).map((kind) => html`<label key=${kind} class="field short">${w[kind]}
    <select value="" onChange=${(/** @type {any} */ event) => {
      const index = event.currentTarget.value;
      event.currentTarget.value = '';
      if (index !== '') onChoose(groups[kind].seats[Number(index)]);
    }}>
      <option value="">${w.choose}</option>
      ${groups[kind].names.map((name, index) => html`<option value=${index}>${name} (${count(groups[kind].seats[index].length)})</option>`)}
    </select>
  </label>`)}</div>`;
}

/**
 * @param {{
 *   layout: Layout, model: import('../../../sdk/seats.js').SeatModel | null, seats: ReadonlySet<number>, list: boolean, lasso: boolean,
 *   currency: string, onPick: ((seat: number) => void) | null, onLasso: (seats: number[]) => void,
 * }} props
 */
export function Map({ layout, model, seats, list, lasso, currency, onPick, onLasso }) {
  const { sale: w } = words();
  const map = useRef(/** @type {import('../../../seatmap/index.js').FrontrowSeatmap | null} */ (null));
  useEffect(() => {
    if (map.current) map.current.layout = layout;
  }, [layout]);
  useEffect(() => {
    if (map.current) map.current.model = model;
  }, [model]);
  useEffect(() => {
    if (map.current) map.current.own = seats;
  }, [seats]);
  useEffect(() => {
    const price = (/** @type {number} */ amount) => money(amount, currency);
    const prices = (/** @type {number} */ least, /** @type {number} */ most) => (least === most ? price(least) : `${price(least)} – ${price(most)}`);
    if (map.current) map.current.words = /** @type {any} */ ({ ...w.map_words, price, prices });
  }, [w, currency]);
  return html`<div class="seat-map">
    <frontrow-seatmap ref=${map} view=${list ? 'list' : 'map'} onseat-pick=${(/** @type {CustomEvent<{ seat: number }>} */ event) => onPick?.(event.detail.seat)}></frontrow-seatmap>
    ${lasso && html`<${Lasso} map=${map} onDrawn=${onLasso} />`}
  </div>`;
}

/** @param {{ map: { current: import('../../../seatmap/index.js').FrontrowSeatmap | null }, onDrawn: (seats: number[]) => void }} props */
function Lasso({ map, onDrawn }) {
  const { sale: w } = words();
  const [line, setLine] = useState(/** @type {{ x: number, y: number }[]} */ ([]));
  /** @param {PointerEvent} event */
  const place = (event) => {
    const box = /** @type {SVGElement} */ (event.currentTarget).getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  return html`<svg class="lasso" role="img" aria-label=${w.lassoText}
    onPointerDown=${(/** @type {any} */ event) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      setLine([place(event)]);
    }}
    onPointerMove=${(/** @type {any} */ event) => line.length > 0 && setLine([...line, place(event)])}
    onPointerUp=${() => {
      const { current } = map;
      if (current?.layout && line.length > 2) onDrawn(within(current.layout, line.map(({ x, y }) => current.toVenue(x, y))));
      setLine([]);
    }}
    onPointerCancel=${() => setLine([])}>
    ${line.length > 1 && html`<polygon points=${line.map(({ x, y }) => `${x},${y}`).join(' ')} />`}
  </svg>`;
}
