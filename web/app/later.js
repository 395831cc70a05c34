/**
 * Pages that are fetched when they come into sight: the first view should not wait for a seat map.
 *
 * Always: whoever is in a sale has them before they are needed, so that a network that is gone at admission or while
 * paying does not keep a fan from the seats or the ticket.
 */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { html } from './html.js';
import { words } from './i18n.js';
import { layoutOf } from './session.js';

/**
 * @template {object} Props
 * @param {() => Promise<(props: Props) => any>} load
 */
function later(load) {
  // A signal, because the module may arrive at any moment: also between a drawing and its effects, where nobody who
  // waits for it by an effect would ever notice it.
  /** @type {import('@preact/signals').Signal<((props: Props) => any) | null>} */
  const page = signal(null);
  const failed = signal(false);
  /** @type {Promise<void> | null} */
  let loading = null;
  const prepare = () => {
    failed.value = false;
    return (loading ??= load().then(
      (loaded) => {
        page.value = loaded;
      },
      (error) => {
        loading = null; // Another try fetches it again.
        failed.value = true;
        throw error;
      },
    ));
  };
  const fetch = () => void prepare().catch(() => {}); // `failed` reports it.
  /** @param {Props} props */
  function Later(props) {
    const loaded = page.value;
    useEffect(() => {
      if (!page.value) fetch();
    }, []);
    if (loaded) return html`<${loaded} ...${props} />`;
    if (!failed.value) return html`<p class="page empty" role="status">${words().loading}</p>`;
    return html`<p class="page empty" role="alert">
      ${words().error.disconnected} <button type="button" onClick=${fetch}>${words().retry}</button>
    </p>`;
  }
  return { Later, prepare };
}

const seats = later(async () => (await import('./pages/seats.js')).Seats);
const tickets = later(async () => (await import('./pages/tickets.js')).Tickets);

const beforePaying = later(async () => (await import('./parts/before-paying.js')).BeforePaying);
const concert = later(async () => (await import('./pages/concert.js')).ConcertPage);

export const BeforePaying = beforePaying.Later;
export const ConcertPage = concert.Later;
export const Seats = seats.Later;
export const Tickets = tickets.Later;

/**
 * Fetches what a sale needs, ahead of time. What fails is tried again when it is shown.
 * @param {import('./session.js').Concert} [concert]
 */
export function prepareSelling(concert) {
  seats.prepare().catch(() => {});
  tickets.prepare().catch(() => {});
  beforePaying.prepare().catch(() => {});
  const next = concert?.schedules.find((schedule) => !schedule.sold_out);
  if (next) layoutOf(next.schedule_id).catch(() => {});
}
