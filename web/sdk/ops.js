/**
 * An operator's connection: the figures of the night, live, and the seats of any performance.
 *
 * Always: while it is not closed it gets back to the server by itself, and everything that was watched is brought up to date.
 * What is shown is either as the server said it last, or `live` is false. Not here: changing anything, which is HTTP's, and
 * words for people.
 */
import { Calls } from './calls.js';
import { ServerClock } from './clock.js';
import { Emitter } from './emitter.js';
import { ClosedError } from './errors.js';
import { serverUrl } from './http.js';
import { LINK_TIMES, Link } from './link.js';
import { SeatModel } from './seats.js';

const HELLO_TIMEOUT_MS = 10_000;
/** The server tells something at least every five seconds. */
const QUIET_MS = 12_000;

/**
 * @typedef {object} OpsModelEvents
 * @property {OpsModel} change Figures are new, or it is known that they are not.
 */

/**
 * The lines of what is watched: one sale with its details, or every sale.
 * @extends {Emitter<OpsModelEvents>}
 */
export class OpsModel extends Emitter {
  seq = -1;
  /** Whether news arrives. */
  live = false;
  /** When the figures were gathered, by the server's clock; null before. @type {string | null} */
  at = null;
  /** By concert. @type {Map<number, import('./wire.js').SaleLine>} */
  lines = new Map();
  /** @type {import('./wire.js').SaleDetail | null} */
  detail = null;
  /** Those that go on, oldest first. @type {import('./wire.js').Alarm[]} */
  alarms = [];

  /** @param {number | null} concertId Null: every sale. */
  constructor(concertId) {
    super();
    this.concertId = concertId;
  }

  /** @param {import('./wire.js').OpsState} state */
  load(state) {
    this.lines = new Map(state.sales.map((line) => [line.concert_id, line]));
    this.detail = state.detail ?? null;
    // A server of before has none.
    this.alarms = state.alarms ?? [];
    this.seq = state.seq;
    this.at = state.at;
    this.live = true;
    this.emit('change', this);
  }

  /**
   * @param {import('./wire.js').OpsUpdate} update
   * @returns {'applied' | 'stale' | 'gap'} `gap`: updates are missing, watch again.
   */
  apply(update) {
    if (!this.live || update.seq <= this.seq) return 'stale';
    if (update.from > this.seq) {
      this.suspend();
      return 'gap';
    }
    const lines = new Map(this.lines);
    for (const line of update.sales) lines.set(line.concert_id, line);
    for (const gone of update.gone) lines.delete(gone);
    this.lines = lines;
    if (update.detail) this.detail = update.detail;
    if (update.alarms) this.alarms = update.alarms;
    this.seq = update.seq;
    this.at = update.at;
    this.emit('change', this);
    return 'applied';
  }

  /** The connection is gone: what is shown may be old. */
  suspend() {
    if (!this.live) return;
    this.live = false;
    this.emit('change', this);
  }
}

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
export class OpsClient extends Emitter {
  /** @type {OpsStatus} */
  status = 'connecting';
  clock = new ServerClock();
  #token;
  #link;
  #calls;
  /** @type {Map<number | null, OpsModel>} */
  #sales = new Map();
  /** @type {Map<number, SeatModel>} */
  #seats = new Map();

