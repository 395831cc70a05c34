/**
 * A fan's connection to a Frontrow server: one websocket from the queue to the ticket.
 *
 * Always: while the client is not closed it gets back to the server by itself and resumes with its queue token, same
 * place and same held seats; requests that were not answered are asked again; every watched schedule is brought up to
* date before `resumed` is emitted. `queue` and `reservations` are the newest known state; `places` has the user's places in
 * other sales too, which the server sends to every session.
 * Not here: storing tokens (listen to `queue` and keep `token`), and words for people.
 */
import { Calls } from './calls.js';
import { ServerClock } from './clock.js';
import { Emitter } from './emitter.js';
import { ClosedError, UnauthenticatedError, errorOf } from './errors.js';
import { fetchConcert, fetchLayout, serverUrl } from './http.js';
import { LINK_TIMES, Link } from './link.js';
import { Known, isOver } from './reconcile.js';
import { SeatModel } from './seats.js';

/**
 * - `idle`: not connected yet; `connecting`: the first attempt; `online`: greeted;
 * - `reconnecting`: the connection broke and is being replaced; `offline`: the device says that it has no network;
 * - `closed`: for good, by `close()` or by the server.
 * @typedef {'idle' | 'connecting' | 'online' | 'reconnecting' | 'offline' | 'closed'} ClientStatus
 */

/**
 * @typedef {object} ClientEvents
 * @property {ClientStatus} status Every change of `status`.
 * @property {import('./wire.js').Hello} online The first hello was taken.
 * @property {{retryInMs: number}} reconnecting The connection broke; the next attempt is in so long.
 * @property {null} offline The device has no network.
 * @property {import('./wire.js').Hello} resumed Connected again, state and watches are up to date.
 * @property {ClosedError} closed The session is over for good.
 * @property {import('./wire.js').QueueUpdate} queue The place in the queue changed.
 * @property {import('./wire.js').QueueUpdate} elsewhere The same user's place in another sale became known or changed.
 * @property {{balance: number, currency?: string | null}} balance The wallet changed, or was asked for.
 * @property {import('./wire.js').Reservation} reservation A reservation changed.
 * @property {import('./wire.js').SaleUpdate} sale A sale opened, paused, closed, or its operator said something.
 * @property {{concertId: number}} outdated What `schedules` answered is not so any more: prices changed, or a text.
 * @property {{scheduleId: number, error: import('./errors.js').FrontrowError}} unwatched A watch could not be renewed.
 * @property {{withinMs: number}} helloAgain The access token ended and no other one is at hand: give one to
 *   `setAccessToken` in this time, or the session is over.
 * @property {{method: string, params: unknown}} push A push that this version does not know.
 */

/**
 * @typedef {object} ClientOptions
 * @property {string | URL} [server] The server's address, `http://host:port`; in a browser, the page's own by default.
 * @property {string | null} [accessToken] Your identity; needed to join, and for money once the place has ended.
 * @property {string | null} [queueToken] The place to resume.
 * @property {() => string | null | Promise<string | null>} [renewAccessToken] Asked for a fresh access token when the
 *   present one has ended.
 * @property {import('./link.js').WebSocketClass} [WebSocket] The class, where there is no global one (Node before 22).
 * @property {Partial<import('./link.js').LinkTimes>} [times] Other times, for tests and odd networks.
 * @property {number} [timeoutMs] The time that a request may take, reconnecting included. `pay`, `charge`, `cancel` and
 *   `release` have no limit: they are repeated until there is an answer.
 */

const REQUEST_TIMEOUT_MS = 20_000;
const HELLO_TIMEOUT_MS = 10_000;

/** @extends {Emitter<ClientEvents>} */
export class FrontrowClient extends Emitter {
  /** @type {ClientStatus} */
  status = 'idle';
  /** @type {number | null} */
  userId = null;
  clock = new ServerClock();

