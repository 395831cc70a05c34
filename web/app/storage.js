/**
 * The values that survive a closed tab: tokens and preferences, in localStorage and nowhere else (no cookies, never in a URL).
 *
 * Always: a browser that blocks storage still works, for as long as the page is open.
 */

const PREFIX = 'frontrow.';
/** @type {Map<string, string>} */
const memory = new Map();

/** The name of it in another window's storage events. @param {string} key */
export const keyOf = (key) => PREFIX + key;

/** @param {string} key */
export function load(key) {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return memory.get(key) ?? null;
  }
}

/**
 * @param {string} key
 * @param {string | null} value Null removes it.
 */
export function save(key, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
  } catch {
    if (value === null) memory.delete(key);
    else memory.set(key, value);
  }
}

/**
 * @template T
 * @param {string} key
 * @param {T} fallback
 * @returns {T}
 */
export function loadJson(key, fallback) {
  try {
    return JSON.parse(load(key) ?? '') ?? fallback;
  } catch {
    return fallback;
  }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
export function saveJson(key, value) {
  save(key, JSON.stringify(value));
}
