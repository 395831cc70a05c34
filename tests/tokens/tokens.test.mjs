/** Goal: a server takes the access tokens that widely used issuers and libraries make, and nothing else of theirs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Provider from 'oidc-provider';
import { Server, stopServers } from '../browser/harness/server.mjs';

const PYTHON = process.env.FRONTROW_PYTHON ?? 'python3';
const AUDIENCE = 'https://tickets.example';
const folder = mkdtempSync(join(tmpdir(), 'frontrow-tokens-'));
/** @type {import('node:http').Server[]} */
const listeners = [];

after(async () => {
  listeners.forEach((listener) => listener.close());
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

/** A private key as a JWK. @param {any} type @param {object} options @param {string} kid @param {string} [alg] */
function key(type, options, kid, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', ...(alg ? { alg } : {}) };
}

/** An issuer that signs access tokens with this algorithm. @param {object[]} keys @param {string} alg */
async function issuer(keys, alg) {
  const provider = new Provider('http://localhost', {
    jwks: { keys },
    clients: [{ client_id: 'fan', client_secret: 'secret', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], id_token_signed_response_alg: alg }],
    extraTokenClaims: () => ({ realm_access: { roles: ['fan', 'operator'] } }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({ scope: 'buy', audience: AUDIENCE, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }),
      },
    },
  });
  const listener = provider.listen(0, '127.0.0.1');
  listeners.push(listener);
  await once(listener, 'listening');
  const url = `http://127.0.0.1:${listener.address().port}`;
  return {
    name: 'http://localhost',
    keys: () => fetch(`${url}/jwks`).then((answer) => answer.json()),
    async token() {
      const answer = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('fan:secret')}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'buy', resource: AUDIENCE }),
      });
      const told = await answer.json();
      assert.ok(told.access_token, JSON.stringify(told));
      return told.access_token;
    },
  };
}

/** @param {Server} server @param {string} token @param {string} [path] */
async function status(server, token, path = 'balance') {
  const answer = await fetch(`${server.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status;
}

/** @param {string} name @param {object} set */
function keyFile(name, set) {
  const path = join(folder, name);
  writeFileSync(`${path}.next`, JSON.stringify(set));
  renameSync(`${path}.next`, path);
  return path;
}

/** @param {{key: string, algorithm: string, claims: object, headers?: object}[]} wanted @returns {string[]} */
function pyjwt(wanted) {
  const script = fileURLToPath(new URL('mint.py', import.meta.url));
  return JSON.parse(execFileSync(PYTHON, [script], { input: JSON.stringify(wanted), encoding: 'utf8' }));
}

const seconds = () => Math.floor(Date.now() / 1000);

for (const [alg, made] of /** @type {[string, object][]} */ ([
  ['RS256', key('rsa', { modulusLength: 2048 }, 'rsa')],
  ['ES256', key('ec', { namedCurve: 'P-256' }, 'ec')],
  ['EdDSA', key('ed25519', {}, 'ed')],
  ['Ed25519', key('ed25519', {}, 'ed9864', 'Ed25519')],
])) {
  test(`oidc-provider's ${alg}`, async () => {
    const from = await issuer([made], alg);
    const jwks = keyFile(`${alg}.json`, await from.keys());
    const trusted = ['--set', `auth.jwks_file=${jwks}`, '--set', `auth.issuer=${from.name}`, '--set', `auth.audience=${AUDIENCE}`];
    const token = await from.token();
    const server = await Server.start('--demo', ...trusted);
    assert.equal(await status(server, token), 200, server.log.join('\n'));
    assert.equal(await status(server, token, 'admin/sales'), 403, 'nobody is an operator by default');
    assert.equal(await status(server, `${token.slice(0, -6)}AAAAAA`), 401);
    await server.stop();
    if (alg !== 'ES256') return;
    // Roles where Keycloak has them, and another audience.
    const roles = await Server.start('--demo', ...trusted, '--set', 'auth.operators=true', '--set', 'auth.role_claim=realm_access.roles');
    assert.equal(await status(roles, token, 'admin/sales'), 200);
    await roles.stop();
    const elsewhere = await Server.start('--demo', ...trusted, '--set', 'auth.audience=https://other.example');
    assert.equal(await status(elsewhere, token), 401);
    // The log is written beside the work, so it may come after the answer; the test's own time limit is the end.
    while (!elsewhere.log.some((line) => line.includes('aud') && line.includes(AUDIENCE))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(!elsewhere.log.some((line) => line.includes(token)));
  });
}

test('a rotated key is taken without a restart', async () => {
  const [old, next] = [key('ec', { namedCurve: 'P-256' }, 'old'), key('ec', { namedCurve: 'P-256' }, 'next')];
  const [before, later] = [await issuer([old], 'ES256'), await issuer([next], 'ES256')];
  const jwks = keyFile('rotated.json', await before.keys());
  const server = await Server.start('--demo', '--set', `auth.jwks_file=${jwks}`);
  const [first, second] = [await before.token(), await later.token()];
  assert.deepEqual([await status(server, first), await status(server, second)], [200, 401]);
  keyFile('rotated.json', await later.keys());
  while ((await status(server, second)) !== 200) await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(await status(server, first), 401);
});

test("PyJWT's", async () => {
  const secret = randomBytes(32).toString('hex');
  const server = await Server.start('--demo', '--set', `auth.hs256_secret=${secret}`);
  const exp = seconds() + 600;
  const by = (/** @type {object} */ claims, /** @type {object} */ headers, algorithm = 'HS256', key = secret) => ({ key, algorithm, claims: { exp, ...claims }, headers });
  const cases = /** @type {[number, any][]} */ ([
    [200, by({ sub: 'ada' })],
    [200, by({ sub: 'ada', nbf: seconds() + 30 })],
    [200, by({ sub: 'ada' }, { typ: 'at+jwt' })],
    [401, by({ sub: 'ada' }, { typ: 'dpop+jwt' })],
    [401, by({ sub: 'ada', exp: seconds() - 1 })],
    [401, by({ sub: 'ada', nbf: seconds() + 600 })],
    [401, by({ sub: 'x'.repeat(513) })],
    [401, by({})],
    [401, by({ sub: 'ada' }, undefined, 'HS512', secret + secret)],
    [401, by({ sub: 'ada' }, undefined, 'HS256', randomBytes(32).toString('hex'))],
  ]);
  const tokens = pyjwt(cases.map(([, wanted]) => wanted));
  for (const [index, token] of tokens.entries()) {
    const [expected, { claims, headers }] = cases[index];
    assert.equal(await status(server, token), expected, JSON.stringify({ claims, headers }).slice(0, 200));
  }
});
