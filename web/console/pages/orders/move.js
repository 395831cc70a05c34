/** Another seat for one that was sold: chosen on the map or in the list, told before it is done. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { useSeats } from '../../live.js';
import { Problem, SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { Map } from '../sale/seats.js';

/**
 * @param {{ order: import('./order.js').FoundOrder, seats: readonly { seat: number, label: string }[], onDone: () => Promise<void> }} props
 *   `seats`: those whose tickets are good.
 */
export function Move({ order, seats, onDone }) {
  const { orders: w, sale, loading } = words();
  const [open, setOpen] = useState(false);
  const [from, setFrom] = useState(seats[0].seat);
  const [to, setTo] = useState(/** @type {number | null} */ (null));
  const [keep, setKeep] = useState(false);
  const [note, setNote] = useState('');
  const [list, setList] = useState(false);
  const [asked, setAsked] = useState(false);
  const [layout, setLayout] = useState(/** @type {import('../../../sdk/wire.js').Layout | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const model = useSeats(open ? order.schedule_id : null);
  useEffect(() => {
    if (!open || layout) return;
    let current = true;
    call('GET', `/schedules/${order.schedule_id}/layout`).then((found) => current && setLayout(found), (failure) => current && setError(failure));
    return () => void (current = false);
  }, [open]);
  const move = async () => {
    setError(null);
    try {
      await call('POST', `/orders/${order.reservation_id}/move`, { from, to, ...(keep ? { keep } : {}), ...(note.trim() ? { note: note.trim() } : {}) });
    } catch (failure) {
      setError(failure);
    }
    await onDone();
  };
  const old = seats.find(({ seat }) => seat === from)?.label ?? '';
  const label = to === null ? '' : (layout?.seats.label[to] ?? '');
  return html`<section class="card" aria-labelledby="move-title">
    <h2 id="move-title">${w.move}</h2>
    <p>${w.moveHint}</p>
    <${Problem} error=${error} />
    ${!open && html`<button type="button" onClick=${() => setOpen(true)}>${w.moveBegin}</button>`}
    ${open && !layout && !error && html`<p role="status">${loading}</p>`}
    ${open && layout && html`
      <label class="field short">${w.moveFrom}
        <select value=${from} onChange=${(/** @type {any} */ event) => setFrom(Number(event.currentTarget.value))}>
          ${seats.map(({ seat, label: name }) => html`<option value=${seat}>${name}</option>`)}
        </select>
      </label>
      <div class="buttons" role="group" aria-label=${w.moveTo}>
        <button type="button" class="chip" aria-pressed=${!list} onClick=${() => setList(false)}>${sale.map}</button>
        <button type="button" class="chip" aria-pressed=${list} onClick=${() => setList(true)}>${sale.list}</button>
      </div>
      <${Map} layout=${layout} model=${model} seats=${new Set(to === null ? [] : [to])} list=${list} lasso=${false} currency=${order.currency} onPick=${setTo} onLasso=${() => {}} />
      <p role="status"><strong>${to === null ? w.moveNone : w.moveChosen(label)}</strong></p>
      ${to !== null && html`<form onSubmit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        setAsked(true);
      }}>
        <label class="choice"><input type="checkbox" checked=${keep} onChange=${(/** @type {any} */ event) => setKeep(event.currentTarget.checked)} /> ${w.moveKeep(old)}</label>
        <label class="field">${sale.note}<input maxlength="500" autocomplete="off" value=${note} onInput=${(/** @type {any} */ event) => setNote(event.currentTarget.value)} /></label>
        <button class="primary">${w.moveLook}</button>
      </form>`}`}
    ${asked && html`<${SecondLook} title=${w.move} text=${w.moveText(order.name || words().desk.nameless, old, label)} confirm=${w.move} onConfirm=${() => void move()} onClose=${() => setAsked(false)} />`}
  </section>`;
}
