import { ServerClock } from './clock.js';
import { Emitter } from './emitter.js';
import { ClosedError } from './errors.js';
import { SeatModel } from './seats.js';
export type OpsModelEvents = {
    /**
     * Figures are new, or it is known that they are not.
     */
    change: OpsModel;
};
/**
 * @typedef {object} OpsModelEvents
 * @property {OpsModel} change Figures are new, or it is known that they are not.
 */
/**
 * The lines of what is watched: one sale with its details, or every sale.
 * @extends {Emitter<OpsModelEvents>}
 */
export declare class OpsModel extends Emitter<OpsModelEvents> {
    concertId: number | null;
    seq: number;
    /** Whether news arrives. */
    live: boolean;
    /** When the figures were gathered, by the server's clock; null before. @type {string | null} */
    at: string | null;
    /** By concert. @type {Map<number, import('./wire.js').SaleLine>} */
    lines: Map<number, import('./wire.js').SaleLine>;
    /** @type {import('./wire.js').SaleDetail | null} */
    detail: import('./wire.js').SaleDetail | null;
    /** Those that go on, oldest first. @type {import('./wire.js').Alarm[]} */
    alarms: import('./wire.js').Alarm[];
    /** @param {number | null} concertId Null: every sale. */
    constructor(concertId: number | null);
    /** @param {import('./wire.js').OpsState} state */
    load(state: import('./wire.js').OpsState): void;
    /**
     * @param {import('./wire.js').OpsUpdate} update
     * @returns {'applied' | 'stale' | 'gap'} `gap`: updates are missing, watch again.
     */
    apply(update: import('./wire.js').OpsUpdate): 'applied' | 'stale' | 'gap';
    /** The connection is gone: what is shown may be old. */
    suspend(): void;
}
export type OpsStatus = 'connecting' | 'online' | 'reconnecting' | 'closed';
export type OpsEvents = {
    /**
     * Every change of `status`.
     */
    status: OpsStatus;
    /**
     * The server ended it for good: whoever it is has to sign in again.
     */
    closed: ClosedError;
    /**
     * A watch could not be renewed.
     */
    unwatched: {
        concertId: number | null;
        error: import('./errors.js').FrontrowError;
    };
};
export type OpsOptions = {
    /**
     * The server's address; in a browser, the page's own by default.
     */
    server?: string | URL;
    /**
     * An operator's session, or another token that names a role.
     */
    token: string;
    /**
     * The class, where there is no global one.
     */
    WebSocket?: import('./link.js').WebSocketClass;
    /**
     * Other times, for tests and odd networks.
     */
    times?: Partial<import('./link.js').LinkTimes>;
};
/**
 * @typedef {'connecting' | 'online' | 'reconnecting' | 'closed'} OpsStatus
 * @typedef {object} OpsEvents
 * @property {OpsStatus} status Every change of `status`.
 * @property {ClosedError} closed The server ended it for good: whoever it is has to sign in again.
 * @property {{concertId: number | null, error: import('./errors.js').FrontrowError}} unwatched A watch could not be renewed.
 */
/**
 * @typedef {object} OpsOptions
 * @property {string | URL} [server] The server's address; in a browser, the page's own by default.
 * @property {string} token An operator's session, or another token that names a role.
 * @property {import('./link.js').WebSocketClass} [WebSocket] The class, where there is no global one.
 * @property {Partial<import('./link.js').LinkTimes>} [times] Other times, for tests and odd networks.
 */
/** @extends {Emitter<OpsEvents>} */
export declare class OpsClient extends Emitter<OpsEvents> {
    #private;
    /** @type {OpsStatus} */
    status: OpsStatus;
    clock: ServerClock;
    /** Connects at once. @param {OpsOptions} options */
    constructor({ server, token, WebSocket: given, times }: OpsOptions);
    /** Ends the connection on this side. */
    close(): void;
    /** The device woke up or changed its network: look at once whether the connection still lives. */
    probe(): void;
    /** Milliseconds since the figures of this model were gathered; null while there are none. @param {OpsModel} model */
    ageOf(model: OpsModel): number | null;
    /** Watches one sale, or every sale, until `unwatch`. @param {number | null} [concertId] */
    watch(concertId?: number | null): OpsModel;
    /** @param {number | null} [concertId] */
    unwatch(concertId?: number | null): void;
    /** Watches every seat of a performance, until `leaveSeats`. @param {number} scheduleId */
    seats(scheduleId: number): SeatModel;
    /** @param {number} scheduleId */
    leaveSeats(scheduleId: number): void;
}
