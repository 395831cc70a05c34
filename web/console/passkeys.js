/**
 * Passkeys in this browser: adding one, and signing in by one.
 *
 * Always: a reader who closes the browser's question is told nothing, as they know what they did.
 */
import { ApiError, call } from './api.js';

/** Passkeys are for names, so there are none at an IP address; and older browsers do not know the forms that are sent. */
export const available = () =>
  typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === 'function' && !/^\[|^[\d.]+$/.test(location.hostname);

/**
 * What the browser made, as it is sent; null if its question was closed.
 * @param {() => Promise<Credential | null>} ask
 */
async function made(ask) {
  try {
    const credential = /** @type {any} */ (await ask());
    return credential?.toJSON() ?? null;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    if (error.name === 'InvalidStateError') throw new ApiError('PASSKEY_KNOWN', error.message, {}, 0);
    if (error.name === 'NotAllowedError' || error.name === 'AbortError') return null;
    throw new ApiError('PASSKEY', error.message, {}, 0);
  }
}

/** Adds a passkey to whoever is signed in. @param {string} name @returns {Promise<boolean>} Was it added? */
export async function add(name) {
  const { ceremony, public_key: options } = await call('POST', '/passkeys/challenge');
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await made(() => navigator.credentials.create({ publicKey }));
  if (!credential) return false;
  await call('POST', '/passkeys', { ceremony, name, credential });
  return true;
}

/** What signs in, or null. */
export async function use() {
  const { ceremony, public_key: options } = await call('POST', '/session/challenge');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await made(() => navigator.credentials.get({ publicKey }));
  return credential && { passkey: { ceremony, credential } };
}
