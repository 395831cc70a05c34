/**
 * The page that is shown: the part of the address after `#`, so that the server need not know the pages.
 *
 * Always: nothing secret is ever put into an address.
 */
import { signal } from '@preact/signals';

/**
 * @typedef {{page: 'concerts'}
 *   | {page: 'concert', concertId: number}
 *   | {page: 'sale', concertId: number}
 *   | {page: 'checkout', reservationId: string}
 *   | {page: 'tickets', bought: string | null}
 *   | {page: 'wallet'}
 *   | {page: 'missing'}} Route
 */

/**
 * @param {string} hash
 * @returns {Route}
 */
export function parse(hash) {
  const parts = hash.replace(/^#?\/?/, '').split('/').filter(Boolean);
  const [page, argument] = parts;
  if (parts.length > 2) return { page: 'missing' };
  if (page === undefined) return { page: 'concerts' };
  if (page === 'concert' && /^\d{1,15}$/.test(argument ?? '')) return { page: 'concert', concertId: Number(argument) };
  if (page === 'sale' && /^\d{1,15}$/.test(argument ?? '')) return { page: 'sale', concertId: Number(argument) };
  if (page === 'checkout' && argument) return { page: 'checkout', reservationId: argument };
  if (page === 'tickets') return { page: 'tickets', bought: argument ?? null };
  if (page === 'wallet' && argument === undefined) return { page: 'wallet' };
  return { page: 'missing' };
}

// `/concert/1` is an address to pass on, as `/sale/1` is: it says which concert also to those who never run this.
const shared = /^\/((?:concert|sale)\/\d{1,15})\/?$/.exec(location.pathname);
if (shared && !location.hash) history.replaceState(null, '', `/#/${shared[1]}`);
else if (shared) history.replaceState(null, '', `/${location.hash}`);

/** @type {import('@preact/signals').Signal<Route>} */
export const route = signal(parse(location.hash));

addEventListener('hashchange', follow);

/** The route of the address as it is now; the same page stays the same value, so that nobody draws it anew. */
function follow() {
  const next = parse(location.hash);
  if (JSON.stringify(next) !== JSON.stringify(route.value)) route.value = next;
}

/**
 * @param {string} path For instance `/tickets`.
 * @param {{replace?: boolean}} [options] `replace`: going back skips the present page.
 */
export function go(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, '', `#${path}`);
  else location.hash = path;
  follow(); // The event comes later: a notice that is shown meanwhile would go with the page before.
}
