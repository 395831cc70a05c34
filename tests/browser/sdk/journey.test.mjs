/** Goal: the SDK goes from the queue to the ticket against the real server, and says why when it cannot. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as sdk from '../../../web/sdk/index.js';
import { Server } from '../harness/server.mjs';
import { admitted, closeFans, fanOf, guest, next } from '../harness/fans.mjs';

const SDK = new URL('../../../web/sdk/', import.meta.url);
/** @type {Server} */
let server;

before(async () => {
  server = await Server.start('--demo');
});
after(() => {
  closeFans();
  return server.stop();
});

test('the client of the README runs in Node and buys two seats', async () => {
  const readme = readFileSync(new URL('README.md', SDK), 'utf8');
  const example = readFileSync(new URL('example.mjs', SDK), 'utf8');
  const [, shown] = /```js\n([^]*?)```/.exec(readme) ?? [];
  assert.equal(shown, example, 'the README shows the file that is run');
  assert.ok(example.trimEnd().split('\n').length <= 20);
  // Node has a WebSocket of its own from 22 on, before by a flag.
  const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, fileURLToPath(new URL('example.mjs', SDK)), server.url]);
  assert.match(stdout, /connection: online/);
  assert.match(stdout, /queue: PROGRESS/);
  assert.match(stdout, /bought: .+ and .+/);
});

test('what one fan holds, pays and gives back, another one sees', async () => {
  const { client: ada, scheduleId } = await admitted(server.url, { name: 'Ada' });
  const { client: bob } = await admitted(server.url, { name: 'Bob' });
  const house = await bob.watch(scheduleId);
  const before = house.available;

  const seen = next(house, 'change', ({ changes }) => changes.some((/** @type {any} */ change) => change.state === sdk.SeatState.TEMP_RESERVED));
  const held = await ada.holdBest(scheduleId, 2);
  assert.equal(held.seats.length, 2);
  await seen;
  for (const { seat } of held.seats) assert.equal(house.state(seat), sdk.SeatState.TEMP_RESERVED);
  assert.equal(house.available, before - 2);

  await assert.rejects(bob.hold(scheduleId, [held.seats[0].seat]), (error) => {
    assert.ok(error instanceof sdk.SeatTakenError);
    assert.deepEqual(error.seats, [held.seats[0].seat]);
    assert.equal(error.retryable, false);
    return true;
  });

  await assert.rejects(ada.pay(held.reservation_id), (error) => {
    assert.ok(error instanceof sdk.InsufficientBalanceError);
    assert.equal(error.balance, 0);
    assert.equal(error.required, held.amount);
    return true;
  });
  const requestId = sdk.newRequestId();
  const charged = await ada.charge(held.amount, { requestId });
  assert.equal(charged.balance, held.amount);
  assert.deepEqual(await ada.charge(held.amount, { requestId }), charged, 'the same charge again is the same charge');
  await assert.rejects(ada.charge(held.amount + 1, { requestId }), sdk.RequestIdReusedError);
  await assert.rejects(ada.charge(0), sdk.InvalidAmountError);

  const sold = next(house, 'change', ({ changes }) => changes.some((/** @type {any} */ change) => change.state === sdk.SeatState.RESERVED));
  const paid = await ada.pay(held.reservation_id);
  assert.deepEqual(paid.tickets.map((ticket) => ticket.label).sort(), held.seats.map((seat) => seat.label).sort());
  assert.equal(paid.balance, 0);
  assert.equal(ada.reservations.get(held.reservation_id)?.status, 'RESERVED');
  assert.equal((await ada.pay(held.reservation_id)).payment.payment_id, paid.payment.payment_id, 'paid twice is paid once');
  await sold;
  assert.equal((await ada.getQueue()).status, 'DONE');
  await assert.rejects(ada.hold(scheduleId, [0]), sdk.TokenDoneError);

  const freed = next(house, 'change', ({ changes }) => changes.some((/** @type {any} */ change) => change.state === sdk.SeatState.AVAILABLE));
  const cancelled = await ada.cancel(held.reservation_id);
  assert.equal(cancelled.reservation.status, 'CANCELLED');
  assert.equal(cancelled.balance, held.amount);
  await freed;
  assert.deepEqual(
    (await ada.history()).map((entry) => entry.type),
    ['REFUND', 'PAYMENT', 'CHARGE'],
  );
  assert.deepEqual(await ada.tickets(), []);
  ada.close();
  bob.close();
});

test('each refusal is a class of its own', async () => {
  const early = await guest(server.url);
  await assert.rejects(early.getQueue(), sdk.NotInQueueError);
  await assert.rejects(early.schedules(), sdk.NotInQueueError);
  await assert.rejects(early.join(999_999), sdk.ConcertNotFoundError);
  await assert.rejects(early.request('no.such.method'), sdk.UnknownMethodError);
  await assert.rejects(early.request('queue.join', { concert_id: 1, colour: 'red' }), (error) => {
    assert.ok(error instanceof sdk.InvalidParamsError);
    assert.match(error.message, /colour/);
    return true;
  });
  await assert.rejects(early.pay(sdk.newRequestId()), sdk.ReservationNotFoundError);
  early.close();

  const { client, scheduleId } = await admitted(server.url);
  await assert.rejects(client.watch(999_999), sdk.ScheduleNotFoundError);
  const house = await client.watch(scheduleId);
  await assert.rejects(client.hold(scheduleId, [house.count]), sdk.SeatNotFoundError);
  const free = [...house.states.keys()].filter((seat) => house.state(seat) === 0);
  const held = await client.hold(scheduleId, free.slice(0, 4));
  await assert.rejects(client.hold(scheduleId, [free[4]]), (error) => error instanceof sdk.HoldLimitError && error.max === 4);
  assert.equal((await client.release(held.reservation_id, [free[0]])).seats.length, 3);
  assert.equal((await client.release(held.reservation_id)).status, 'CANCELLED');
  assert.equal((await client.release(held.reservation_id)).status, 'CANCELLED', 'given back twice is given back');
  await assert.rejects(client.pay(held.reservation_id), sdk.ReservationInvalidError);
  assert.equal((await client.leave()).status, 'EXPIRED');
  await assert.rejects(client.hold(scheduleId, [free[0]]), sdk.TokenExpiredError);
  client.close();
  await assert.rejects(client.balance(), sdk.ClosedError);
});

test('a forged token ends the client for good', async () => {
  const client = fanOf({ server: server.url, accessToken: 'a.b.c' });
  await assert.rejects(client.connect(), (error) => {
    assert.ok(error instanceof sdk.ClosedError);
    assert.equal(error.data.reason, 'UNAUTHENTICATED');
    return true;
  });
  assert.equal(client.status, 'closed');
});

test('a queue token alone resumes the session', async () => {
  const { client, scheduleId } = await admitted(server.url);
  const held = await client.holdBest(scheduleId, 1);
  const { queueToken } = client;
  client.close();
  const again = fanOf({ server: server.url, queueToken });
  const hello = await again.connect();
  assert.equal(hello.queue?.status, 'PROGRESS');
  assert.equal(again.queue?.token, queueToken);
  assert.equal(again.reservations.get(held.reservation_id)?.seats[0].seat, held.seats[0].seat);
  again.close();
});

test('a layout fits the seats that are watched', async () => {
  const { client, scheduleId } = await admitted(server.url);
  const [layout, house] = await Promise.all([client.layout(scheduleId), client.watch(scheduleId)]);
  assert.equal(layout.seats.x.length, house.count);
  assert.equal(new Set(layout.seats.label).size, house.count);
  client.close();
});
