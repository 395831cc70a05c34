/**
 * Goal: what an operator's client shows is what the server said last, or it says that it is not. Method: the model with updates
 * in and out of order, and the client against a real server that is killed and comes back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { OpsClient, OpsModel } from '../../../web/sdk/ops.js';
import { QUICK, next } from '../harness/fans.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @param {number} concertId @param {string} title */
const line = (concertId, title) => /** @type {import('../../../web/sdk/wire.js').SaleLine} */ ({ concert_id: concertId, title, runs: 'here', answers: true, figures_at: null });
const AT = '2026-07-01T10:00:00.000Z';

test('updates lead on from one another, and a gap is noticed', () => {
  const model = new OpsModel(null);
  /** @param {number} from @param {number} seq @param {Partial<import('../../../web/sdk/wire.js').OpsUpdate>} more */
  const update = (from, seq, more = {}) => model.apply({ concert_id: null, from, seq, at: AT, sales: [], gone: [], ...more });
  assert.equal(update(0, 1), 'stale', 'nothing is known yet');
  model.load({ concert_id: null, seq: 5, server_time: AT, at: null, alarms: [], sales: [line(1, 'one'), line(2, 'two')] });
  let changes = 0;
  model.on('change', () => changes++);
  assert.equal(update(3, 5), 'stale');
  assert.equal(update(5, 6, { sales: [line(2, 'other')], gone: [1] }), 'applied');
  assert.deepEqual([...model.lines.values()].map(({ title }) => title), ['other']);
  // One that begins before what is known leads on all the same.
  assert.equal(update(4, 9, { sales: [line(3, 'three')] }), 'applied');
  assert.equal(model.seq, 9);
  assert.equal(update(10, 11), 'gap');
  assert.equal(model.live, false);
  assert.equal(update(11, 12), 'stale', 'what is known is asked for anew');
  assert.equal(changes, 3);
});

test('a client watches again what it watched, and is closed with its session', async () => {
  const server = await Server.start('--demo');
  const { link } = await server.command('operator', 'add', 'Ada', '--role', 'viewer');
  const api = async (/** @type {string} */ method, /** @type {object | undefined} */ body, /** @type {string} */ bearer = '') =>
    fetch(`${server.url}/api/v1/admin/session`, { method, headers: bearer ? { authorization: `Bearer ${bearer}` } : {}, body: body && JSON.stringify(body) });
  const { token } = await (await api('POST', { link: link.url })).json();
  const client = new OpsClient({ server: server.url, token, WebSocket: /** @type {any} */ (WebSocket), times: QUICK });
  const model = client.watch();
  const isFull = () => [...model.lines.values()].some(({ figures }) => figures !== undefined && figures.seats > 0);
  while (!isFull()) await next(model, 'change');
  assert.ok(/** @type {number} */ (client.ageOf(model)) < 60_000);
  const [{ concert_id: concertId }] = model.lines.values();
  const one = client.watch(concertId);
  while (!one.detail) await next(one, 'change');
  assert.equal(client.watch(concertId), one);
  const seats = client.seats(one.detail.by_schedule[0].schedule_id);
  if (!seats.live) await next(seats, 'live');
  assert.ok(seats.available > 0);

  const lost = next(model, 'change', () => !model.live);
  await server.kill();
  await lost;
  assert.equal(seats.live, false);
  await server.startAgain();
  while (!model.live || !seats.live) await next(seats.live ? model : seats, seats.live ? 'change' : 'live');

  const closed = next(client, 'closed');
  await api('DELETE', undefined, token);
  assert.equal((await closed).data.close_code, 4500);
  assert.equal(client.status, 'closed');
  await stopServers();
});
