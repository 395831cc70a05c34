/**
 * Pages that are fetched when they come into sight: the first view should not wait for a seat map.
 *
 * Always: whoever is in a sale has them before they are needed, so that a network that is gone at admission or while
 * paying does not keep a fan from the seats or the ticket.
 */
import { useEffect, useState } from 'preact/hooks';
import { html } from './html.js';
import { words } from './i18n.js';
import { layoutOf } from './session.js';

/**
 * @template {object} Props
 * @param {() => Promise<(props: Props) => any>} load
 */
function later(load) {
  /** @type {((props: Props) => any) | null} */
  let page = null;
  /** @type {Promise<void> | null} */
  let loading = null;
  const prepare = () =>
    (loading ??= load().then(
      (loaded) => {
        page = loaded;
      },
      (error) => {
        loading = null; // Another try fetches it again.
        throw error;
      },
    ));
  /** @param {Props} props */
  function Later(props) {
    const [attempt, setAttempt] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (page) return;
      prepare().then(
        () => setAttempt(-1),
        () => setFailed(true),
      );
    }, [attempt]);
    if (page) return html`<${page} ...${props} />`;
    if (!failed) return html`<p class="page empty" role="status">${words().loading}</p>`;
    const again = () => {
      setFailed(false);
      setAttempt(attempt + 1);
    };
    return html`<p class="page empty" role="alert">
      ${words().error.disconnected} <button type="button" onClick=${again}>${words().retry}</button>
    </p>`;
  }
  return { Later, prepare };
}

const seats = later(async () => (await import('./pages/seats.js')).Seats);
const tickets = later(async () => (await import('./pages/tickets.js')).Tickets);

export const Seats = seats.Later;
export const Tickets = tickets.Later;

/**
 * Fetches what a sale needs, ahead of time. What fails is tried again when it is shown.
 * @param {import('./session.js').Concert} [concert]
 */
export function prepareSelling(concert) {
  seats.prepare().catch(() => {});
  tickets.prepare().catch(() => {});
  const next = concert?.schedules.find((schedule) => !schedule.sold_out);
  if (next) layoutOf(next.schedule_id).catch(() => {});
}
