/**
 * The live state of every seat of one schedule, from a snapshot and the deltas after it.
 *
 * Always: `states` is either exactly the server's version `version`, or `live` is false and a snapshot is on its way.
 * Not here: the connection; the owner feeds frames in and asks for a snapshot when `apply` answers "gap".
 */
import { Emitter } from './emitter.js';
import { SeatState } from './wire.js';

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
export class SeatModel extends Emitter {
  /** @param {number} scheduleId */
  constructor(scheduleId) {
    super();
    this.scheduleId = scheduleId;
    this.version = -1;
    /** Number of seats. */
    this.count = 0;
    /** Number of free seats. */
    this.available = 0;
    /** One byte a seat; see `SeatState`. To be read only. */
    this.states = new Uint8Array(0);
    /** Whether deltas arrive; false before the first snapshot, without a connection and while a gap is repaired. */
    this.live = false;
  }

  /**
   * @param {number} seat
   * @returns {import('./wire.js').SeatStateValue}
   */
  state(seat) {
    return /** @type {import('./wire.js').SeatStateValue} */ (this.states[seat] ?? SeatState.RESERVED);
  }

  /**
   * Takes the whole house. The first one is a `snapshot` event, a later one the `change` against what was known.
   * @param {import('./wire.js').SeatsSnapshot} snapshot
   */
  load(snapshot) {
    const states = unpackStates(snapshot.seats, snapshot.count);
    const previous = this.states;
    const first = previous.length !== states.length;
    this.states = states;
    this.count = snapshot.count;
    this.available = snapshot.available;
    this.version = snapshot.version;
    this.#setLive(true);
    if (first) {
      this.emit('snapshot', this);
      return;
    }
    /** @type {SeatChange[]} */
    const changes = [];
    for (let seat = 0; seat < states.length; seat++) {
      if (states[seat] !== previous[seat]) changes.push(changeOf(seat, states[seat], previous[seat]));
    }
    this.emit('change', { changes, available: this.available });
  }

  /**
   * @param {import('./wire.js').SeatsDelta} delta
   * @returns {'applied' | 'stale' | 'gap'} `gap`: frames are missing, watch again.
   */
  apply(delta) {
    if (!this.live || delta.version <= this.version) return 'stale';
    if (delta.from > this.version) {
      this.#setLive(false);
      return 'gap';
    }
    /** @type {SeatChange[]} */
    const changes = [];
    for (const [seat, state] of delta.changes) {
      if (!(seat >= 0 && seat < this.count) || this.states[seat] === state) continue;
      changes.push(changeOf(seat, state, this.states[seat]));
      this.states[seat] = state;
    }
    this.version = delta.version;
    this.available = delta.available;
    this.emit('change', { changes, available: this.available });
    return 'applied';
  }

  /** The connection is gone or the watch ended: what is shown may be old. */
  suspend() {
    this.#setLive(false);
  }

  /** @param {boolean} live */
  #setLive(live) {
    if (this.live === live) return;
    this.live = live;
    this.emit('live', live);
  }
}

/**
 * @param {number} seat
 * @param {number} state
 * @param {number} before
 * @returns {SeatChange}
 */
function changeOf(seat, state, before) {
  return /** @type {SeatChange} */ ({ seat, state, before });
}

/**
 * Two bits a seat, seat 0 in the low bits of byte 0, to one byte a seat.
 * @param {string} base64
 * @param {number} count
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function unpackStates(base64, count) {
  const bytes = atob(base64);
  if (bytes.length < Math.ceil(count / 4)) {
    throw new RangeError(`a snapshot of ${count} seats needs ${Math.ceil(count / 4)} bytes, got ${bytes.length}`);
  }
  const states = new Uint8Array(count);
  for (let seat = 0; seat < count; seat++) {
    states[seat] = (bytes.charCodeAt(seat >> 2) >> ((seat & 3) * 2)) & 3;
  }
  return states;
}
