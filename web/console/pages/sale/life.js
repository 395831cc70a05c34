/**
 * What becomes of a sale's performances: another one, another start, prices of free seats, calling off, how far the money back
 * is, and the end of it all. Each change is made on top of what was seen, after a second look that says what will happen.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { count, money, when } from '../../numbers.js';
import { Problem, SecondLook, useAsked } from '../../parts.js';
import { hasRole } from '../../session.js';
import { words } from '../../words.js';
import { AddPerformance } from './add.js';
import { Archive } from './archive.js';
import { Changed } from './change.js';
import { Prices } from './prices.js';
import { Progress } from './refunds.js';
import { Texts } from './texts.js';
import { atVenue, clockOf } from './venue-time.js';

/** Those who change something here. */
const STEER = ['owner', 'manager'];

/**
 * @typedef {object} HouseSchedule
 * @property {number} schedule_id
 * @property {string} starts_at
 * @property {'PLANNED' | 'CALLED_OFF'} state
 * @property {string} [reason]
 * @property {boolean} begun
 * @property {{ name: string, price: number, left: number }[]} categories
 *
 * @typedef {object} HouseConcert
 * @property {number} concert_id
 * @property {string} title
 * @property {import('../draft.js').Entered['about']} about
 * @property {string} currency
 * @property {string | null} time_zone
 * @property {HouseSchedule[]} schedules
 *
 * @typedef {{ orders: number, seats: number, amount: number, at_desk: { orders: number, amount: number } }} Sold
 *
 * What is asked before it is called off.
 * @typedef {{ of: HouseSchedule | null, path: string, sold: Sold, held: number }} Asked
 */

/**
 * @param {{
 *   id: number, figures: import('../../../sdk/wire.js').LiveFigures, detail: import('../../../sdk/wire.js').SaleDetail,
 *   onArchived: () => void,
 * }} props
 */
