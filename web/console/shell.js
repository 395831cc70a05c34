/** The frame: who is signed in, where one may go, the language. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { html } from '../app/html.js';
import { needs as alarmsNeeds, Alarms } from './pages/alarms.js';
import { needs as logNeeds, Log } from './pages/log.js';
import { needs as makingNeeds, Making } from './pages/making.js';
import { needs as ordersNeeds, Orders } from './pages/orders.js';
import { needs as operatorsNeeds, Operators } from './pages/operators.js';
import { needs as previewNeeds, Preview } from './pages/preview.js';
import { needs as rehearsalNeeds, Rehearsal } from './pages/rehearsal.js';
import { needs as readyNeeds, Ready } from './pages/ready.js';
import { needs as saleNeeds, Sale } from './pages/sale.js';
import { needs as sessionsNeeds, Sessions } from './pages/sessions.js';
import { SignIn } from './pages/signin.js';
import { needs as tonightNeeds, Tonight } from './pages/tonight.js';
import { hasRole, signOut } from './session.js';
import { chooseLanguage, LANGUAGES, language, words } from './words.js';

/** The pages, each with the roles of which it needs one: what one may not do is not shown. The server decides. */
const PAGES = /** @type {const} */ ([
  { path: '/tonight', name: 'tonight', page: Tonight, needs: tonightNeeds },
  { path: '/alarms', name: 'alarms', page: Alarms, needs: alarmsNeeds },
  { path: '/making', name: 'making', page: Making, needs: makingNeeds },
  { path: '/orders', name: 'orders', page: Orders, needs: ordersNeeds },
  { path: '/operators', name: 'operators', page: Operators, needs: operatorsNeeds },
  { path: '/sessions', name: 'sessions', page: Sessions, needs: sessionsNeeds },
  { path: '/log', name: 'log', page: Log, needs: logNeeds },
]);

/** Pages about one thing, which the rest of the address names. They are reached from the page that they belong to. */
const ABOUT = /** @type {const} */ ([
  { path: '/sale/', of: '/tonight', page: Sale, needs: saleNeeds },
  { path: '/rehearsal/', of: '/tonight', page: Rehearsal, needs: rehearsalNeeds },
  { path: '/ready/', of: '/tonight', page: Ready, needs: readyNeeds },
  { path: '/preview/', of: '/making', page: Preview, needs: previewNeeds },
]);

/** @param {{ me: import('@preact/signals').Signal<import('./session.js').Me | null>, path: import('@preact/signals').Signal<string> }} props */
export function Shell({ me, path }) {
  const w = words();
  const open = PAGES.filter((page) => hasRole(...page.needs));
  // What is behind a page's own path is the page's business.
  const here = open.find((page) => page.path === path.value || path.value.startsWith(`${page.path}/`) || path.value.startsWith(`${page.path}?`)) ?? open[0];
  const one = ABOUT.find((page) => path.value.startsWith(page.path) && hasRole(...page.needs));
  const id = one ? Number(path.value.slice(one.path.length)) : NaN;
  const isOne = one !== undefined && Number.isSafeInteger(id) && id > 0;
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const first = useRef(true);
  useLayoutEffect(() => {
    // Whoever goes to another page reads on there; at the beginning the browser decides. With the drawing and not after it: the
    // focus is taken from nothing that somebody uses by then.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [isOne ? path.value : here?.path, me.value === null]);
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
      ${open.map((page) => html`<a href=${`#${page.path}`} aria-current=${isOne ? (page.path === one.of ? 'true' : undefined) : page === here ? 'page' : undefined}>${w.nav[page.name]}</a>`)}
    </nav>`}
    <main id="main" ref=${main} tabindex="-1" class="page">
      ${me.value && isOne ? html`<${one.page} key=${path.value} id=${id} />` : me.value && Page ? html`<${Page} key=${here.path} />` : html`<${SignIn} />`}
    </main>`;
}
