/**
 * The position in words: to the eye the section under the middle of the view, to a screen reader the place of the
 * keyboard and what happens to that seat, nothing else.
 *
 * Always: a text is written only when it is another one, since each writing may be read out.
 */

/** @typedef {import('./index.js').FrontrowSeatmap} FrontrowSeatmap */
/** @typedef {import('./venue.js').Venue} Venue */
/** @typedef {import('./camera.js').Camera} Camera */
/** @typedef {import('./keyboard.js').Focus} Focus */

export class Announcer {
  #map;
  #where;
  #spoken;
  /** The point at which the section was last looked up. */
  #at = { x: NaN, y: NaN };

  /**
   * @param {FrontrowSeatmap} map
   * @param {HTMLElement} where The text for the eye.
   * @param {HTMLElement} spoken The text for screen readers.
   */
  constructor(map, where, spoken) {
    this.#map = map;
    this.#where = where;
    this.#spoken = spoken;
  }

  /** Another venue: the section has to be looked up again. */
  reset() {
    this.#at = { x: NaN, y: NaN };
  }

  /**
   * The section under the middle of the view.
   * @param {Venue} venue
   * @param {Camera} camera
   * @param {boolean} isNear Whether seats are large enough for it to be one.
   */
  showSection(venue, camera, isNear) {
    const near = isNear && venue.zones.length > 1 && !camera.isWhole;
    if (this.#where.hidden === near) this.#where.hidden = !near;
    if (!near || (this.#at.x === camera.x && this.#at.y === camera.y)) return;
    this.#at = { x: camera.x, y: camera.y };
    const furthest = Math.max(camera.width, camera.height) / camera.scale;
    let seat = -1;
    for (let reach = venue.spacing * 2; seat < 0 && reach < furthest * 2; reach *= 3) seat = venue.grid.nearest(this.#at.x, this.#at.y, reach);
    write(this.#where, seat < 0 ? '' : this.#nameOf(venue.zones[venue.zoneOf(seat)]));
  }

  /**
   * The place of the keyboard.
   * @param {Venue} venue
   * @param {Focus} focus
   */
  say(venue, focus) {
    const zone = focus.kind === 'zone' ? venue.zones[focus.index] : null;
    const { words } = this.#map;
    write(this.#spoken, zone ? `${this.#nameOf(zone)}, ${words.free(this.#map.freeByZone()[zone.index])}` : this.#map.describe(focus.index));
  }

  /** @param {{name: string}} zone */
  #nameOf(zone) {
    return zone.name || this.#map.words.unnamedZone;
  }
}

/** @param {HTMLElement} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
