/**
 * The shapes that travel between a Frontrow server and this client, as JSDoc types.
 *
 * Always: names and units are the server's own (snake_case; times are RFC 3339 strings in UTC, money is an integer in
 * the currency's minor unit). A server may add fields at any time; none of this code refuses one that it does not know.
 */

/**
 * The state of one seat.
 * @typedef {0 | 1 | 2} SeatStateValue
 */

/** What a seat's two bits in a snapshot mean. */
export const SeatState = Object.freeze({
  /** Free to be held. */
  AVAILABLE: /** @type {0} */ (0),
  /** Held by somebody for a while. */
  TEMP_RESERVED: /** @type {1} */ (1),
  /** Sold. */
  RESERVED: /** @type {2} */ (2),
});

/**
 * @typedef {'SCHEDULED' | 'OPEN' | 'PAUSED' | 'CLOSED'} SaleState
 * @typedef {'WAITING' | 'PROGRESS' | 'DONE' | 'EXPIRED'} QueueStatus
 * @typedef {'left' | 'away' | 'idle' | 'time' | 'closed'} ExpiryReason
 * @typedef {'TEMP_RESERVED' | 'RESERVED' | 'EXPIRED' | 'CANCELLED'} ReservationStatus
 * @typedef {'PROGRESS' | 'DONE' | 'CANCELLED'} PaymentStatus
 * @typedef {'CHARGE' | 'PAYMENT' | 'REFUND'} HistoryType
 */

/**
 * A place in a sale's queue.
 * @typedef {object} QueueUpdate
 * @property {string} token The queue token; by itself it resumes a session.
 * @property {number} concert_id
 * @property {QueueStatus} status
 * @property {number | null} position 1 for the next to be admitted; null unless `WAITING`.
 * @property {number | null} ahead People in front; null unless `WAITING`.
 * @property {number} waiting People in the whole line.
 * @property {number | null} eta_seconds Null while unknown.
 * @property {boolean} sold_out
 * @property {string} entered_at
 * @property {string | null} admitted_at
 * @property {string | null} expires_at End of the admission.
 * @property {string | null} idle_at End of the admission unless the user does something before.
 * @property {ExpiryReason | null} reason Why the token is `EXPIRED`.
 */

/**
 * @typedef {object} Sale
 * @property {SaleState} state
 * @property {string | null} [opens_at]
 * @property {string | null} [message] The operator's word to everybody.
 */

/**
 * @typedef {object} Concert
 * @property {number} concert_id
 * @property {string} title
 * @property {string} [venue]
 * @property {string} [currency] ISO 4217.
 * @property {string | null} [time_zone] IANA, of the venue; null while unknown.
 * @property {number} [seats_per_reservation_max]
 * @property {Sale} sale
 * @property {{schedule_id: number, starts_at: string, sold_out?: boolean}[]} schedules Those that have not started.
 */

/**
 * @typedef {object} Schedule
 * @property {number} schedule_id
 * @property {string} starts_at
 * @property {string | null} [time_zone] IANA, of the venue; null while unknown.
 * @property {number} [seats_per_reservation_max]
 * @property {number} seats
 * @property {number} available
 * @property {boolean} sold_out
 * @property {Record<string, number>} prices By category.
 * @property {Record<string, number>} [left] Free seats, by category.
 */

/**
 * @typedef {object} SeatsSnapshot
 * @property {number} schedule_id
 * @property {number} version
 * @property {string} seats Base64; two bits a seat, seat 0 in the low bits of byte 0.
 * @property {number} count
 * @property {number} available
 */

/**
 * @typedef {object} SeatsDelta
 * @property {number} schedule_id
 * @property {number} from The delta applies to this version or a later one.
 * @property {number} version
 * @property {[number, SeatStateValue][]} changes Seat and its new state.
 * @property {number} available
 */

/**
 * @typedef {object} ReservedSeat
 * @property {number} seat
 * @property {string} label
 * @property {string} category
 * @property {number} price
 */

