/** Changing a sale: by whoever saw what it was, after a second look. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { ApiError, call } from '../../api.js';
import { Problem } from '../../parts.js';
import { moment, words } from '../../words.js';

/** @typedef {Record<string, unknown>} Patch */

/**
 * What became of a change: nothing yet, done, or refused because somebody else was faster.
 * @param {number} id
 */
export function useChange(id) {
  const [state, setState] = useState(/** @type {{ done: boolean, error: unknown, wanted: Patch, saw: Patch }} */ ({ done: false, error: null, wanted: {}, saw: {} }));
  /**
   * @param {Patch} wanted
   * @param {Patch} saw The same fields, as they were shown.
   * @returns {Promise<Record<string, any> | null | undefined>} Null: it is done. What it is, if somebody else was faster.
   */
  const change = async (wanted, saw) => {
    try {
      await call('PATCH', `/sales/${id}`, wanted, { was: saw });
      setState({ done: true, error: null, wanted, saw });
      return null;
    } catch (error) {
      setState({ done: false, error, wanted, saw });
      return error instanceof ApiError && error.reason === 'CHANGED_MEANWHILE' ? (error.data.was ?? {}) : undefined;
    }
  };
  return { ...state, change };
}

/** @param {{ outcome: ReturnType<typeof useChange> }} props */
export function Outcome({ outcome: { done, error, wanted, saw } }) {
  const { sale: w } = words();
  return html`<p role="status" class=${done ? 'done' : 'visually-hidden'}>${done ? w.done : ''}</p>
    <${Changed} error=${error} wanted=${wanted} saw=${saw} />`;
}

/**
 * What one saw, what it is now, and what one wants; of another failure, what went wrong.
 * @param {{ error: unknown, wanted: Patch, saw: Patch, is?: Patch }} props `is`: else as the server says it.
 */
export function Changed({ error, wanted, saw, is }) {
  const { sale: w } = words();
  if (!(error instanceof ApiError) || error.reason !== 'CHANGED_MEANWHILE') return html`<${Problem} error=${error} />`;
  const now = is ?? /** @type {Patch} */ (error.data.was ?? {});
  return html`<div role="alert" class="problem changed">
    <p>${w.changed} ${error.data.at ? w.changedAt(moment(error.data.at)) : ''}</p>
    <dl class="difference">${Object.keys(wanted).map((field) => html`<div key=${field}>
      <dt>${fieldName(field)}</dt>
      <dd>${w.saw}: ${shown(field, saw[field])}</dd><dd>${w.is}: ${shown(field, now[field])}</dd><dd>${w.want}: ${shown(field, wanted[field])}</dd>
    </div>`)}</dl>
  </div>`;
}

/** @param {string} field */
export function fieldName(field) {
  const { fields } = words().log;
  const known = /** @type {Record<string, string>} */ (fields);
  return known[field] ?? known[`${field}_ms`] ?? field;
}

/** @param {string} field @param {unknown} value */
export function shown(field, value) {
  const { log, sale: w } = words();
  if (value === null || value === undefined) return field === 'message' ? log.unset : w.unset;
  if (field === 'state') return /** @type {Record<string, string>} */ (log.states)[String(value)] ?? String(value);
  if (field === 'opens_at' || field === 'starts_at') return moment(String(value));
  return String(value);
}