export function Life({ id, figures, detail, onArchived }) {
  const { life: w, loading } = words();
  const { value, error, again } = useAsked(() => call('GET', `/concerts/${id}`));
  const concert = /** @type {HouseConcert | null} */ (value);
  const lines = new Map(detail.by_schedule.map((line) => [line.schedule_id, line]));
  // What another operator does to a performance shows, too.
  const seen = JSON.stringify(detail.by_schedule.map(({ schedule_id: schedule, starts_at: start, state }) => [schedule, start, state]));
  useEffect(() => void again(), [seen]);
  const [asked, setAsked] = useState(/** @type {Asked | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [adds, setAdds] = useState(false);
  const [added, setAdded] = useState('');
  const adder = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const steers = hasRole(...STEER);

  const planned = concert?.schedules.filter((schedule) => schedule.state === 'PLANNED') ?? [];
  /** What it would give back is counted when it is asked. @param {HouseSchedule | null} of */
  const ask = async (of) => {
    setProblem(null);
    try {
      const counted = await Promise.all((of ? [of] : planned).map((one) => call('GET', `/schedules/${one.schedule_id}/sold`)));
      const sum = (/** @type {'orders' | 'seats' | 'amount'} */ field) => counted.reduce((all, one) => all + one[field], 0);
      const held = (of ? [of] : planned).reduce((all, one) => all + (lines.get(one.schedule_id)?.held ?? 0), 0);
      const path = of ? `/schedules/${of.schedule_id}/call_off` : `/concerts/${id}/call_off`;
      const atDesk = (/** @type {'orders' | 'amount'} */ what) => counted.reduce((all, one) => all + one.at_desk[what], 0);
      const at_desk = { orders: atDesk('orders'), amount: atDesk('amount') };
      setAsked({ of, path, held, sold: { orders: sum('orders'), seats: sum('seats'), amount: sum('amount'), at_desk } });
    } catch (failure) {
      setProblem(failure);
    }
  };
  const closeAdding = () => {
    setAdds(false);
    // What had the focus is gone with the form.
    adder.current?.focus();
  };
  if (!concert) return html`<section aria-labelledby="schedules-title"><h2 id="schedules-title">${words().sale.schedules}</h2><${Problem} error=${error} />${!error && html`<p role="status">${loading}</p>`}</section>`;
  return html`<section aria-labelledby="schedules-title">
      <h2 id="schedules-title">${words().sale.schedules}</h2>
      <${Problem} error=${problem ?? error} />
      <ul class="rows">${concert.schedules.map((schedule) => html`<${Performance} key=${schedule.schedule_id} schedule=${schedule} concert=${concert}
        line=${lines.get(schedule.schedule_id)} steers=${steers} onChanged=${again} onCallOff=${() => void ask(schedule)} />`)}</ul>
      ${hasRole(...STEER, 'box_office') && html`<${Progress} key=${concert.schedules.filter((one) => one.state === 'CALLED_OFF').map((one) => one.schedule_id).join()} id=${id} schedules=${concert.schedules} zone=${concert.time_zone} currency=${concert.currency} />`}
      ${steers && html`<div class="buttons">
        ${concert.schedules.length > 0 && html`<button ref=${adder} type="button" aria-expanded=${adds} onClick=${() => {
          setAdded('');
          setAdds(!adds);
        }}>${w.add}</button>`}
        ${planned.length > 0 && html`<button type="button" class="danger" onClick=${() => void ask(null)}>${w.callOffAll}</button>`}
      </div>
      <p role="status" class=${added ? 'done' : 'visually-hidden'}>${added}</p>`}
      ${adds && html`<${AddPerformance} concert=${concert} onClose=${closeAdding} onDone=${async (/** @type {string} */ start) => {
        closeAdding();
        setAdded(w.added(when(start, concert.time_zone)));
        await again();
      }} />`}
      ${asked && html`<${CallOff} asked=${asked} concert=${concert} onClose=${() => setAsked(null)} onDone=${() => void again()} />`}
    </section>
    ${steers && html`<${Texts} concert=${concert} onChanged=${again} /><${Archive} concert=${concert} figures=${figures} detail=${detail} onArchived=${onArchived} />`}`;
}

/**
 * @param {{
 *   schedule: HouseSchedule, concert: HouseConcert, line: import('../../../sdk/wire.js').ScheduleLine | undefined, steers: boolean,
 *   onChanged: () => Promise<void>, onCallOff: () => void,
 * }} props
 */
function Performance({ schedule, concert, line, steers, onChanged, onCallOff }) {
  const { life: w, tonight, sale, log } = words();
  const [open, setOpen] = useState(/** @type {'move' | 'prices' | null} */ (null));
  const [done, setDone] = useState('');
  const start = when(schedule.starts_at, concert.time_zone);
  const isOff = schedule.state === 'CALLED_OFF';
  const toggle = (/** @type {'move' | 'prices'} */ what) => {
    setDone('');
    setOpen((now) => (now === what ? null : what));
  };
  const changed = async (/** @type {string} */ said) => {
    setOpen(null);
    setDone(said);
    await onChanged();
  };
  return html`<li class="row performance">
    <div class="row-what"><strong>${start}</strong>
      ${isOff && html`<span class="tag bad">${log.states.CALLED_OFF}</span>`}
      ${!isOff && schedule.begun && html`<span class="tag">${w.begun}</span>`}
      ${line && html`<span>${tonight.seats({ sold: count(line.sold), held: count(line.held), free: count(line.available), kept: count(line.restricted) })}</span>`}
      ${schedule.reason && html`<p class="quote">${schedule.reason}</p>`}
      ${!isOff && html`<small>${sale.left}: ${schedule.categories.map(({ name, price }) => `${name} ${count(line?.left[name] ?? 0)} × ${money(price, concert.currency)}`).join(', ')}</small>`}
    </div>
    ${steers && !isOff && html`<div class="row-do">
      ${!schedule.begun && html`<button type="button" class="small" aria-expanded=${open === 'move'} aria-label=${w.moveOf(start)} onClick=${() => toggle('move')}>${w.move}</button>
        <button type="button" class="small" aria-expanded=${open === 'prices'} aria-label=${w.pricesOf(start)} onClick=${() => toggle('prices')}>${w.prices}</button>`}
      <button type="button" class="small" aria-label=${w.callOffOf(start)} onClick=${onCallOff}>${w.callOff}</button>
    </div>`}
    <p role="status" class=${done && !isOff ? 'done whole' : 'visually-hidden'}>${isOff ? '' : done}</p>
    ${open === 'move' && html`<${Move} schedule=${schedule} zone=${concert.time_zone} onDone=${() => changed(w.moved)} />`}
    ${open === 'prices' && html`<${Prices} schedule=${schedule} concert=${concert} onDone=${() => changed(w.priced)} onTold=${onChanged} />`}
  </li>`;
}

/** @param {{ schedule: HouseSchedule, zone: string | null, onDone: () => Promise<void> }} props */
function Move({ schedule, zone, onDone }) {
  const { life: w } = words();
  const [asked, setAsked] = useState(/** @type {{ starts_at: string, reason?: string } | null} */ (null));
  const [look, setLook] = useState(false);
  const [told, setTold] = useState(/** @type {{ error: unknown, saw: string } | null} */ (null));
  // On top of what was seen when the form was opened; whoever was told that it is something else has seen that.
  const [saw, setSaw] = useState(schedule.starts_at);
  /** @param {SubmitEvent} event */
  const read = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const reason = String(form.get('reason')).trim();
    setAsked({ starts_at: atVenue(String(form.get('start')), zone), ...(reason ? { reason } : {}) });
    setLook(true);
  };
  const move = async () => {
    setTold(null);
    try {
      await call('POST', `/schedules/${schedule.schedule_id}/postpone`, asked ?? {}, { was: { starts_at: saw } });
      await onDone();
    } catch (error) {
      setTold({ error, saw });
      setSaw(/** @type {any} */ (error).data?.was?.starts_at ?? saw);
    }
  };
  const id = schedule.schedule_id;
  return html`<form class="whole" onSubmit=${read}>
    <label class="field">${zone ? w.newStart(zone) : w.newStartHere}<input name="start" type="datetime-local" required defaultValue=${clockOf(saw, zone)} /></label>
    <label class="field">${w.why}<input name="reason" maxlength="500" autocomplete="off" aria-describedby=${`why-${id}`} /></label>
    <small class="hint" id=${`why-${id}`}>${w.whyHint}</small>
    <button>${w.lookMove}</button>
    <${Changed} error=${told?.error} wanted=${{ starts_at: asked?.starts_at }} saw=${{ starts_at: told?.saw }} />
    ${asked && look && html`<${SecondLook} title=${w.move} confirm=${w.move} text=${w.moveText(when(saw, zone), when(asked.starts_at, zone))}
      onConfirm=${() => void move()} onClose=${() => setLook(false)} />`}
  </form>`;
}

