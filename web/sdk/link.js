/**
 * One websocket at a time, kept up: connects, notices when it is dead, connects again.
 *
 * Always: at most one socket is listened to. A socket that was given up is never listened to again, even if the network
 * delivers its frames later. Close codes from 4500 and those that say "you broke the protocol" end the link; every other
 * end is followed by another attempt after a jittered pause. Not here: what the frames mean.
 */

/** @typedef {'idle' | 'connecting' | 'open' | 'pausing' | 'ended'} LinkState */

/**
 * The part of a WebSocket class that the client needs: the browser's, Node's own (from 22) and that of the `ws` package fit.
 * @typedef {{
 *   new (url: string, protocols?: string | string[]): WebSocketLike,
 * }} WebSocketClass
 * @typedef {object} WebSocketLike
 * @property {number} readyState
 * @property {(data: string) => void} send
 * @property {(code?: number, reason?: string) => void} close
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} onerror
 */

/**
 * @typedef {object} LinkTimes All in milliseconds.
 * @property {number} connect A socket that is not open by then is given up.
 * @property {number} quiet The time without a frame after which a ping is sent.
 * @property {number} quietWaiting The same while an answer is waited for.
 * @property {number} answer The time after that ping when the connection counts as dead.
 * @property {number} backoffFirst The first pause between attempts, before jitter.
 * @property {number} backoffMax
 */

/** @type {LinkTimes} */
export const LINK_TIMES = Object.freeze({
  connect: 10_000,
  // The server pings every 20 s, but a page cannot see that; a question of our own is as cheap.
  quiet: 25_000,
  quietWaiting: 4_000,
  answer: 5_000,
  backoffFirst: 500,
  backoffMax: 15_000,
});

const CLOSE_RESTARTING = 1012;
/** Protocol error, binary frame, not UTF-8, frame too large: the next connection would end the same way. */
const CLOSE_BROKEN = Object.freeze([1002, 1003, 1007, 1009]);
const CLOSE_FOR_GOOD_FROM = 4500;
const CLOSE_FOR_GOOD_TO = 4999;
/** Everybody comes back within this time after "restarting", spread evenly. */
const RESTART_SPREAD_MS = 5_000;
const TICK_MS = 500;

/**
 * The pause before an attempt: half of it fixed, half random, so that fans who lost the server together come back apart.
 * @param {number} failures Attempts that failed in a row, from 0.
 * @param {{backoffFirst: number, backoffMax: number}} times
 * @param {() => number} [random] Numbers in [0, 1).
 */
export function backoff(failures, { backoffFirst, backoffMax }, random = Math.random) {
  const ceiling = Math.min(backoffMax, backoffFirst * 2 ** Math.min(failures, 20));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/**
 * @typedef {object} LinkHandlers
 * @property {() => void} onOpen The socket is open: say hello.
 * @property {(frame: any) => void} onFrame A parsed frame.
 * @property {(retryInMs: number) => void} onLost The socket broke or never opened; the next attempt is in so long.
 * @property {(code: number, reason: string) => void} onEnded The server ended it for good.
 * @property {() => void} onQuiet Nothing came for a while: ask something, any frame will do as an answer.
 * @property {() => boolean} isWaiting Whether an answer is waited for.
 */

export class Link {
  /** @type {LinkState} */
  state = 'idle';
  /** @type {WebSocketLike | null} */
  #socket = null;
  #failures = 0;
  #lastFrameAt = 0;
  #askedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticker;

  #url;
  #WebSocket;
  #times;
  #handlers;

  /**
   * @param {string} url
   * @param {WebSocketClass} WebSocketClass
   * @param {LinkTimes} times
   * @param {LinkHandlers} handlers
   */
  constructor(url, WebSocketClass, times, handlers) {
    this.#url = url;
    this.#WebSocket = WebSocketClass;
    this.#times = times;
    this.#handlers = handlers;
  }

  /** Connects now, whatever pause was left. */
  connect() {
    if (this.state === 'connecting' || this.state === 'open') return;
    clearTimeout(this.#timer);
    this.state = 'connecting';
    this.#timer = setTimeout(() => this.#lose(), this.#times.connect);
    const socket = new this.#WebSocket(this.#url, ['frontrow.v1']);
    this.#socket = socket;
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.state = 'open';
      this.#received();
      this.#ticker = setInterval(() => this.#tick(), TICK_MS);
      this.#handlers.onOpen();
    };
    socket.onmessage = (event) => {
      this.#received();
      if (typeof event.data !== 'string') return;
      let frame;
      try {
        frame = JSON.parse(event.data);
      } catch {
        this.#lose(); // This is not our server, or a proxy's words: nothing after it can be trusted.
        return;
      }
      this.#handlers.onFrame(frame);
    };
    socket.onclose = (event) => {
      const code = Number(event?.code ?? 1006);
      if (CLOSE_BROKEN.includes(code) || (code >= CLOSE_FOR_GOOD_FROM && code <= CLOSE_FOR_GOOD_TO)) {
        this.end();
        this.#handlers.onEnded(code, String(event?.reason ?? ''));
      } else if (code === CLOSE_RESTARTING) this.#lose(Math.random() * RESTART_SPREAD_MS);
      else this.#lose();
    };
    // An error is always followed by a close; without a listener the `ws` class would throw.
    socket.onerror = () => {};
  }

  /** @param {string} text */
  send(text) {
    if (this.state === 'open') this.#socket?.send(text);
  }

  /** The server took our hello: the next failure is the first again. */
  succeeded() {
    this.#failures = 0;
  }

  /** Gives this connection up and takes another one after `pauseMs`; without it, after the usual pause. */
  restart(pauseMs = 0) {
    if (this.state !== 'ended') this.#lose(pauseMs);
  }

  /** A reason to doubt the connection (the device woke up, the network changed): ask now. */
  probe() {
    if (this.state === 'open') this.#ask();
    else if (this.state === 'pausing') this.connect();
  }

  /** Goes on after the server ended it, because there is another way to say hello. */
  revive() {
    this.state = 'idle';
    this.connect();
  }

  /** Ends it for good. */
  end() {
    this.#drop();
    this.state = 'ended';
  }

  #tick() {
    const now = Date.now();
    if (this.#askedAt > 0) {
      if (now - this.#askedAt >= this.#times.answer) this.#lose();
      return;
    }
    const quiet = this.#handlers.isWaiting() ? this.#times.quietWaiting : this.#times.quiet;
    if (now - this.#lastFrameAt >= quiet) this.#ask();
  }

  #ask() {
    if (this.#askedAt === 0) this.#askedAt = Date.now();
    this.#handlers.onQuiet();
  }

  #received() {
    this.#lastFrameAt = Date.now();
    this.#askedAt = 0;
  }

  /** @param {number} [pauseMs] */
  #lose(pauseMs = backoff(this.#failures, this.#times)) {
    this.#failures++;
    this.#drop();
    this.state = 'pausing';
    this.#timer = setTimeout(() => this.connect(), pauseMs);
    this.#handlers.onLost(pauseMs);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {};
    // The closing handshake takes minutes on a dead network; nobody waits for it.
    socket.close();
  }
}
