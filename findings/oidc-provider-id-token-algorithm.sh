#!/usr/bin/env bash
# Expected: a client that only ever asks for access tokens (`client_credentials`, no ID token, no redirect) works with an
# issuer that has an ES256 key and signs access tokens with it.
# What happens: oidc-provider refuses the client at its first request, with `invalid_client_metadata`, because the ID tokens
# that it never gets would be signed with RS256 by default, for which the issuer has no key. Naming
# `id_token_signed_response_alg` in the client makes it work.
# Versions: oidc-provider 9.13.3 (npm).
# Why it matters: who turns an issuer's RSA key into an elliptic one, to make tokens short enough for a websocket's first
# frame, shuts out every machine client (a shop's server that makes tokens for its fans) in the same moment.
# Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund oidc-provider@9.13.3 >/dev/null 2>&1
cat > run.mjs <<'NODE'
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import Provider from 'oidc-provider';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig' };

async function ask(more) {
  const provider = new Provider('http://localhost', {
    jwks: { keys: [key] },
    clients: [{ client_id: 'shop', client_secret: 'secret', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], ...more }],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://tickets.example',
        getResourceServerInfo: () => ({ scope: 'buy', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      },
    },
  });
  const listener = provider.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const answer = await fetch(`http://127.0.0.1:${listener.address().port}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('shop:secret')}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&scope=buy',
  });
  const told = await answer.json();
  listener.close();
  return told.access_token ? 'an access token' : `${answer.status} ${told.error}: ${told.error_description}`;
}

const [plain, named] = [await ask({}), await ask({ id_token_signed_response_alg: 'ES256' })];
console.log('oidc-provider 9.13.3, one ES256 key, a client without ID tokens:', plain);
console.log('the same with id_token_signed_response_alg:', named);
process.exit(plain.includes('invalid_client_metadata') && named === 'an access token' ? 0 : 1);
NODE
node run.mjs 2>/dev/null
