/**
 * Goal: the SDK reads what the protocol's fixtures say, and does the right thing with what a good server seldom says.
 * Method: the fixtures of `protocol/`, and a scripted websocket server.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { WebSocketServer } from 'ws';
import * as sdk from '../../../web/sdk/index.js';
import { errorFromRpc } from '../../../web/sdk/errors.js';
import { backoff } from '../../../web/sdk/link.js';
import { closeFans, fanOf, next } from '../harness/fans.mjs';

const FIXTURES = new URL('../../../protocol/fixtures/', import.meta.url);
after(closeFans);

/** @param {string} path */
const fixture = (path) => JSON.parse(readFileSync(new URL(path, FIXTURES), 'utf8'));

test('every reason of the protocol has a class of its own', () => {
  const classes = new Set();
  for (const file of readdirSync(new URL('error/', FIXTURES))) {
    const { error } = fixture(`error/${file}`);
    const made = errorFromRpc(error);
    assert.notEqual(made.constructor, sdk.FrontrowError, `${error.data.reason} has no class`);
    assert.equal(made.reason, error.data.reason);
    assert.equal(made.code, error.code);
    assert.equal(made.retryable, error.data.retryable);
    assert.equal(made.message, error.message);
    classes.add(made.constructor);
  }
  const reasons = new Set(readdirSync(new URL('error/', FIXTURES)).map((file) => file.split('.')[0]));
  assert.equal(classes.size, reasons.size);
});

test('a reason newer than the SDK is kept', () => {
  const made = errorFromRpc({ code: -32099, message: 'later', data: { reason: 'MOON_TOO_BRIGHT', retryable: false, phase: 3 } });
  assert.equal(made.reason, 'MOON_TOO_BRIGHT');
  assert.equal(made.data.phase, 3);
  assert.ok(made instanceof sdk.FrontrowError);
});

test('a snapshot is unpacked, two bits a seat', () => {
  assert.deepEqual([...sdk.unpackStates(Buffer.from([0b11_10_01_00, 0b01]).toString('base64'), 5)], [0, 1, 2, 3, 1]);
  assert.throws(() => sdk.unpackStates('', 1), RangeError);
});

test('deltas: old ones drop, fitting ones apply, a gap is told', () => {
  const house = new sdk.SeatModel(7);
  /** @type {any[]} */
  const changes = [];
  house.on('change', (change) => changes.push(change));
  assert.equal(house.apply(delta(0, 1, [[0, 1]])), 'stale', 'nothing applies before a snapshot');
  house.load({ schedule_id: 7, version: 10, seats: 'AAA=', count: 8, available: 8 });
  assert.equal(house.apply(delta(8, 10, [[0, 1]])), 'stale');
  assert.equal(house.apply(delta(9, 12, [[0, 1], [1, 2], [99, 1]])), 'applied', 'from an older version, to a newer one');
  assert.deepEqual([...house.states], [1, 2, 0, 0, 0, 0, 0, 0]);
  assert.equal(house.apply(delta(13, 14, [[2, 1]])), 'gap');
  assert.equal(house.live, false);
  assert.equal(house.apply(delta(12, 13, [[2, 1]])), 'stale', 'while a snapshot is on its way');
  house.load({ schedule_id: 7, version: 14, seats: 'GQA=', count: 8, available: 5 });
  assert.deepEqual(changes.at(-1).changes, [{ seat: 2, state: 1, before: 0 }], 'the repair is told as the difference');
});

test('pauses between attempts grow, are spread, and end', () => {
  const times = { backoffFirst: 500, backoffMax: 15_000 };
  assert.deepEqual(
    [0, 1, 2, 10].map((failures) => [backoff(failures, times, () => 0), backoff(failures, times, () => 0.999_999)].map(Math.round)),
    [
      [250, 500],
      [500, 1000],
      [1000, 2000],
      [7500, 15_000],
    ],
  );
});

test('the clock believes the shortest round trip, and a clock that was set', () => {
  let device = 1_000_000;
  const clock = new sdk.ServerClock(() => device);
  /** @param {number} ms */
  const at = (ms) => new Date(ms).toISOString();
  clock.sample(device - 400, device, at(device - 200 + 5_000));
  clock.sample(device - 20, device, at(device - 10 + 5_040));
  assert.equal(clock.offset, 5_040);
  clock.sample(device - 1000, device, at(device - 500 + 5_300));
  assert.equal(clock.offset, 5_040, 'a slow answer changes nothing');
  device += 3_600_000;
  clock.sample(device - 30, device, at(device - 15 + 5_040 - 3_600_000));
  assert.equal(clock.offset, 5_040 - 3_600_000, 'the device was set an hour ahead');
});

