/** What operators changed: who, when, from where, what was before and after. Of one sale: `#/log?concert_id=7`. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, useAsked } from '../parts.js';
import { path } from '../router.js';
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
  const concert = new URLSearchParams(path.value.split('?')[1] ?? '').get('concert_id');
  return html`<${Lines} key=${concert} concert=${concert} />`;
}

/** @param {{ concert: string | null }} props Of one sale, or all that was changed. */
function Lines({ concert }) {
  const { log: w, loading } = words();
  const of = concert === null ? '' : `concert_id=${encodeURIComponent(concert)}`;
  const { value, error } = useAsked(() => call('GET', `/log?${of}`));
  const [older, setOlder] = useState(/** @type {{ entries: Entry[], next: number | null } | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const entries = [...(value?.entries ?? []), ...(older?.entries ?? [])];
  const next = older ? older.next : value?.next;
  const more = async () => {
    setProblem(null);
    try {
      const page = await call('GET', `/log?${of}&before=${next}`);
      setOlder((before) => ({ entries: [...(before?.entries ?? []), ...page.entries], next: page.next }));
    } catch (failure) {
      setProblem(failure);
    }
  };
  return html`${concert !== null && html`<p><a href=${`#/sale/${concert}`}>← ${w.toSale}</a></p>`}
    <h1>${w.title}</h1>
    <p class="lead">${concert === null ? w.text : w.ofSale(entries[0]?.title ?? words().tonight.nameless(Number(concert)))}</p>
    ${concert !== null && html`<p><a href="#/log">${w.all}</a></p>`}
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
  const about = [entry.title, entry.subject && subjectInWords(entry.subject)].filter(Boolean).join(' · ');
  const order = /^order ([0-9a-f-]{36})$/.exec(entry.subject ?? '')?.[1];
  return html`<li class="row line">
    <div class="row-what">
      <strong>${known}</strong> ${about && html`<span>${order ? html`<a href=${`#/orders/${order}`}>${about}</a>` : about}</span>`}
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

/** What a line is about, such as `draft 7`, in the reader's words. @param {string} subject */
function subjectInWords(subject) {
  const [, kind, which] = /^(\w+) (.+)$/.exec(subject) ?? [];
  const known = /** @type {Record<string, string>} */ (words().log.subjects);
  return kind && Object.hasOwn(known, kind) ? `${known[kind]} ${which}` : subject;
}

/**
 * Each thing that is said, by its name and where it is: what is in another thing has a line of its own.
 * @param {Record<string, unknown>} said
 * @param {string} [within]
 * @returns {[string, unknown][]}
 */
const flat = (said, within = '') =>
  Object.entries(said).flatMap(([field, value]) => {
    const at = within === '' ? field : `${within}.${field}`;
    const isMore = value !== null && typeof value === 'object' && !Array.isArray(value);
    return isMore ? flat(/** @type {Record<string, unknown>} */ (value), at) : [/** @type {[string, unknown]} */ ([at, value])];
  });

/** @param {string} at */
function fieldInWords(at) {
  const known = /** @type {Record<string, string>} */ (words().log.fields);
  const parts = at.split('.');
  const named = (/** @type {string} */ part) => known[part] ?? known[`${part}_ms`];
  const last = parts[parts.length - 1];
  // What has no name of its own, such as a category, is told with what it is in.
  return named(last) ?? parts.map((part) => named(part) ?? part).join(' · ');
}

/** @param {{ was: Record<string, unknown>, became: Record<string, unknown> }} props */
function Difference({ was: whole, became: then }) {
  const { log: w } = words();
  const [was, became] = [Object.fromEntries(flat(whole)), Object.fromEntries(flat(then))];
  const all = [...new Set([...Object.keys(was), ...Object.keys(became)])];
  const fields = all.filter((field) => JSON.stringify(was[field]) !== JSON.stringify(became[field]));
  if (fields.length === 0) return null;
  return html`<dl class="difference">
    ${fields.map((field) => html`<div key=${field}>
      <dt>${fieldInWords(field)}</dt>
      <dd>
        ${field in was && html`<del><span class="visually-hidden">${w.before} </span>${shown(field.split('.').pop() ?? field, was[field])}</del> `}
        ${field in became && html`<ins><span class="visually-hidden">${w.after} </span>${shown(field.split('.').pop() ?? field, became[field])}</ins>`}
      </dd>
    </div>`)}
  </dl>`;
}

/** @param {string} field @param {unknown} value @returns {string} */
function shown(field, value) {
  const { log: w, roles } = words();
  if (value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return w.unset;
  if (typeof value === 'boolean') return value ? w.yes : w.no;
  if (field === 'role') return /** @type {Record<string, string>} */ (roles)[String(value)] ?? String(value);
  if (field === 'state') return /** @type {Record<string, string>} */ (w.states)[String(value)] ?? String(value);
  if (field === 'seats' && Array.isArray(value)) return value.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');
  // As the journal has them: moments and times in milliseconds.
  if (MOMENTS.includes(field) && typeof value === 'number') return moment(new Date(value).toISOString());
  if (field.endsWith('_ms') && typeof value === 'number') return w.seconds(value / 1000);
  if (Array.isArray(value)) return value.map((one) => shown(field, one)).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
