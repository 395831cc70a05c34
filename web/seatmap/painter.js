/**
 * Draws a rectangle of the venue at a scale: paper, sections, areas, row labels, seats.
 *
 * Always: what it draws depends on the venue, the theme and the seats' states alone, so that a part can be drawn again at
 * any time and fits what is around it. Not here: what moves (focus, hover, pulses), which is drawn over it.
 */
import { contrast, css, inkOn, mix, pixelReader } from './colours.js';
import { Grid } from './grid.js';
import { trace } from './shapes.js';
import { RADIUS_SHARE, areaBox } from './venue.js';

/** @typedef {import('./venue.js').Venue} Venue */
/** @typedef {import('./colours.js').Theme} Theme */
/** @typedef {import('./words.js').SeatLook} SeatLook */

/** Below this diameter in device pixels a seat is a dot without a shape. */
const SHAPE_FROM = 4.5;
const ROW_LABELS_FROM = 11;
const NUMBERS_FROM = 21;
const UNDER_SEATS_CONTRAST_MAX = 1.18;
const AREA_CONTRAST_LEAST = 1.25;
/** A few scales, each with the sizes of seats that stand close. */
const SPRITES_KEPT = 24;

/** Sprites, in the order of their columns in the sheet. */
const LOOKS = Object.freeze({ available: 0, faded: 1, held: 2, sold: 3, own: 4, notForSale: 5 });

/**
 * @typedef {object} PaintSource
 * @property {(seat: number) => SeatLook} stateOf
 * @property {(category: number) => boolean} shows
 */

export class Painter {
  /** @type {Map<number, {sheet: HTMLCanvasElement, cell: number}>} Sprites by diameter. */
  #sprites = new Map();

  /**
   * @param {Venue} venue
   * @param {Theme} theme
   * @param {PaintSource} source
   */
  constructor(venue, theme, source) {
    this.venue = venue;
    this.theme = theme;
    this.source = source;
    this.radius = venue.spacing * RADIUS_SHARE;
    /** Sections' names that the plan writes itself, beside the seats, and how high their letters are in its units.
     * @type {Map<string, number>} */
    this.written = new Map();
    const names = new Set(venue.zones.flatMap(({ name, short }) => [name, short]));
    const pixel = pixelReader();
    const paper = pixel(theme.paper);
    const dark = contrast(paper, [0, 0, 0]) < 6;
    this.areas = venue.layout.areas.map((area) => {
      const given = area.color && !/^transparent$/i.test(area.color) ? pixel(area.color) : null;
      const box = areaBox(area);
      // A plan is drawn for white paper; on dark paper its surfaces step back. What seats stand on keeps so close to
      // the paper that they stand out from it as well.
      const under = given ? holdsSeats(venue, box) : false;
      const fill = given && (under ? nearTo(paper, given) : farFrom(paper, dark ? mix(paper, given, 0.35) : given));
      const words = area.text?.text?.trim() ?? '';
      // A section's name that lies under its seats cannot be read; the map writes it over them.
      const hidden = names.has(words) && liesUnderSeats(venue, area);
      if (names.has(words) && !hidden) this.written.set(words, area.text?.size || venue.spacing * 0.8);
      // A text alone stands on the paper, whatever colour its shape would have.
      const ground = area.shape === 'text' ? paper : (fill ?? paper);
      const wanted = area.text?.color ? pixel(area.text.color) : inkOn(ground);
      return {
        area,
        fill: fill && css(fill),
        border: area.border_color && !/^transparent$/i.test(area.border_color) ? css(dark ? mix(paper, pixel(area.border_color), 0.5) : pixel(area.border_color)) : null,
        text: css(contrast(wanted, ground) >= 4.5 ? wanted : inkOn(ground)),
        words: hidden ? '' : words,
        under: under ? box : null,
        reach: areaReach(area, box),
      };
    });
    this.zones = venue.zones.map((zone) => {
      // A section that the plan outlines itself needs no tint of ours, which is only about as exact.
      const tinted = !this.areas.some(({ under }) => under && zone.x > under.minX && zone.x < under.maxX && zone.y > under.minY && zone.y < under.maxY);
      return { ...zoneShape(zone, venue.spacing), tinted };
    });
    const labels = rowLabels(venue);
    this.labels = labels;
    this.labelGrid = new Grid(labels.x, labels.y, venue.spacing * 6);
  }