/** A server that answers as told. @param {(frame: any, say: (frame: object) => void, socket: import('ws').WebSocket) => void} answer */
async function scripted(answer) {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'frontrow.v1' });
  await new Promise((resolve) => listener.once('listening', resolve));
  let sockets = 0;
  /** @type {any[]} */
  const heard = [];
  listener.on('connection', (socket) => {
    sockets++;
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      heard.push(frame);
      /** @param {object} said */
      const say = (said) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...said }));
      if (frame.method === 'hello' && frame.params.access_token !== 'bad') {
        say({ id: frame.id, result: { user_id: 1, server_time: new Date().toISOString(), server: 'script' } });
      } else answer(frame, say, socket);
    });
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (listener.address());
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    get sockets() {
      return sockets;
    },
    stop: () => {
      for (const socket of listener.clients) socket.terminate();
      return new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** @param {string} url @param {Partial<import('../../../web/sdk/client.js').ClientOptions>} [options] */
const clientOf = (url, options) =>
  fanOf({ server: url, accessToken: 'good', ...options });

test('"busy" is asked again, with the same request id', async () => {
  let asked = 0;
  const server = await scripted((frame, say) => {
    asked++;
    if (asked < 3) say({ id: frame.id, error: { code: -32010, message: 'busy', data: { reason: 'OVERLOADED', retryable: true, retry_after_ms: 1 } } });
    else say({ id: frame.id, result: { balance: 10, history_id: 'h' } });
  });
  const client = clientOf(server.url);
  await client.connect();
  assert.equal((await client.charge(10)).balance, 10);
  const ids = new Set(server.heard.filter((frame) => frame.method === 'charge').map((frame) => frame.params.request_id));
  assert.equal(ids.size, 1);
  client.close();
  await server.stop();
});

test('a request has its time, then its error', async () => {
  const server = await scripted(() => {});
  const client = clientOf(server.url, { timeoutMs: 30, times: {} });
  await client.connect();
  await assert.rejects(client.balance(), sdk.TimeoutError);
  client.close();
  await server.stop();
});

test('4502 is the end, 4001 is not', async () => {
  const server = await scripted((frame, say, socket) => {
    if (frame.method !== 'balance') socket.close(4502, 'too many connections');
    else if (server.sockets === 1) socket.close(4001, 'too slow');
    else say({ id: frame.id, result: { balance: 7 } });
  });
  const client = clientOf(server.url);
  await client.connect();
  assert.equal(await client.balance(), 7, 'asked again on the next connection');
  assert.equal(server.sockets, 2);
  const closed = next(client, 'closed');
  client.schedules().catch(() => {});
  const error = await closed;
  assert.deepEqual([error.data.close_code, error.data.reason], [4502, 'TOO_MANY_CONNECTIONS']);
  assert.equal(client.status, 'closed');
  await server.stop();
});

test('an unknown push is passed on, an unknown field ignored', async () => {
  const server = await scripted((frame, say) => {
    say({ method: 'weather.update', params: { rain: true } });
    say({ id: frame.id, result: { balance: 3, mood: 'calm' } });
  });
  const client = clientOf(server.url);
  await client.connect();
  const pushed = next(client, 'push');
  assert.equal(await client.balance(), 3);
  assert.deepEqual(await pushed, { method: 'weather.update', params: { rain: true } });
  client.close();
  await server.stop();
});

test('a lost delta is repaired by watching again', async () => {
  let watched = 0;
  const server = await scripted((frame, say) => {
    if (frame.method !== 'seats.watch') return;
    watched++;
    if (watched === 1) {
      say({ id: frame.id, result: { schedule_id: 7, version: 1, seats: 'AAA=', count: 8, available: 8 } });
      say({ method: 'seats.update', params: delta(1, 2, [[0, 1]]) });
      say({ method: 'seats.update', params: delta(3, 4, [[2, 1]]) });
    } else say({ id: frame.id, result: { schedule_id: 7, version: 4, seats: 'FQA=', count: 8, available: 5 } });
  });
  const client = clientOf(server.url);
  await client.connect();
  const house = await client.watch(7);
  while (house.version < 4) await next(house, 'change');
  assert.equal(watched, 2);
  assert.deepEqual([...house.states].slice(0, 4), [1, 1, 1, 0]);
  client.close();
  await server.stop();
});

test('an answer that is older than a push does not undo it', async () => {
  const update = fixture('result/queue.join.json').result;
  const server = await scripted((frame, say) => {
    say({ method: 'queue.update', params: { ...update, status: 'PROGRESS', position: null, ahead: null } });
    say({ id: frame.id, result: { ...update, status: 'WAITING', position: 1, ahead: 0 } });
  });
  const client = clientOf(server.url);
  await client.connect();
  assert.equal((await client.join(update.concert_id)).status, 'PROGRESS');
  assert.equal(client.queue?.status, 'PROGRESS');
  client.close();
  await server.stop();
});

/**
 * @param {number} from
 * @param {number} version
 * @param {[number, any][]} changes
 */
function delta(from, version, changes) {
  return { schedule_id: 7, from, version, changes, available: 5 };
}
