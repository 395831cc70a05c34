/**
 * The map itself: canvas, minimap, details card, keyboard.
 *
 * Always: a frame is drawn only when something changed; drawing new pictures takes a bounded part of a frame. Screen
 * readers hear where the keyboard is and what happens to that seat, nothing else.
 */
import { Camera } from './camera.js';
import { readTheme } from './colours.js';
import { listen } from './gestures.js';
import { Painter } from './painter.js';
import { isArrow, nextSeat, towards } from './steps.js';
import { Tiles } from './tiles.js';

/** @typedef {import('./index.js').FrontrowSeatmap} FrontrowSeatmap */
/** @typedef {import('./venue.js').Venue} Venue */
/** @typedef {{kind: 'zone', index: number} | {kind: 'seat', index: number}} Focus */
/** @typedef {'freed' | 'taken' | 'own'} PulseKind */

/** Time for new pictures in a frame of 16 ms, and in the first one, where an empty map is worse than a late one. */
const DRAW_MS = 5;
const DRAW_FIRST_MS = 60;
/** So long after the last movement the view is drawn sharp. */
const SETTLE_MS = 140;
const FLY_MS = 420;
const PULSE_MS = Object.freeze({ freed: 1200, taken: 450, own: 500 });
/** More would be noise to the eye and work for nothing. */
const PULSES_MAX = 120;
/** A seat can be picked when its diameter is at least so many CSS pixels; below, a tap goes closer. */
const PICK_FROM = Object.freeze({ mouse: 9, touch: 18 });
/** Distance between neighbours, in CSS pixels, that going closer leads to. */
const CLOSE_UP = 34;
const PULSE_TAKEN_FROM = 6;
/** Sections wear their names while seats are smaller than this. */
const NAMES_BELOW = 8;
const DPR_MAX = 2;
/** The longer side of the minimap in CSS pixels, by whether the map is smaller than a hand. */
const MINIMAP = Object.freeze({ small: 76, large: 120 });
const SMALL_BELOW = 480;
const MINIMAP_EVERY_MS = 1000;
const NAMES_EVERY_MS = 400;

export class SeatMapView {
  camera = new Camera();
  /** @type {Venue | null} */
  #venue = null;
  /** @type {Painter | null} */
  #painter = null;
  /** @type {Tiles | null} */
  #tiles = null;
  /** @type {Focus | null} */
  #focus = null;
  /** @type {number} The seat under the pointer, or -1. */
  #hovered = -1;
  /** @type {Map<number, {kind: PulseKind, begun: number}>} */
  #pulses = new Map();
  /** @type {Map<number, {key: string, full: HTMLCanvasElement, short: HTMLCanvasElement}>} */
  #names = new Map();
  #namesStale = true;
  #namesAt = -Infinity;
  #freeByZone = new Uint32Array(0);
  #frame = 0;
  #settle = 0;
  #drawnOnce = false;
  #minimapAt = -Infinity;
  #minimapStale = true;
  #dpr = 1;
  #seen = false;

