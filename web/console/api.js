/**
 * Operators' calls over HTTP.
 *
 * Always: the token goes into a header and nowhere else; whoever is signed out is shown the sign-in page, and what they were
 * about to do is kept for afterwards.
 */
import { signal } from '@preact/signals';
import { load, save } from '../app/storage.js';

const TOKEN = 'operator_token';
const API = '/api/v1/admin';

/** Counts how often the server said that nobody is signed in any more. */
export const signedOut = signal(0);

/** Counts how often it said that the role is another one than the page took it for. */
export const forbidden = signal(0);

export const token = () => load(TOKEN);
/** @param {string | null} value */
export const keepToken = (value) => save(TOKEN, value);

export class ApiError extends Error {
  /**
   * @param {string} reason
   * @param {string} message
   * @param {Record<string, any>} data
   * @param {number} status
   */
  constructor(reason, message, data, status) {
    super(message);
    /** One of the reasons of the protocol, or `NETWORK`. */
    this.reason = reason;
    this.data = data;
    /** 0: there was no answer. */
    this.status = status;
  }
}

/**
 * @param {'GET' | 'POST' | 'PATCH' | 'DELETE'} method
 * @param {string} path Below `/api/v1/admin`.
 * @param {Record<string, unknown>} [body]
 * @param {{ was?: Record<string, unknown> }} [options] What its author saw: refused if it is not so any more.
 * @returns {Promise<any>}
 */
export async function call(method, path, body, { was } = {}) {
  return ask(method, path, body && JSON.stringify(was ? { ...body, was } : body));
}

/**
 * Sends a file as it is.
 * @param {string} path
 * @param {Blob} file
 * @returns {Promise<any>}
 */
export async function upload(path, file) {
  try {
    return await ask('POST', path, file);
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    const reason = failure.status === 413 ? 'TOO_LARGE' : path === '/images' && failure.status === 400 ? 'NO_PICTURE' : failure.reason;
    throw new ApiError(reason, failure.message, failure.data, failure.status);
  }
}

/**
 * Saves what the server answers as a file. Its policy is that of a file, not of this page.
 * @param {string} path
 * @param {string} name
 */
export async function download(path, name) {
  const response = await send('GET', path);
  if (!response.ok) await taken(response);
  const url = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  // The browser has it by then; a minute is more than it needs.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {string} method @param {string} path @param {string | Blob} [sent] */
const ask = async (method, path, sent) => taken(await send(method, path, sent));

/** @param {string} method @param {string} path @param {string | Blob} [sent] */
async function send(method, path, sent) {
  const headers = new Headers();
  const bearer = token();
  if (bearer) headers.set('authorization', `Bearer ${bearer}`);
  try {
    return await fetch(API + path, { method, headers, body: sent, cache: 'no-store' });
  } catch (error) {
    throw new ApiError('NETWORK', String(error), {}, 0);
  }
}

/** What an answer says, or its refusal. @param {Response} response @returns {Promise<any>} */
async function taken(response) {
  const text = await response.text();
  let data;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    data = {}; // Not from our server: a proxy's page.
  }
  if (response.ok) return data;
  const { reason = 'NETWORK', detail = response.statusText } = data ?? {};
  // A link that is spent says nothing of the session that is there.
  if (reason === 'UNAUTHENTICATED') {
    keepToken(null);
    signedOut.value += 1;
  }
  if (reason === 'FORBIDDEN') forbidden.value += 1;
  throw new ApiError(reason, detail, data ?? {}, response.status);
}
