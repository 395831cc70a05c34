/** An alarm in words, as every page shows it. */
import { html } from '../app/html.js';
import { count, money } from './numbers.js';
import { moment, words } from './words.js';

/** @typedef {import('../sdk/wire.js').Alarm} Alarm */

/** What is wrong, and what may be done; of a kind that is newer than this page, its name alone. @param {string} kind */
export function kindOf(kind) {
  const known = /** @type {Record<string, { name: string, text: string }>} */ (words().alarms.kinds);
  return Object.hasOwn(known, kind) ? known[kind] : { name: kind, text: '' };
}

/** @param {number} bytes */
const size = (bytes) => (bytes >= 1e9 ? `${count(Math.round(bytes / 1e8) / 10)} GB` : `${count(Math.round(bytes / 1e5) / 10)} MB`);

/** A point in time as the server writes it. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** @param {string} name @param {unknown} value @param {(amount: number) => string} priced @returns {string} */
function shown(name, value, priced) {
  const { log, ready } = words();
  if (value === null || value === undefined) return log.unset;
  if (Array.isArray(value)) return value.length === 0 ? log.unset : value.join('; ');
  if (typeof value === 'boolean') return value ? log.yes : log.no;
  if (typeof value === 'number') return name.endsWith('_bytes') ? size(value) : count(value);
  if (typeof value === 'object') {
    const rule = /** @type {Record<string, string>} */ (log.fields);
    const one = (/** @type {string} */ key, /** @type {unknown} */ n) => (name === 'prices' && typeof n === 'number' ? priced(n) : shown(key, n, priced));
    return Object.entries(value).map(([key, n]) => `${rule[`${key}_ms`] ?? rule[key] ?? key} ${one(key, n)}`).join(', ');
  }
  if (typeof value === 'string' && MOMENT.test(value)) return moment(value);
  const known = /** @type {Record<string, Record<string, string>>} */ ({ state: log.states, runs: ready.runs })[name] ?? {};
  return known[String(value)] ?? String(value);
}

/** Figures by name. @param {{ of: Record<string, unknown>, names: Record<string, string> }} props */
export function Facts({ of, names }) {
  const facts = Object.entries(of);
  if (facts.length === 0) return null;
  const priced = (/** @type {number} */ amount) => (typeof of.currency === 'string' ? money(amount, of.currency) : count(amount));
  return html`<dl class="measured">${facts.map(([name, value]) => html`<div key=${name}><dt>${names[name] ?? name}</dt> <dd>${shown(name, value, priced)}</dd></div>`)}</dl>`;
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
