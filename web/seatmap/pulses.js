/**
 * Rings around seats that have just changed hands: a freed one calls for a look, a taken one closes in, the fan's own one
 * answers.
 *
 * Always: a bounded number at a time, each for a bounded time. Not here: when to draw.
 */

/** @typedef {'freed' | 'taken' | 'own'} PulseKind */
/** @typedef {import('./colours.js').Theme} Theme */

const PULSE_MS = Object.freeze({ freed: 1200, taken: 450, own: 500 });
/** More would be noise to the eye and work for nothing. */
const PULSES_MAX = 120;

export class Pulses {
  /** The pulses by seat.
   * @type {Map<number, {kind: PulseKind, begun: number}>} */
  #running = new Map();

  get isEmpty() {
    return this.#running.size === 0;
  }

  clear() {
    this.#running.clear();
  }

  /** @param {number} seat @param {PulseKind} kind */
  begin(seat, kind) {
    if (this.#running.size >= PULSES_MAX) this.#running.delete(/** @type {number} */ (this.#running.keys().next().value));
    this.#running.set(seat, { kind, begun: performance.now() });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {{theme: Theme, radius: number, isCalm: boolean, placeOf: (seat: number) => {x: number, y: number}}} look `radius` of
   *   a seat and the places are in pixels of the canvas; `isCalm`: nothing is to move.
   * @param {number} now
   */
  draw(context, { theme, radius, isCalm, placeOf }, now) {
    for (const [seat, { kind, begun }] of this.#running) {
      const age = Math.max(0, (now - begun) / PULSE_MS[kind]);
      if (age >= 1) {
        this.#running.delete(seat);
        continue;
      }
      const { x, y } = placeOf(seat);
      // A freed seat wears a still ring for the same time where motion is not wanted.
      const grown = isCalm ? 0.5 : age;
      const size = kind === 'taken' ? 1.9 - grown * 0.8 : 1.1 + grown * 1.1;
      context.globalAlpha = isCalm ? 0.9 : 1 - age ** 2;
      context.strokeStyle = kind === 'freed' ? theme.accent : kind === 'own' ? theme.own : theme.muted;
      context.lineWidth = Math.max(1.5, radius * 0.22);
      context.beginPath();
      context.arc(x, y, radius * size, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}
