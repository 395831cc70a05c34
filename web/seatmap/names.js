/**
 * Sections' names over the map while their seats are too small to read, with how many are free where there is room.
 *
 * Always: no name covers another one, and a full plate leaves most of its section to be seen.
 */

/** @typedef {import('./painter.js').Painter} Painter */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

/** The numbers of free seats are counted anew this often at most. */
const COUNT_EVERY_MS = 400;

export class SectionNames {
  /** @type {Map<number, {free: string, full: HTMLCanvasElement, short: HTMLCanvasElement}>} */
  #plates = new Map();
  #stale = true;
  #countedAt = -Infinity;
  #free = new Uint32Array(0);
  #map;

  /** @param {import('./index.js').FrontrowSeatmap} map */
  constructor(map) {
    this.#map = map;
  }

  /** Other words, other colours, another venue. */
  reset() {
    this.#plates.clear();
    this.#stale = true;
    this.#countedAt = -Infinity;
  }

  /** Some seat changed. */
  touch() {
    this.#stale = true;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Painter} painter
   * @param {import('./camera.js').Camera} camera
   * @param {number} dpr
   * @param {number} now
   */
  draw(context, painter, camera, dpr, now) {
    if (painter.zones.length < 2) return;
    if (this.#stale && now - this.#countedAt >= COUNT_EVERY_MS) {
      this.#stale = false;
      this.#countedAt = now;
      this.#free = this.#map.freeByZone();
    }
    /** @type {Box[]} */
    const placed = [];
    for (const { zone, bounds } of painter.zones) {
      if (zone.seats === 0) continue;
      const { x, y } = camera.toView(zone.x, zone.y);
      if (x < -80 || y < -40 || x > camera.width + 80 || y > camera.height + 40) continue;
      const { full, short } = this.#plateOf(zone, painter, dpr);
      const room = (bounds.maxX - bounds.minX) * camera.scale * dpr;
      const high = (bounds.maxY - bounds.minY) * camera.scale * dpr;
      for (const plate of [full, short]) {
        if (plate === full ? full.width > room * 0.8 || full.height > high * 0.6 : short.width > room * 1.2 || short.height > high * 1.2) continue;
        const box = { x: Math.round(x * dpr - plate.width / 2), y: Math.round(y * dpr - plate.height / 2), width: plate.width, height: plate.height };
        if (placed.some((other) => overlap(box, other))) continue;
        placed.push(box);
        context.drawImage(plate, box.x, box.y);
        break;
      }
    }
  }

  /**
   * @param {import('./venue.js').VenueZone} zone
   * @param {Painter} painter
   * @param {number} dpr
   */
  #plateOf(zone, { theme, written }, dpr) {
    const name = zone.short || this.#map.words.unnamedZone;
    const free = this.#map.words.free(this.#free[zone.index] ?? 0);
    const known = this.#plates.get(zone.index);
    if (known?.free === free) return known;
    // Where the plan itself writes the section's name, once is enough.
    const once = written.has(zone.name) || written.has(zone.short);
    const made = {
      free,
      full: plateWith(once ? [free] : [name, free], theme, dpr),
      short: known?.short ?? plateWith(once ? [] : [name], theme, dpr),
    };
    this.#plates.set(zone.index, made);
    return made;
  }
}

/** @param {Box} a @param {Box} b */
function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * @param {string[]} lines The first one in bold.
 * @param {import('./colours.js').Theme} theme
 * @param {number} dpr
 */
function plateWith(lines, theme, dpr) {
  const canvas = document.createElement('canvas');
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const fonts = [`700 ${12 * dpr}px ${theme.font}`, `500 ${11 * dpr}px ${theme.font}`];
  const widths = lines.map((line, index) => {
    context.font = fonts[index];
    return context.measureText(line).width;
  });
  const [padX, line] = [5 * dpr, 14 * dpr];
  canvas.width = Math.ceil(Math.max(0, ...widths) + padX * 2);
  canvas.height = Math.ceil(line * lines.length + 4 * dpr);
  if (lines.length === 0) return canvas;
  context.globalAlpha = 0.92;
  context.fillStyle = theme.paper;
  context.beginPath();
  context.roundRect(0, 0, canvas.width, canvas.height, 5 * dpr);
  context.fill();
  context.globalAlpha = 1;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  lines.forEach((text, index) => {
    context.font = fonts[index];
    context.fillStyle = index === 0 ? theme.ink : theme.muted;
    context.fillText(text, canvas.width / 2, 2 * dpr + line * (index + 0.5));
  });
  return canvas;
}
