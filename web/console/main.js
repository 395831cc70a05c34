/** The operators' console: who is signed in, which page is open, and the frame around it. */
import { render } from 'preact';
import { html } from '../app/html.js';
import { me, resume, signIn } from './session.js';
import { language, useLanguage } from './words.js';
import { path, secretOfLink } from './router.js';
import { Shell } from './shell.js';

// Taken out of the address before anything is asked for: no history and no screenshot has it.
const secret = secretOfLink();
await useLanguage(language.value);
if (secret) await signIn(secret);
else await resume();
// A link that is opened while the console is open.
addEventListener('hashchange', async () => {
  const another = secretOfLink();
  if (another) await signIn(another);
});

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
render(html`<${Shell} me=${me} path=${path} />`, root);
