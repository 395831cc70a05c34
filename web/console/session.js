/** Who is signed in here. */
import { effect, signal } from '@preact/signals';
import { ApiError, call, forbidden, keepToken, signedOut, token } from './api.js';
import { use } from './passkeys.js';

/**
 * @typedef {object} Me
 * @property {number} [session_id]
 * @property {{ operator_id?: number, name?: string, roles: string[] }} operator
 * @property {string} expires_at
 */

/** Null: nobody. @type {import('@preact/signals').Signal<Me | null>} */
export const me = signal(/** @type {Me | null} */ (null));
/** What went wrong with signing in, if something did. @type {import('@preact/signals').Signal<ApiError | null>} */
export const problem = signal(/** @type {ApiError | null} */ (null));

effect(() => {
  if (signedOut.value > 0) me.value = null;
});

// Somebody changed one's role: what may be done is shown anew.
effect(() => {
  if (forbidden.value > 0) void resume();
});

/** @param {unknown} error */
const asProblem = (error) => {
  if (!(error instanceof ApiError)) throw error;
  problem.value = error;
};

/** Goes on with the session that this browser has, if it has one. */
export async function resume() {
  problem.value = null;
  if (!token()) return;
  try {
    me.value = await call('GET', '/session');
  } catch (error) {
    asProblem(error);
  }
}

/** @param {string} link A link that was made for an operator, or its secret. */
export const signIn = (link) => begin(async () => ({ link: link.trim() }));
/** By a passkey of this browser, or one that is near. */
export const signInByPasskey = () => begin(use);

/** @param {() => Promise<Record<string, unknown> | null>} prove What signs in; null if nothing is to be done. */
async function begin(prove) {
  problem.value = null;
  try {
    const proof = await prove();
    if (!proof) return;
    const { token: given, ...session } = await call('POST', '/session', proof);
    keepToken(given);
    me.value = session;
  } catch (error) {
    asProblem(error);
    if (!me.value) await resumeQuietly();
  }
}

/** A link that was used already may be one's own, whose session is still there. */
async function resumeQuietly() {
  if (!token()) return;
  try {
    me.value = await call('GET', '/session');
    problem.value = null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

export async function signOut() {
  try {
    await call('DELETE', '/session');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Whoever cannot reach the server is signed out here all the same.
  }
  keepToken(null);
  me.value = null;
}

/** @param {string[]} roles */
export const hasRole = (...roles) => me.value?.operator.roles.some((role) => roles.includes(role)) ?? false;
