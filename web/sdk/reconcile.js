/**
 * The state of a user's places and reservations, from all that the server has sent. Answers and pushes are written by
 * different hands and may overtake each other.
 *
 * Always: what is known never goes back: a place that has ended does not wait again, a reservation that has ended is not
 * held again. Not here: requests, events, seats (they carry versions).
 */

/** Closed, expired and bought reservations are of use for a while (a page may still show them), not for ever. */
const RESERVATIONS_MAX = 64;
/** The order in which a queue token moves; it never goes back. */
const QUEUE_ORDER = Object.freeze({ WAITING: 0, PROGRESS: 1, DONE: 2, EXPIRED: 2 });

/** @param {import('./wire.js').QueueUpdate} queue */
export function isOver(queue) {
  return QUEUE_ORDER[queue.status] >= QUEUE_ORDER.DONE;
}

export class Known {
  /** The place that the session is about.
   * @type {import('./wire.js').QueueUpdate | null} */
  queue = null;
  /** The newest known place in each sale, by concert, also in the one of `queue`.
   * @type {Map<number, import('./wire.js').QueueUpdate>} */
  places = new Map();
  /** The reservations by id; open ones have the status `TEMP_RESERVED`.
   * @type {Map<string, import('./wire.js').Reservation>} */
  reservations = new Map();

  /**
   * @param {import('./wire.js').QueueUpdate} update
   * @param {boolean} asked Whether it answers a request of ours, so that it may name another token.
   * @returns {{place: import('./wire.js').QueueUpdate, news: 'queue' | 'elsewhere' | null}} The newest place in that sale,
   *   and what it is news about, if it is.
   */
  takeQueue(update, asked) {
    const known = this.places.get(update.concert_id);
    let newest = update;
    if (known && known.token === update.token) {
      // An older word must not undo a newer one.
      if (QUEUE_ORDER[update.status] < QUEUE_ORDER[known.status]) newest = known;
    } else if (!asked && known && update.entered_at < known.entered_at) {
      return { place: known, news: null }; // It is about a place that we had before.
    }
    const isPresent = this.queue?.concert_id === newest.concert_id;
    if (newest === known && (isPresent || !asked)) return { place: known, news: null };
    this.places.set(newest.concert_id, newest);
    // Nobody asked for another sale than the present one, but its line moves too.
    if (!asked && !isPresent) return { place: newest, news: 'elsewhere' };
    this.queue = newest;
    return { place: newest, news: 'queue' };
  }

  forgetQueue() {
    this.queue = null;
  }

  /**
   * @param {import('./wire.js').Reservation} reservation
   * @returns {{reservation: import('./wire.js').Reservation, isNews: boolean}} The newest that is known of it.
   */
  takeReservation(reservation) {
    const known = this.reservations.get(reservation.reservation_id);
    if (known && known.status !== 'TEMP_RESERVED' && reservation.status === 'TEMP_RESERVED') {
      return { reservation: known, isNews: false }; // It ended.
    }
    this.reservations.delete(reservation.reservation_id);
    this.reservations.set(reservation.reservation_id, reservation);
    for (const [id, { status }] of this.reservations) {
      if (this.reservations.size <= RESERVATIONS_MAX) break;
      if (status !== 'TEMP_RESERVED') this.reservations.delete(id);
    }
    return { reservation, isNews: true };
  }

  /**
   * Is one open here that is not among all that are open at the server? It ended while we were away.
   * @param {import('./wire.js').Reservation[]} open
   */
  hasLost(open) {
    const ids = new Set(open.map((reservation) => reservation.reservation_id));
    return [...this.reservations.values()].some((r) => r.status === 'TEMP_RESERVED' && !ids.has(r.reservation_id));
  }
}
