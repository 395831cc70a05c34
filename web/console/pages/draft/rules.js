/** The rules of the sale, and when it opens. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { words } from '../../words.js';
import { Card, Field } from './card.js';
import { kindOf } from './dates.js';

/** Counts by their names on the wire, and times with the seconds of the unit that they are asked for in. */
const COUNTS = /** @type {const} */ ({ capacity: 'capacity', seats_per_reservation_max: 'perOrder', seats_per_user_max: 'perUser' });
const TIMES = /** @type {const} */ ({
  hold_ttl: { label: 'hold', seconds: 60 },
  admission_ttl: { label: 'admission', seconds: 60 },
  cancel_before_start: { label: 'cancel', seconds: 3600 },
});
const UNITS = /** @type {Record<string, number>} */ ({ ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 });
/** Rules go by the server's own default where nothing is written. */
const MOST = /** @type {const} */ ({ capacity: 1_000_000, seats_per_reservation_max: 20, seats_per_user_max: 10_000 });

/** The seconds of a duration as the server writes it: `1h 30m`, `90s`. @param {unknown} text */
export function secondsOf(text) {
  const parts = [...String(text).matchAll(/(\d+)\s*(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);
}

/** @param {import('../draft.js').CardProps} props */
export function Rules({ draft, save }) {
  const { making: w } = words();
  const { rules, open, opens_at: opensAt } = draft.entered;
  /** @param {FormData} form */
  const onSave = (form) => {
    // What has no field here, from a script, stays.
    const next = { ...rules };
    for (const name of Object.keys(COUNTS)) {
      const text = String(form.get(name));
      if (text === '') delete next[name];
      else next[name] = Number(text);
    }
    for (const [name, { seconds }] of Object.entries(TIMES)) {
      const text = String(form.get(name));
      if (text === '') delete next[name];
      else next[name] = `${Math.round(Number(text) * seconds)}s`;
    }
    const opening = form.get('opening');
    return save(() => ({ rules: next, open: opening === 'once', opens_at: opening === 'time' ? String(form.get('opens_at') ?? '') : '' }));
  };
  return html`<${Card} id="rules" title=${w.sale} shows=${[rules, open, opensAt]} onSave=${onSave}>
    <p class="hint">${w.default}</p>
    ${Object.entries(COUNTS).map(([name, label]) => html`<${Field} name=${name} label=${w[label]} value=${rules[name] ?? ''} type="number" inputmode="numeric"
      min=${name === 'seats_per_user_max' ? 0 : 1} max=${MOST[/** @type {keyof typeof MOST} */ (name)]} />`)}
    ${Object.entries(TIMES).map(([name, { label, seconds }]) => html`<${Field} name=${name} label=${w[label]} type="number" inputmode="decimal"
      min="0" step="any" value=${rules[name] === undefined ? '' : secondsOf(rules[name]) / seconds} />`)}
    <${Opening} open=${open} opensAt=${opensAt} />
  <//>`;
}

/** In the form, so that it begins anew with it. @param {{ open: boolean, opensAt: string | null }} props */
function Opening({ open, opensAt }) {
  const { making: w } = words();
  const [opening, setOpening] = useState(/** @type {'hand' | 'once' | 'time'} */ (open ? 'once' : opensAt ? 'time' : 'hand'));
  const ways = /** @type {const} */ ([['hand', w.byHand], ['once', w.atOnce], ['time', w.atTime]]);
  return html`<fieldset><legend>${w.opening}</legend>
    ${ways.map(([way, label]) => html`<label class="choice"><input type="radio" name="opening" value=${way} checked=${opening === way} onChange=${() => setOpening(way)} /> ${label}</label>`)}
    ${opening === 'time' && html`<${Field} name="opens_at" label=${w.atTime} type=${kindOf(opensAt ?? '')} value=${opensAt ?? ''} />`}
  </fieldset>`;
}
