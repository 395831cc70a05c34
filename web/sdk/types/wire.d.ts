/**
 * The shapes that travel between a Frontrow server and this client, as JSDoc types.
 *
 * Always: names and units are the server's own (snake_case; times are RFC 3339 strings in UTC, money is an integer in
 * the currency's minor unit). A server may add fields at any time; none of this code refuses one that it does not know.
 */
export type SeatStateValue = 0 | 1 | 2;
/**
 * The state of one seat.
 * @typedef {0 | 1 | 2} SeatStateValue
 */
/** What a seat's two bits in a snapshot mean. */
export declare const SeatState: Readonly<{
    /** Free to be held. */
    AVAILABLE: 0;
    /** Held by somebody for a while. */
    TEMP_RESERVED: 1;
    /** Sold. */
    RESERVED: 2;
}>;
export type SaleState = 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'CLOSED';
export type QueueStatus = 'WAITING' | 'PROGRESS' | 'DONE' | 'EXPIRED';
export type ExpiryReason = 'left' | 'away' | 'idle' | 'time' | 'closed';
export type ReservationStatus = 'TEMP_RESERVED' | 'RESERVED' | 'EXPIRED' | 'CANCELLED';
export type PaymentStatus = 'PROGRESS' | 'DONE' | 'CANCELLED';
export type HistoryType = 'CHARGE' | 'PAYMENT' | 'REFUND';
export type QueueUpdate = {
    /**
     * The queue token; by itself it resumes a session.
     */
    token: string;
    concert_id: number;
    status: QueueStatus;
    /**
     * 1 for the next to be admitted; null unless `WAITING`.
     */
    position: number | null;
    /**
     * People in front; null unless `WAITING`.
     */
    ahead: number | null;
    /**
     * People in the whole line.
     */
    waiting: number;
    /**
     * Null while unknown.
     */
    eta_seconds: number | null;
    sold_out: boolean;
    entered_at: string;
    admitted_at: string | null;
    /**
     * End of the admission.
     */
    expires_at: string | null;
    /**
     * End of the admission unless the user does something before.
     */
    idle_at: string | null;
    /**
     * Why the token is `EXPIRED`.
     */
    reason: ExpiryReason | null;
};
export type Sale = {
    state: SaleState;
    opens_at?: string | null;
    /**
     * The operator's word to everybody.
     */
    message?: string | null;
};
export type Concert = {
    concert_id: number;
    title: string;
    venue?: string;
    /**
     * ISO 4217.
     */
    currency?: string;
    /**
     * IANA, of the venue; null while unknown.
     */
    time_zone?: string | null;
    seats_per_reservation_max?: number;
    sale: Sale;
    /**
     * Those that have not started.
     */
    schedules: {
        schedule_id: number;
        starts_at: string;
        sold_out?: boolean;
    }[];
};
export type Schedule = {
    schedule_id: number;
    starts_at: string;
    /**
     * IANA, of the venue; null while unknown.
     */
    time_zone?: string | null;
    seats_per_reservation_max?: number;
    seats: number;
    available: number;
    sold_out: boolean;
    /**
     * By category.
     */
    prices: Record<string, number>;
    /**
     * Free seats, by category.
     */
    left?: Record<string, number>;
};
export type SeatsSnapshot = {
    schedule_id: number;
    version: number;
    /**
     * Base64; two bits a seat, seat 0 in the low bits of byte 0.
     */
    seats: string;
    count: number;
    available: number;
};
export type SeatsDelta = {
    schedule_id: number;
    /**
     * The delta applies to this version or a later one.
     */
    from: number;
    version: number;
    /**
     * Seat and its new state.
     */
    changes: [number, SeatStateValue][];
    available: number;
};
export type ReservedSeat = {
    seat: number;
    label: string;
    category: string;
    price: number;
};
export type Reservation = {
    reservation_id: string;
    concert_id: number;
    schedule_id: number;
    status: ReservationStatus;
    amount: number;
    expires_at: string | null;
    seats: ReservedSeat[];
};
export type Ticket = {
    ticket_id: string;
    /**
     * What to `cancel`.
     */
    reservation_id: string;
    concert_id: number;
    schedule_id: number;
    seat: number;
    label: string;
    category: string;
    price: number;
    /**
     * What the door scans.
     */
    code: string;
    /**
     * With the next three, in `tickets` but not in the answer to `pay`.
     */
    title?: string;
    venue?: string;
    starts_at?: string;
    /**
     * IANA, of the venue; absent while unknown.
     */
    time_zone?: string | null;
    cancel_until?: string;
    /**
     * Of a cancelled order's ticket, which opens no door any more.
     */
    cancelled_at?: string;
};
export type Payment = {
    payment_id: string;
    reservation_id: string;
    amount: number;
    status: PaymentStatus;
    at: string;
};
export type HistoryEntry = {
    history_id: string;
    type: HistoryType;
    amount_change: number;
    balance: number;
    at: string;
    payment_id?: string | null;
    /**
     * What was paid or refunded, while it is among the user's newest orders.
     */
    purchase?: Purchase;
};
export type Purchase = {
    reservation_id: string;
    concert_id: number;
    title: string;
    starts_at: string;
    /**
     * IANA, of the venue; absent while unknown.
     */
    time_zone?: string | null;
    /**
     * How many.
     */
    seats: number;
};
export type Balance = {
    balance: number;
    /**
     * ISO 4217; null before the first concert.
     */
    currency?: string | null;
};
export type SaleUpdate = {
    concert_id: number;
    state: SaleState;
    opens_at?: string | null;
    message?: string | null;
};
export type Hello = {
    user_id: number;
    server_time: string;
    /**
     * Its name and version.
     */
    server?: string;
    queue?: QueueUpdate | null;
    reservations?: Reservation[] | null;
};
export type LayoutArea = {
    shape: 'rectangle' | 'circle' | 'ellipse' | 'polygon' | 'text';
    position: {
        x: number;
        y: number;
    };
    /**
     * Degrees, clockwise.
     */
    rotation?: number;
    color?: string;
    border_color?: string;
    text?: {
        text?: string;
        position?: {
            x: number;
            y: number;
        };
        color?: string;
        size?: number;
    } | null;
    rectangle?: {
        width: number;
        height: number;
    };
    circle?: {
        radius: number;
    };
    ellipse?: {
        radius: {
            x: number;
            y: number;
        };
    };
    polygon?: {
        points: {
            x: number;
            y: number;
        }[];
    };
};
export type Layout = {
    schedule_id: number;
    title: string;
    venue?: string;
    starts_at: string;
    /**
     * IANA, of the venue; null while unknown.
     */
    time_zone?: string | null;
    /**
     * ISO 4217.
     */
    currency: string;
    size: {
        width: number;
        height: number;
    };
    categories: {
        name: string;
        color: string;
        price: number;
    }[];
    zones: {
        name: string;
    }[];
    /**
     * `row_label`: the row in the
     * plan's words, `seat_label`: those for its seats, with `%s` for the number.
     */
    rows: {
        zone: number;
        label: string;
        row_label?: string;
        seat_label?: string;
    }[];
    areas: LayoutArea[];
    stage?: {
        x: number;
        y: number;
    } | null;
    seats: {
        x: number[];
        y: number[];
        row: number[];
        number: string[];
        category: number[];
        label?: string[];
        radius?: number[];
    };
};
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
