/**
 * The whole venue in a corner, with a window on what is seen; touching it goes there.
 *
 * Always: its picture is made from the map's own pictures, at most once a second; the window follows every frame.
 */

/** @typedef {import('./venue.js').Venue} Venue */

/** The longer side in CSS pixels, by whether the map is smaller than a hand. */
const SIDE = Object.freeze({ small: 76, large: 120 });
const SMALL_BELOW = 480;
const DRAWN_EVERY_MS = 1000;
/** It is of use when so many times closer than the whole. */
const SHOWN_FROM = 1.6;

export class Minimap {
  #stale = true;
  #drawnAt = -Infinity;
  /** CSS pixels per unit of the plan. */
  #scale = 1;
  #root;
  #context;
  #window;

  /**
   * @param {HTMLElement} root
   * @param {(at: {x: number, y: number}) => void} onJump Gets the point in the plan's units, from the venue's
   *   upper left corner.
   */
  constructor(root, onJump) {
    this.#root = root;
    const canvas = document.createElement('canvas');
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }));
    this.#window = document.createElement('div');
    this.#window.className = 'window';
    root.append(canvas, this.#window);
    /** @param {PointerEvent} event */
    const jump = (event) => {
      if (event.buttons === 0) return;
      const box = root.getBoundingClientRect();
      onJump({ x: (event.clientX - box.left) / this.#scale, y: (event.clientY - box.top) / this.#scale });
    };
    root.addEventListener('pointerdown', (event) => {
      root.setPointerCapture(event.pointerId);
      jump(event);
    });
    root.addEventListener('pointermove', jump);
  }

  /** Some seat changed. */
  touch() {
    this.#stale = true;
  }

  /**
   * The map has another size or venue.
   * @param {Venue} venue
   * @param {import('./camera.js').Camera} camera
   * @param {number} dpr
   */
  lay({ bounds, extent }, camera, dpr) {
    const side = Math.min(camera.width, camera.height) < SMALL_BELOW ? SIDE.small : SIDE.large;
    this.#scale = side / extent;
    const [width, height] = [(bounds.maxX - bounds.minX) * this.#scale, (bounds.maxY - bounds.minY) * this.#scale];
    this.#root.style.width = `${width}px`;
    this.#root.style.height = `${height}px`;
    const { canvas } = this.#context;
    canvas.width = Math.max(1, Math.round(width * dpr));
    canvas.height = Math.max(1, Math.round(height * dpr));
    this.#stale = true;
    this.#drawnAt = -Infinity;
  }

  /**
   * @param {Venue} venue
   * @param {import('./tiles.js').Tiles} tiles
   * @param {import('./camera.js').Camera} camera
   * @param {number} dpr
   * @param {number} now
   */
  draw({ bounds }, tiles, camera, dpr, now) {
    const shown = camera.scale > camera.minScale * SHOWN_FROM;
    if (this.#root.hidden === shown) this.#root.hidden = !shown;
    if (!shown) return;
    if (this.#stale && now - this.#drawnAt >= DRAWN_EVERY_MS) {
      this.#stale = false;
      this.#drawnAt = now;
      const { width, height } = this.#context.canvas;
      tiles.drawWhole(this.#context, { left: bounds.minX, top: bounds.minY, scale: this.#scale * dpr, width, height });
    }
    const [width, height] = [(camera.width / camera.scale) * this.#scale, (camera.height / camera.scale) * this.#scale];
    const [x, y] = [(camera.x - bounds.minX) * this.#scale - width / 2, (camera.y - bounds.minY) * this.#scale - height / 2];
    this.#window.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    this.#window.style.width = `${width.toFixed(1)}px`;
    this.#window.style.height = `${height.toFixed(1)}px`;
  }
}
