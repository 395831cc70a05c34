/**
 * Goal: a bad network costs time, never the place, the seats or the money. Method: a proxy between the SDK and the real
 * server that cuts, delays, and loses one direction.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { SeatState } from '../../../web/sdk/index.js';
import { Proxy } from '../harness/proxy.mjs';
import { Server } from '../harness/server.mjs';
import { admitted, closeFans, guest, next, until } from '../harness/fans.mjs';

/** @type {Server} */
let server;
/** @type {Proxy} */
let proxy;

before(async () => {
  server = await Server.start('--demo', '--set', 'sale.capacity=2');
});
after(() => server.stop());
beforeEach(async () => {
  proxy = await Proxy.before(server);
});
afterEach(() => {
  closeFans();
  return proxy.stop();
});

/** Everybody leaves, so that the next test begins with an empty sale. @param {import('../../../web/sdk/index.js').FrontrowClient[]} clients */
async function leave(...clients) {
  for (const client of clients) {
    await client.leave();
    client.close();
  }
}

test('cut in the queue: the same place afterwards', async () => {
  const { client: first, concertId } = await admitted(server.url);
  const { client: second } = await admitted(server.url);
  const fan = await guest(proxy.url);
  const behind = await guest(server.url);
  const place = await fan.join(concertId);
  await behind.join(concertId);
  assert.deepEqual([place.status, place.position], ['WAITING', 1]);

  /** @type {string[]} */
  const told = [];
  for (const type of /** @type {const} */ (['reconnecting', 'resumed'])) fan.on(type, () => told.push(type));
  proxy.cut();
  await next(fan, 'reconnecting');
  const resumed = next(fan, 'resumed');
  proxy.mend();
  await resumed;
  assert.equal(told.at(-1), 'resumed');
  assert.deepEqual([fan.queue?.token, fan.queue?.position], [place.token, 1]);
  assert.equal((await behind.getQueue()).position, 2);
  await leave(fan, behind, first, second);
});

test('admitted while away: the resumed session knows', async () => {
  const { client: first, concertId } = await admitted(server.url);
  const { client: second } = await admitted(server.url);
  const fan = await guest(proxy.url);
  await fan.join(concertId);
  proxy.cut();
  await next(fan, 'reconnecting');
  await leave(first);
  proxy.mend();
  assert.equal((await fan.admitted()).status, 'PROGRESS');
  await leave(fan, second);
});

test('cut between pay and its answer: one payment', async () => {
  const { client: fan, scheduleId } = await admitted(proxy.url);
  const held = await fan.holdBest(scheduleId, 2);
  await fan.charge(held.amount);
  proxy.deafen(); // The question arrives, the answer does not.
  const paying = fan.pay(held.reservation_id);
  const watcher = await guest(server.url, { accessToken: fan.accessToken });
  await until(async () => (await watcher.tickets()).length === 2);
  proxy.cut();
  proxy.mend();
  const { payment, balance } = await paying;
  assert.equal(payment.status, 'DONE');
  assert.equal(balance, 0);
  const entries = await fan.history();
  assert.deepEqual(
    entries.map(({ type, amount_change }) => [type, amount_change]),
    [
      ['PAYMENT', -held.amount],
      ['CHARGE', held.amount],
    ],
  );
  watcher.close();
  fan.close();
});

test('cut between charge and its answer: one charge', async () => {
  const fan = await guest(proxy.url);
  const watcher = await guest(server.url, { accessToken: fan.accessToken });
  proxy.deafen();
  const charging = fan.charge(5000);
  await until(async () => (await watcher.balance()) === 5000);
  proxy.cut();
  proxy.mend();
  assert.equal((await charging).balance, 5000);
  assert.equal((await watcher.history()).length, 1);
  watcher.close();
  fan.close();
});

test('a half-dead connection is noticed and replaced', async () => {
  const { client: fan, scheduleId } = await admitted(proxy.url);
  const house = await fan.watch(scheduleId);
  const before = proxy.connections;
  proxy.deafen();
  await next(fan, 'reconnecting');
  assert.equal(house.live, false, 'seats that may be old are said to be so');
  proxy.mend();
  await next(fan, 'resumed');
  assert.ok(proxy.connections > before);
  assert.equal(house.live, true);
  await leave(fan);
});

test('seats that changed while away are seen after resuming', async () => {
  const { client: fan, scheduleId } = await admitted(proxy.url);
  const { client: other } = await admitted(server.url);
  const house = await fan.watch(scheduleId);
  proxy.cut();
  await next(fan, 'reconnecting');
  const held = await other.holdBest(scheduleId, 1);
  const changed = next(house, 'change', ({ changes }) => changes.length > 0);
  proxy.mend();
  const { changes } = await changed;
  assert.deepEqual(changes, [{ seat: held.seats[0].seat, state: SeatState.TEMP_RESERVED, before: SeatState.AVAILABLE }]);
  await leave(fan, other);
});

test('a long way: answers late, time right', async () => {
  proxy.delay(150);
  const fan = await guest(proxy.url, { times: {} });
  await fan.ping();
  // Server and test share a clock: the offset is the error, and half the round trip bounds it.
  assert.ok(Math.abs(fan.clock.offset) < 150, `${fan.clock.offset} ms`);
  fan.close();
});

test('the server dies and comes back: the same place, the same seats', async () => {
  const { client: fan, concertId, scheduleId } = await admitted(server.url);
  const { client: other } = await admitted(server.url);
  const waiting = await guest(server.url);
  await waiting.join(concertId);
  const held = await fan.holdBest(scheduleId, 2);
  const lost = [next(fan, 'reconnecting'), next(waiting, 'reconnecting')];
  await server.kill();
  await Promise.all(lost);
  const back = [next(fan, 'resumed'), next(waiting, 'resumed'), next(other, 'resumed')];
  await server.startAgain();
  await Promise.all(back);
  assert.equal(fan.reservations.get(held.reservation_id)?.status, 'TEMP_RESERVED');
  assert.deepEqual([waiting.queue?.status, waiting.queue?.position], ['WAITING', 1]);
  await leave(waiting, fan, other);
});
