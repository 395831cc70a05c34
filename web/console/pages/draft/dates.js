/** The performances, by the clocks of the venue. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { words } from '../../words.js';
import { Card, Field } from './card.js';

/** The form in which a browser asks for a time without an offset. */
const LOCAL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/;

/** One written with an offset, from a script, is shown as it is. @param {string} time */
export const kindOf = (time) => (time === '' || LOCAL.test(time) ? 'datetime-local' : 'text');

/** @param {import('../draft.js').CardProps} props */
export function Dates({ draft, save }) {
  const { making: w } = words();
  const { zone, starts_at: starts } = draft.entered;
  /** @param {FormData} form */
  const onSave = (form) =>
    save(() => ({ zone: String(form.get('zone')).trim(), starts_at: form.getAll('start').map(String).filter((time) => time !== '') }));
  const zones = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
  return html`<${Card} id="dates" title=${w.dates} shows=${[zone, starts, draft.plan?.time_zone]} onSave=${onSave}>
    <${Field} name="zone" label=${w.zone} value=${zone ?? draft.plan?.time_zone ?? ''} hint=${w.zoneHint} list="zones" spellcheck="false" maxlength="64" />
    <datalist id="zones">${zones.map((name) => html`<option value=${name}></option>`)}</datalist>
    <${Starts} starts=${starts} />
  <//>`;
}

let counted = 0;
const next = () => (counted += 1);
/** @param {string[]} starts */
const fresh = (starts) => (starts.length > 0 ? starts : ['']).map((time) => ({ key: next(), time }));

/** In the form, so that it begins anew with it. @param {{ starts: string[] }} props */
function Starts({ starts }) {
  const { making: w } = words();
  const [rows, setRows] = useState(() => fresh(starts));
  return html`${rows.map((row, n) => html`<div class="start" key=${row.key}>
      <${Field} name="start" type=${kindOf(row.time)} label=${w.start(n + 1)} value=${row.time} />
      <button type="button" class="small" aria-label=${w.dropDate(n + 1)} onClick=${(/** @type {any} */ event) => {
        event.currentTarget.form.dispatchEvent(new Event('input', { bubbles: true }));
        setRows(rows.filter((other) => other !== row));
      }}>×</button>
    </div>`)}
    <button type="button" class="small" onClick=${() => setRows([...rows, { key: next(), time: '' }])}>${w.addDate}</button>`;
}
