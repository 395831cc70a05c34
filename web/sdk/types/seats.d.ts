/**
 * The live state of every seat of one schedule, from a snapshot and the deltas after it.
 *
 * Always: `states` is either exactly the server's version `version`, or `live` is false and a snapshot is on its way.
 * Not here: the connection; the owner feeds frames in and asks for a snapshot when `apply` answers "gap".
 */
import { Emitter } from './emitter.js';
export type SeatChange = {
    seat: number;
    state: import('./wire.js').SeatStateValue;
    before: import('./wire.js').SeatStateValue;
};
export type SeatModelEvents = {
    /**
     * All states are new; read them from the model.
     */
    snapshot: SeatModel;
    /**
     * Seats that differ now; after a repaired gap as well.
     */
    change: {
        changes: SeatChange[];
        available: number;
    };
    /**
     * Whether the model is known to be the newest.
     */
    live: boolean;
};
/**
 * @typedef {object} SeatChange
 * @property {number} seat
 * @property {import('./wire.js').SeatStateValue} state
 * @property {import('./wire.js').SeatStateValue} before
 */
/**
 * @typedef {object} SeatModelEvents
 * @property {SeatModel} snapshot All states are new; read them from the model.
 * @property {{changes: SeatChange[], available: number}} change Seats that differ now; after a repaired gap as well.
 * @property {boolean} live Whether the model is known to be the newest.
 */
/** @extends {Emitter<SeatModelEvents>} */
export declare class SeatModel extends Emitter<SeatModelEvents> {
    #private;
    scheduleId: number;
    version: number;
    /** Number of seats. */
    count: number;
    /** Number of free seats. */
    available: number;
    /** One byte a seat; see `SeatState`. To be read only. */
    states: Uint8Array<ArrayBuffer>;
    /** Whether deltas arrive; false before the first snapshot, without a connection and while a gap is repaired. */
    live: boolean;
    /** @param {number} scheduleId */
    constructor(scheduleId: number);
    /**
     * @param {number} seat
     * @returns {import('./wire.js').SeatStateValue}
     */
    state(seat: number): import('./wire.js').SeatStateValue;
    /**
     * Takes the whole house. The first one is a `snapshot` event, a later one the `change` against what was known.
     * @param {import('./wire.js').SeatsSnapshot} snapshot
     */
    load(snapshot: import('./wire.js').SeatsSnapshot): void;
    /**
     * @param {import('./wire.js').SeatsDelta} delta
     * @returns {'applied' | 'stale' | 'gap'} `gap`: frames are missing, watch again.
     */
    apply(delta: import('./wire.js').SeatsDelta): 'applied' | 'stale' | 'gap';
    /** The connection is gone or the watch ended: what is shown may be old. */
    suspend(): void;
}
/**
 * Two bits a seat, seat 0 in the low bits of byte 0, to one byte a seat.
 * @param {string} base64
 * @param {number} count
 * @returns {Uint8Array<ArrayBuffer>}
 */
export declare function unpackStates(base64: string, count: number): Uint8Array<ArrayBuffer>;
