/**
 * Goal: what the server sends is what receivers expect who verify it with the libraries of the standard: by its secret and
 * nothing else, in time, also while the secret is exchanged, and repeated with the same id. Method: a real server, a receiver of
 * the test's own, and the libraries of npm and PyPI, which have to agree.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { Server, stopServers } from '../browser/harness/server.mjs';

const PYTHON = process.env.FRONTROW_PYTHON ?? 'python3';
const VERIFY = fileURLToPath(new URL('verify.py', import.meta.url));

/** @typedef {{ headers: Record<string, string>, body: string }} Message */

/** @type {Message[]} */
const came = [];
/** @type {((message: Message) => void)[]} */
const waiting = [];
let status = 204;
const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  const message = { headers: /** @type {Record<string, string>} */ (request.headers), body };
  const next = waiting.shift();
  if (next) next(message);
  else came.push(message);
  response.writeHead(status).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
const url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (receiver.address()).port}/`;

after(async () => {
  receiver.close();
  await stopServers();
});

/** @returns {Promise<Message>} */
const nextMessage = async () => came.shift() ?? new Promise((resolve) => waiting.push(resolve));

/** What a library makes of a message: its type, or that it is refused. @param {string} secret @param {Message} message */
function byNode(secret, { body, headers }) {
  try {
    return /** @type {any} */ (new Webhook(secret).verify(body, headers)).type;
  } catch {
    return 'refused';
  }
}

/** @param {{ secret: string, headers: Record<string, string>, body: string }[]} messages @returns {string[]} */
function byPython(messages) {
  const found = JSON.parse(execFileSync(PYTHON, [VERIFY], { input: JSON.stringify(messages), encoding: 'utf8' }));
  return found.map((/** @type {string} */ said) => (said.startsWith('refused') ? 'refused' : said));
}

test('messages are verified by the libraries of the standard', async () => {
  const server = await Server.start('--set', 'webhooks.allow=127.0.0.0/8');
  const { access_token: token } = await server.command('token', '--operator');
  /** @param {string} method @param {string} path @param {object} [body] */
  const call = async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${server.url}/api/v1/admin/${path}`, { method, headers, body: body && JSON.stringify(body) });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    return answer.json();
  };
  const { webhook_id: id, secret } = await call('POST', 'webhooks', { url });
  await call('POST', `webhooks/${id}/test`, {});
  const first = await nextMessage();
  const other = await call('POST', 'webhooks', { url: `${url}other` });
  const rotated = await call('POST', `webhooks/${id}/rotate`, {});
  await call('POST', `webhooks/${id}/test`, {});
  const both = await nextMessage();
  const { deliveries } = await call('GET', `webhooks/${id}/deliveries`);
  await call('POST', `deliveries/${deliveries.at(-1).delivery_id}/resend`, {});
  const again = await nextMessage();
  // Repeated, it is known by its id.
  assert.deepEqual([again.headers['webhook-id'], again.body], [first.headers['webhook-id'], first.body]);
  assert.notEqual(both.headers['webhook-id'], first.headers['webhook-id']);

  const late = { ...first.headers, 'webhook-timestamp': String(Number(first.headers['webhook-timestamp']) - 3_600) };
  const cases = /** @type {[string, string, Message, string][]} */ ([
    ['by its secret', secret, first, 'webhook.test'],
    ['by another one', other.secret, first, 'refused'],
    ['of which a byte was changed', secret, { ...first, body: first.body.replace('webhook.test', 'webhook.tesT') }, 'refused'],
    ['with another id', secret, { ...first, headers: { ...first.headers, 'webhook-id': both.headers['webhook-id'] } }, 'refused'],
    ['an hour late', secret, { ...first, headers: late }, 'refused'],
    ['without a signature', secret, { ...first, headers: { ...first.headers, 'webhook-signature': '' } }, 'refused'],
    ['by the new secret', rotated.secret, both, 'webhook.test'],
    ['by the old secret, for a day', secret, both, 'webhook.test'],
    ['the first one by the new secret', rotated.secret, first, 'refused'],
    ['sent again', rotated.secret, again, 'webhook.test'],
  ]);
  const python = byPython(cases.map(([, key, { headers, body }]) => ({ secret: key, headers, body })));
  cases.forEach(([what, key, message, expected], n) => {
    assert.equal(byNode(key, message), expected, `${what}, npm`);
    assert.equal(python[n], expected, `${what}, PyPI`);
  });
  await server.stop();
});
