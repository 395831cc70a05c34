/**
 * Has admissions stop by a fault, and tells how long it takes until the alarm is up and at a webhook: another program keeps the
 * embedded database's write lock, so that nobody is let in although a place is free. Its figures need a machine that does nothing
 * else, so it is no part of the tests; `scripts/alarm` runs it. Ends with 1 if a time is over its bound, or a library of the
 * standard refuses the message.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { Server, stopServers } from '../browser/harness/server.mjs';

const PYTHON = process.env.FRONTROW_PYTHON ?? 'python3';
const VERIFY = fileURLToPath(new URL('verify.py', import.meta.url));
/** What the project promises, in milliseconds from the fault on. */
const UP_WITHIN = 15_000;
const TOLD_WITHIN = 20_000;
/** How long the sale goes well before the fault. */
const WELL = 10_000;
const LOOK_EVERY = 100;
const GIVE_UP = 60_000;
const LOCK = `
import sqlite3, sys
link = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)
link.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
`;

/** @param {number} millis */
const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Asks until there is an answer, or says what never came. @template T @param {string} what @param {() => Promise<T | undefined>} ask */
async function until(what, ask) {
  for (const begun = performance.now(); performance.now() - begun < GIVE_UP; await pause(LOOK_EVERY)) {
    const found = await ask();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} did not come within ${GIVE_UP / 1_000} s`);
}

/** @type {{ at: number, headers: Record<string, string>, body: string }[]} */
const came = [];
const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  came.push({ at: performance.now(), headers: /** @type {Record<string, string>} */ (request.headers), body });
  response.writeHead(204).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
const hook = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (receiver.address()).port}/`;

const server = await Server.start('--demo', '--set', 'webhooks.allow=127.0.0.0/8');
try {
  const { access_token: operator } = await server.command('token', '--operator');
  /** @param {string} method @param {string} path @param {string} [token] @param {object} [body] */
  const call = async (method, path, token, body) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const { secret } = await call('POST', 'admin/webhooks', operator, { url: hook });
  const [concert] = (await call('GET', 'concerts')).concerts;
  await call('PATCH', `admin/sales/${concert.concert_id}`, operator, { capacity: 1 });
  const joined = async (/** @type {string} */ name) => {
    const { access_token: token } = await call('POST', 'users', undefined, { name });
    return call('POST', 'queue/tokens', token, { concert_id: concert.concert_id });
  };
  const ada = await joined('Ada');
  const bob = await joined('Bob');
  const place = () => call('GET', 'queue/tokens/current', bob.token);
  if ((await place()).status !== 'WAITING') throw new Error('Bob does not wait');
  await pause(WELL);
  const alarm = async () => {
    const { open } = await call('GET', 'admin/alarms', operator);
    return open.find((/** @type {{kind: string}} */ { kind }) => kind === 'no_movement');
  };
  if (await alarm()) throw new Error('there is an alarm before the fault');

  const fault = spawn(PYTHON, ['-c', LOCK, join(server.data, 'frontrow.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(fault.stdout, 'data');
  const began = performance.now();
  // Ada's place is free from now on. Her answer never comes while nothing can be written, so nobody waits for it.
  call('DELETE', 'queue/tokens/current', ada.token).catch(() => {});
  const found = await until('the alarm', alarm);
  const up = performance.now() - began;
  const told = await until('its message', async () =>
    came.find(({ body }) => JSON.parse(body).type === 'alarm.raised' && JSON.parse(body).data.kind === 'no_movement'),
  );
  const byNode = /** @type {any} */ (new Webhook(secret).verify(told.body, told.headers)).type;
  const { headers, body } = told;
  const [byPython] = JSON.parse(execFileSync(PYTHON, [VERIFY], { input: JSON.stringify([{ secret, headers, body }]), encoding: 'utf8' }));
  fault.stdin.end();
  await once(fault, 'exit');
  const bobIn = await until("Bob's turn", async () => ((await place()).status === 'PROGRESS' ? performance.now() : undefined));
  await until('the end of the alarm', async () => ((await alarm()) ? undefined : true));
  const seconds = (/** @type {number} */ millis) => Number((millis / 1_000).toFixed(2));
  const good = up <= UP_WITHIN && told.at - began <= TOLD_WITHIN && byNode === 'alarm.raised' && byPython === 'alarm.raised';
  console.log(
    JSON.stringify(
      {
        up_after_s: seconds(up),
        at_webhook_after_s: seconds(told.at - began),
        facts: found.facts,
        verified: { npm: byNode, pypi: byPython },
        next_fan_in_after_s: seconds(bobIn - began),
        good,
      },
      null,
      2,
    ),
  );
  if (!good) process.exitCode = 1;
} finally {
  await stopServers();
  receiver.close();
}
