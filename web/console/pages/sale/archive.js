/** Archiving a concert of which everything is over: what has to be, and whether it is. There is no way back. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { count } from '../../numbers.js';
import { Problem, SecondLook } from '../../parts.js';
import { words } from '../../words.js';

/**
 * What the server asks for, as far as it can be seen from here; it decides by itself.
 * @param {import('./life.js').HouseConcert} concert
 * @param {import('../../../sdk/wire.js').LiveFigures} figures
 * @param {import('../../../sdk/wire.js').SaleDetail} detail
 */
function overOf({ schedules }, figures, detail) {
  const { over } = words().life;
  const fans = figures.waiting + figures.progress;
  const toCome = schedules.filter((of) => of.state === 'PLANNED' && !of.begun && Date.parse(of.starts_at) > Date.now()).length;
  const unpaid = detail.by_schedule.filter((of) => of.state === 'CALLED_OFF').reduce((sum, of) => sum + of.sold, 0);
  return [
    { what: over.sale, is: figures.state === 'CLOSED', more: '' },
    { what: over.fans, is: fans === 0, more: over.left(count(fans)) },
    { what: over.performances, is: toCome === 0, more: over.left(count(toCome)) },
    { what: over.refunds, is: unpaid === 0, more: over.left(count(unpaid)) },
  ];
}

/**
 * @param {{
 *   concert: import('./life.js').HouseConcert, figures: import('../../../sdk/wire.js').LiveFigures, detail: import('../../../sdk/wire.js').SaleDetail,
 *   onArchived: () => void,
 * }} props
 */
export function Archive({ concert, figures, detail, onArchived }) {
  const { life: w, rehearsal } = words();
  const [look, setLook] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const archive = async () => {
    setError(null);
    try {
      await call('POST', `/concerts/${concert.concert_id}/archive`, {});
      onArchived();
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<details class="archive">
    <summary>${w.archive}</summary>
    <p>${w.archiveText}</p>
    <ul class="rows">${overOf(concert, figures, detail).map(({ what, is, more }) => html`<li key=${what} class="row">
      <span class=${`tag ${is ? 'good' : 'warn'}`}>${is ? rehearsal.good : w.over.notYet}</span>
      <div class="row-what">${what}${!is && more && html` <small>${more}</small>`}</div>
    </li>`)}</ul>
    <${Problem} error=${error} />
    <button type="button" onClick=${() => setLook(true)}>${w.lookArchive}</button>
    ${look && html`<${SecondLook} title=${w.archiveOf(concert.title)} text=${w.archiveSure} confirm=${w.archive} onConfirm=${() => void archive()} onClose=${() => setLook(false)} />`}
  </details>`;
}
