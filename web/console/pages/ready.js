/** Readiness: what has to be well before the doors of a sale open. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Facts } from '../alarms.js';
import { Problem, useAsked } from '../parts.js';
import { moment, words } from '../words.js';

export const needs = ['owner', 'manager', 'box_office', 'viewer'];

/** @typedef {{ name: string, state: 'good' | 'look' | 'bad', facts: Record<string, unknown> }} Check */

const TAGS = Object.freeze({ good: 'good', look: 'warn', bad: 'bad' });

/** @param {{ id: number }} props */
export function Ready({ id }) {
  const { ready: w, loading } = words();
  const { value, error, again } = useAsked(() => call('GET', `/readiness?concert=${id}`));
  const [looking, setLooking] = useState(false);
  const look = async () => {
    setLooking(true);
    await again();
    setLooking(false);
  };
  return html`<p><a href=${`#/sale/${id}`}>← ${w.back}</a></p>
    <h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Problem} error=${error} />
    ${!value && !error && html`<p>${loading}</p>`}
    ${value && html`<p role="status"><span class=${`tag ${value.ready ? 'good' : 'bad'}`}>${value.ready ? w.ready : w.notReady}</span>
      <small><time datetime=${value.at}>${moment(value.at)}</time></small></p>`}
    <button type="button" disabled=${looking} onClick=${look}>${w.again}</button>
    <ul class="rows checks">${value?.checks.map((/** @type {Check} */ check) => html`<${Row} key=${check.name} check=${check} />`)}</ul>`;
}

/** @param {{ check: Check }} props */
function Row({ check }) {
  const { ready: w } = words();
  const known = /** @type {Record<string, { name: string, text: string }>} */ (w.checks);
  const { name, text } = Object.hasOwn(known, check.name) ? known[check.name] : { name: check.name, text: '' };
  return html`<li class="row">
    <div class="row-what">
      <span class=${`tag ${TAGS[check.state] ?? 'warn'}`}>${w.states[check.state] ?? check.state}</span>
      <strong>${name}</strong>
      ${check.state !== 'good' && text && html`<p>${text}</p>`}
      <${Facts} of=${check.facts} names=${w.facts} />
    </div>
  </li>`;
}