  #map;
  #root;
  #canvas;
  #context;
  #card;
  #minimap;
  #minimapContext;
  #window;
  #how;
  #spoken;
  #probe;
  #controls;
  /** @type {ResizeObserver} */
  #resizes;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  /**
   * @param {FrontrowSeatmap} map
   * @param {HTMLElement} root
   */
  constructor(map, root) {
    this.#map = map;
    this.#root = root;
    root.innerHTML = `
      <canvas class="seats" tabindex="0" role="application" aria-describedby="how"></canvas>
      <p class="hidden" id="how"></p>
      <p class="hidden" role="status"></p>
      <div class="card" hidden></div>
      <div class="controls">
        <button type="button" data-zoom="1.8"></button>
        <button type="button" data-zoom="0.5556"></button>
        <button type="button" data-zoom="0"></button>
      </div>
      <div class="minimap" aria-hidden="true" hidden><canvas></canvas><div class="window"></div></div>
      <span class="probe" aria-hidden="true"></span>`;
    /** @template {Element} T @param {string} selector @returns {T} */
    const find = (selector) => /** @type {T} */ (root.querySelector(selector));
    this.#canvas = /** @type {HTMLCanvasElement} */ (find('canvas.seats'));
    this.#context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d', { alpha: false }));
    this.#how = find('#how');
    this.#spoken = find('[role=status]');
    this.#card = /** @type {HTMLElement} */ (find('.card'));
    this.#controls = /** @type {HTMLElement} */ (find('.controls'));
    this.#minimap = /** @type {HTMLElement} */ (find('.minimap'));
    const small = /** @type {HTMLCanvasElement} */ (find('.minimap canvas'));
    this.#minimapContext = /** @type {CanvasRenderingContext2D} */ (small.getContext('2d', { alpha: false }));
    this.#window = /** @type {HTMLElement} */ (find('.window'));
    this.#probe = /** @type {HTMLElement} */ (find('.probe'));
    this.#resizes = new ResizeObserver(() => this.#resize());
    this.#listen();
    this.setWords();
  }

  // ------------------------------------------------------------------ what the element tells

  connect() {
    this.#resizes.observe(this.#root);
  }

  disconnect() {
    this.#resizes.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearTimeout(this.#settle);
  }

