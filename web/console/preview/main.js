/** A draft as fans will see it: the page of the concert, and behind its link the seats, by the modules of the fans' own page. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { language, useLanguage } from '../../app/i18n.js';
import { ConcertPage } from '../../app/pages/concert.js';
import { WORDS } from '../../app/pages/concert.words.js';
import { Seats } from '../../app/pages/seats.js';
import { route } from '../../app/router.js';
import { pageOf } from './draft.js';

function Preview() {
  const [page, setPage] = useState(/** @type {import('./draft.js').ConcertPage | null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    pageOf().then(setPage, () => setFailed(true));
  }, []);
  if (failed) return html`<p class="page empty" role="alert">${WORDS[language.value].failed}</p>`;
  if (!page) return null;
  return html`<main id="content" tabindex="-1">
    ${route.value.page === 'sale' ? html`<${Seats} concert=${page.concert} />` : html`<${ConcertPage} concertId=${0} />`}
  </main>`;
}

await useLanguage(language.value);
render(html`<${Preview} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
