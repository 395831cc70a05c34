/** Signing in: by a passkey, or by a link, which is usually opened and only now and then pasted. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { Problem } from '../parts.js';
import { available } from '../passkeys.js';
import { problem, signIn, signInByPasskey } from '../session.js';
import { words } from '../words.js';

export function SignIn() {
  const { signIn: w } = words();
  const [link, setLink] = useState('');
  const [busy, setBusy] = useState(false);
  /** @param {() => Promise<void>} by */
  const begin = async (by) => {
    setBusy(true);
    await by();
    setBusy(false);
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    void begin(() => signIn(link));
  };
  return html`<section class="signin">
    <h1>${w.title}</h1>
    <${Problem} error=${problem.value} />
    ${available() && html`<p><button type="button" class="primary" disabled=${busy} onClick=${() => begin(signInByPasskey)}>${w.passkey}</button></p>`}
    <form onSubmit=${submit}>
      <label class="field">${w.text}
        <input type="text" name="link" aria-label=${w.link} autocomplete="off" spellcheck=${false} required value=${link}
          onInput=${(/** @type {any} */ event) => setLink(event.currentTarget.value)} />
      </label>
      <button class=${available() ? '' : 'primary'} disabled=${busy}>${w.button}</button>
    </form>
  </section>`;
}
