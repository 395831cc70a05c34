/** Where operators are signed in. An owner sees everybody, others see themselves. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, useAsked } from '../parts.js';
import { signOut } from '../session.js';
import { Passkeys } from './passkeys.js';
import { moment, words } from '../words.js';

export const needs = ['owner', 'manager', 'box_office', 'viewer', 'door'];

/** @typedef {{ session_id: number, name: string, made_at: string, seen_at: string, from?: string, device?: string, own: boolean }} Session */

export function Sessions() {
  const { sessions: w, loading } = words();
  const { value, error, again } = useAsked(() => call('GET', '/sessions'));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  /** @param {Session} session */
  const end = async (session) => {
    if (session.own) return signOut();
    setProblem(null);
    try {
      await call('DELETE', `/sessions/${session.session_id}`);
    } catch (failure) {
      setProblem(failure);
    }
    await again();
  };
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Problem} error=${problem ?? error} />
    ${value?.sessions.length === 0 && html`<p class="empty">${w.none}</p>`}
    <ul class="rows">
      ${value?.sessions.map((/** @type {Session} */ session) => html`<li key=${session.session_id} class="row">
        <div class="row-what"><strong>${session.name}</strong>
          ${session.own && html`<span class="tag">${w.own}</span>`}
          <small>${w.seen(moment(session.seen_at))}</small>
          <small>${w.began(moment(session.made_at))}${session.from ? ` · ${w.from(session.from)}` : ''}</small>
          ${session.device && html`<small class="device" lang="en">${session.device}</small>`}
        </div>
        <div class="row-do"><button type="button" class="small" aria-label=${w.endOf(session.name, moment(session.made_at))} onClick=${() => end(session)}>${w.end}</button></div>
      </li>`) ?? html`<li class="row">${loading}</li>`}
    </ul>
    <${Passkeys} />`;
}
