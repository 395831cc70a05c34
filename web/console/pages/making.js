/** The concerts that are being made, and the one that is worked on: `#/making` and `#/making/7`. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, SecondLook, useAsked } from '../parts.js';
import { go, path } from '../router.js';
import { moment, words } from '../words.js';
import { DraftPage } from './draft.js';

export const needs = ['owner', 'manager'];

/** @typedef {import('./draft.js').Draft} Draft */

export function Making() {
  const id = /^\/making\/(\d+)$/.exec(path.value)?.[1];
  return id ? html`<${DraftPage} key=${id} id=${id} />` : html`<${Drafts} />`;
}

function Drafts() {
  const { making: w, loading } = words();
  const { value, error, again } = useAsked(() => call('GET', '/drafts'));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [asked, setAsked] = useState(/** @type {Draft | null} */ (null));

  const begin = async () => {
    setProblem(null);
    try {
      go(`/making/${(await call('POST', '/drafts', {})).draft_id}`);
    } catch (failure) {
      setProblem(failure);
    }
  };
  /** @param {Draft} draft */
  const drop = async (draft) => {
    setProblem(null);
    try {
      await call('DELETE', `/drafts/${draft.draft_id}`);
    } catch (failure) {
      setProblem(failure);
    }
    await again();
  };
  const titleOf = (/** @type {Draft} */ draft) => draft.entered.title || w.untitled;
  const drafts = /** @type {Draft[] | undefined} */ (value?.drafts);
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Problem} error=${problem ?? error} />
    <p><button type="button" class="primary" onClick=${begin}>${w.begin}</button></p>
    <ul class="rows">
      ${drafts?.map((draft) => html`<li key=${draft.draft_id} class="row">
        <div class="row-what"><strong>${titleOf(draft)}</strong>
          ${draft.concert_id !== undefined && html`<span class="tag">${w.announcedAs(draft.concert_id)}</span>`}
          <small>${w.changed(moment(draft.changed_at))}</small>
        </div>
        ${draft.concert_id === undefined && html`<div class="row-do">
          <a class="button small" href=${`#/making/${draft.draft_id}`} aria-label=${w.editOf(titleOf(draft))}>${w.edit}</a>
          <button type="button" class="small" aria-label=${w.dropOf(titleOf(draft))} onClick=${() => setAsked(draft)}>${w.drop}</button>
        </div>`}
      </li>`) ?? (error ? null : html`<li class="row">${loading}</li>`)}
      ${drafts?.length === 0 && html`<li class="row">${w.none}</li>`}
    </ul>
    ${asked && html`<${SecondLook} title=${w.dropOf(titleOf(asked))} text=${w.dropText} confirm=${w.drop}
      onConfirm=${() => drop(asked)} onClose=${() => setAsked(null)} />`}`;
}
