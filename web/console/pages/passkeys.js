/** The passkeys of whoever is signed in: a part of the page that shows where they are. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, useAsked } from '../parts.js';
import { add, available } from '../passkeys.js';
import { me } from '../session.js';
import { moment, words } from '../words.js';

/** @typedef {{ passkey_id: number, name: string, made_at: string, used_at?: string }} Passkey */

export function Passkeys() {
  const { passkeys: w } = words();
  const { value, error, again } = useAsked(() => call('GET', '/passkeys'));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  /** @param {() => Promise<unknown>} change */
  const attempt = async (change) => {
    setProblem(null);
    setBusy(true);
    try {
      await change();
    } catch (failure) {
      setProblem(failure);
    }
    setBusy(false);
    await again();
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    void attempt(async () => {
      if (await add(name)) setName((typed) => (typed === name ? '' : typed));
    });
  };
  // Who has a token of their own is signed in by whoever made it.
  if (me.value?.session_id === undefined) return null;
  return html`<section class="passkeys">
    <h2>${w.title}</h2>
    <p class="lead">${w.text}</p>
    <${Problem} error=${problem ?? error} />
    ${value?.passkeys.length === 0 && html`<p class="empty">${w.none}</p>`}
    <ul class="rows">
      ${value?.passkeys.map((/** @type {Passkey} */ passkey) => html`<li key=${passkey.passkey_id} class="row">
        <div class="row-what"><strong>${passkey.name}</strong>
          <small>${w.made(moment(passkey.made_at))}${passkey.used_at ? ` · ${w.used(moment(passkey.used_at))}` : ''}</small>
        </div>
        <div class="row-do"><button type="button" class="small" aria-label=${w.removeOf(passkey.name)} disabled=${busy}
          onClick=${() => attempt(() => call('DELETE', `/passkeys/${passkey.passkey_id}`))}>${w.remove}</button></div>
      </li>`)}
    </ul>
    ${available() ? html`<form class="add" onSubmit=${submit}>
      <label class="field">${w.name}
        <input type="text" name="passkey" autocomplete="off" required maxlength="100" value=${name}
          onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)} />
      </label>
      <button class="primary" disabled=${busy}>${w.add}</button>
    </form>` : html`<p class="empty">${w.unavailable}</p>`}
  </section>`;
}
