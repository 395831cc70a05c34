/** A sale's times and limits, each with what it does, and a second look at what changes. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { SecondLook } from '../../parts.js';
import { words } from '../../words.js';
import { Outcome, fieldName, shown, useChange } from './change.js';
import { useTyped } from './typed.js';

const TIMES = /** @type {const} */ (['hold_ttl', 'admission_ttl', 'idle_ttl', 'away_ttl', 'cancel_before_start', 'hold_again_after']);
const LIMITS = /** @type {const} */ (['seats_per_reservation_max', 'seats_per_user_max']);

/** @param {{ id: number, detail: import('../../../sdk/wire.js').SaleDetail }} props */
export function Rules({ id, detail }) {
  const { sale: w } = words();
  const outcome = useChange(id);
  const [asked, setAsked] = useState(/** @type {Record<string, unknown> | null} */ (null));
  // What has no field here is none of this form's business.
  const now = /** @type {Record<string, unknown>} */ (Object.fromEntries([...TIMES, ...LIMITS].map((field) => [field, /** @type {Record<string, unknown>} */ (detail.settings_own)[field] ?? null])));
  const typed = useTyped(now);
  const own = typed.saw;
  const usual = /** @type {Record<string, unknown>} */ (detail.settings);
  /** @param {SubmitEvent} event */
  const look = (event) => {
    event.preventDefault();
    const entered = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)));
    /** @type {Record<string, unknown>} */
    const wanted = {};
    for (const field of TIMES) {
      const text = String(entered[field]).trim();
      if (text !== String(own[field] ?? '')) wanted[field] = text === '' ? null : text;
    }
    for (const field of LIMITS) {
      const text = String(entered[field]).trim();
      if (text !== String(own[field] ?? '')) wanted[field] = text === '' ? null : Number(text);
    }
    if (Object.keys(wanted).length > 0) setAsked(wanted);
  };
  /** @param {Record<string, unknown>} wanted */
  const change = async (wanted) => {
    const is = await outcome.change(wanted, Object.fromEntries(Object.keys(wanted).map((field) => [field, own[field]])));
    if (is === null) typed.saved({ ...own, ...wanted });
    else if (is) typed.told({ ...own, ...Object.fromEntries(Object.keys(wanted).map((field) => [field, is[field] ?? null])) });
  };
  /** @param {string} field */
  const does = (field) => /** @type {Record<string, string>} */ (w.does)[field];
  /** @param {string} field @param {Record<string, unknown>} attributes */
  const input = (field, attributes) => html`<div class="rule" key=${field}>
    <label class="field">${fieldName(field)}
      <input name=${field} autocomplete="off" defaultValue=${now[field] ?? ''} placeholder=${now[field] === null ? String(usual[field]) : ''} aria-describedby=${`does-${field}`} ...${attributes} />
    </label>
    <small id=${`does-${field}`}>${does(field)} ${now[field] === null ? w.usual(String(usual[field])) : ''}</small>
  </div>`;
  return html`<section class="card" aria-labelledby="rules-title">
    <h2 id="rules-title">${w.rules}</h2>
    <p>${w.rulesText}</p>
    <form class="rules" key=${typed.key} onSubmit=${look} onInput=${typed.onInput}>
      ${TIMES.map((field) => input(field, { pattern: '\\s*(\\d+(ms|s|m|h|d))*\\s*', maxlength: 20 }))}
      ${LIMITS.map((field) => input(field, { type: 'number', inputmode: 'numeric', min: field === 'seats_per_user_max' ? 0 : 1, max: 1000 }))}
      <button>${w.save}</button>
    </form>
    <${Outcome} outcome=${outcome} />
    ${asked && html`<${SecondLook} title=${w.saveTitle} confirm=${w.change}
      text=${html`<span class="difference">${Object.keys(asked).map((field) => html`<span key=${field}><strong>${fieldName(field)}</strong>: ${shown(field, own[field])} → ${shown(field, asked[field])}. ${does(field)}</span>`)}</span>`}
      onConfirm=${() => void change(asked)}
      onClose=${() => setAsked(null)} />`}
  </section>`;
}
