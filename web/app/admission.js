/**
 * The moment of admission, wherever on the page a fan is: a sound and a notification for who asked for them, and a way in.
 *
 * Always: once for each admission, also after a reload.
 */
import { effect, untracked } from '@preact/signals';
import { chime } from './chime.js';
import { words } from './i18n.js';
import { notify } from './notices.js';
import { go, route } from './router.js';
import { concerts, elsewhere, queue } from './session.js';
import { loadJson, saveJson } from './storage.js';

/** @typedef {import('./session.js').QueueUpdate} QueueUpdate */

/** A fan stands in few lines at a time; older admissions are over. */
const REMEMBERED_MAX = 20;

export function announceAdmissions() {
  effect(() => {
    for (const place of [queue.value, ...Object.values(elsewhere.value)]) if (place) announce(place);
  });
}

/** @param {QueueUpdate} place */
function announce(place) {
  if (place.status !== 'PROGRESS' || !place.admitted_at) return;
  const id = `${place.concert_id} ${place.admitted_at}`;
  /** @type {string[]} */
  const announced = loadJson('admissions', []);
  if (announced.includes(id)) return;
  saveJson('admissions', [...announced, id].slice(-REMEMBERED_MAX));
  untracked(() => {
    const { concerts: shown, waiting, seats } = words();
    const concert = concerts.value?.find((candidate) => candidate.concert_id === place.concert_id);
    const isElsewhere = queue.value?.concert_id !== place.concert_id;
    const text = isElsewhere && concert ? shown.turn(concert.title) : waiting.titleAdmitted;
    void chime(text, waiting.admittedBody);
    const at = route.value;
    if (at.page === 'sale' && at.concertId === place.concert_id) return; // The seats are shown there already.
    const choose = { label: seats.title, act: () => go(`/sale/${place.concert_id}`) };
    notify({ kind: 'good', key: `admitted ${place.concert_id}`, text, actions: [choose] });
  });
}
