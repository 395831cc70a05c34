/** The calls that need no session: making a guest, the concerts on sale, a venue's drawing. */
import { errorFromHttp, errorOf } from './errors.js';

/** A stadium's drawing on a slow phone takes a while; a network that says nothing for so long is gone. */
const HTTP_TIMEOUT_MS = 30_000;

/**
 * Makes a guest, where the server allows guests.
 * @param {string | URL | undefined} server
 * @param {string} name
 * @returns {Promise<{user_id: number, access_token: string}>}
 */
export async function createGuest(server, name) {
  return http(server, 'users', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
}

/**
 * The concerts on sale, without a session.
 * @param {string | URL | undefined} server
 * @param {string | null} [token] An access token or queue token, where the server wants one.
 * @returns {Promise<import('./wire.js').Concert[]>}
 */
export async function fetchConcerts(server, token) {
  return (await http(server, 'concerts', token ? { headers: { authorization: `Bearer ${token}` } } : {})).concerts;
}

/**
 * A concert's own page.
 * @param {string | URL | undefined} server
 * @param {number} concertId
 * @returns {Promise<import('./wire.js').ConcertPage>}
 */
export async function fetchConcert(server, concertId) {
  return http(server, `concerts/${concertId}`);
}

/**
 * @param {string | URL | undefined} server
 * @param {number} scheduleId
 * @returns {Promise<import('./wire.js').Layout>}
 */
export async function fetchLayout(server, scheduleId) {
  return http(server, `schedules/${scheduleId}/layout`);
}

/**
 * @param {string | URL | undefined} server
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
async function http(server, path, init) {
  let response;
  try {
    response = await fetch(new URL(`/api/v1/${path}`, serverUrl(server)), { signal: AbortSignal.timeout(HTTP_TIMEOUT_MS), ...init });
  } catch (cause) {
    throw errorOf('DISCONNECTED', `${path}: the server cannot be reached`, { retryable: true, cause });
  }
  if (!response.ok) throw await errorFromHttp(response);
  return response.json();
}

/** The server's address; in a browser, the page's own by default. @param {string | URL | undefined} server */
export function serverUrl(server) {
  const base = server ?? globalThis.location?.origin;
  if (!base) throw new TypeError('options.server is needed outside of a browser');
  return new URL(base);
}
