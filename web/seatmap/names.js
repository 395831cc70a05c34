/**
 * Sections' names over the map while their seats are too small to read, with how many are free where there is room.
 *
 * Always: no name covers another one, and a full plate leaves most of its section to be seen.
 */

/** @typedef {import('./painter.js').Painter} Painter */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

/** The numbers of free seats are counted anew this often at most. */
const COUNT_EVERY_MS = 400;
/** Letters of so many CSS pixels are read. */
const LEGIBLE_FROM = 9;
/** Sizes of a plate in CSS pixels: the letters', and the edge's around them. */
const USUAL = Object.freeze({ name: 12, free: 11, line: 14, padX: 5, padY: 2 });
const TINY = Object.freeze({ name: 9, free: 9, line: 10, padX: 1.5, padY: 0.5 });

export class SectionNames {
  /** @type {Map<number, {free: string, once: boolean, full: HTMLCanvasElement, short: HTMLCanvasElement, tiny: HTMLCanvasElement}>} */
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
    for (const { full, short, tiny } of this.#plates.values()) discard(full, short, tiny);
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
      const { full, short, tiny } = this.#plateOf(zone, painter, camera.scale, dpr);
      const room = (bounds.maxX - bounds.minX) * camera.scale * dpr;
      const high = (bounds.maxY - bounds.minY) * camera.scale * dpr;
      for (const plate of [full, short, tiny]) {
        if (plate === full ? full.width > room * 0.8 || full.height > high * 0.6 : plate.width > room * 1.2 || plate.height > high * 1.2) continue;
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
   * @param {number} scale CSS pixels per unit.
   * @param {number} dpr
   */
  #plateOf(zone, { theme, written }, scale, dpr) {
    const name = zone.short || this.#map.words.unnamedZone;
    const free = this.#map.words.free(this.#free[zone.index] ?? 0);
    const known = this.#plates.get(zone.index);
    // One name of a section is enough where the plan itself writes it, as soon as one can read it.
    const once = (written.get(zone.name) ?? written.get(zone.short) ?? 0) * scale >= LEGIBLE_FROM;
    if (known?.free === free && known.once === once) return known;
    const kept = known?.once === once ? known : null;
    const made = {
      free,
      once,
      full: plateWith(once ? [free] : [name, free], theme, dpr),
      short: kept?.short ?? plateWith(once ? [] : [name], theme, dpr),
      tiny: kept?.tiny ?? plateWith(once ? [] : [name], theme, dpr, TINY),
    };
    if (known) discard(known.full, ...(kept ? [] : [known.short, known.tiny]));
    this.#plates.set(zone.index, made);
    return made;
  }
}

/** Their memory goes now, not at some collection. @param {HTMLCanvasElement[]} canvases */
function discard(...canvases) {
  for (const canvas of canvases) canvas.width = canvas.height = 0;
}

/** @param {Box} a @param {Box} b */
function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * @param {string[]} lines The first one in bold.
 * @param {import('./colours.js').Theme} theme
 * @param {number} dpr
 * @param {Record<keyof typeof USUAL, number>} [size]
 */
function plateWith(lines, theme, dpr, size = USUAL) {
  const canvas = document.createElement('canvas');
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const fonts = [`700 ${size.name * dpr}px ${theme.font}`, `500 ${size.free * dpr}px ${theme.font}`];
  const widths = lines.map((line, index) => {
    context.font = fonts[index];
    return context.measureText(line).width;
  });
  const [padX, padY, line] = [size.padX * dpr, size.padY * dpr, size.line * dpr];
  canvas.width = Math.ceil(Math.max(0, ...widths) + padX * 2);
  canvas.height = Math.ceil(line * lines.length + padY * 2);
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
    context.fillText(text, canvas.width / 2, padY + line * (index + 0.5));
  });
  return canvas;
}