/**
 * The reason, and in figures what calling off gives back.
 * @param {{ asked: Asked, concert: HouseConcert, onClose: () => void, onDone: () => void }} props
 */
function CallOff({ asked: { of, path, sold, held }, concert, onClose, onDone }) {
  const { life: w } = words();
  const [reason, setReason] = useState('');
  const [look, setLook] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const title = of ? w.callOffOf(when(of.starts_at, concert.time_zone)) : w.callOffAll;
  const told = { orders: count(sold.orders), seats: count(sold.seats), sum: money(sold.amount, concert.currency), held: count(held) };
  const callOff = async () => {
    setError(null);
    try {
      await call('POST', path, { reason: reason.trim(), confirm: 'CALL OFF' });
      onDone();
      onClose();
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<form class="card" aria-label=${title} onSubmit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      setLook(true);
    }}>
    <h3>${title}</h3>
    <p>${w.callOffText(told)}</p>
    ${sold.at_desk.orders > 0 && html`<p>${words().desk.ofWhichDesk(count(sold.at_desk.orders), money(sold.at_desk.amount, concert.currency))}</p>`}
    <label class="field">${w.why}<input name="reason" required maxlength="500" pattern=".*\\S.*" autocomplete="off" value=${reason} onInput=${(/** @type {any} */ event) => setReason(event.currentTarget.value)} /></label>
    <small class="hint">${w.whyHint}</small>
    <${Problem} error=${error} />
    <div class="buttons"><button type="button" onClick=${onClose}>${words().cancel}</button><button class="danger">${w.lookOff}</button></div>
    ${look && html`<${SecondLook} title=${title} confirm=${w.callOff} text=${of ? w.callOffSure(told) : w.callOffAllSure(told)}
      onConfirm=${() => void callOff()} onClose=${() => setLook(false)} />`}
  </form>`;
}
