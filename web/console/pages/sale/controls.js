/** What steers a sale at once: its state, how many are let in, a message. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { count } from '../../numbers.js';
import { SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { Outcome, useChange } from './change.js';

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
    <${Capacity} key=${`capacity ${detail.settings_own.capacity ?? ''}`} figures=${figures} detail=${detail} outcome=${outcome} />
    <${Message} key=${`message ${detail.message ?? ''}`} detail=${detail} outcome=${outcome} />
    <${Outcome} outcome=${outcome} />
    ${asked && html`<${SecondLook} title=${asked.title} text=${asked.text} confirm=${asked.title}
      onConfirm=${() => void outcome.change({ state: asked.state }, { state })} onClose=${() => setAsked(null)} />`}
  </section>`;
}

/** @param {{ figures: import('../../../sdk/wire.js').LiveFigures, detail: import('../../../sdk/wire.js').SaleDetail, outcome: ReturnType<typeof useChange> }} props */
function Capacity({ figures, detail, outcome }) {
  const { sale: w } = words();
  /** @param {SubmitEvent} event */
  const set = (event) => {
    event.preventDefault();
    const { capacity } = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)));
    void outcome.change({ capacity: Number(capacity) }, { capacity: detail.settings_own.capacity ?? null });
  };
  return html`<form class="steer-form" onSubmit=${set}>
    <label class="field">${w.capacity}<input name="capacity" type="number" inputmode="numeric" min="1" max="1000000" required value=${figures.capacity} aria-describedby="capacity-text" /></label>
    <small id="capacity-text">${w.capacityText(count(figures.progress))}</small>
    <button>${w.set}</button>
  </form>`;
}

/** @param {{ detail: import('../../../sdk/wire.js').SaleDetail, outcome: ReturnType<typeof useChange> }} props */
function Message({ detail, outcome }) {
  const { sale: w } = words();
  const was = { message: detail.message };
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    const { message } = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)));
    void outcome.change({ message: String(message).trim() }, was);
  };
  return html`<form class="steer-form" onSubmit=${send}>
    <label class="field">${w.message}<input name="message" required maxlength="500" autocomplete="off" value=${detail.message ?? ''} aria-describedby="message-text" /></label>
    <small id="message-text">${w.messageText} ${detail.message === null ? w.messageNone : ''}</small>
    <div class="buttons"><button>${w.send}</button>
      ${detail.message !== null && html`<button type="button" onClick=${() => void outcome.change({ message: null }, was)}>${w.takeBack}</button>`}
    </div>
  </form>`;
}
