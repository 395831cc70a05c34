/**
 * The state of a user's places and reservations, from all that the server has sent. Answers and pushes are written by
 * different hands and may overtake each other.
 *
 * Always: what is known never goes back: a place that has ended does not wait again, a reservation that has ended is not
 * held again. Not here: requests, events, seats (they carry versions).
 */
/** @param {import('./wire.js').QueueUpdate} queue */
export declare function isOver(queue: import('./wire.js').QueueUpdate): boolean;
export declare class Known {
    /** The place that the session is about.
     * @type {import('./wire.js').QueueUpdate | null} */
    queue: import('./wire.js').QueueUpdate | null;
    /** The newest known place in each sale, by concert, also in the one of `queue`.
     * @type {Map<number, import('./wire.js').QueueUpdate>} */
    places: Map<number, import('./wire.js').QueueUpdate>;
    /** The reservations by id; open ones have the status `TEMP_RESERVED`.
     * @type {Map<string, import('./wire.js').Reservation>} */
    reservations: Map<string, import('./wire.js').Reservation>;
    /**
     * @param {import('./wire.js').QueueUpdate} update
     * @param {boolean} asked Whether it answers a request of ours, so that it may name another token.
     * @returns {{place: import('./wire.js').QueueUpdate, news: 'queue' | 'elsewhere' | null}} The newest place in that sale,
     *   and what it is news about, if it is.
     */
    takeQueue(update: import('./wire.js').QueueUpdate, asked: boolean): {
        place: import('./wire.js').QueueUpdate;
        news: 'queue' | 'elsewhere' | null;
    };
    forgetQueue(): void;
    /**
     * @param {import('./wire.js').Reservation} reservation
     * @returns {{reservation: import('./wire.js').Reservation, isNews: boolean}} The newest that is known of it.
     */
    takeReservation(reservation: import('./wire.js').Reservation): {
        reservation: import('./wire.js').Reservation;
        isNews: boolean;
    };
    /**
     * Is one open here that is not among all that are open at the server? It ended while we were away.
     * @param {import('./wire.js').Reservation[]} open
     */
    hasLost(open: import('./wire.js').Reservation[]): boolean;
}
