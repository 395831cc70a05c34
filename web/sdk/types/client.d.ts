import { ServerClock } from './clock.js';
import { Emitter } from './emitter.js';
import { ClosedError } from './errors.js';
import { SeatModel } from './seats.js';
export type ClientStatus = 'idle' | 'connecting' | 'online' | 'reconnecting' | 'offline' | 'closed';
export type ClientEvents = {
    /**
     * Every change of `status`.
     */
    status: ClientStatus;
    /**
     * The first hello was taken.
     */
    online: import('./wire.js').Hello;
    /**
     * The connection broke; the next attempt is in so long.
     */
    reconnecting: {
        retryInMs: number;
    };
    /**
     * The device has no network.
     */
    offline: null;
    /**
     * Connected again, state and watches are up to date.
     */
    resumed: import('./wire.js').Hello;
    /**
     * The session is over for good.
     */
    closed: ClosedError;
    /**
     * The place in the queue changed.
     */
    queue: import('./wire.js').QueueUpdate;
    /**
     * The same user's place in another sale became known or changed.
     */
    elsewhere: import('./wire.js').QueueUpdate;
    /**
     * The wallet changed, or was asked for.
     */
    balance: {
        balance: number;
        currency?: string | null;
    };
    /**
     * A reservation changed.
     */
    reservation: import('./wire.js').Reservation;
    /**
     * A sale opened, paused, closed, or its operator said something.
     */
    sale: import('./wire.js').SaleUpdate;
    /**
     * What `schedules` answered is not so any more: prices changed, or a text.
     */
    outdated: {
        concertId: number;
    };
    /**
     * A watch could not be renewed.
     */
    unwatched: {
        scheduleId: number;
        error: import('./errors.js').FrontrowError;
    };
    /**
     * The access token ended and no other one is at hand: give one to
     * `setAccessToken` in this time, or the session is over.
     */
    helloAgain: {
        withinMs: number;
    };
    /**
     * A push that this version does not know.
     */
    push: {
        method: string;
        params: unknown;
    };
};
export type ClientOptions = {
    /**
     * The server's address, `http://host:port`; in a browser, the page's own by default.
     */
    server?: string | URL;
    /**
     * Your identity; needed to join, and for money once the place has ended.
     */
    accessToken?: string | null;
    /**
     * The place to resume.
     */
    queueToken?: string | null;
    /**
     * Asked for a fresh access token when the
     * present one has ended.
     */
    renewAccessToken?: () => string | null | Promise<string | null>;
    /**
     * The class, where there is no global one (Node before 22).
     */
    WebSocket?: import('./link.js').WebSocketClass;
    /**
     * Other times, for tests and odd networks.
     */
    times?: Partial<import('./link.js').LinkTimes>;
    /**
     * The time that a request may take, reconnecting included. `pay`, `charge`, `cancel` and
     * `release` have no limit: they are repeated until there is an answer.
     */
    timeoutMs?: number;
};
/** @extends {Emitter<ClientEvents>} */
export declare class FrontrowClient extends Emitter<ClientEvents> {
    #private;
    /** @type {ClientStatus} */
    status: ClientStatus;
    /** @type {number | null} */
    userId: number | null;
    clock: ServerClock;
    /** @param {ClientOptions} options */
    constructor(options: ClientOptions);
    /** The place that the session is about. */
    get queue(): import("./wire.js").QueueUpdate | null;
    /** The newest known place in each sale, by concert, also in the one of `queue`. */
    get places(): Map<number, import("./wire.js").QueueUpdate>;
    /** The reservations seen by this client, by id; open ones have the status `TEMP_RESERVED`. */
    get reservations(): Map<string, import("./wire.js").Reservation>;
    /** The token to keep: with it, another client (or this page after a reload) goes on from here. */
    get queueToken(): string | null;
    get accessToken(): string | null;
    /**
     * A fresh access token of the same user. A session that is under way is known by it from now on.
     * @param {string} accessToken
     */
    setAccessToken(accessToken: string): void;
    /** The server's time now, in ms since 1970. */
    now(): number;
    /**
     * Connects and says hello. Resolves at the first success, however many attempts it takes; rejects only when the
     * server refuses the tokens for good or the client is closed.
     * @returns {Promise<import('./wire.js').Hello>}
     */
    connect(): Promise<import('./wire.js').Hello>;
    /** Ends the session on this side. The place in the queue stays until the server's own time limit. */
    close(): void;
    /** The device woke up or changed its network: look at once whether the connection still lives. */
    probe(): void;
    /** @returns {Promise<import('./wire.js').Concert[]>} */
    concerts(): Promise<import('./wire.js').Concert[]>;
    /**
     * Takes a place in the sale's queue, or finds the one that this user has already.
     * @param {number} concertId
     * @returns {Promise<import('./wire.js').QueueUpdate>}
     */
    join(concertId: number): Promise<import('./wire.js').QueueUpdate>;
    /**
     * Turns to another place of the same user, for instance in another sale.
     * @param {string} queueToken
     * @returns {Promise<import('./wire.js').QueueUpdate>}
     */
    resume(queueToken: string): Promise<import('./wire.js').QueueUpdate>;
    /** @returns {Promise<import('./wire.js').QueueUpdate>} */
    getQueue(): Promise<import('./wire.js').QueueUpdate>;
    /** "Still here": the idle time starts anew. */
    extend(): Promise<import("./wire.js").QueueUpdate>;
    /** Gives the place up, and every seat held in this sale. */
    leave(): Promise<import("./wire.js").QueueUpdate>;
    /**
     * Waits for admission. Rejects when the place is lost.
     * @returns {Promise<import('./wire.js').QueueUpdate>}
     */
    admitted(): Promise<import('./wire.js').QueueUpdate>;
    /** @returns {Promise<import('./wire.js').Schedule[]>} */
    schedules(): Promise<import('./wire.js').Schedule[]>;
    /**
     * A concert's own page: texts, prices, and what is left. Public, and at most two seconds old.
     * @param {number} concertId
     * @returns {Promise<import('./wire.js').ConcertPage>}
     */
    concert(concertId: number): Promise<import('./wire.js').ConcertPage>;
    /**
     * The venue's drawing. Public and cached by the browser.
     * @param {number} scheduleId
     * @returns {Promise<import('./wire.js').Layout>}
     */
    layout(scheduleId: number): Promise<import('./wire.js').Layout>;
    /**
     * Watches every seat of a schedule, until `unwatch`. Resolves when the model holds the first snapshot.
     * @param {number} scheduleId
     * @returns {Promise<SeatModel>}
     */
    watch(scheduleId: number): Promise<SeatModel>;
    /** @param {number} scheduleId */
    unwatch(scheduleId: number): Promise<void>;
    /**
     * Holds all of the seats or none.
     * @param {number} scheduleId
     * @param {number[]} seats
     */
    hold(scheduleId: number, seats: number[]): Promise<import("./wire.js").Reservation>;
    /**
     * Holds the best `count` seats that are free together.
     * @param {number} scheduleId
     * @param {number} count
     * @param {{category?: string, maxPrice?: number, except?: readonly number[], requestId?: string}} [options] `maxPrice`: of
     *   one seat; `except`: seats that are not to be among them, such as those that were proposed already.
     */
    holdBest(scheduleId: number, count: number, { category, maxPrice, except, requestId }?: {
        category?: string;
        maxPrice?: number;
        except?: readonly number[];
        requestId?: string;
    }): Promise<import("./wire.js").Reservation>;
    /**
     * Gives held seats back: the named ones, or all.
     * @param {string} reservationId
     * @param {number[]} [seats]
     */
    release(reservationId: string, seats?: number[]): Promise<import("./wire.js").Reservation>;
    /** @returns {Promise<import('./wire.js').Reservation[]>} */
    listReservations(): Promise<import('./wire.js').Reservation[]>;
    /** @returns {Promise<number>} */
    balance(): Promise<number>;
    /**
     * Puts money into the wallet, exactly once, however often the connection breaks.
     * @param {number} amount
     * @param {{requestId?: string}} [options] Give the id of an earlier try to ask for the same charge again.
     * @returns {Promise<{balance: number, currency?: string | null, history_id: string}>}
     */
    charge(amount: number, { requestId }?: {
        requestId?: string;
    }): Promise<{
        balance: number;
        currency?: string | null;
        history_id: string;
    }>;
    /**
     * The wallet's ledger, newest first.
     * @param {{before?: string, limit?: number}} [page]
     * @returns {Promise<import('./wire.js').HistoryEntry[]>}
     */
    history(page?: {
        before?: string;
        limit?: number;
    }): Promise<import('./wire.js').HistoryEntry[]>;
    /**
     * Pays a reservation. A repeated `pay` gives the same payment, never a second debit.
     * @param {string} reservationId
     * @returns {Promise<{payment: import('./wire.js').Payment, balance: number, tickets: import('./wire.js').Ticket[]}>}
     */
    pay(reservationId: string): Promise<{
        payment: import('./wire.js').Payment;
        balance: number;
        tickets: import('./wire.js').Ticket[];
    }>;
    /**
     * Gives a paid reservation back; its price goes to the wallet.
     * @param {string} reservationId
     * @returns {Promise<{reservation: import('./wire.js').Reservation, balance: number}>}
     */
    cancel(reservationId: string): Promise<{
        reservation: import('./wire.js').Reservation;
        balance: number;
    }>;
    /** @returns {Promise<import('./wire.js').Ticket[]>} */
    tickets(): Promise<import('./wire.js').Ticket[]>;
    /**
     * The valid tickets and those of orders that were cancelled.
     * @returns {Promise<{tickets: import('./wire.js').Ticket[], cancelled: import('./wire.js').Ticket[]}>}
     */
    orders(): Promise<{
        tickets: import('./wire.js').Ticket[];
        cancelled: import('./wire.js').Ticket[];
    }>;
    /** Asks for the server's time. Does not count as activity. */
    ping(): Promise<void>;
    /**
     * Any method, for what this version does not know yet.
     * @param {string} method
     * @param {object} [params]
     * @param {{timeoutMs?: number}} [options]
     * @returns {Promise<any>}
     */
    request(method: string, params?: object, { timeoutMs }?: {
        timeoutMs?: number;
    }): Promise<any>;
}
/** An id that makes a repeated request the same request. Also outside of secure contexts, unlike `randomUUID`. */
export declare function newRequestId(): string;
