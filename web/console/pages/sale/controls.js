/** What steers a sale at once: its state, how many are let in, a message. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { count } from '../../numbers.js';
import { SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { Outcome, useChange } from './change.js';
import { useTyped } from './typed.js';
import { atVenue, clockOf } from './venue-time.js';

/**
 * @param {{
 *   line: import('../../../sdk/wire.js').SaleLine,
 *   figures: import('../../../sdk/wire.js').LiveFigures,
 *   detail: import('../../../sdk/wire.js').SaleDetail,
 * }} props
 */
export function Controls({ line, figures, detail }) {
  const { sale: w } = words();
  const outcome = useChange(line.concert_id);
  const [asked, setAsked] = useState(/** @type {{ title: string, text: string, state: string } | null} */ (null));
  const { state } = figures;
  /** @param {string} title @param {string} text @param {string} wanted */
  const ask = (title, text, wanted) => html`<button type="button" class=${wanted === 'CLOSED' ? 'danger' : wanted === 'OPEN' ? 'primary' : ''}
    onClick=${() => setAsked({ title, text, state: wanted })}>${title}</button>`;
  return html`<section class="card steer" aria-labelledby="steer-title">
    <h2 id="steer-title">${w.controls}</h2>
    <div class="buttons">
      ${state !== 'OPEN' && ask(w.open, w.openText(count(figures.waiting), count(figures.capacity)), 'OPEN')}
      ${state === 'OPEN' && ask(w.pause, w.pauseText(count(figures.waiting), count(figures.held)), 'PAUSED')}
      ${state !== 'CLOSED' && ask(w.close, w.closeText(count(figures.waiting)), 'CLOSED')}
    </div>
    ${state === 'SCHEDULED' && html`<${Opening} figures=${figures} outcome=${outcome} />`}
    <${Capacity} figures=${figures} detail=${detail} outcome=${outcome} />
    <${Message} detail=${detail} outcome=${outcome} />
    <${Outcome} outcome=${outcome} />
    ${asked && html`<${SecondLook} title=${asked.title} text=${asked.text} confirm=${asked.title}
      onConfirm=${() => void outcome.change({ state: asked.state }, { state })} onClose=${() => setAsked(null)} />`}
  </section>`;
}

/** When it opens by itself. @param {{ figures: import('../../../sdk/wire.js').LiveFigures, outcome: ReturnType<typeof useChange> }} props */
function Opening({ figures, outcome }) {
  const { sale: w } = words();
  const zone = figures.time_zone ?? null;
  const typed = useTyped({ opens_at: figures.opens_at ?? null });
  /** @param {{ opens_at: string | null }} wanted */
  const change = async (wanted) => {
    const is = await outcome.change(wanted, typed.saw);
    if (is === null) typed.saved(wanted);
    else if (is) typed.told({ opens_at: is.opens_at ?? null });
  };
  /** @param {SubmitEvent} event */
  const set = (event) => {
    event.preventDefault();
    const local = String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('opens_at'));
    void change({ opens_at: atVenue(local, zone) });
  };
  return html`<form class="steer-form" key=${typed.key} onSubmit=${set} onInput=${typed.onInput}>
    <label class="field">${zone ? w.opensAt(zone) : w.opensAtHere}<input name="opens_at" type="datetime-local" required defaultValue=${figures.opens_at ? clockOf(figures.opens_at, zone) : ''} aria-describedby="opens-text" /></label>
    <small id="opens-text">${figures.opens_at ? w.opensText : w.opensByHand}</small>
    <div class="buttons"><button aria-label=${w.setOpening}>${w.set}</button>
      ${figures.opens_at && html`<button type="button" onClick=${() => void change({ opens_at: null })}>${w.openByHand}</button>`}
    </div>
  </form>`;
}

/** @param {{ figures: import('../../../sdk/wire.js').LiveFigures, detail: import('../../../sdk/wire.js').SaleDetail, outcome: ReturnType<typeof useChange> }} props */
function Capacity({ figures, detail, outcome }) {
  const { sale: w } = words();
  const typed = useTyped({ capacity: detail.settings_own.capacity ?? null, shown: figures.capacity });
  /** @param {SubmitEvent} event */
  const set = async (event) => {
    event.preventDefault();
    const capacity = Number(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('capacity'));
    const is = await outcome.change({ capacity }, { capacity: typed.saw.capacity });
    if (is === null) typed.saved({ capacity, shown: capacity });
    else if (is) typed.told({ ...typed.saw, capacity: is.capacity ?? null });
  };
  return html`<form class="steer-form" key=${typed.key} onSubmit=${set} onInput=${typed.onInput}>
    <label class="field">${w.capacity}<input name="capacity" type="number" inputmode="numeric" min="1" max="1000000" required defaultValue=${figures.capacity} aria-describedby="capacity-text" /></label>
    <small id="capacity-text">${w.capacityText(count(figures.progress))}</small>
    <button>${w.set}</button>
  </form>`;
}

/** @param {{ detail: import('../../../sdk/wire.js').SaleDetail, outcome: ReturnType<typeof useChange> }} props */
function Message({ detail, outcome }) {
  const { sale: w } = words();
  const typed = useTyped({ message: detail.message });
  /** @param {{ message: string | null }} wanted */
  const change = async (wanted) => {
    const is = await outcome.change(wanted, typed.saw);
    if (is === null) typed.saved(wanted);
    else if (is) typed.told({ message: is.message ?? null });
  };
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    void change({ message: String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('message')).trim() });
  };
  return html`<form class="steer-form" key=${typed.key} onSubmit=${send} onInput=${typed.onInput}>
    <label class="field">${w.message}<input name="message" required maxlength="500" pattern=".*\\S.*" autocomplete="off" defaultValue=${detail.message ?? ''} aria-describedby="message-text" /></label>
    <small id="message-text">${w.messageText} ${detail.message === null ? w.messageNone : ''}</small>
    <div class="buttons"><button>${w.send}</button>
      ${detail.message !== null && html`<button type="button" onClick=${() => void change({ message: null })}>${w.takeBack}</button>`}
    </div>
  </form>`;
}