  /** @type {string | null} */
  #accessToken;
  #renewAccessToken;
  /** @type {string | null} */
  #queueToken;
  #server;
  #timeoutMs;
  #link;
  #calls;
  #known = new Known();
  #greeted = false;
  /** The access token that the present session is known by, if it is.
   * @type {string | null} */
  #greetedBy = null;
  /** Whether the present session is known by a queue token alone, and so belongs to that sale. */
  #greetedByQueueToken = false;
  #everOnline = false;
  /** @type {ClosedError | null} */
  #ended = null;
  /** @type {Map<number, {model: SeatModel, asking: Promise<void> | null}>} */
  #watches = new Map();
  /** That of the last answer of `schedules`. @type {number | null} */
  #revision = null;
  /** @type {Promise<import('./wire.js').Hello> | null} */
  #connecting = null;
  /** @type {(() => void)[]} */
  #leaveDevice = [];

  /** @param {ClientOptions} options */
  constructor(options) {
    super();
    this.#server = serverUrl(options.server);
    this.#accessToken = options.accessToken ?? null;
    this.#queueToken = options.queueToken ?? null;
    this.#renewAccessToken = options.renewAccessToken ?? null;
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    const WebSocketClass = options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocketClass) throw new TypeError('there is no global WebSocket here: pass a class as options.WebSocket');
    this.#calls = new Calls((text) => this.#link.send(text));
    this.#link = new Link(
      websocketUrl(this.#server),
      /** @type {import('./link.js').WebSocketClass} */ (WebSocketClass),
      { ...LINK_TIMES, ...options.times },
      {
        onOpen: () => void this.#greet(),
        onFrame: (frame) => this.#frame(frame),
        onLost: (retryInMs) => this.#lost(retryInMs),
        onEnded: (code, reason) => this.#endedBy(code, reason),
        onQuiet: () => void this.ping().catch(() => {}),
        isWaiting: () => this.#calls.waiting,
      },
    );
  }

  /** The place that the session is about. */
  get queue() {
    return this.#known.queue;
  }

  /** The newest known place in each sale, by concert, also in the one of `queue`. */
  get places() {
    return this.#known.places;
  }

  /** The reservations seen by this client, by id; open ones have the status `TEMP_RESERVED`. */
  get reservations() {
    return this.#known.reservations;
  }

  /** The token to keep: with it, another client (or this page after a reload) goes on from here. */
  get queueToken() {
    return this.#queueToken;
  }

  get accessToken() {
    return this.#accessToken;
  }

  /**
   * A fresh access token of the same user. A session that is under way is known by it from now on.
   * @param {string} accessToken
   */
  setAccessToken(accessToken) {
    this.#accessToken = accessToken;
    if (this.#greeted && accessToken !== this.#greetedBy) void this.#greetAgain();
  }

  /** The server's time now, in ms since 1970. */
  now() {
    return this.clock.now();
  }

  /**
   * Connects and says hello. Resolves at the first success, however many attempts it takes; rejects only when the
   * server refuses the tokens for good or the client is closed.
   * @returns {Promise<import('./wire.js').Hello>}
   */
  connect() {
    this.#connecting ??= new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      if (!this.#accessToken && !this.#queueToken) {
        return reject(new UnauthenticatedError('UNAUTHENTICATED', 'neither an access token nor a queue token is given'));
      }
      const ends = [
        this.once('online', (hello) => (ends.forEach((end) => end()), resolve(hello))),
        this.once('closed', (error) => (ends.forEach((end) => end()), reject(error))),
      ];
      this.#listenToDevice();
      this.#setStatus('connecting');
      this.#link.connect();
    });
    return this.#connecting;
  }

  /** Ends the session on this side. The place in the queue stays until the server's own time limit. */
  close() {
    if (!this.#ended) this.#end(new ClosedError('CLOSED', 'the client was closed'));
  }

  /** The device woke up or changed its network: look at once whether the connection still lives. */
  probe() {
    this.#link.probe();
  }

  // ------------------------------------------------------------------ questions and commands

  /** @returns {Promise<import('./wire.js').Concert[]>} */
  async concerts() {
    return (await this.#ask('concerts', {})).concerts;
  }

  /**
   * Takes a place in the sale's queue, or finds the one that this user has already.
   * @param {number} concertId
   * @returns {Promise<import('./wire.js').QueueUpdate>}
   */
  join(concertId) {
    if (this.#greetedByQueueToken && this.#accessToken && this.queue?.concert_id !== concertId) {
      this.#forgetQueue();
      this.#restart();
    }
    return this.#askQueue('queue.join', { concert_id: concertId });
  }

  /**
   * Turns to another place of the same user, for instance in another sale.
   * @param {string} queueToken
   * @returns {Promise<import('./wire.js').QueueUpdate>}
   */
  resume(queueToken) {
    if (queueToken !== this.#queueToken) {
      this.#forgetQueue();
      this.#queueToken = queueToken;
      this.#restart();
    }
    return this.getQueue();
  }

  /** @returns {Promise<import('./wire.js').QueueUpdate>} */
  getQueue() {
    return this.#askQueue('queue.get');
  }

  /** "Still here": the idle time starts anew. */
  extend() {
    return this.#askQueue('queue.extend');
  }

  /** Gives the place up, and every seat held in this sale. */
  leave() {
    return this.#askQueue('queue.leave');
  }

  /**
   * Waits for admission. Rejects when the place is lost.
   * @returns {Promise<import('./wire.js').QueueUpdate>}
   */
  admitted() {
    return new Promise((resolve, reject) => {
      /** @param {import('./wire.js').QueueUpdate} queue */
      const settle = (queue) => {
        if (queue.status === 'WAITING') return false;
        ends.forEach((end) => end());
        if (queue.status === 'PROGRESS') resolve(queue);
        else reject(errorOf(queue.status === 'DONE' ? 'TOKEN_DONE' : 'TOKEN_EXPIRED', undefined, { data: { ...queue } }));
        return true;
      };
      /** @type {(() => void)[]} */
      const ends = [];
      if (this.#ended) return reject(this.#ended);
      if (this.queue && settle(this.queue)) return;
      ends.push(this.on('queue', settle), this.once('closed', (error) => (ends.forEach((end) => end()), reject(error))));
    });
  }

  /** @returns {Promise<import('./wire.js').Schedule[]>} */
  async schedules() {
    const { schedules, revision } = await this.#ask('schedules', {});
    this.#revision = revision ?? 0;
    return schedules;
  }

  /**
   * A concert's own page: texts, prices, and what is left. Public, and at most two seconds old.
   * @param {number} concertId
   * @returns {Promise<import('./wire.js').ConcertPage>}
   */
  concert(concertId) {
    return fetchConcert(this.#server, concertId);
  }

  /**
   * The venue's drawing. Public and cached by the browser.
   * @param {number} scheduleId
   * @returns {Promise<import('./wire.js').Layout>}
   */
  layout(scheduleId) {
    return fetchLayout(this.#server, scheduleId);
  }

  /**
   * Watches every seat of a schedule, until `unwatch`. Resolves when the model holds the first snapshot.
   * @param {number} scheduleId
   * @returns {Promise<SeatModel>}
   */
  async watch(scheduleId) {
    let watch = this.#watches.get(scheduleId);
    if (!watch) this.#watches.set(scheduleId, (watch = { model: new SeatModel(scheduleId), asking: null }));
    try {
      if (!watch.model.live) await this.#refresh(scheduleId);
    } catch (error) {
      this.#watches.delete(scheduleId);
      throw error;
    }
    return watch.model;
  }

  /** @param {number} scheduleId */
  async unwatch(scheduleId) {
    const watch = this.#watches.get(scheduleId);
    if (!watch) return;
    this.#watches.delete(scheduleId);
    watch.model.suspend();
    await this.#ask('seats.unwatch', { schedule_id: scheduleId });
  }

  /**
   * Holds all of the seats or none.
   * @param {number} scheduleId
   * @param {number[]} seats
   */
  hold(scheduleId, seats) {
    return this.#askReservation('hold', { schedule_id: scheduleId, seats });
  }

  /**
   * Holds the best `count` seats that are free together.
   * @param {number} scheduleId
   * @param {number} count
   * @param {{category?: string, maxPrice?: number, except?: readonly number[], requestId?: string}} [options] `maxPrice`: of
   *   one seat; `except`: seats that are not to be among them, such as those that were proposed already.
   */
  holdBest(scheduleId, count, { category, maxPrice, except = [], requestId = newRequestId() } = {}) {
    const params = {
      schedule_id: scheduleId,
      count,
      request_id: requestId,
      ...(category === undefined ? {} : { category }),
      ...(maxPrice === undefined ? {} : { max_price: maxPrice }),
      ...(except.length === 0 ? {} : { except: [...except] }),
    };
    return this.#askReservation('hold_best', params);
  }

  /**
   * Gives held seats back: the named ones, or all.
   * @param {string} reservationId
   * @param {number[]} [seats]
   */
  release(reservationId, seats) {
    const params = { reservation_id: reservationId, ...(seats ? { seats } : {}) };
    return this.#askReservation('release', params, Infinity);
  }

  /** @returns {Promise<import('./wire.js').Reservation[]>} */
  listReservations() {
    return this.#ask('reservations', {}, this.#timeoutMs, ({ reservations }) => {
      for (const reservation of reservations) this.#takeReservation(reservation);
      return reservations;
    });
  }

  /** @returns {Promise<number>} */
  async balance() {
    return (await this.#ask('balance', {}, this.#timeoutMs, (wallet) => this.#takeBalance(wallet))).balance;
  }

  /**
   * Puts money into the wallet, exactly once, however often the connection breaks.
   * @param {number} amount
   * @param {{requestId?: string}} [options] Give the id of an earlier try to ask for the same charge again.
   * @returns {Promise<{balance: number, currency?: string | null, history_id: string}>}
   */
  charge(amount, { requestId = newRequestId() } = {}) {
    return this.#ask('charge', { amount, request_id: requestId }, Infinity, (answer) => this.#takeBalance(answer));
  }

  /**
   * The wallet's ledger, newest first.
   * @param {{before?: string, limit?: number}} [page]
   * @returns {Promise<import('./wire.js').HistoryEntry[]>}
   */
  async history(page = {}) {
    return (await this.#ask('history', page)).entries;
  }

  /**
   * Pays a reservation. A repeated `pay` gives the same payment, never a second debit.
   * @param {string} reservationId
   * @returns {Promise<{payment: import('./wire.js').Payment, balance: number, tickets: import('./wire.js').Ticket[]}>}
   */
  pay(reservationId) {
    return this.#ask('pay', { reservation_id: reservationId }, Infinity, (answer) => {
      const held = this.reservations.get(reservationId);
      if (held) this.#takeReservation({ ...held, status: 'RESERVED', expires_at: null });
      return this.#takeBalance(answer);
    });
  }

  /**
   * Gives a paid reservation back; its price goes to the wallet.
   * @param {string} reservationId
   * @returns {Promise<{reservation: import('./wire.js').Reservation, balance: number}>}
   */
  cancel(reservationId) {
    return this.#ask('cancel', { reservation_id: reservationId }, Infinity, (answer) => {
      this.#takeReservation(answer.reservation);
      return this.#takeBalance(answer);
    });
  }

  /** @returns {Promise<import('./wire.js').Ticket[]>} */
  async tickets() {
    return (await this.#ask('tickets', {})).tickets;
  }

  /**
   * The valid tickets and those of orders that were cancelled.
   * @returns {Promise<{tickets: import('./wire.js').Ticket[], cancelled: import('./wire.js').Ticket[]}>}
   */
  async orders() {
    const { tickets, cancelled = [] } = await this.#ask('tickets', {});
    return { tickets, cancelled };
  }

  /** Asks for the server's time. Does not count as activity. */
  async ping() {
    const sentAt = Date.now();
    const { server_time } = await this.#calls.call('ping', {}, { timeoutMs: HELLO_TIMEOUT_MS, once: true });
    this.clock.sample(sentAt, Date.now(), server_time);
    // The device said "offline", but the server answers: it knows better.
    if (this.#greeted && this.status === 'offline') this.#setStatus('online');
  }

  /**
   * Any method, for what this version does not know yet.
   * @param {string} method
   * @param {object} [params]
   * @param {{timeoutMs?: number}} [options]
   * @returns {Promise<any>}
   */
  request(method, params = {}, { timeoutMs } = {}) {
    return this.#ask(method, params, timeoutMs);
  }

  // ------------------------------------------------------------------ inside

  /**
   * @param {string} method
   * @param {object} params
   * @param {number} [timeoutMs]
   * @param {(result: any) => any} [take]
   * @returns {Promise<any>}
   */
  #ask(method, params, timeoutMs = this.#timeoutMs, take) {
    if (this.#ended) return Promise.reject(this.#ended);
    return this.#calls.call(method, params, { timeoutMs, take });
  }

  /**
   * @param {string} method
   * @param {object} [params]
   * @returns {Promise<import('./wire.js').QueueUpdate>}
   */
  #askQueue(method, params = {}) {
    return this.#ask(method, params, this.#timeoutMs, (update) => this.#takeQueue(update, true));
  }

  /**
   * @param {string} method
   * @param {object} params
   * @param {number} [timeoutMs]
   * @returns {Promise<import('./wire.js').Reservation>}
   */
  #askReservation(method, params, timeoutMs) {
    return this.#ask(method, params, timeoutMs, (reservation) => this.#takeReservation(reservation));
  }

  async #greet() {
    const [accessToken, queueToken] = [this.#accessToken, this.#queueToken];
    this.#greetedBy = null;
    /** @type {import('./wire.js').Hello} */
    let hello;
    // The identity goes first, then the place: a session by queue token alone ends with its place. Both are sent at once.
    const who = accessToken ? this.#sayHello({ access_token: accessToken }, !queueToken) : null;
    const place = queueToken ? this.#sayHello({ queue_token: queueToken }, true) : null;
    place?.catch(() => {}); // Looked at below, after the other one.
    try {
      if (who) await who;
    } catch (error) {
      this.#helloRefused(/** @type {import('./errors.js').FrontrowError} */ (error), { accessToken });
      return;
    }
    this.#greetedBy = accessToken;
    try {
      hello = await /** @type {Promise<import('./wire.js').Hello>} */ (place ?? who);
    } catch (error) {
      this.#helloRefused(/** @type {import('./errors.js').FrontrowError} */ (error), { queueToken });
      return;
    }
    this.#greetedByQueueToken = !accessToken;
    this.#link.succeeded();
    this.#calls.ready();
    await this.#refreshAll();
    if (!this.#greeted) return; // The connection broke again meanwhile; the next hello brings it.
    const first = !this.#everOnline;
    this.#everOnline = true;
    this.#setStatus('online');
    if (first) this.emit('online', hello);
    else this.emit('resumed', hello);
  }

  /**
   * @param {{access_token: string} | {queue_token: string}} params
   * @param {boolean} last Nothing more is said: the session may begin.
   * @returns {Promise<import('./wire.js').Hello>}
   */
  #sayHello(params, last) {
    const sentAt = Date.now();
    return this.#calls.call('hello', params, {
      timeoutMs: HELLO_TIMEOUT_MS,
      once: true,
      take: (hello) => {
        this.clock.sample(sentAt, Date.now(), hello.server_time);
        this.userId = hello.user_id ?? null;
        if (!last) return hello;
        this.#greeted = true;
        if (hello.queue) this.#takeQueue(hello.queue, true);
        this.#takeOpenReservations(hello);
        return hello;
      },
    });
  }

  /**
   * The token ended that the session is known by: says hello with a fresh one on the same connection. Without one a
   * place that is not over keeps the session; without that, the listeners are notified.
   * @param {number} [withinMs]
   */
  async #greetAgain(withinMs) {
    const carried = this.queue?.token;
    if (withinMs !== undefined && this.#renewAccessToken) {
      try {
        this.#accessToken = (await this.#renewAccessToken()) ?? this.#accessToken;
      } catch {
        // It counts as if there were none.
      }
    }
    const accessToken = this.#accessToken;
    try {
      if (accessToken && accessToken !== this.#greetedBy) {
        await this.#sayHello({ access_token: accessToken }, false);
        [this.#greetedBy, this.#greetedByQueueToken] = [accessToken, false];
      } else if (withinMs !== undefined) {
        this.emit('helloAgain', { withinMs });
        if (!carried || this.queue?.token !== carried || isOver(this.queue)) return;
        await this.#sayHello({ queue_token: carried }, true);
        [this.#accessToken, this.#greetedBy, this.#greetedByQueueToken] = [null, null, true];
      }
    } catch {
      // The server closes, and the close says what becomes of us.
    }
  }

  /**
   * @param {import('./errors.js').FrontrowError} error
   * @param {{accessToken?: string | null, queueToken?: string | null}} by The tokens of the hello.
   */
  #helloRefused(error, { accessToken, queueToken }) {
    if (this.#ended || error.reason === 'DISCONNECTED') return; // The link tries again by itself.
    if (error.retryable) {
      this.#link.restart(error.reason === 'TIMEOUT' ? undefined : (Number(error.data.retry_after_ms) || 1000) * (1 + Math.random()));
      return;
    }
    if (accessToken && this.#queueToken) {
      this.#accessToken = null; // The place may still be good.
      this.#restart();
      return;
    }
    if (queueToken && this.#accessToken) {
      this.#forgetQueue();
      this.#restart();
      return;
    }
    this.#end(new ClosedError('CLOSED', error.message, { cause: error, data: { reason: error.reason } }));
  }

  #restart() {
    this.#greeted = false;
    this.#calls.lost();
    this.#link.restart();
  }

  /** @param {any} frame */
  #frame(frame) {
    if (frame === null || typeof frame !== 'object') return;
    if (typeof frame.method !== 'string') {
      this.#calls.answer(frame);
      return;
    }
    const { method, params } = frame;
    switch (method) {
      case 'queue.update':
        this.#takeQueue(params, false);
        break;
      case 'seats.update':
        this.#takeDelta(params);
        break;
      case 'reservation.update':
        this.#takeReservation(params);
        break;
      case 'balance.update':
        this.#takeBalance(params);
        break;
      case 'sale.update':
        this.emit('sale', params);
        // A server of before says nothing of revisions.
        if (this.#revision !== null && params.concert_id === this.queue?.concert_id && (params.revision ?? 0) > this.#revision) {
          this.#revision = params.revision;
          this.emit('outdated', { concertId: params.concert_id });
        }
        break;
      case 'hello.again':
        void this.#greetAgain(params.within_ms);
        break;
      default:
        this.emit('push', { method, params });
    }
  }

  /**
   * @param {import('./wire.js').QueueUpdate} update
   * @param {boolean} asked Whether it answers a request of ours, so that it may name another token.
   */
  #takeQueue(update, asked) {
    const { place, news } = this.#known.takeQueue(update, asked);
    if (news === 'queue') this.#queueToken = place.token;
    if (news) this.emit(news, place);
    return place;
  }

  /**
   * @template {{balance: number, currency?: string | null}} T
   * @param {T} wallet A wallet, or an answer that says what is left in it.
   * @returns {T}
   */
  #takeBalance(wallet) {
    this.emit('balance', { balance: wallet.balance, ...(wallet.currency ? { currency: wallet.currency } : {}) });
    return wallet;
  }

  #forgetQueue() {
    this.#known.forgetQueue();
    this.#queueToken = null;
  }

  /** @param {import('./wire.js').SeatsDelta} delta */
  #takeDelta(delta) {
    const watch = this.#watches.get(delta.schedule_id);
    if (watch?.model.apply(delta) === 'gap') void this.#refresh(delta.schedule_id).catch(() => {});
  }

  /**
   * @param {import('./wire.js').Reservation} reservation
   * @returns {import('./wire.js').Reservation}
   */
  #takeReservation(reservation) {
    const { reservation: newest, isNews } = this.#known.takeReservation(reservation);
    if (isNews) this.emit('reservation', newest);
    return newest;
  }

  /**
   * Hello names every open reservation: one that was open here and is not named ended while we were away.
   * @param {import('./wire.js').Hello} hello
   */
  #takeOpenReservations(hello) {
    const named = hello.reservations;
    if (!named) return;
    const lost = this.#known.hasLost(named);
    for (const reservation of named) this.#takeReservation(reservation);
    // The list says how it ended (paid, expired, released elsewhere); it is not guessed.
    if (lost) void this.listReservations().catch(() => {});
  }

  async #refreshAll() {
    await Promise.all([...this.#watches.keys()].map((scheduleId) => this.#refresh(scheduleId).catch(() => {})));
  }

  /**
   * Brings one watched model up to date with a snapshot.
   * @param {number} scheduleId
   * @returns {Promise<void>}
   */
  #refresh(scheduleId) {
    const watch = this.#watches.get(scheduleId);
    if (!watch) return Promise.resolve();
    watch.model.suspend();
    watch.asking ??= this.#ask('seats.watch', { schedule_id: scheduleId }, this.#timeoutMs, (snapshot) => {
      watch.asking = null; // It is cleared at once: a gap right behind this frame needs another request.
      if (this.#watches.get(scheduleId) === watch) watch.model.load(snapshot);
    })
      .catch((error) => {
        watch.asking = null;
        if (this.#watches.get(scheduleId) === watch && watch.model.version >= 0) {
          this.#watches.delete(scheduleId);
          this.emit('unwatched', { scheduleId, error });
        }
        throw error;
      });
    return watch.asking;
  }

  /** @param {number} retryInMs */
  #lost(retryInMs) {
    this.#greeted = false;
    for (const { model } of this.#watches.values()) model.suspend();
    this.#calls.lost();
    if (deviceIsOffline()) {
      this.#setStatus('offline');
      this.emit('offline', null);
      return;
    }
    if (this.#everOnline) this.#setStatus('reconnecting');
    this.emit('reconnecting', { retryInMs });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #endedBy(code, reason) {
    this.#calls.lost();
    if (code === 4500 && this.#queueToken && this.#accessToken && !this.#greeted) {
      // One of the two is not known any more, but the other may be.
      if (this.#greetedBy) this.#forgetQueue();
      else this.#accessToken = null;
      this.#link.revive();
      return;
    }
    const why = { 4500: 'UNAUTHENTICATED', 4501: 'TOO_MANY_MALFORMED', 4502: 'TOO_MANY_CONNECTIONS' }[code] ?? 'CLOSED';
    this.#end(new ClosedError('CLOSED', reason || `the server closed with ${code}`, { data: { close_code: code, reason: why } }));
  }

  /** @param {ClosedError} error */
  #end(error) {
    this.#ended = error;
    this.#greeted = false;
    this.#leaveDevice.forEach((leave) => leave());
    for (const { model } of this.#watches.values()) model.suspend();
    this.#watches.clear();
    this.#link.end();
    this.#calls.fail(error);
    this.#setStatus('closed');
    this.emit('closed', error);
  }

  /** @param {ClientStatus} status */
  #setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    this.emit('status', status);
  }

  /** Browsers say when the network or the page comes back; both are moments to look at the connection. */
  #listenToDevice() {
    if (typeof globalThis.addEventListener !== 'function' || typeof globalThis.document === 'undefined') return;
    const wake = () => {
      if (globalThis.document.visibilityState === 'visible') this.#link.probe();
    };
    const online = () => {
      if (this.status === 'offline') this.#setStatus(this.#everOnline ? 'reconnecting' : 'connecting');
      this.#link.probe();
    };
    const offline = () => {
      if (this.status === 'closed') return;
      this.#setStatus('offline');
      this.emit('offline', null);
      this.#link.probe();
    };
    globalThis.addEventListener('online', online);
    globalThis.addEventListener('offline', offline);
    globalThis.document.addEventListener('visibilitychange', wake);
    this.#leaveDevice = [
      () => globalThis.removeEventListener('online', online),
      () => globalThis.removeEventListener('offline', offline),
      () => globalThis.document.removeEventListener('visibilitychange', wake),
    ];
  }
}

/** An id that makes a repeated request the same request. Also outside of secure contexts, unlike `randomUUID`. */
export function newRequestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @param {URL} server */
function websocketUrl(server) {
  const url = new URL('/ws', server);
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  return url.href;
}

function deviceIsOffline() {
  return globalThis.navigator?.onLine === false;
}
