/** Goal: the SDK stays signed in while it can, and says so when it cannot. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as sdk from '../../../web/sdk/index.js';
import { Server } from '../harness/server.mjs';
import { admitted, closeFans, fanOf, next, until } from '../harness/fans.mjs';

/** @type {Server} */
let server;

before(async () => {
  server = await Server.start('--demo');
});
after(() => {
  closeFans();
  return server.stop();
});

/** @param {number} user @param {string} ttl */
async function tokenOf(user, ttl) {
  return (await server.command('token', '--user', String(user), '--ttl', ttl)).access_token;
}

test('a fresh access token is given when the server asks for one', async () => {
  const { user_id } = await sdk.createGuest(server.url, 'Ada');
  let asked = 0;
  /** @type {() => void} */
  let twice;
  const askedTwice = new Promise((resolve) => (twice = () => resolve(null)));
  const client = fanOf({ server: server.url,
    accessToken: await tokenOf(user_id, '2s'),
    renewAccessToken: () => {
      // The second time the session is known by the first fresh one, or nobody would ask.
      if (++asked === 2) twice();
      return tokenOf(user_id, asked === 1 ? '2s' : '1h');
    },
  });
  await client.connect();
  const [{ concert_id }] = await client.concerts();
  await client.join(concert_id);
  await askedTwice;
  assert.equal((await client.charge(5)).balance, 5);
  assert.equal(client.status, 'online');
});

test('without a fresh one a live place goes on, and one is told', async () => {
  const { user_id } = await sdk.createGuest(server.url, 'Bob');
  const client = fanOf({ server: server.url, accessToken: await tokenOf(user_id, '2s') });
  await client.connect();
  const [{ concert_id }] = await client.concerts();
  const place = await client.join(concert_id);
  const { withinMs } = await next(client, 'helloAgain');
  assert.equal(withinMs, 60_000);
  await until(async () => client.accessToken === null);
  assert.equal((await client.getQueue()).token, place.token);
  assert.equal(client.status, 'online');
  // Signed in again, on the same connection.
  client.setAccessToken(await tokenOf(user_id, '1h'));
  await client.leave();
  assert.equal(await client.balance(), 0);
});

test('after the end of a place the access token still moves money, and the queue token does not', async () => {
  const { client: ada, scheduleId } = await admitted(server.url, { name: 'Eve' });
  const held = await ada.holdBest(scheduleId, 1);
  await ada.charge(held.amount);
  await ada.pay(held.reservation_id);
  const [accessToken, queueToken] = [ada.accessToken, ada.queueToken];
  ada.close();

  const whole = fanOf({ server: server.url, accessToken, queueToken });
  await whole.connect();
  assert.equal(whole.queue?.status, 'DONE');
  assert.equal((await whole.cancel(held.reservation_id)).balance, held.amount);

  const tab = fanOf({ server: server.url, queueToken });
  await tab.connect();
  assert.equal(tab.queue?.status, 'DONE');
  assert.deepEqual(await tab.tickets(), [], 'it was given back');
  await assert.rejects(tab.charge(5), sdk.TokenDoneError);
  await assert.rejects(tab.balance(), sdk.TokenDoneError);

  // A token that is not known any more costs nothing that the other one opens.
  const forgotten = fanOf({ server: server.url, accessToken, queueToken: '00000001-0000-8000-8000-000000000000' });
  await forgotten.connect();
  assert.equal(await forgotten.balance(), held.amount);
  const half = fanOf({ server: server.url, accessToken: `${accessToken}x`, queueToken });
  await half.connect();
  assert.equal(half.queue?.status, 'DONE');
});
