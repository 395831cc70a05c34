/**
 * A notice, in words, of a hold whose time to pay ran out, on whatever page a fan is.
 *
 * Always: once for each hold, also when it ran out while the page was closed or away: which holds there were is stored.
 * Holds that a fan released or paid end without a word.
 */
import { effect, untracked } from '@preact/signals';
import { words } from './i18n.js';
import { notify } from './notices.js';
import { route } from './router.js';
import { layoutOf, reservations, start, status } from './session.js';
import { loadJson, saveJson } from './storage.js';

export function announceLostHolds() {
  /** @type {Set<string>} */
  const open = new Set(loadJson('held', []));
  const keep = () => saveJson('held', [...open]);

  effect(() => {
    for (const reservation of reservations.value) {
      const { reservation_id: id, status } = reservation;
      if (status === 'TEMP_RESERVED' && !open.has(id)) {
        open.add(id);
        keep();
      } else if (status !== 'TEMP_RESERVED' && open.delete(id)) {
        keep();
        if (status === 'EXPIRED') untracked(() => void announce(reservation));
      }
    }
  });

  // Hello names what is still held; what became of the rest of a former visit has to be asked.
  effect(() => {
    if (status.value !== 'online') return;
    untracked(() => {
      const known = new Set(reservations.value.map((reservation) => reservation.reservation_id));
      if ([...open].every((id) => known.has(id))) return;
      start()
        .listReservations()
        .then((listed) => {
          // The hold may be too old to be listed, or another user's.
          const named = new Set(listed.map((reservation) => reservation.reservation_id));
          for (const id of open) if (!named.has(id)) open.delete(id);
          keep();
        })
        .catch(() => {});
    });
  });
}

/** @param {import('./session.js').Reservation} reservation */
async function announce({ reservation_id: id, schedule_id: scheduleId, seats: labelled }) {
  const at = route.value;
  if (at.page === 'checkout' && at.reservationId === id) return; // That page says so itself.
  // The drawing says where the seats were; without a network their labels have to do.
  await layoutOf(scheduleId).catch(() => {});
  const seats = reservations.peek().find((reservation) => reservation.reservation_id === id)?.seats ?? labelled;
  const labels = seats.map((seat) => seat.label).join(words().seats.between);
  notify({ kind: 'warn', key: `lost-${id}`, stays: true, text: words().time.holdOver(labels) });
}
