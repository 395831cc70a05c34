/** The frame: who is signed in, where one may go, the language. */
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../app/html.js';
import { needs as logNeeds, Log } from './pages/log.js';
import { needs as operatorsNeeds, Operators } from './pages/operators.js';
import { needs as sessionsNeeds, Sessions } from './pages/sessions.js';
import { SignIn } from './pages/signin.js';
import { hasRole, signOut } from './session.js';
import { chooseLanguage, LANGUAGES, language, words } from './words.js';

/** The pages, each with the roles of which it needs one: what one may not do is not shown. The server decides. */
const PAGES = /** @type {const} */ ([
  { path: '/operators', name: 'operators', page: Operators, needs: operatorsNeeds },
  { path: '/sessions', name: 'sessions', page: Sessions, needs: sessionsNeeds },
  { path: '/log', name: 'log', page: Log, needs: logNeeds },
]);

/** @param {{ me: import('@preact/signals').Signal<import('./session.js').Me | null>, path: import('@preact/signals').Signal<string> }} props */
export function Shell({ me, path }) {
  const w = words();
  const open = PAGES.filter((page) => hasRole(...page.needs));
  const here = open.find((page) => page.path === path.value) ?? open[0];
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const first = useRef(true);
  useEffect(() => {
    // Whoever goes to another page reads on there; at the beginning the browser decides.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [here?.path, me.value === null]);
  const name = me.value?.operator.name ?? w.nobody;
  const Page = here?.page;
  return html`<a class="skip" href="#main" onClick=${(/** @type {Event} */ event) => {
      event.preventDefault();
      main.current?.focus();
    }}>${w.skip}</a>
    <header class="top">
      <span class="brand"><span translate="no">${w.brand}</span> <span class="where">${w.console}</span></span>
      <label class="language"><span class="visually-hidden">${w.language}</span>
        <select value=${language.value} onChange=${(/** @type {any} */ event) => chooseLanguage(event.currentTarget.value)}>
          ${Object.entries(LANGUAGES).map(([tag, own]) => html`<option value=${tag} lang=${tag}>${own}</option>`)}
        </select>
      </label>
      ${me.value && html`<span class="me"><span class="me-name">${name}</span>
        <button type="button" class="small" onClick=${signOut}>${w.signOut}</button></span>`}
    </header>
    ${me.value && html`<nav class="pages" aria-label=${w.main}>
      ${open.map((page) => html`<a href=${`#${page.path}`} aria-current=${page === here ? 'page' : undefined}>${w.nav[page.name]}</a>`)}
    </nav>`}
    <main id="main" ref=${main} tabindex="-1" class="page">
      ${me.value && Page ? html`<${Page} key=${here.path} />` : html`<${SignIn} />`}
    </main>`;
}