  /** The colour of a seat that is only a dot. @param {number} seat @param {SeatLook} look */
  #dot(seat, look) {
    const category = this.venue.category[seat];
    const { theme } = this;
    if (look === 'available') return this.source.shows(category) ? theme.categories[category].fill : theme.categories[category].faded;
    return look === 'own' ? theme.own : look === 'held' ? theme.muted : theme.line;
  }

  /**
   * @param {CanvasRenderingContext2D} context Its pixel (0, 0) shows the venue's point (left, top).
   * @param {number} scale Device pixels per unit.
   * @param {number} left
   * @param {number} top
   * @param {{x: number, y: number, width: number, height: number}} part Pixels to draw; the rest stays.
   */
  paint(context, scale, left, top, part) {
    const { venue, theme } = this;
    const [minX, minY] = [left + part.x / scale, top + part.y / scale];
    const [maxX, maxY] = [minX + part.width / scale, minY + part.height / scale];
    context.save();
    context.beginPath();
    context.rect(part.x, part.y, part.width, part.height);
    context.clip();
    context.fillStyle = theme.paper;
    context.fillRect(part.x, part.y, part.width, part.height);
    context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
    for (const { zone, path, pad, bounds, tinted } of this.zones) {
      if (!tinted || bounds.maxX < minX || bounds.minX > maxX || bounds.maxY < minY || bounds.minY > maxY) continue;
      const { tint } = theme.categories[zone.category];
      context.fillStyle = context.strokeStyle = tint;
      context.lineJoin = context.lineCap = 'round';
      context.lineWidth = pad * 2;
      context.fill(path);
      context.stroke(path);
    }
    for (const drawn of this.areas) {
      const { reach } = drawn;
      if (reach.maxX >= minX && reach.minX <= maxX && reach.maxY >= minY && reach.minY <= maxY) this.#area(context, drawn);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    const diameter = this.radius * 2 * scale;
    if (diameter >= ROW_LABELS_FROM) this.#rowLabels(context, scale, left, top, minX, minY, maxX, maxY);
    const around = this.radius * 1.4;
    if (diameter < SHAPE_FROM) this.#dots(context, scale, left, top, diameter, minX - around, minY - around, maxX + around, maxY + around);
    else {
      const usual = this.#spritesOf(diameter);
      const numbered = diameter >= NUMBERS_FROM;
      if (numbered) {
        context.font = `600 ${Math.round(diameter * 0.42)}px ${theme.font}`;
        context.textAlign = 'center';
        context.textBaseline = 'middle';
      }
      venue.grid.within(minX - around, minY - around, maxX + around, maxY + around, (seat) => {
        const [x, y] = [(venue.x[seat] - left) * scale, (venue.y[seat] - top) * scale];
        const category = venue.category[seat];
        const look = this.source.stateOf(seat);
        const shown = look === 'available' && !this.source.shows(category) ? 'faded' : look;
        const share = venue.share[seat];
        const { sheet, cell } = share === 1 ? usual : this.#spritesOf(Math.max(1, diameter * share));
        context.drawImage(sheet, LOOKS[shown] * cell, category * cell, cell, cell, Math.round(x - cell / 2), Math.round(y - cell / 2), cell, cell);
        if (numbered && look === 'available' && share > 0.6) {
          context.fillStyle = shown === 'faded' ? theme.muted : theme.categories[category].ink;
          context.fillText(venue.number(seat), Math.round(x), Math.round(y) + 0.5, diameter * 0.86);
        }
      });
    }
    context.restore();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} scale
   * @param {number} left
   * @param {number} top
   * @param {number} diameter
   * @param {number} minX
   * @param {number} minY
   * @param {number} maxX
   * @param {number} maxY
   */
  #dots(context, scale, left, top, diameter, minX, minY, maxX, maxY) {
    const { venue } = this;
    // Dots are drawn by colour: setting one costs more than drawing a dot.
    /** @type {Map<string, number[]>} */
    const byColour = new Map();
    venue.grid.within(minX, minY, maxX, maxY, (seat) => {
      const colour = this.#dot(seat, this.source.stateOf(seat));
      const seats = byColour.get(colour);
      if (seats) seats.push(seat);
      else byColour.set(colour, [seat]);
    });
    // Whole pixels, and never wider than from one seat to the next, or it would lie over it.
    const usual = Math.max(1, Math.min(Math.round(diameter), Math.floor(venue.spacing * scale)));
    for (const [colour, seats] of byColour) {
      context.fillStyle = colour;
      for (const seat of seats) {
        const size = venue.share[seat] === 1 ? usual : Math.max(1, Math.floor(usual * venue.share[seat]));
        context.fillRect(Math.round((venue.x[seat] - left) * scale - size / 2), Math.round((venue.y[seat] - top) * scale - size / 2), size, size);
      }
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context The canvas, in the plan's units.
   * @param {{area: import('../sdk/wire.js').LayoutArea, fill: string | null, border: string | null, text: string, words: string}} drawn
   */
  #area(context, { area, fill, border, text, words }) {
    context.save();
    context.translate(area.position.x, area.position.y);
    context.rotate(((area.rotation ?? 0) * Math.PI) / 180);
    context.beginPath();
    if (area.shape === 'rectangle' && area.rectangle) context.roundRect(0, 0, area.rectangle.width, area.rectangle.height, this.venue.spacing * 0.4);
    else if (area.shape === 'circle' && area.circle) context.arc(0, 0, area.circle.radius, 0, 2 * Math.PI);
    else if (area.shape === 'ellipse' && area.ellipse) context.ellipse(0, 0, area.ellipse.radius.x, area.ellipse.radius.y, 0, 0, 2 * Math.PI);
    else if (area.shape === 'polygon' && area.polygon) {
      area.polygon.points.forEach(({ x, y }, corner) => (corner === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
      context.closePath();
    }
    if (fill && area.shape !== 'text') {
      context.fillStyle = fill;
      context.fill();
    }
    if (border && area.shape !== 'text') {
      context.strokeStyle = border;
      context.lineWidth = this.venue.spacing * 0.08;
      context.stroke();
    }
    if (area.text && words) {
      context.fillStyle = text;
      context.font = `650 ${area.text.size || this.venue.spacing * 0.8}px ${this.theme.font}`;
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.fillText(words, area.text.position?.x ?? 0, area.text.position?.y ?? 0);
    }
    context.restore();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} scale
   * @param {number} left
   * @param {number} top
   * @param {number} minX
   * @param {number} minY
   * @param {number} maxX
   * @param {number} maxY
   */
  #rowLabels(context, scale, left, top, minX, minY, maxX, maxY) {
    const { labels, venue, theme } = this;
    const around = venue.spacing * 1.5;
    context.fillStyle = theme.muted;
    context.font = `600 ${Math.round(Math.min(15 * (globalThis.devicePixelRatio || 1), venue.spacing * scale * 0.42))}px ${theme.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    this.labelGrid.within(minX - around, minY - around, maxX + around, maxY + around, (label) => {
      context.fillText(labels.text[label], (labels.x[label] - left) * scale, (labels.y[label] - top) * scale, venue.spacing * scale * 1.2);
    });
  }

  /** One sheet for each diameter: categories down, looks across. @param {number} diameter */
  #spritesOf(diameter) {
    const key = Math.round(diameter * 4);
    let sprites = this.#sprites.get(key);
    if (!sprites) {
      // Every settled scale has its own; a few are enough, since going back draws them anew in a moment.
      if (this.#sprites.size >= SPRITES_KEPT) this.#dropSprites(/** @type {number} */ (this.#sprites.keys().next().value));
      sprites = this.#drawSprites(key / 4);
      this.#sprites.set(key, sprites);
    }
    return sprites;
  }

  /** @param {number} key */
  #dropSprites(key) {
    const { sheet } = /** @type {{sheet: HTMLCanvasElement}} */ (this.#sprites.get(key));
    sheet.width = sheet.height = 0; // Frees its memory now, not at some collection.
    this.#sprites.delete(key);
  }

  /** Nothing is painted any more. */
  free() {
    for (const key of [...this.#sprites.keys()]) this.#dropSprites(key);
  }

  /** @param {number} diameter */
  #drawSprites(diameter) {
    const { theme } = this;
    const cell = Math.ceil(diameter * 1.4) + 4;
    const sheet = document.createElement('canvas');
    sheet.width = cell * Object.keys(LOOKS).length;
    sheet.height = cell * Math.max(1, theme.categories.length);
    const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext('2d'));
    const r = diameter / 2;
    const thin = Math.max(1, diameter * 0.07);
    context.lineJoin = context.lineCap = 'round';
    theme.categories.forEach((colours, category) => {
      /** @param {keyof typeof LOOKS} look @param {(x: number, y: number) => void} draw */
      const at = (look, draw) => {
        context.beginPath();
        draw((LOOKS[look] + 0.5) * cell, (category + 0.5) * cell);
      };
      at('available', (x, y) => {
        trace(context, category, x, y, r);
        context.fillStyle = colours.fill;
        context.fill();
      });
      at('faded', (x, y) => {
        trace(context, category, x, y, r);
        context.fillStyle = colours.faded;
        context.fill();
      });
      at('held', (x, y) => {
        trace(context, category, x, y, r - thin);
        context.strokeStyle = theme.muted;
        context.lineWidth = thin;
        context.stroke();
        context.beginPath();
        context.moveTo(x - r * 0.42, y + r * 0.42);
        context.lineTo(x + r * 0.42, y - r * 0.42);
        context.stroke();
      });
      at('sold', (x, y) => {
        context.arc(x, y, Math.max(0.8, r * 0.36), 0, 2 * Math.PI);
        context.fillStyle = theme.line;
        context.fill();
      });
      // As of a seat that is held, an outline, and a bar across it that no seat has: it is not to be had.
      at('notForSale', (x, y) => {
        trace(context, category, x, y, r - thin);
        context.strokeStyle = theme.line;
        context.lineWidth = thin;
        context.stroke();
        context.beginPath();
        context.moveTo(x - r * 0.42, y);
        context.lineTo(x + r * 0.42, y);
        context.stroke();
      });
      at('own', (x, y) => {
        trace(context, category, x, y, r * 1.06 - thin * 0.65);
        context.fillStyle = theme.own;
        context.fill();
        context.strokeStyle = theme.ownInk;
        context.lineWidth = thin * 1.3;
        context.stroke();
        if (diameter < 8) return;
        context.beginPath();
        context.moveTo(x - r * 0.42, y + r * 0.04);
        context.lineTo(x - r * 0.1, y + r * 0.36);
        context.lineTo(x + r * 0.46, y - r * 0.32);
        context.lineWidth = Math.max(1.2, diameter * 0.11);
        context.stroke();
      });
    });
    return { sheet, cell };
  }
}

/**
 * @param {import('./venue.js').VenueZone} zone
 * @param {number} spacing
 */
function zoneShape(zone, spacing) {
  const path = new Path2D();
  const bounds = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity };
  const pad = spacing * 0.85;
  zone.outline.forEach(({ x, y }, corner) => {
    if (corner === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
    bounds.minX = Math.min(bounds.minX, x - pad);
    bounds.minY = Math.min(bounds.minY, y - pad);
    bounds.maxX = Math.max(bounds.maxX, x + pad);
    bounds.maxY = Math.max(bounds.maxY, y + pad);
  });
  path.closePath();
  return { zone, path, pad, bounds };
}

/**
 * The bounds of an area, its text included.
 * @param {import('../sdk/wire.js').LayoutArea} area
 * @param {{minX: number, minY: number, maxX: number, maxY: number}} box
 */
function areaReach({ position, text }, box) {
  if (!text?.text) return box;
  // Letters are at most about as wide as high; the direction of the text may be any.
  const far = Math.hypot(text.position?.x ?? 0, text.position?.y ?? 0) + ((text.size ?? 16) * text.text.length) / 2;
  return {
    minX: Math.min(box.minX, position.x - far),
    minY: Math.min(box.minY, position.y - far),
    maxX: Math.max(box.maxX, position.x + far),
    maxY: Math.max(box.maxY, position.y + far),
  };
}

/** Whether the middle of an area's text is where seats are. @param {Venue} venue @param {import('../sdk/wire.js').LayoutArea} area */
function liesUnderSeats(venue, { position, rotation, text }) {
  const [x, y] = [text?.position?.x ?? 0, text?.position?.y ?? 0];
  const [sin, cos] = [Math.sin(((rotation ?? 0) * Math.PI) / 180), Math.cos(((rotation ?? 0) * Math.PI) / 180)];
  return venue.grid.nearest(position.x + x * cos - y * sin, position.y + x * sin + y * cos, venue.spacing * 1.2) >= 0;
}

/** @param {Venue} venue @param {{minX: number, minY: number, maxX: number, maxY: number}} box */
function holdsSeats(venue, { minX, minY, maxX, maxY }) {
  let seats = 0;
  venue.grid.within(minX, minY, maxX, maxY, () => seats++);
  return seats > 0;
}

/** @param {import('./colours.js').Rgb} paper @param {import('./colours.js').Rgb} colour @returns {import('./colours.js').Rgb} */
function nearTo(paper, colour) {
  let share = 1;
  while (share > 0.05 && contrast(paper, mix(paper, colour, share)) > UNDER_SEATS_CONTRAST_MAX) share *= 0.8;
  return mix(paper, colour, share);
}

/** @param {import('./colours.js').Rgb} paper @param {import('./colours.js').Rgb} colour @returns {import('./colours.js').Rgb} */
function farFrom(paper, colour) {
  const towards = inkOn(paper);
  let far = colour;
  for (let share = 0.04; share < 1 && contrast(paper, far) < AREA_CONTRAST_LEAST; share += 0.04) far = mix(colour, towards, share);
  return far;
}

/** Row labels stand beside the first and the last seat, in the row's direction. @param {Venue} venue */
function rowLabels(venue) {
  const rows = venue.rows.filter((row) => row.label && row.seats.length > 0);
  const [x, y] = [new Float32Array(rows.length * 2), new Float32Array(rows.length * 2)];
  /** @type {string[]} */
  const text = [];
  rows.forEach((row, index) => {
    const first = row.seats[0];
    const last = row.seats[row.seats.length - 1];
    const [dx, dy] = [venue.x[last] - venue.x[first], venue.y[last] - venue.y[first]];
    const length = Math.hypot(dx, dy) || 1;
    const [ux, uy] = first === last ? [1, 0] : [dx / length, dy / length];
    x[index * 2] = venue.x[first] - ux * venue.spacing;
    y[index * 2] = venue.y[first] - uy * venue.spacing;
    x[index * 2 + 1] = venue.x[last] + ux * venue.spacing;
    y[index * 2 + 1] = venue.y[last] + uy * venue.spacing;
    text.push(row.label, row.label);
  });
  return { x, y, text };
}
