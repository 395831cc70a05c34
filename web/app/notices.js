/**
 * Short messages at the edge of the page, spoken once by screen readers.
 *
 * Always: at most `NOTICES_MAX` are shown; one that offers something to do, or tells a loss, stays until it is closed, pushed
 * out, or the page that it belongs to is left.
 */
import { effect, signal } from '@preact/signals';
import { route } from './router.js';

/**
 * @typedef {object} NoticeAction
 * @property {string} label
 * @property {() => void} act
 */

/**
 * @typedef {object} Notice
 * @property {number} id
 * @property {'good' | 'info' | 'warn' | 'bad' | 'spoken'} kind `spoken`: for screen readers; the page shows it otherwise.
 * @property {string} text
 * @property {string} [hint] A second sentence, before the actions.
 * @property {NoticeAction[]} [actions]
 * @property {boolean} [stays] It stays until it is closed, although there is nothing to do.
 * @property {string} [key] A notice replaces the one with the same key.
 */

const NOTICES_MAX = 3;
const SHOWN_FOR_MS = 9_000;

/** @type {import('@preact/signals').Signal<Notice[]>} */
export const notices = signal([]);
let nextId = 1;

/**
 * @param {Omit<Notice, 'id'>} notice
 * @returns {number} For `dismiss`.
 */
export function notify(notice) {
  const id = nextId++;
  const others = notices.value.filter((other) => !notice.key || other.key !== notice.key);
  notices.value = [...others, { ...notice, id }].slice(-NOTICES_MAX);
  if (!notice.actions?.length && !notice.stays) setTimeout(() => dismiss(id), SHOWN_FOR_MS);
  return id;
}

/** @param {number | string} which Its id or its key. */
export function dismiss(which) {
  notices.value = notices.value.filter((notice) => notice.id !== which && notice.key !== which);
}

effect(() => {
  void route.value; // The notices are of the page before, whatever page this is now.
  notices.value = [];
});
