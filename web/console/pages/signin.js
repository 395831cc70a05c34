/** Signing in: by a link, which is usually opened and only now and then pasted. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { Problem } from '../parts.js';
import { problem, signIn } from '../session.js';
import { words } from '../words.js';

export function SignIn() {
  const { signIn: w } = words();
  const [link, setLink] = useState('');
  const [busy, setBusy] = useState(false);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    await signIn(link);
    setBusy(false);
  };
  return html`<section class="signin">
    <h1>${w.title}</h1>
    <${Problem} error=${problem.value} />
    <form onSubmit=${submit}>
      <label class="field">${w.text}
        <input type="text" name="link" aria-label=${w.link} autocomplete="off" spellcheck=${false} required value=${link}
          onInput=${(/** @type {any} */ event) => setLink(event.currentTarget.value)} />
      </label>
      <button class="primary" disabled=${busy}>${w.button}</button>
    </form>
  </section>`;
}
