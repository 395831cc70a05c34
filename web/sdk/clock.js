/**
 * The server's time on a device whose own clock may be wrong.
 *
 * Always: the sample with the shortest round trip counts, because half of it bounds the error. A sample that no round
 * trip explains means that the device's clock was set; then everything before it is forgotten.
 */

const SAMPLES_MAX = 8;
/** Clocks drift apart by some 50 ppm: after ten minutes a sample may be 30 ms off, so it makes room for newer ones. */
const SAMPLE_AGE_MAX_MS = 10 * 60_000;
/** Allowed beyond the round trips before a contradiction is believed. */
const SLACK_MS = 250;

export class ServerClock {
  /** @type {{offset: number, roundTrip: number, at: number}[]} */
  #samples = [];

  /** @param {() => number} [now] Milliseconds of the device's clock. */
  constructor(now = () => Date.now()) {
    this.#now = now;
  }

  #now;

  /**
   * @param {number} sentAt Device time when the question left, in ms.
   * @param {number} receivedAt Device time when the answer came, in ms.
   * @param {string} serverTime The server's time in the answer.
   */
  sample(sentAt, receivedAt, serverTime) {
    const server = Date.parse(serverTime);
    const roundTrip = receivedAt - sentAt;
    if (!Number.isFinite(server) || roundTrip < 0) return;
    const offset = server - (sentAt + receivedAt) / 2;
    const best = this.#best();
    if (best && Math.abs(best.offset - offset) > (best.roundTrip + roundTrip) / 2 + SLACK_MS) this.#samples = [];
    this.#samples = this.#samples.filter((sample) => receivedAt - sample.at < SAMPLE_AGE_MAX_MS);
    this.#samples.push({ offset, roundTrip, at: receivedAt });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Server time minus device time, in ms. */
  get offset() {
    return this.#best()?.offset ?? 0;
  }

  /** The server's time now, in ms since 1970. */
  now() {
    return this.#now() + this.offset;
  }

  #best() {
    /** @type {{offset: number, roundTrip: number, at: number} | undefined} */
    let best;
    for (const sample of this.#samples) if (!best || sample.roundTrip <= best.roundTrip) best = sample;
    return best;
  }
}