/**
 * @typedef {object} Reservation
 * @property {string} reservation_id
 * @property {number} concert_id
 * @property {number} schedule_id
 * @property {ReservationStatus} status
 * @property {number} amount
 * @property {string | null} expires_at
 * @property {ReservedSeat[]} seats
 */

/**
 * @typedef {object} Ticket
 * @property {string} ticket_id
 * @property {string} reservation_id What to `cancel`.
 * @property {number} concert_id
 * @property {number} schedule_id
 * @property {number} seat
 * @property {string} label
 * @property {string} category
 * @property {number} price
 * @property {string} code What the door scans.
 * @property {string} [title] With the next three, in `tickets` but not in the answer to `pay`.
 * @property {string} [venue]
 * @property {string} [starts_at]
 * @property {string | null} [time_zone] IANA, of the venue; absent while unknown.
 * @property {string} [cancel_until]
 * @property {string} [cancelled_at] Of a cancelled order's ticket, which opens no door any more.
 */

/**
 * @typedef {object} Payment
 * @property {string} payment_id
 * @property {string} reservation_id
 * @property {number} amount
 * @property {PaymentStatus} status
 * @property {string} at
 */

/**
 * @typedef {object} HistoryEntry
 * @property {string} history_id
 * @property {HistoryType} type
 * @property {number} amount_change
 * @property {number} balance
 * @property {string} at
 * @property {string | null} [payment_id]
 * @property {Purchase} [purchase] What was paid or refunded, while it is among the user's newest orders.
 */

/**
 * @typedef {object} Purchase
 * @property {string} reservation_id
 * @property {number} concert_id
 * @property {string} title
 * @property {string} starts_at
 * @property {string | null} [time_zone] IANA, of the venue; absent while unknown.
 * @property {number} seats How many.
 */

/**
 * @typedef {object} Balance
 * @property {number} balance
 * @property {string | null} [currency] ISO 4217; null before the first concert.
 */

/**
 * @typedef {object} SaleUpdate
 * @property {number} concert_id
 * @property {SaleState} state
 * @property {string | null} [opens_at]
 * @property {string | null} [message]
 */

/**
 * @typedef {object} Hello
 * @property {number} user_id
 * @property {string} server_time
 * @property {string} [server] Its name and version.
 * @property {QueueUpdate | null} [queue]
 * @property {Reservation[] | null} [reservations]
 */

/**
 * One drawn area of a venue, in the form of the pretix seating plan.
 * @typedef {object} LayoutArea
 * @property {'rectangle' | 'circle' | 'ellipse' | 'polygon' | 'text'} shape
 * @property {{x: number, y: number}} position
 * @property {number} [rotation] Degrees, clockwise.
 * @property {string} [color]
 * @property {string} [border_color]
 * @property {{text?: string, position?: {x: number, y: number}, color?: string, size?: number} | null} [text]
 * @property {{width: number, height: number}} [rectangle]
 * @property {{radius: number}} [circle]
 * @property {{radius: {x: number, y: number}}} [ellipse]
 * @property {{points: {x: number, y: number}[]}} [polygon]
 */

/**
 * A venue's drawing in columns: the index of a seat is its number.
 * @typedef {object} Layout
 * @property {number} schedule_id
 * @property {string} title
 * @property {string} [venue]
 * @property {string} starts_at
 * @property {string | null} [time_zone] IANA, of the venue; null while unknown.
 * @property {string} currency ISO 4217.
 * @property {{width: number, height: number}} size
 * @property {{name: string, color: string, price: number}[]} categories
 * @property {{name: string}[]} zones
 * @property {{zone: number, label: string, row_label?: string, seat_label?: string}[]} rows `row_label`: the row in the
 *   plan's words, `seat_label`: those for its seats, with `%s` for the number.
 * @property {LayoutArea[]} areas
 * @property {{x: number, y: number} | null} [stage]
 * @property {{x: number[], y: number[], row: number[], number: string[], category: number[],
 *   label?: string[], radius?: number[]}} seats
 */
