/**
 * Requests that wait for their answers, across connections.
 *
 * Always: every call ends exactly once, with its answer, its error or its deadline. A call that was sent on a connection
 * that broke is sent again on the next one with the same parameters: the server lets every command be repeated safely,
 * `charge` and `hold_best` by their `request_id`. At most `IN_FLIGHT_MAX` are unanswered at a time, in order of asking.
 * An answer's `take` runs before the next frame is looked at, so that state never sees frames out of order.
 */
import { errorFromRpc, errorOf, BusyError } from './errors.js';

/** The server allows 32 unanswered requests a connection; the rest is left to hello, ping and a second asker. */
const IN_FLIGHT_MAX = 24;
/** A page with more open requests than this has lost its way. */
const CALLS_MAX = 256;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;

/**
 * @typedef {object} Call
 * @property {number} id
 * @property {string} method
 * @property {object} params
 * @property {(result: any) => any} take Takes the answer at once; its value is the call's result.
 * @property {(result: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {ReturnType<typeof setTimeout> | undefined} deadline
 * @property {ReturnType<typeof setTimeout> | undefined} pause Set while a retry is waited for.
 * @property {number} refusals The number of times that the server said that it cannot now.
 * @property {boolean} once Belongs to the present connection alone.
 */

export class Calls {
  #nextId = 1;
  /** @type {Call[]} */
  #queue = [];
  /** @type {Map<number, Call>} */
  #inFlight = new Map();
  /** @type {Set<Call>} */
  #paused = new Set();
  #ready = false;
  #send;

  /** @param {(text: string) => void} send Writes a frame to the present connection. */
  constructor(send) {
    this.#send = send;
  }

  /** Whether somebody waits for an answer on the present connection. */
  get waiting() {
    return this.#inFlight.size > 0;
  }

  /**
   * @param {string} method
   * @param {object} params
   * @param {{timeoutMs?: number, once?: boolean, take?: (result: any) => any}} [options] `timeoutMs` Infinity: until
   *   the client is closed. `once`: sent at once, even before hello is through, and failed with the connection.
   * @returns {Promise<any>}
   */
  call(method, params, { timeoutMs = Infinity, once = false, take = (result) => result } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#queue.length + this.#inFlight.size + this.#paused.size >= CALLS_MAX) {
        reject(errorOf('OVERLOADED', `over ${CALLS_MAX} requests are waiting for an answer`, { retryable: true }));
        return;
      }
      /** @type {Call} */
      const call = {
        id: this.#nextId++,
        method,
        params,
        take,
        resolve,
        reject,
        deadline: undefined,
        pause: undefined,
        refusals: 0,
        once,
      };
      if (Number.isFinite(timeoutMs)) {
        call.deadline = setTimeout(() => {
          this.#end(call);
          reject(errorOf('TIMEOUT', `${method} got no answer within ${timeoutMs} ms`, { retryable: true }));
        }, timeoutMs);
      }
      if (once) this.#transmit(call);
      else {
        this.#queue.push(call);
        this.#flush();
      }
    });
  }

  /** The connection is greeted: what waits may go. */
  ready() {
    this.#ready = true;
    this.#flush();
  }

  /** The connection is gone: what was sent on it waits for the next one, in its old order. */
  lost() {
    this.#ready = false;
    const again = [];
    for (const call of this.#inFlight.values()) {
      if (call.once) {
        clearTimeout(call.deadline);
        call.reject(errorOf('DISCONNECTED', `the connection broke during ${call.method}`, { retryable: true }));
      } else again.push(call);
    }
    this.#inFlight.clear();
    this.#queue.unshift(...again);
  }

  /** @param {Error} error Given to everyone who waits. */
  fail(error) {
    this.#ready = false;
    const all = [...this.#inFlight.values(), ...this.#paused, ...this.#queue];
    for (const call of all) {
      this.#end(call);
      call.reject(error);
    }
  }

  /** @param {{id?: unknown, result?: unknown, error?: unknown}} frame */
  answer(frame) {
    const call = typeof frame.id === 'number' ? this.#inFlight.get(frame.id) : undefined;
    if (!call) return; // Its deadline passed meanwhile.
    if (frame.error === undefined) {
      this.#end(call);
      try {
        call.resolve(call.take(frame.result));
      } catch (error) {
        call.reject(/** @type {Error} */ (error));
      }
    } else {
      const error = errorFromRpc(frame.error);
      if (error.retryable && !call.once) this.#pause(call, error);
      else {
        this.#end(call);
        call.reject(error);
      }
    }
    this.#flush();
  }

  /**
   * @param {Call} call
   * @param {import('./errors.js').FrontrowError} error
   */
  #pause(call, error) {
    this.#inFlight.delete(call.id);
    this.#paused.add(call);
    const asked = error instanceof BusyError ? error.retryAfterMs : null;
    const backoff = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** call.refusals++);
    call.pause = setTimeout(
      () => {
        this.#paused.delete(call);
        this.#queue.push(call);
        this.#flush();
      },
      (asked ?? backoff) * (1 + Math.random() / 2),
    );
  }

  #flush() {
    while (this.#ready && this.#inFlight.size < IN_FLIGHT_MAX) {
      const call = this.#queue.shift();
      if (!call) return;
      this.#transmit(call);
    }
  }

  /** @param {Call} call */
  #transmit(call) {
    this.#inFlight.set(call.id, call);
    this.#send(JSON.stringify({ jsonrpc: '2.0', id: call.id, method: call.method, params: call.params }));
  }

  /** @param {Call} call */
  #end(call) {
    clearTimeout(call.deadline);
    clearTimeout(call.pause);
    this.#inFlight.delete(call.id);
    this.#paused.delete(call);
    const queued = this.#queue.indexOf(call);
    if (queued >= 0) this.#queue.splice(queued, 1);
  }
}
