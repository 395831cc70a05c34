/**
 * The drawn venue as square pictures, so that moving about is copying and only what changed is drawn again.
 *
 * Always: a frame is filled at once, if need be with a coarser picture, and sharpened as time allows; the number of
 * pictures is bounded. A picture belongs to a scale; the first scale, which shows the whole venue, is kept for ever.
 */

/** @typedef {import('./painter.js').Painter} Painter */

const TILE = 512;
/** The number of tiles that are kept; if more are in sight, those and half as many again: going back a little costs no drawing. */
const TILES_KEPT = 24;
const KEPT_BEYOND_SIGHT = 1.5;
/** Canvases that wait to be used again. */
const SPARE_MAX = 4;
/**
 * A picture may be shown this much larger or smaller than it was drawn before another scale is drawn. Shown at half its
 * size, a view takes four times the pictures.
 */
const STRETCH_MAX = 1.5;
const SHRINK_MAX = 0.6;
/** More changes than this in one picture, and it is drawn as a whole. */
const PATCHES_MAX = 48;
/** The whole venue is drawn at about so many pixels. */
const WHOLE_PIXELS = 1000;

/**
 * @typedef {object} Tile
 * @property {HTMLCanvasElement} canvas
 * @property {CanvasRenderingContext2D} context
 * @property {number} left Its left edge in the plan's units.
 * @property {number} top
 * @property {number} usedAt Number of the frame.
 * @property {{x: number, y: number, width: number, height: number}[] | 'all'} stale The parts that have to be drawn again.
 */

/**
 * @typedef {object} Level
 * @property {number} scale Device pixels per unit.
 * @property {Map<number, Tile>} tiles
 */

export class Tiles {
  /** @type {Level} */
  #whole;
  /** @type {Level} */
  #level;
  /** The level before, shown while the new one is drawn.
   * @type {Level | null} */
  #before = null;
  #frame = 0;
  /** @type {HTMLCanvasElement[]} Canvases of dropped pictures, to be used again. */
  #spare = [];

  #painter;
  #bounds;

  /**
   * @param {Painter} painter
   * @param {{minX: number, minY: number, maxX: number, maxY: number}} bounds The venue's bounds.
   */
  constructor(painter, bounds) {
    this.#painter = painter;
    this.#bounds = bounds;
    const extent = Math.max(bounds.maxX - bounds.minX, bounds.maxY - bounds.minY);
    this.#whole = { scale: WHOLE_PIXELS / extent, tiles: new Map() };
    this.#level = this.#whole;
  }

