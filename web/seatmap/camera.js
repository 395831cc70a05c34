/**
 * The part of the venue that is seen, and the way from one part to another.
 *
 * Always: some of the venue stays in sight, and the scale within its limits. `x`, `y` are the venue's point in the middle
 * of the view; `scale` is CSS pixels per unit of the plan.
 */

const GLIDE_STOPS_BELOW = 0.02; // px/ms
const GLIDE_HALVES_IN_MS = 130;

export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  /** Size of the view in CSS pixels. */
  width = 1;
  height = 1;
  minScale = 0.01;
  maxScale = 10;
  #bounds = { minX: 0, minY: 0, maxX: 1, maxY: 1 };
  /** @type {{from: {x: number, y: number, scale: number}, to: {x: number, y: number, scale: number}, begun: number, takes: number} | null} */
  #flight = null;
  /** @type {{vx: number, vy: number, at: number} | null} */
  #glide = null;

  /**
   * @param {{minX: number, minY: number, maxX: number, maxY: number}} bounds The bounds of what is to be seen, with its margin.
   * @param {number} spacing The usual distance between neighbours.
   */
  setVenue(bounds, spacing) {
    this.#bounds = bounds;
    this.#spacing = spacing;
    this.#limit();
  }
  #spacing = 1;

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.width = width;
    this.height = height;
    this.#limit();
  }

  #limit() {
    const { minX, minY, maxX, maxY } = this.#bounds;
    const fit = Math.min(this.width / (maxX - minX), this.height / (maxY - minY));
    this.minScale = fit;
    // Close up, neighbours are 52 px apart; a small plan may start closer than that.
    this.maxScale = Math.max(fit * 1.5, 52 / this.#spacing);
  }

  /** The place from which all is seen. */
  get whole() {
    const { minX, minY, maxX, maxY } = this.#bounds;
    return { x: (minX + maxX) / 2, y: (minY + maxY) / 2, scale: this.minScale };
  }

  get isWhole() {
    return this.scale <= this.minScale * 1.01;
  }

  get moving() {
    return this.#flight !== null || this.#glide !== null;
  }

  /** @param {number} x @param {number} y In CSS pixels of the view. */
  toVenue(x, y) {
    return { x: this.x + (x - this.width / 2) / this.scale, y: this.y + (y - this.height / 2) / this.scale };
  }

  /** @param {number} x @param {number} y In the plan's units. */
  toView(x, y) {
    return { x: (x - this.x) * this.scale + this.width / 2, y: (y - this.y) * this.scale + this.height / 2 };
  }

  /** @param {{x: number, y: number, scale: number}} place */
  jump(place) {
    this.stop();
    this.#set(place.x, place.y, place.scale);
  }

  /** @param {number} dx @param {number} dy Pixels that the venue moves by. */
  pan(dx, dy) {
    this.#flight = null;
    this.#set(this.x - dx / this.scale, this.y - dy / this.scale, this.scale);
  }

  /**
   * @param {number} factor
   * @param {number} x The pixel that stays where it is.
   * @param {number} y
   */
  zoom(factor, x, y) {
    this.stop();
    const fixed = this.toVenue(x, y);
    const scale = clamp(this.scale * factor, this.minScale, this.maxScale);
    this.#set(fixed.x - (x - this.width / 2) / scale, fixed.y - (y - this.height / 2) / scale, scale);
  }

  /**
   * @param {{x: number, y: number, scale: number}} to
   * @param {number} now The time in ms, as `step` gets it.
   * @param {number} takes The duration in ms; 0 jumps.
   */
  fly(to, now, takes) {
    this.stop();
    const target = { ...to, scale: clamp(to.scale, this.minScale, this.maxScale) };
    if (takes <= 0) this.jump(target);
    else this.#flight = { from: { x: this.x, y: this.y, scale: this.scale }, to: target, begun: now, takes };
  }

  /** Goes on by itself after a quick drag. @param {number} vx @param {number} vy In px/ms. @param {number} now */
  glide(vx, vy, now) {
    if (Math.hypot(vx, vy) > GLIDE_STOPS_BELOW * 5) this.#glide = { vx, vy, at: now };
  }

  stop() {
    this.#flight = null;
    this.#glide = null;
  }

  /** @param {number} now */
  step(now) {
    if (this.#flight) {
      const { from, to, begun, takes } = this.#flight;
      const t = clamp((now - begun) / takes, 0, 1);
      const eased = 1 - (1 - t) ** 3;
      const scale = from.scale * (to.scale / from.scale) ** eased;
      // The way follows the zoom, so that the target does not run off while getting larger.
      const way = Math.abs(to.scale / from.scale - 1) < 0.01 ? eased : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
      this.#set(from.x + (to.x - from.x) * way, from.y + (to.y - from.y) * way, scale);
      if (t >= 1) this.#flight = null;
    }
    if (this.#glide) {
      const { vx, vy, at } = this.#glide;
      const elapsed = clamp(now - at, 0, 100);
      const fade = 0.5 ** (elapsed / GLIDE_HALVES_IN_MS);
      this.#glide = { vx: vx * fade, vy: vy * fade, at: now };
      this.#set(this.x - (vx * elapsed) / this.scale, this.y - (vy * elapsed) / this.scale, this.scale);
      if (Math.hypot(vx, vy) < GLIDE_STOPS_BELOW) this.#glide = null;
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} scale
   */
  #set(x, y, scale) {
    const { minX, minY, maxX, maxY } = this.#bounds;
    this.scale = clamp(scale, this.minScale, this.maxScale);
    // Half a view beyond the edge at most; along an axis that fits, it stays in the middle.
    const [halfX, halfY] = [this.width / 2 / this.scale, this.height / 2 / this.scale];
    this.x = halfX * 2 >= maxX - minX ? (minX + maxX) / 2 : clamp(x, minX + halfX * 0.5, maxX - halfX * 0.5);
    this.y = halfY * 2 >= maxY - minY ? (minY + maxY) / 2 : clamp(y, minY + halfY * 0.5, maxY - halfY * 0.5);
  }
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}
