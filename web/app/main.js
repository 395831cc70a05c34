/** The page's beginning: words first, then the session that an earlier visit left, then the page of the address. */
import { render } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { announceAdmissions } from './admission.js';
import { announceLostHolds } from './holds.js';
import { html } from './html.js';
import { language, useLanguage, words } from './i18n.js';
import { Shell } from './parts/shell.js';
import { Concerts, askAhead } from './pages/concerts.js';
import { Sale } from './pages/sale.js';
import { Checkout } from './pages/checkout.js';
import { ConcertPage, Tickets } from './later.js';
import { Wallet } from './pages/wallet.js';
import { Message } from './parts/message.js';
import { route } from './router.js';
import { resume } from './session.js';

function Page() {
  const at = route.value;
  switch (at.page) {
    case 'concerts':
      return html`<${Concerts} />`;
    case 'concert':
      return html`<${ConcertPage} key=${at.concertId} concertId=${at.concertId} />`;
    case 'sale':
      return html`<${Sale} key=${at.concertId} concertId=${at.concertId} />`;
    case 'checkout':
      return html`<${Checkout} key=${at.reservationId} reservationId=${at.reservationId} />`;
    case 'tickets':
      return html`<${Tickets} bought=${at.bought} />`;
    case 'wallet':
      return html`<${Wallet} />`;
    default:
      return html`<${Message} title=${words().missing.title} text=${words().missing.text} href="#/" action=${words().lobby.toConcerts} />`;
  }
}

function App() {
  const page = JSON.stringify(route.value);
  const first = useRef(true);
  useLayoutEffect(() => {
    // A new page is read from its heading on, also by a screen reader. The first one starts where browsers start. With the drawing
    // and not after it: the focus is taken from nothing that a fan uses by then.
    if (!first.current) document.getElementById('content')?.focus({ preventScroll: true });
    first.current = false;
    scrollTo(0, 0);
  }, [page]);
  return html`<${Shell}><${Page} /><//>`;
}

if (route.value.page === 'concerts') askAhead();
await useLanguage(language.value);
announceAdmissions();
announceLostHolds();
resume();
const root = /** @type {HTMLElement} */ (document.getElementById('app'));
root.replaceChildren(); // The sketch that stood there until now.
render(html`<${App} />`, root);