  setWords() {
    const { words } = this.#map;
    this.#canvas.setAttribute('aria-label', words.map);
    this.#how.textContent = words.instructions;
    const labels = [words.zoomIn, words.zoomOut, words.whole];
    const signs = ['+', '−', '⤢'];
    this.#controls.querySelectorAll('button').forEach((button, index) => {
      button.setAttribute('aria-label', labels[index]);
      button.textContent = signs[index];
    });
    this.#names.clear();
    this.#namesStale = true;
    this.#schedule();
  }

  /** Another venue, or the page's colours changed. @param {{keepPlace?: boolean}} [options] */
  rebuild({ keepPlace = false } = {}) {
    const venue = this.#map.venue;
    if (this.#venue !== venue) {
      this.#venue = venue;
      this.#focus = null;
      this.#hovered = -1;
      this.#pulses.clear();
      this.#drawnOnce = false;
    }
    this.#names.clear();
    this.#painter = this.#tiles = null;
    if (!venue) return this.#schedule();
    const theme = readTheme(this.#probe, venue.categories);
    this.#painter = new Painter(venue, theme, this.#map);
    this.#tiles = new Tiles(this.#painter, venue.bounds);
    this.camera.setVenue(venue.bounds, venue.spacing);
    if (!keepPlace) this.camera.jump(this.camera.whole);
    this.#minimapStale = this.#namesStale = true;
    this.#minimapAt = this.#namesAt = -Infinity;
    this.#schedule();
  }

  get theme() {
    return this.#painter?.theme ?? null;
  }

  /** All seats may look different: a snapshot, another filter. */
  refreshAll() {
    this.#tiles?.invalidateAll();
    this.#namesStale = this.#minimapStale = true;
    this.#schedule();
  }

  /**
   * @param {number} seat
   * @param {PulseKind | null} pulse
   */
  refresh(seat, pulse) {
    const venue = this.#venue;
    const painter = this.#painter;
    if (!venue || !painter) return;
    this.#tiles?.invalidate(venue.x[seat], venue.y[seat], painter.radius * 1.4);
    this.#namesStale = this.#minimapStale = true;
    // Seen from afar a dot that changes says enough; only what frees is worth a look.
    if (pulse && (pulse !== 'taken' || this.#diameter >= PULSE_TAKEN_FROM) && this.#inView(seat)) {
      if (this.#pulses.size >= PULSES_MAX) this.#pulses.delete(/** @type {number} */ (this.#pulses.keys().next().value));
      this.#pulses.set(seat, { kind: pulse, begun: performance.now() });
    }
    if (this.#focus?.kind === 'seat' && this.#focus.index === seat) this.#say();
    if (this.#card.dataset.seat === String(seat)) this.#fillCard(seat);
    this.#schedule();
  }

  /** Goes where these seats are. @param {readonly number[]} seats */
  show(seats) {
    const venue = this.#venue;
    if (!venue || seats.length === 0) return;
    const x = seats.reduce((sum, seat) => sum + venue.x[seat], 0) / seats.length;
    const y = seats.reduce((sum, seat) => sum + venue.y[seat], 0) / seats.length;
    this.#fly({ x, y, scale: Math.max(this.camera.scale, CLOSE_UP / venue.spacing) });
  }

  // ------------------------------------------------------------------ drawing

  #resize() {
    const box = this.#root.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) return; // Hidden behind the list.
    this.#dpr = Math.min(DPR_MAX, devicePixelRatio || 1);
    const [width, height] = [Math.round(box.width * this.#dpr), Math.round(box.height * this.#dpr)];
    const whole = !this.#seen || this.camera.isWhole;
    this.#seen = true;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.camera.resize(box.width, box.height);
    if (whole) this.camera.jump(this.camera.whole); // Otherwise a flight under way goes on.
    this.#layOutMinimap();
    this.#draw(performance.now()); // At once: resizing cleared the canvas.
  }

  #schedule() {
    if (!this.#frame && this.#root.isConnected) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  /** @param {number} now */
  #draw(now) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const tiles = this.#tiles;
    const { camera } = this;
    if (!tiles || !this.#seen || this.#root.hidden) return;
    if (camera.moving) {
      camera.step(now);
      this.#moved();
    }
    const scale = camera.scale * this.#dpr;
    const [width, height] = [this.#canvas.width, this.#canvas.height];
    const view = { left: camera.x - width / 2 / scale, top: camera.y - height / 2 / scale, scale, width, height };
    const until = performance.now() + (this.#drawnOnce ? DRAW_MS : DRAW_FIRST_MS);
    const complete = tiles.draw(this.#context, view, until);
    this.#drawNames(now);
    this.#drawPulses(now);
    this.#drawMarks();
    this.#drawMinimap(now);
    if (!this.#drawnOnce && complete) {
      this.#drawnOnce = true;
      this.#map.dispatchEvent(new CustomEvent('seatmap-drawn'));
    }
    if (!complete || camera.moving || this.#pulses.size > 0) this.#schedule();
  }

  /** The view is elsewhere: draw, and once it rests draw it sharp. */
  #moved() {
    clearTimeout(this.#settle);
    this.#settle = window.setTimeout(() => {
      this.#tiles?.sharpen(this.camera.scale * this.#dpr);
      this.#schedule();
    }, SETTLE_MS);
    this.#schedule();
  }

  /** @param {number} seat */
  #inView(seat) {
    const venue = /** @type {Venue} */ (this.#venue);
    const { x, y } = this.camera.toView(venue.x[seat], venue.y[seat]);
    return x > -20 && y > -20 && x < this.camera.width + 20 && y < this.camera.height + 20;
  }

  /** A seat's diameter in CSS pixels. */
  get #diameter() {
    return this.#painter ? this.#painter.radius * 2 * this.camera.scale : 0;
  }

  /** @param {number} now */
  #drawPulses(now) {
    const context = this.#context;
    const painter = /** @type {Painter} */ (this.#painter);
    const { theme, venue } = painter;
    const radius = Math.max(2.5, painter.radius * this.camera.scale) * this.#dpr;
    for (const [seat, { kind, begun }] of this.#pulses) {
      const age = (now - begun) / PULSE_MS[kind];
      if (age >= 1) {
        this.#pulses.delete(seat);
        continue;
      }
      const { x, y } = this.camera.toView(venue.x[seat], venue.y[seat]);
      // Without motion a freed seat wears a still ring for the same time.
      const grown = this.#calm.matches ? 0.5 : Math.max(0, age);
      const size = kind === 'taken' ? 1.9 - grown * 0.8 : 1.1 + grown * 1.1;
      context.globalAlpha = this.#calm.matches ? 0.9 : 1 - Math.max(0, age) ** 2;
      context.strokeStyle = kind === 'freed' ? theme.accent : kind === 'own' ? theme.own : theme.muted;
      context.lineWidth = Math.max(1.5, radius * 0.22);
      context.beginPath();
      context.arc(x * this.#dpr, y * this.#dpr, radius * size, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** Where the pointer and the keyboard are. */
  #drawMarks() {
    const { theme, venue, zones, radius } = /** @type {Painter} */ (this.#painter);
    const context = this.#context;
    const scale = this.camera.scale * this.#dpr;
    /** @param {number} seat @param {string} colour @param {number} width */
    const ring = (seat, colour, width) => {
      const { x, y } = this.camera.toView(venue.x[seat], venue.y[seat]);
      context.beginPath();
      context.arc(x * this.#dpr, y * this.#dpr, Math.max(radius * scale, 4 * this.#dpr) * 1.35, 0, 2 * Math.PI);
      context.strokeStyle = colour;
      context.lineWidth = width * this.#dpr;
      context.stroke();
    };
    if (this.#hovered >= 0) ring(this.#hovered, theme.ink, 1.5);
    if (!this.#focus || this.#map.shadowRoot?.activeElement !== this.#canvas) return;
    if (this.#focus.kind === 'seat') {
      ring(this.#focus.index, theme.paper, 5);
      ring(this.#focus.index, theme.focus, 3);
      return;
    }
    const { path, pad } = zones[this.#focus.index];
    const { x, y } = this.camera.toView(0, 0);
    context.save();
    context.setTransform(scale, 0, 0, scale, x * this.#dpr, y * this.#dpr);
    context.lineJoin = 'round';
    context.strokeStyle = theme.focus;
    context.lineWidth = Math.max((3 * this.#dpr) / scale, pad * 0.4);
    context.stroke(path);
    context.restore();
  }

  /** @param {number} now */
  #drawNames(now) {
    const venue = /** @type {Venue} */ (this.#venue);
    if (this.#diameter >= NAMES_BELOW || venue.zones.length < 2) return;
    if (this.#namesStale && now - this.#namesAt >= NAMES_EVERY_MS) {
      this.#namesStale = false;
      this.#namesAt = now;
      this.#freeByZone = this.#map.freeByZone();
    }
    const zones = /** @type {Painter} */ (this.#painter).zones;
    /** @type {{x: number, y: number, width: number, height: number}[]} */
    const placed = [];
    for (const { zone, bounds } of zones) {
      if (zone.seats === 0) continue;
      const { x, y } = this.camera.toView(zone.x, zone.y);
      if (x < -80 || y < -40 || x > this.camera.width + 80 || y > this.camera.height + 40) continue;
      const { full, short } = this.#nameOf(zone);
      const room = (bounds.maxX - bounds.minX) * this.camera.scale * this.#dpr;
      const high = (bounds.maxY - bounds.minY) * this.camera.scale * this.#dpr;
      for (const sprite of [full, short]) {
        // The full plate must leave most of its section to be seen.
        if (sprite === full ? full.width > room * 0.8 || full.height > high * 0.6 : short.width > room * 1.2 || short.height > high * 1.2) continue;
        const box = { x: Math.round(x * this.#dpr - sprite.width / 2), y: Math.round(y * this.#dpr - sprite.height / 2), width: sprite.width, height: sprite.height };
        if (placed.some((other) => overlap(box, other))) continue;
        placed.push(box);
        this.#context.drawImage(sprite, box.x, box.y);
        break;
      }
    }
  }

  /** @param {import('./venue.js').VenueZone} zone */
  #nameOf(zone) {
    const { theme, written } = /** @type {Painter} */ (this.#painter);
    const name = zone.short || this.#map.words.unnamedZone;
    const free = this.#map.words.free(this.#freeByZone[zone.index] ?? 0);
    const known = this.#names.get(zone.index);
    if (known?.key === free) return known;
    // Where the plan itself writes the section's name, once is enough.
    const once = written.has(zone.name) || written.has(zone.short);
    const made = {
      key: free,
      full: once ? plate([free], theme, this.#dpr) : plate([name, free], theme, this.#dpr),
      short: known?.short ?? plate(once ? [] : [name], theme, this.#dpr),
    };
    this.#names.set(zone.index, made);
    return made;
  }

  // ------------------------------------------------------------------ minimap

  get #minimapSide() {
    return Math.min(this.camera.width, this.camera.height) < SMALL_BELOW ? MINIMAP.small : MINIMAP.large;
  }

  #layOutMinimap() {
    const venue = this.#venue;
    if (!venue) return;
    const { minX, minY, maxX, maxY } = venue.bounds;
    const scale = this.#minimapSide / Math.max(maxX - minX, maxY - minY);
    const [width, height] = [(maxX - minX) * scale, (maxY - minY) * scale];
    this.#minimap.style.inlineSize = `${width}px`;
    this.#minimap.style.blockSize = `${height}px`;
    const { canvas } = this.#minimapContext;
    canvas.width = Math.round(width * this.#dpr);
    canvas.height = Math.round(height * this.#dpr);
    this.#minimapStale = true;
    this.#minimapAt = -Infinity;
  }

  /** @param {number} now */
  #drawMinimap(now) {
    const { camera } = this;
    const { bounds } = /** @type {Venue} */ (this.#venue);
    const shown = camera.scale > camera.minScale * 1.6;
    this.#root.classList.toggle('whole', camera.isWhole);
    if (this.#minimap.hidden === shown) this.#minimap.hidden = !shown;
    if (!shown) return;
    const scale = this.#minimapSide / Math.max(bounds.maxX - bounds.minX, bounds.maxY - bounds.minY);
    if (this.#minimapStale && now - this.#minimapAt >= MINIMAP_EVERY_MS) {
      this.#minimapStale = false;
      this.#minimapAt = now;
      const { canvas } = this.#minimapContext;
      if (canvas.width === 0) this.#layOutMinimap();
      this.#tiles?.drawWhole(this.#minimapContext, {
        left: bounds.minX,
        top: bounds.minY,
        scale: scale * this.#dpr,
        width: canvas.width,
        height: canvas.height,
      });
    }
    const [w, h] = [(camera.width / camera.scale) * scale, (camera.height / camera.scale) * scale];
    const [x, y] = [(camera.x - bounds.minX) * scale - w / 2, (camera.y - bounds.minY) * scale - h / 2];
    this.#window.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    this.#window.style.width = `${w.toFixed(1)}px`;
    this.#window.style.height = `${h.toFixed(1)}px`;
  }

  // ------------------------------------------------------------------ pointer

  #listen() {
    listen(this.#canvas, {
      begin: () => {
        this.camera.stop();
        this.#hideCard();
      },
      pan: (dx, dy) => {
        this.camera.pan(dx, dy);
        this.#moved();
      },
      zoom: (factor, x, y) => {
        this.camera.zoom(factor, x, y);
        this.#moved();
      },
      fling: (vx, vy) => {
        if (!this.#calm.matches) this.camera.glide(vx, vy, performance.now());
        this.#moved();
      },
      tap: (x, y, touch) => this.#tap(x, y, touch),
      doubleTap: (x, y) => this.#closer(x, y),
      hover: (at) => this.#hover(at),
    });
    this.#controls.addEventListener('click', (event) => {
      const zoom = /** @type {HTMLElement} */ (event.target).closest('button')?.dataset.zoom;
      if (zoom !== undefined) this.#zoomBy(Number(zoom));
    });
    this.#card.addEventListener('click', (event) => {
      if (!(/** @type {Element} */ (event.target).closest('button'))) return;
      const seat = Number(this.#card.dataset.seat);
      this.#hideCard();
      this.#map.pick(seat, 'pointer');
    });
    /** @param {PointerEvent} event */
    const jump = (event) => {
      const venue = this.#venue;
      if (!venue || event.buttons === 0) return;
      const box = this.#minimap.getBoundingClientRect();
      const scale = this.#minimapSide / venue.extent;
      this.camera.jump({
        x: venue.bounds.minX + (event.clientX - box.left) / scale,
        y: venue.bounds.minY + (event.clientY - box.top) / scale,
        scale: this.camera.scale,
      });
      this.#moved();
    };
    this.#minimap.addEventListener('pointerdown', (event) => {
      this.#minimap.setPointerCapture(event.pointerId);
      jump(event);
    });
    this.#minimap.addEventListener('pointermove', jump);
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
    this.#canvas.addEventListener('focus', () => {
      if (!this.#canvas.matches(':focus-visible')) return;
      if (!this.#focus) this.#focusFirst();
      this.#say();
      this.#schedule();
    });
    this.#canvas.addEventListener('blur', () => this.#schedule());
  }

  /**
   * The seat at a pixel, or -1.
   * @param {number} x
   * @param {number} y
   * @param {boolean} touch
   */
  #seatAt(x, y, touch) {
    const venue = this.#venue;
    const painter = this.#painter;
    if (!venue || !painter) return -1;
    const at = this.camera.toVenue(x, y);
    const slop = touch ? 12 / this.camera.scale : 2 / this.camera.scale;
    return venue.grid.nearest(at.x, at.y, painter.radius * 1.2 + slop);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {boolean} touch
   */
  #tap(x, y, touch) {
    if (this.#diameter < PICK_FROM[touch ? 'touch' : 'mouse']) {
      this.#closer(x, y);
      return;
    }
    const seat = this.#seatAt(x, y, touch);
    if (seat < 0) return;
    this.#focus = { kind: 'seat', index: seat };
    if (touch) this.#showCard(seat, true);
    else {
      this.#hideCard();
      this.#map.pick(seat, 'pointer');
    }
    this.#schedule();
  }

  /** @param {number} x @param {number} y */
  #closer(x, y) {
    const venue = this.#venue;
    if (!venue) return;
    const near = CLOSE_UP / venue.spacing;
    const at = this.camera.toVenue(x, y);
    // To the seats under the finger, or the ones nearest to it.
    const seat = venue.grid.nearest(at.x, at.y, 60 / this.camera.scale);
    const goal = seat >= 0 ? { x: venue.x[seat], y: venue.y[seat] } : at;
    this.#fly({ ...goal, scale: this.camera.scale < near * 0.9 ? near : Math.min(this.camera.maxScale, this.camera.scale * 1.8) });
  }

  /** @param {{x: number, y: number} | null} at */
  #hover(at) {
    const close = this.#diameter >= 5;
    if (!close) {
      this.#hoverZone(at);
      return;
    }
    const seat = at ? this.#seatAt(at.x, at.y, false) : -1;
    if (seat === this.#hovered) return;
    this.#hovered = seat;
    this.#canvas.classList.toggle('over-seat', seat >= 0 && this.#map.stateOf(seat) !== 'sold');
    if (seat >= 0) this.#showCard(seat, false);
    else this.#hideCard();
    this.#schedule();
  }

  /** From afar the pointer meets sections. @param {{x: number, y: number} | null} at */
  #hoverZone(at) {
    const venue = this.#venue;
    if (!venue) return;
    this.#hovered = -1;
    const place = at && this.camera.toVenue(at.x, at.y);
    const seat = place ? venue.grid.nearest(place.x, place.y, Math.max(venue.spacing * 1.5, 4 / this.camera.scale)) : -1;
    if (!at || seat < 0) {
      this.#hideCard();
      return;
    }
    const zone = venue.zones[venue.zoneOf(seat)];
    if (this.#card.dataset.zone !== String(zone.index)) {
      const { words } = this.#map;
      this.#hideCard();
      this.#card.dataset.zone = String(zone.index);
      this.#card.classList.remove('with-action');
      this.#card.replaceChildren(
        textOf('strong', zone.name || words.unnamedZone),
        textOf('span', words.prices(zone.prices.least, zone.prices.most)),
        textOf('span', words.free(this.#map.freeByZone()[zone.index]), 'state'),
      );
      this.#card.hidden = false;
    }
    this.#placeCard(at.x, at.y, 14);
  }

  /** @param {{x: number, y: number, scale: number}} to */
  #fly(to) {
    this.#hideCard();
    this.camera.fly(to, performance.now(), this.#calm.matches ? 0 : FLY_MS);
    this.#moved();
  }

  /** @param {number} factor 0: the whole venue. */
  #zoomBy(factor) {
    if (factor === 0) this.#fly(this.camera.whole);
    else this.#fly({ x: this.camera.x, y: this.camera.y, scale: this.camera.scale * factor });
  }

  // ------------------------------------------------------------------ details

  /**
   * @param {number} seat
   * @param {boolean} withAction
   */
  #showCard(seat, withAction) {
    const venue = /** @type {Venue} */ (this.#venue);
    delete this.#card.dataset.zone;
    this.#card.dataset.seat = String(seat);
    this.#card.classList.toggle('with-action', withAction);
    this.#fillCard(seat);
    this.#card.hidden = false;
    const { x, y } = this.camera.toView(venue.x[seat], venue.y[seat]);
    this.#placeCard(x, y, this.#diameter / 2 + 10);
  }

  /**
   * Above the place, or below it where there is no room.
   * @param {number} x
   * @param {number} y
   * @param {number} gap
   */
  #placeCard(x, y, gap) {
    const { offsetWidth: width, offsetHeight: height } = this.#card;
    const above = y - gap - height;
    const left = Math.min(Math.max(6, x - width / 2), this.camera.width - width - 6);
    this.#card.style.transform = `translate(${Math.round(left)}px, ${Math.round(above >= 6 ? above : y + gap)}px)`;
  }

  /** @param {number} seat */
  #fillCard(seat) {
    const venue = /** @type {Venue} */ (this.#venue);
    const { words } = this.#map;
    const state = this.#map.stateOf(seat);
    const category = venue.categories[venue.category[seat]];
    this.#card.replaceChildren(
      textOf('strong', venue.label(seat)),
      textOf('span', `${category.name} · ${words.price(category.price)}`),
      textOf('span', words.state[state], `state ${state}`),
    );
    if (this.#card.classList.contains('with-action') && (state === 'available' || state === 'own')) {
      const button = textOf('button', state === 'own' ? words.giveBack : words.take);
      button.setAttribute('type', 'button');
      this.#card.append(button);
    }
  }

  #hideCard() {
    this.#card.hidden = true;
    delete this.#card.dataset.seat;
    delete this.#card.dataset.zone;
  }

  // ------------------------------------------------------------------ keyboard

  #focusFirst() {
    const venue = this.#venue;
    if (!venue) return;
    const [own] = this.#map.own;
    if (own !== undefined) this.#focus = { kind: 'seat', index: own };
    else {
      const zones = venue.zones.filter((zone) => zone.seats > 0);
      if (zones.length > 1) this.#focus = { kind: 'zone', index: zones[0].index };
      else if (zones.length === 1) this.#focus = { kind: 'seat', index: this.#entryTo(zones[0].index) };
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const venue = this.#venue;
    if (!venue || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (!this.#focus) this.#focusFirst();
    const focus = this.#focus;
    if (!focus) return;
    if (isArrow(key)) {
      const next =
        focus.kind === 'seat'
          ? nextSeat(venue, focus.index, key)
          : towards(venue.zones[focus.index], key, venue.zones.filter((zone) => zone.seats > 0 && zone.index !== focus.index));
      if (next >= 0) this.#moveTo({ kind: focus.kind, index: next });
    } else if (key === 'Enter' || key === ' ') {
      if (focus.kind === 'zone') this.#moveTo({ kind: 'seat', index: this.#entryTo(focus.index) });
      else this.#map.pick(focus.index, 'keyboard');
    } else if (key === 'Escape' && focus.kind === 'seat') {
      this.#moveTo({ kind: 'zone', index: venue.zoneOf(focus.index) });
      this.#fly(this.camera.whole);
    } else if (key === 'Home' || key === 'End') {
      if (focus.kind !== 'seat') return;
      const { seats } = venue.rows[venue.row[focus.index]];
      this.#moveTo({ kind: 'seat', index: key === 'Home' ? seats[0] : seats[seats.length - 1] });
    } else if (key === '+' || key === '=') this.#zoomBy(1.8);
    else if (key === '-') this.#zoomBy(1 / 1.8);
    else if (key === '0') this.#zoomBy(0);
    else if (key === 'n' || key === 'N') {
      const free = this.#nextFree(focus);
      if (free >= 0) this.#moveTo({ kind: 'seat', index: free });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Where the keyboard enters a section: at its free seat nearest to the stage. @param {number} index */
  #entryTo(index) {
    const venue = /** @type {Venue} */ (this.#venue);
    const zone = venue.zones[index];
    const stage = venue.layout.stage ?? { x: (venue.bounds.minX + venue.bounds.maxX) / 2, y: venue.bounds.minY };
    let [best, bestFar] = [zone.rows[0].seats[0], Infinity];
    for (const { seats } of zone.rows) {
      for (const seat of seats) {
        if (this.#map.stateOf(seat) !== 'available' || !this.#map.shows(venue.category[seat])) continue;
        const far = Math.hypot(venue.x[seat] - stage.x, venue.y[seat] - stage.y);
        if (far < bestFar) [best, bestFar] = [seat, far];
      }
    }
    return best;
  }

  /** The next free seat in the order of numbers, round the house. @param {Focus} focus */
  #nextFree(focus) {
    const venue = /** @type {Venue} */ (this.#venue);
    const from = focus.kind === 'seat' ? focus.index : this.#entryTo(focus.index) - 1;
    for (let step = 1; step <= venue.count; step++) {
      const seat = (from + step + venue.count) % venue.count;
      if (this.#map.stateOf(seat) === 'available' && this.#map.shows(venue.category[seat])) return seat;
    }
    return -1;
  }

  /** @param {Focus} focus */
  #moveTo(focus) {
    const venue = /** @type {Venue} */ (this.#venue);
    this.#focus = focus;
    this.#say();
    if (focus.kind === 'zone') return this.#schedule();
    const near = CLOSE_UP / venue.spacing;
    const { x, y } = this.camera.toView(venue.x[focus.index], venue.y[focus.index]);
    const edge = 60;
    const inside = x > edge && y > edge && x < this.camera.width - edge && y < this.camera.height - edge;
    if (this.camera.scale < near * 0.6 || !inside) {
      this.#fly({ x: venue.x[focus.index], y: venue.y[focus.index], scale: Math.max(this.camera.scale, near) });
    }
    this.#schedule();
  }

  /** Says where the keyboard is. */
  #say() {
    const venue = this.#venue;
    const focus = this.#focus;
    if (!venue || !focus || this.#map.shadowRoot?.activeElement !== this.#canvas) return;
    const { words } = this.#map;
    const zone = focus.kind === 'zone' ? venue.zones[focus.index] : null;
    const text = zone ? `${zone.name || words.unnamedZone}, ${words.free(this.#map.freeByZone()[zone.index])}` : this.#map.describe(focus.index);
    if (this.#spoken.textContent !== text) this.#spoken.textContent = text;
  }
}

/**
 * @param {{x: number, y: number, width: number, height: number}} a
 * @param {{x: number, y: number, width: number, height: number}} b
 */
function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * A section's name on a small plate, with its free seats below.
 * @param {string[]} lines
 * @param {import('./colours.js').Theme} theme
 * @param {number} dpr
 */
function plate(lines, theme, dpr) {
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

/**
 * @param {string} name
 * @param {string} text
 * @param {string} [className]
 */
function textOf(name, text, className = '') {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}
