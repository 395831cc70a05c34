/** One concert's sale, whatever this fan's place in it: not joined, in line, choosing, done, over. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { words } from '../i18n.js';
import { explain } from '../explain.js';
import { tell } from '../notices.js';
import { Message } from '../parts/message.js';
import { concerts, join, places, queue, refreshConcerts, returnTo, settled, tokenWanted } from '../session.js';
import { prepareChime } from '../chime.js';
import { Seats, prepareSelling } from '../later.js';
import { Waiting } from './waiting.js';

/** @param {{concertId: number}} props */
export function Sale({ concertId }) {
  const w = words();
  const concert = concerts.value?.find((candidate) => candidate.concert_id === concertId);
  const mine = queue.value?.concert_id === concertId ? queue.value : null;
  const placed = places.value[String(concertId)] !== undefined;

  useEffect(() => {
    refreshConcerts().catch(() => {}); // Shown again when the connection is back.
  }, []);
  useEffect(() => prepareSelling(concert), [concert === undefined]);
  useEffect(() => {
    if (!mine && placed) returnTo(concertId).catch((error) => tell({ kind: 'bad', text: explain(error) }));
  }, [concertId, placed, mine === null]);

  if (concerts.value && !concert) {
    return html`<${Message} title=${w.lobby.missing} text=${w.lobby.missingText} href="#/" action=${w.lobby.toConcerts} />`;
  }
  // After a reload the hello tells the place; until then nothing is claimed.
  if (!concert || (!mine && (placed || !settled.value))) return html`<p class="page empty" role="status">${w.loading}</p>`;

  switch (mine?.status) {
    case 'WAITING':
      return html`<${Waiting} concert=${concert} place=${mine} />`;
    case 'PROGRESS':
      return html`<${Seats} concert=${concert} />`;
    case 'DONE':
      return html`<${Message} title=${w.lobby.done} text=${w.lobby.doneText} href="#/tickets" action=${w.lobby.seeTickets}>
        <${Join} concert=${concert} label=${w.lobby.again} quiet />
      <//>`;
    case 'EXPIRED': {
      const reason = mine.reason ?? 'time';
      const closed = reason === 'closed' || concert.sale.state === 'CLOSED';
      return html`<${Message} title=${w.lobby.expired[reason] ?? w.lobby.expired.time} text=${closed ? w.lobby.closedText : w.lobby.expiredText}>
        ${closed && html`<a class="button" href="#/">${w.lobby.toConcerts}</a>`} ${!closed && html`<${Join} concert=${concert} label=${w.lobby.again} />`}
      <//>`;
    }
    default:
      return html`<${Message} title=${concert.title} text=${w.lobby.text}><${Join} concert=${concert} label=${w.lobby.join} /><//>`;
  }
}

/** @param {{concert: import('../session.js').Concert, label: string, quiet?: boolean}} props */
function Join({ concert, label, quiet = false }) {
  const [busy, setBusy] = useState(false);
  async function enter() {
    prepareChime();
    setBusy(true);
    try {
      await join(concert.concert_id);
    } catch (error) {
      if (!tokenWanted.value) tell({ kind: 'bad', key: 'join', text: explain(error) });
    } finally {
      setBusy(false);
    }
  }
  return html`<button type="button" class=${quiet ? '' : 'primary'} disabled=${busy} onClick=${enter}>${label}</button>`;
}
