/** What operators changed: who, when, from where, what was before and after. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, useAsked } from '../parts.js';
import { moment, words } from '../words.js';

export const needs = ['owner', 'manager'];

/** What the journal has as a moment. */
const MOMENTS = ['opens_at', 'starts_at', 'archived_at'];

/**
 * @typedef {object} Entry
 * @property {number} log_id
 * @property {string} at
 * @property {{ operator_id?: number, name?: string, role?: string, user_id?: number }} who
 * @property {string} [from]
 * @property {string} what
 * @property {string} [title]
 * @property {string} [subject]
 * @property {Record<string, unknown>} [was]
 * @property {Record<string, unknown>} [became]
 * @property {string} [reason]
 */

export function Log() {
  const { log: w, loading } = words();
  const { value, error } = useAsked(() => call('GET', '/log'));
  const [older, setOlder] = useState(/** @type {{ entries: Entry[], next: number | null } | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const entries = [...(value?.entries ?? []), ...(older?.entries ?? [])];
  const next = older ? older.next : value?.next;
  const more = async () => {
    setProblem(null);
    try {
      const page = await call('GET', `/log?before=${next}`);
      setOlder((before) => ({ entries: [...(before?.entries ?? []), ...page.entries], next: page.next }));
    } catch (failure) {
      setProblem(failure);
    }
  };
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Problem} error=${problem ?? error} />
    ${!value && !error && html`<p>${loading}</p>`}
    ${value && entries.length === 0 && html`<p class="empty">${w.none}</p>`}
    <ol class="rows">${entries.map((entry) => html`<${Line} key=${entry.log_id} entry=${entry} />`)}</ol>
    ${next != null && html`<button type="button" onClick=${more}>${w.more}</button>`}`;
}

/** @param {{ entry: Entry }} props */
function Line({ entry }) {
  const { log: w, sessions } = words();
  const known = /** @type {Record<string, string>} */ (w.what)[entry.what] ?? entry.what;
  const about = [entry.title, entry.subject].filter(Boolean).join(' · ');
  return html`<li class="row line">
    <div class="row-what">
      <strong>${known}</strong> ${about && html`<span>${about}</span>`}
      <small><time datetime=${entry.at}>${moment(entry.at)}</time> · ${w.by(whoIs(entry))}${entry.from ? ` · ${sessions.from(entry.from)}` : ''}</small>
      ${entry.reason && html`<p>${entry.reason}</p>`}
      <${Difference} was=${entry.was ?? {}} became=${entry.became ?? {}} />
    </div>
  </li>`;
}

/** @param {Entry} entry */
function whoIs({ who, from }) {
  const { log: w, nobody } = words();
  if (who.name) return who.name;
  if (who.user_id !== undefined) return w.user(who.user_id);
  return from ? nobody : w.machine;
}

/** @param {{ was: Record<string, unknown>, became: Record<string, unknown> }} props */
function Difference({ was, became }) {
  const { log: w } = words();
  const fields = [...new Set([...Object.keys(was), ...Object.keys(became)])];
  if (fields.length === 0) return null;
  return html`<dl class="difference">
    ${fields.map((field) => html`<div key=${field}>
      <dt>${/** @type {Record<string, string>} */ (w.fields)[field] ?? field}</dt>
      <dd>
        ${field in was && html`<del><span class="visually-hidden">${w.before} </span>${shown(field, was[field])}</del> `}
        ${field in became && html`<ins><span class="visually-hidden">${w.after} </span>${shown(field, became[field])}</ins>`}
      </dd>
    </div>`)}
  </dl>`;
}

/** @param {string} field @param {unknown} value */
function shown(field, value) {
  const { log: w, roles } = words();
  if (value === null || value === undefined) return w.unset;
  if (typeof value === 'boolean') return value ? w.yes : w.no;
  if (field === 'role') return /** @type {Record<string, string>} */ (roles)[String(value)] ?? String(value);
  if (field === 'state') return /** @type {Record<string, string>} */ (w.states)[String(value)] ?? String(value);
  if (field === 'seats' && Array.isArray(value)) return value.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(', ');
  // As the journal has them: moments and times in milliseconds.
  if (MOMENTS.includes(field) && typeof value === 'number') return moment(new Date(value).toISOString());
  if (field.endsWith('_ms') && typeof value === 'number') return w.seconds(value / 1000);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
