/** An alarm in words, as every page shows it. */
import { html } from '../app/html.js';
import { count } from './numbers.js';
import { moment, words } from './words.js';

/** @typedef {import('../sdk/wire.js').Alarm} Alarm */

/** What is wrong, and what may be done; of a kind that is newer than this page, its name alone. @param {string} kind */
export function kindOf(kind) {
  const known = /** @type {Record<string, { name: string, text: string }>} */ (words().alarms.kinds);
  return Object.hasOwn(known, kind) ? known[kind] : { name: kind, text: '' };
}

/** @param {number} bytes */
const size = (bytes) => (bytes >= 1e9 ? `${count(Math.round(bytes / 1e8) / 10)} GB` : `${count(Math.round(bytes / 1e5) / 10)} MB`);

/** @param {string} name @param {unknown} value @returns {string} */
function shown(name, value) {
  const { log } = words();
  if (value === null || value === undefined) return log.unset;
  if (Array.isArray(value)) return value.length === 0 ? log.unset : value.join('; ');
  if (typeof value === 'boolean') return value ? log.yes : log.no;
  if (typeof value === 'number') return name.endsWith('_bytes') ? size(value) : count(value);
  if (typeof value === 'object') return Object.entries(value).map(([key, n]) => `${key} ${shown('', n)}`).join(', ');
  return String(value);
}

/** Figures by name. @param {{ of: Record<string, unknown>, names: Record<string, string> }} props */
export function Facts({ of, names }) {
  const facts = Object.entries(of);
  if (facts.length === 0) return null;
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${names[name] ?? name}</dt> <dd>${shown(name, value)}</dd></div>`)}</dl>`;
}

/** @param {{ alarm: Alarm }} props */
export function Since({ alarm }) {
  const { alarms: w } = words();
  const from = moment(alarm.raised_at);
  return html`<small><time datetime=${alarm.raised_at}>${alarm.ended_at ? w.fromTo(from, moment(alarm.ended_at)) : w.since(from)}</time></small>`;
}

/** Those that go on, in short, with the way to all of them. @param {{ alarms: Alarm[] }} props */
export function AlarmStrip({ alarms }) {
  const { alarms: w } = words();
  return html`<div role="alert">${alarms.length > 0 && html`<div class="alarm-strip">
    <strong>${w.count(alarms.length)}</strong>
    <ul>${alarms.map((alarm) => html`<li key=${alarm.kind + alarm.subject}>${kindOf(alarm.kind).name} <span class="subject">${alarm.subject}</span></li>`)}</ul>
    <a href="#/alarms">${w.all}</a>
  </div>`}</div>`;
}