  /** Connects at once. @param {OpsOptions} options */
  constructor({ server, token, WebSocket: given, times }) {
    super();
    this.#token = token;
    const WebSocketClass = given ?? globalThis.WebSocket;
    if (!WebSocketClass) throw new TypeError('there is no global WebSocket here: pass a class as options.WebSocket');
    const url = new URL('/ws', serverUrl(server));
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#calls = new Calls((text) => this.#link.send(text));
    this.#link = new Link(url.href, /** @type {import('./link.js').WebSocketClass} */ (WebSocketClass), { ...LINK_TIMES, quiet: QUIET_MS, ...times }, {
      onOpen: () => void this.#greet(),
      onFrame: (frame) => this.#frame(frame),
      onLost: () => this.#lost('reconnecting'),
      onEnded: (code, reason) => this.#end(new ClosedError('CLOSED', reason || `closed with ${code}`, { data: { close_code: code } })),
      onQuiet: () => void this.#ping().catch(() => {}),
      isWaiting: () => this.#calls.waiting,
    });
    this.#link.connect();
  }

  /** Ends the connection on this side. */
  close() {
    this.#link.end();
    this.#lost('closed');
    this.#calls.fail(new ClosedError('CLOSED', 'the client was closed'));
  }

  /** The device woke up or changed its network: look at once whether the connection still lives. */
  probe() {
    this.#link.probe();
  }

  /** Milliseconds since the figures of this model were gathered; null while there are none. @param {OpsModel} model */
  ageOf(model) {
    return model.at === null ? null : Math.max(0, this.clock.now() - Date.parse(model.at));
  }

  /** Watches one sale, or every sale, until `unwatch`. @param {number | null} [concertId] */
  watch(concertId = null) {
    let model = this.#sales.get(concertId);
    if (!model) {
      this.#sales.set(concertId, (model = new OpsModel(concertId)));
      if (this.status === 'online') void this.#askSales(model);
    }
    return model;
  }

  /** @param {number | null} [concertId] */
  unwatch(concertId = null) {
    this.#sales.get(concertId)?.suspend();
    if (this.#sales.delete(concertId)) this.#quietly('ops.unwatch', scope(concertId));
  }

  /** Watches every seat of a performance, until `leaveSeats`. @param {number} scheduleId */
  seats(scheduleId) {
    let model = this.#seats.get(scheduleId);
    if (!model) {
      this.#seats.set(scheduleId, (model = new SeatModel(scheduleId)));
      if (this.status === 'online') void this.#askSeats(model);
    }
    return model;
  }

  /** @param {number} scheduleId */
  leaveSeats(scheduleId) {
    this.#seats.get(scheduleId)?.suspend();
    if (this.#seats.delete(scheduleId)) this.#quietly('seats.unwatch', { schedule_id: scheduleId });
  }

  /** @param {string} method @param {object} params */
  #quietly(method, params) {
    // If it is lost, so is what was watched.
    if (this.status === 'online') this.#calls.call(method, params, { once: true }).catch(() => {});
  }

  async #greet() {
    const sentAt = Date.now();
    try {
      const hello = await this.#calls.call('hello', { access_token: this.#token }, { once: true, timeoutMs: HELLO_TIMEOUT_MS });
      this.clock.sample(sentAt, Date.now(), hello.server_time);
    } catch (error) {
      const { reason } = /** @type {import('./errors.js').FrontrowError} */ (error);
      // Whoever is refused for good is closed by the server, or would be each time.
      if (reason === 'FORBIDDEN') this.#end(new ClosedError('CLOSED', String(error), { cause: error }));
      else if (this.#link.state === 'open') this.#link.restart();
      return;
    }
    this.#link.succeeded();
    this.#calls.ready();
    this.#setStatus('online');
    for (const model of this.#sales.values()) void this.#askSales(model);
    for (const model of this.#seats.values()) void this.#askSeats(model);
  }

  async #ping() {
    const sentAt = Date.now();
    const { server_time } = await this.#calls.call('ping', {}, { once: true });
    this.clock.sample(sentAt, Date.now(), server_time);
  }

  /** @param {OpsModel} model */
  async #askSales(model) {
    try {
      await this.#calls.call('ops.watch', scope(model.concertId), {
        once: true,
        take: (state) => {
          if (this.#sales.get(model.concertId) === model) model.load(state);
        },
      });
    } catch (error) {
      this.#failed(model.concertId, error);
    }
  }

  /** @param {SeatModel} model */
  async #askSeats(model) {
    try {
      await this.#calls.call('seats.watch', { schedule_id: model.scheduleId }, {
        once: true,
        take: (snapshot) => {
          if (this.#seats.get(model.scheduleId) === model) model.load(snapshot);
        },
      });
    } catch (error) {
      this.#failed(null, error);
    }
  }

  /** @param {number | null} concertId @param {unknown} error */
  #failed(concertId, error) {
    const failure = /** @type {import('./errors.js').FrontrowError} */ (error);
    // A connection that broke is asked again on the next one; a server that cannot now, in a while.
    if (failure.reason === 'DISCONNECTED') return;
    if (failure.retryable) this.#link.restart(1_000);
    else this.emit('unwatched', { concertId, error: failure });
  }

  /** @param {any} frame */
  #frame(frame) {
    if (frame.method === undefined) return this.#calls.answer(frame);
    const { params } = frame;
    if (frame.method === 'ops.update') {
      const model = this.#sales.get(params.concert_id);
      if (model?.apply(params) === 'gap') void this.#askSales(model);
    } else if (frame.method === 'seats.update') {
      const model = this.#seats.get(params.schedule_id);
      if (model?.apply(params) === 'gap') void this.#askSeats(model);
    } else if (frame.method === 'hello.again') {
      // The token is what it is: whoever signs in again makes another client.
      this.#end(new ClosedError('CLOSED', 'the session is over'));
    }
  }

  /** @param {'reconnecting' | 'closed'} status */
  #lost(status) {
    this.#calls.lost();
    for (const model of this.#sales.values()) model.suspend();
    for (const model of this.#seats.values()) model.suspend();
    this.#setStatus(status);
  }

  /** @param {ClosedError} error */
  #end(error) {
    this.close();
    this.emit('closed', error);
  }

  /** @param {OpsStatus} status */
  #setStatus(status) {
    if (status === this.status) return;
    this.status = status;
    this.emit('status', status);
  }
}

/** @param {number | null} concertId */
const scope = (concertId) => (concertId === null ? {} : { concert_id: concertId });

