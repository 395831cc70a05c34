/** Fans for tests: guests with the SDK, from joining to whatever the test needs. */
import WebSocket from 'ws';
import { FrontrowClient, createGuest } from '../../../web/sdk/index.js';

/** Times that make a test see in moments what takes a fan's phone half a minute. */
export const QUICK = Object.freeze({ quiet: 1_000, quietWaiting: 600, answer: 600, backoffFirst: 50, backoffMax: 200, connect: 2_000 });

/** @type {Set<FrontrowClient>} */
const fans = new Set();

/** Closes all fans, after the tests: a client that a failed test left behind would keep its process alive. */
export function closeFans() {
  for (const fan of fans) fan.close();
  fans.clear();
}

/** Everybody gives the place up and goes. */
export async function leaveFans() {
  await Promise.all([...fans].map((fan) => fan.leave().catch(() => {})));
  closeFans();
}

/**
 * A client that `closeFans` closes.
 * @param {import('../../../web/sdk/client.js').ClientOptions} options
 */
export function fanOf(options) {
  const client = new FrontrowClient({ WebSocket: /** @type {any} */ (WebSocket), times: QUICK, ...options });
  fans.add(client);
  return client;
}

/**
 * @param {string} url
 * @param {Partial<import('../../../web/sdk/client.js').ClientOptions> & {name?: string}} [options]
 */
export async function guest(url, { name = 'Test', ...options } = {}) {
  const { access_token: accessToken } = await createGuest(url, name);
  const client = fanOf({ server: url, accessToken, ...options });
  await client.connect();
  return client;
}

/** A guest who is admitted to the first concert. @param {string} url @param {Parameters<typeof guest>[1]} [options] */
export async function admitted(url, options) {
  const client = await guest(url, options);
  const [concert] = await client.concerts();
  await client.join(concert.concert_id);
  await client.admitted();
  return { client, concertId: concert.concert_id, scheduleId: concert.schedules[0].schedule_id };
}

/**
 * Resolves with the first event that fits.
 * @template {{on: (type: any, listener: (payload: any) => void) => () => void}} E
 * @param {E} emitter
 * @param {string} type
 * @param {(payload: any) => boolean} [fits]
 * @returns {Promise<any>}
 */
export function next(emitter, type, fits = () => true) {
  return new Promise((resolve) => {
    const end = emitter.on(type, (payload) => {
      if (!fits(payload)) return;
      end();
      resolve(payload);
    });
  });
}

/** Asks until it is so; the test's own time limit is the end. @param {() => Promise<boolean>} so */
export async function until(so) {
  while (!(await so())) await new Promise((resolve) => setImmediate(resolve));
}