  /** The number of pictures. */
  get size() {
    const levels = new Set([this.#whole, this.#level, ...(this.#before ? [this.#before] : [])]);
    return [...levels].reduce((sum, level) => sum + level.tiles.size, 0);
  }

  /** Their bytes, those of pictures that wait to be used again included. */
  get bytes() {
    return (this.size + this.#spare.length) * TILE * TILE * 4;
  }

  /**
   * A place of the venue looks different now.
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  invalidate(x, y, reach) {
    for (const level of new Set([this.#whole, this.#level, this.#before])) {
      if (!level) continue;
      const r = Math.ceil(reach * level.scale) + 2;
      const [px, py] = [Math.round(x * level.scale), Math.round(y * level.scale)];
      for (let row = Math.floor((py - r) / TILE); row <= Math.floor((py + r) / TILE); row++) {
        for (let column = Math.floor((px - r) / TILE); column <= Math.floor((px + r) / TILE); column++) {
          const tile = level.tiles.get(keyOf(column, row));
          if (!tile || tile.stale === 'all') continue;
          tile.stale.push({ x: px - r - column * TILE, y: py - r - row * TILE, width: 2 * r, height: 2 * r });
          if (tile.stale.length > PATCHES_MAX) tile.stale = 'all';
        }
      }
    }
  }

  /** Everything looks different now. */
  invalidateAll() {
    for (const level of [this.#whole, this.#level, this.#before]) {
      for (const tile of level?.tiles.values() ?? []) tile.stale = 'all';
    }
  }

  /**
   * Draws at exactly this scale from now on; for when the view came to rest.
   * @param {number} scale Device pixels per unit.
   */
  sharpen(scale) {
    if (Math.abs(this.#level.scale / scale - 1) > 0.001) this.#use(scale);
  }

  /** @param {number} scale */
  #use(scale) {
    if (this.#before && this.#before !== this.#whole) this.#drop(this.#before);
    this.#before = this.#level === this.#whole ? null : this.#level;
    this.#level = Math.abs(this.#whole.scale / scale - 1) <= 0.001 ? this.#whole : { scale, tiles: new Map() };
  }

  /** Nothing is drawn any more: the memory goes now, not at some collection. */
  free() {
    for (const level of new Set([this.#whole, this.#level, this.#before])) {
      for (const { canvas } of level?.tiles.values() ?? []) canvas.width = canvas.height = 0;
      level?.tiles.clear();
    }
    for (const canvas of this.#spare) canvas.width = canvas.height = 0;
    this.#spare = [];
  }

  /** @param {Level} level */
  #drop(level) {
    for (const tile of level.tiles.values()) this.#keep(tile.canvas);
    level.tiles.clear();
  }

  /** @param {HTMLCanvasElement} canvas */
  #keep(canvas) {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(canvas);
    else canvas.width = canvas.height = 0; // Frees its memory now, not at some collection.
  }

  /**
   * Fills the picture of the view.
   * @param {CanvasRenderingContext2D} context
   * @param {{left: number, top: number, scale: number, width: number, height: number}} view `left`, `top` in the plan's
   *   units, `scale` in device pixels per unit, the size in device pixels.
   * @param {number} until The time, as of `performance.now()`, to stop drawing new pictures; one is always drawn.
   * @returns {boolean} Whether all is as it should be; false: call again in the next frame.
   */
  draw(context, view, until) {
    this.#frame++;
    const stretch = view.scale / this.#level.scale;
    if (stretch > STRETCH_MAX || stretch < SHRINK_MAX) this.#use(view.scale);
    const level = this.#level;
    const needed = this.#inView(level, view);
    let complete = true;
    let drawn = 0;
    const mayDraw = () => drawn === 0 || performance.now() < until;
    // The middle first: that is where one looks.
    for (const { column, row } of needed) {
      const tile = level.tiles.get(keyOf(column, row));
      if (tile && tile.stale.length === 0) continue;
      if (!mayDraw()) {
        complete = false;
        break;
      }
      this.#freshen(level, tile ?? this.#add(level, column, row));
      drawn++;
    }
    const whole = needed.every(({ column, row }) => level.tiles.has(keyOf(column, row)));
    if (!whole || !this.#fills(view)) {
      context.fillStyle = this.#painter.theme.paper;
      context.fillRect(0, 0, view.width, view.height);
    }
    if (!whole) {
      this.#copy(context, this.#whole, view, mayDraw);
      if (this.#before && this.#before !== this.#whole) this.#copy(context, this.#before, view, () => false);
    }
    this.#copy(context, level, view, () => false);
    if (complete) this.#before = this.#before && (this.#drop(this.#before), null);
    this.#forget(needed.length);
    return complete;
  }

  /** Draws the pictures of the whole venue into a small one. @param {CanvasRenderingContext2D} context @param {{left: number, top: number, scale: number, width: number, height: number}} view */
  drawWhole(context, view) {
    context.fillStyle = this.#painter.theme.paper;
    context.fillRect(0, 0, view.width, view.height);
    this.#copy(context, this.#whole, view, () => true);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Level} level
   * @param {{left: number, top: number, scale: number, width: number, height: number}} view
   * @param {() => boolean} mayDraw Whether missing and stale pictures may be drawn.
   */
  #copy(context, level, view, mayDraw) {
    const stretch = view.scale / level.scale;
    const [left, top] = [view.left * view.scale, view.top * view.scale];
    context.imageSmoothingEnabled = Math.abs(stretch - 1) > 0.0005;
    context.imageSmoothingQuality = stretch < 0.5 ? 'medium' : 'low';
    for (const { column, row } of this.#inView(level, view)) {
      let tile = level.tiles.get(keyOf(column, row));
      if ((!tile || tile.stale.length > 0) && mayDraw()) this.#freshen(level, (tile ??= this.#add(level, column, row)));
      if (!tile) continue;
      tile.usedAt = this.#frame;
      // Whole pixels on every side, or seams would show between neighbours.
      const [x, y] = [Math.round(column * TILE * stretch - left), Math.round(row * TILE * stretch - top)];
      const [endX, endY] = [Math.round((column + 1) * TILE * stretch - left), Math.round((row + 1) * TILE * stretch - top)];
      context.drawImage(tile.canvas, x, y, endX - x, endY - y);
    }
  }

  /**
   * @param {Level} level
   * @param {{left: number, top: number, scale: number, width: number, height: number}} view
   */
  #inView(level, view) {
    const side = TILE / level.scale;
    const [right, bottom] = [view.left + view.width / view.scale, view.top + view.height / view.scale];
    const { minX, minY, maxX, maxY } = this.#bounds;
    const found = [];
    // Beyond the venue there is paper, which needs no picture.
    for (let row = Math.floor(Math.max(view.top, minY) / side); row * side < Math.min(bottom, maxY); row++) {
      for (let column = Math.floor(Math.max(view.left, minX) / side); column * side < Math.min(right, maxX); column++) found.push({ column, row });
    }
    const [x, y] = [(view.left + right) / 2 / side - 0.5, (view.top + bottom) / 2 / side - 0.5];
    return found.sort((a, b) => Math.hypot(a.column - x, a.row - y) - Math.hypot(b.column - x, b.row - y));
  }

  /**
   * @param {Level} level
   * @param {number} column
   * @param {number} row
   * @returns {Tile}
   */
  #add(level, column, row) {
    const canvas = this.#spare.pop() ?? document.createElement('canvas');
    if (canvas.width !== TILE) canvas.width = canvas.height = TILE;
    // Opaque: copying needs no blending.
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }));
    const side = TILE / level.scale;
    /** @type {Tile} */
    const tile = { canvas, context, left: column * side, top: row * side, usedAt: this.#frame, stale: 'all' };
    level.tiles.set(keyOf(column, row), tile);
    return tile;
  }

  /**
   * @param {Level} level
   * @param {Tile} tile
   */
  #freshen(level, tile) {
    const parts = tile.stale === 'all' ? [{ x: 0, y: 0, width: TILE, height: TILE }] : tile.stale;
    for (const part of parts) this.#painter.paint(tile.context, level.scale, tile.left, tile.top, part);
    tile.stale = [];
  }

  /** Whether pictures cover all of the view. @param {{left: number, top: number, scale: number, width: number, height: number}} view */
  #fills({ left, top, scale, width, height }) {
    const { minX, minY, maxX, maxY } = this.#bounds;
    return left >= minX && top >= minY && left + width / scale <= maxX && top + height / scale <= maxY;
  }

  /** Drops what was not seen for longest, but never what is in sight or shows the whole venue. @param {number} inSight */
  #forget(inSight) {
    const { tiles } = this.#level;
    const most = Math.max(TILES_KEPT, Math.ceil(inSight * KEPT_BEYOND_SIGHT));
    if (this.#level === this.#whole || tiles.size <= most) return;
    const old = [...tiles].filter(([, tile]) => tile.usedAt < this.#frame).sort(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [key, tile] of old.slice(0, tiles.size - most)) {
      tiles.delete(key);
      this.#keep(tile.canvas);
    }
  }
}

/** @param {number} column @param {number} row */
function keyOf(column, row) {
  return (row + 0x8000) * 0x10000 + (column + 0x8000);
}
