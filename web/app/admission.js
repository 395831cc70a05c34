/**
 * The moment of admission, wherever on the page a fan is: a sound and a notification for who asked for them, and a way in.
 *
 * Always: once for each admission, also after a reload.
 */
import { effect, untracked } from '@preact/signals';
import { chime } from './chime.js';
import { words } from './i18n.js';
import { tell } from './notices.js';
import { go, route } from './router.js';
import { queue } from './session.js';
import { load, save } from './storage.js';

export function announceAdmissions() {
  effect(() => {
    const place = queue.value;
    if (place?.status !== 'PROGRESS' || !place.admitted_at || load('admitted') === place.admitted_at) return;
    save('admitted', place.admitted_at);
    untracked(() => {
      const { waiting, seats } = words();
      void chime(waiting.titleAdmitted, waiting.admittedBody);
      const at = route.value;
      if (at.page === 'sale' && at.concertId === place.concert_id) return; // The seats are shown there already.
      const choose = { label: seats.title, act: () => go(`/sale/${place.concert_id}`) };
      tell({ kind: 'good', key: 'admitted', text: waiting.titleAdmitted, actions: [choose] });
    });
  });
}
