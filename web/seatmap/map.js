/**
 * The map itself: the canvas, what moves over it, and what pointer and keyboard do to it.
 *
 * Always: a frame is drawn only when something changed; drawing new pictures takes a bounded part of a frame.
 */
import { Announcer } from './announce.js';
import { Camera } from './camera.js';
import { Card } from './card.js';
import { readTheme } from './colours.js';
import { listen } from './gestures.js';
import { deedOf, firstFocus } from './keyboard.js';
import { Minimap } from './minimap.js';
import { SectionNames } from './names.js';
import { Painter } from './painter.js';
import { Pulses } from './pulses.js';
import { Tiles } from './tiles.js';

/** @typedef {import('./index.js').FrontrowSeatmap} FrontrowSeatmap */
/** @typedef {import('./venue.js').Venue} Venue */
/** @typedef {import('./keyboard.js').Focus} Focus */
/** @typedef {import('./pulses.js').PulseKind} PulseKind */
/** @typedef {{venue: Venue, painter: Painter, tiles: Tiles}} Drawn */

/** Time for new pictures in a frame of 16 ms, and in the first one, where an empty map is worse than a late one. */
const DRAW_MS = 5;
const DRAW_FIRST_MS = 60;
/**
 * What others do is drawn so often, in ms: near, every seat counts; from afar, where hundreds of dots change each second,
 * four pictures a second show the same. What this fan moves, picks or holds is drawn at once.
 */
const CHANGES_NEAR_MS = 50;
const CHANGES_FAR_MS = 250;
/** The time after the last movement when the view is drawn sharp. */
const SETTLE_MS = 140;
const FLY_MS = 420;
/** Seen from afar a dot that changes says enough; only what frees is worth a look. Diameter in CSS pixels. */
const PULSE_TAKEN_FROM = 6;
/** A seat can be picked when its diameter is at least so many CSS pixels; below, a tap goes closer. */
const PICK_FROM = Object.freeze({ mouse: 9, touch: 18 });
const HOVER_SEATS_FROM = 5;
/** Sections wear their names while seats are smaller than this. */
const NAMES_BELOW = 8;
/** Distance between neighbours, in CSS pixels, that going closer leads to. */
const CLOSE_UP = 34;
/** A seat that the keyboard reaches within so many pixels of the edge moves the map. */
const EDGE = 60;
const DPR_MAX = 2;

export class SeatMapView {
  camera = new Camera();
  /** @type {Drawn | null} */
  #drawn = null;
  /** @type {Focus | null} */
  #focus = null;
  /** The seat under the pointer, or -1. */
  #hovered = -1;
  #pulses = new Pulses();
  #frame = 0;
  /** The timer of the next picture of what others did. */
  #changes = 0;
  #drawnAt = -Infinity;
  #settle = 0;
  /** The view came to rest, and has to be drawn sharp. */
  #resting = false;
  #complete = false;
  #dpr = 1;
  #sized = false;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  #map;
  #root;
  #canvas;
  #context;
  #controls;
  #how;
  #probe;
  #announcer;
  #card;
  #names;
  #minimap;
  #resizes;

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
      <div class="where" aria-hidden="true" hidden></div>
      <div class="card" hidden></div>
      <div class="controls">
        <button type="button" data-zoom="1.8">+</button>
        <button type="button" data-zoom="0.5556">−</button>
        <button type="button" data-zoom="0">⤢</button>
      </div>
      <div class="minimap" aria-hidden="true" hidden></div>
      <span class="probe" aria-hidden="true"></span>`;
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
    this.#canvas = /** @type {HTMLCanvasElement} */ (find('canvas'));
    this.#context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d', { alpha: false }));
    this.#controls = find('.controls');
    this.#how = find('#how');
    this.#probe = find('.probe');
    this.#announcer = new Announcer(map, find('.where'), find('[role=status]'));
    this.#card = new Card(map, find('.card'));
    this.#names = new SectionNames(map);
    this.#minimap = new Minimap(find('.minimap'), (at) => this.#jump(at));
    this.#resizes = new ResizeObserver(() => this.#resize());
    this.#listen();
    this.setWords();
  }

  // ------------------------------------------------------------------ what the element needs

  connect() {
    this.#resizes.observe(this.#root);
  }

  disconnect() {
    this.#resizes.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearTimeout(this.#settle);
    clearTimeout(this.#changes);
    this.#changes = 0;
    this.#letGo(); // Being connected again draws anew.
  }

  #letGo() {
    this.#drawn?.tiles.free();
    this.#drawn?.painter.free();
    this.#names.reset();
    this.#drawn = null;
  }

  setWords() {
    const { words } = this.#map;
    this.#canvas.setAttribute('aria-label', words.map);
    this.#how.textContent = words.instructions;
    const labels = [words.zoomIn, words.zoomOut, words.whole];
    this.#controls.querySelectorAll('button').forEach((button, index) => button.setAttribute('aria-label', labels[index]));
    this.#names.reset();
    this.#schedule();
  }

  /** Free seats cost something else. */
  repriced() {
    if (this.#card.seat >= 0) this.#card.refresh();
    else this.#card.hide();
  }

  /** Another venue, or the page's colours changed. @param {{keepPlace?: boolean}} [options] */
  rebuild({ keepPlace = false } = {}) {
    const { venue } = this.#map;
    if (this.#drawn?.venue !== venue) {
      this.#focus = null;
      this.#hovered = -1;
      this.#pulses.clear();
      this.#card.hide();
      this.#complete = false;
    }
    this.#letGo();
    this.#announcer.reset();
    if (venue) {
      const painter = new Painter(venue, readTheme(this.#probe, venue.categories), this.#map);
      this.#drawn = { venue, painter, tiles: new Tiles(painter, venue.bounds) };
      this.camera.setVenue(venue.bounds, venue.spacing);
      if (!keepPlace) this.camera.jump(this.camera.whole);
      this.#minimap.lay(venue, this.camera, this.#dpr);
    }
    this.#names.reset();
    this.#schedule();
  }

  get theme() {
    return this.#drawn?.painter.theme ?? null;
  }

  /** All seats may look different: a snapshot, another filter. */
  refreshAll() {
    this.#drawn?.tiles.invalidateAll();
    this.#names.touch();
    this.#minimap.touch();
    this.#schedule();
  }

  /**
   * @param {number} seat
   * @param {PulseKind | null} pulse
   */
  refresh(seat, pulse) {
    if (!this.#drawn) return;
    const { venue, painter, tiles } = this.#drawn;
    tiles.invalidate(venue.x[seat], venue.y[seat], painter.radius * 1.4);
    this.#names.touch();
    this.#minimap.touch();
    if (pulse && (pulse !== 'taken' || this.#diameter >= PULSE_TAKEN_FROM) && this.#isWithin(seat, -20)) {
      this.#pulses.begin(seat, pulse);
    }
    if (this.#focus?.kind === 'seat' && this.#focus.index === seat) this.#say();
    if (this.#card.seat === seat) this.#card.refresh();
    if (pulse === 'own') this.#schedule();
    else this.#scheduleChanges();
  }

  /** Goes where these seats are. @param {readonly number[]} seats */
  show(seats) {
    if (!this.#drawn || seats.length === 0) return;
    const { venue } = this.#drawn;
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
    const whole = !this.#sized || this.camera.isWhole;
    this.#sized = true;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.camera.resize(box.width, box.height);
    if (whole) this.camera.jump(this.camera.whole); // A flight under way goes on otherwise.
    if (this.#drawn) this.#minimap.lay(this.#drawn.venue, this.camera, this.#dpr);
    this.#draw(performance.now()); // It is drawn at once: resizing cleared the canvas.
  }

  #schedule() {
    if (!this.#frame && this.#root.isConnected) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  /** Draws what others did, together with what they do until then. */
  #scheduleChanges() {
    if (this.#frame || this.#changes) return;
    const every = this.#isFar ? CHANGES_FAR_MS : CHANGES_NEAR_MS;
    this.#changes = window.setTimeout(() => {
      this.#changes = 0;
      this.#schedule();
    }, Math.max(0, this.#drawnAt + every - performance.now()));
  }

  /** @param {number} now */
  #draw(now) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#drawnAt = performance.now();
    if (!this.#drawn || !this.#sized || this.#root.hidden) return;
    const { venue, painter, tiles } = this.#drawn;
    const { camera } = this;
    if (camera.moving) {
      camera.step(now);
      this.#moved();
    }
    const scale = camera.scale * this.#dpr;
    const { width, height } = this.#canvas;
    const view = { left: camera.x - width / 2 / scale, top: camera.y - height / 2 / scale, scale, width, height };
    const complete = tiles.draw(this.#context, view, performance.now() + (this.#complete ? DRAW_MS : DRAW_FIRST_MS));
    if (this.#diameter < NAMES_BELOW) this.#names.draw(this.#context, painter, camera, this.#dpr, now);
    this.#announcer.showSection(venue, camera, this.#diameter >= NAMES_BELOW);
    this.#drawPulses(painter, now);
    this.#drawMarks(painter);
    this.#root.classList.toggle('whole', camera.isWhole);
    this.#minimap.draw(venue, tiles, camera, this.#dpr, now);
    if (complete && !this.#complete) {
      this.#complete = true;
      this.#map.dispatchEvent(new CustomEvent('seatmap-drawn'));
    }
    if (complete && this.#resting) {
      this.#resting = false;
      this.#map.dispatchEvent(new CustomEvent('seatmap-rested'));
    }
    if (!complete || camera.moving) this.#schedule();
    else if (!this.#pulses.isEmpty) this.#isFar ? this.#scheduleChanges() : this.#schedule();
  }

  /** Whether seats are dots. */
  get #isFar() {
    return this.#diameter < PULSE_TAKEN_FROM;
  }

  /** The bytes of the pictures of the venue. */
  get pictureBytes() {
    return this.#drawn?.tiles.bytes ?? 0;
  }

  /** The view is elsewhere: draw, and once it rests draw it sharp. */
  #moved() {
    clearTimeout(this.#settle);
    this.#resting = false;
    this.#settle = window.setTimeout(() => {
      this.#drawn?.tiles.sharpen(this.camera.scale * this.#dpr);
      this.#resting = true;
      this.#schedule();
    }, SETTLE_MS);
    this.#schedule();
  }

  /** A seat's diameter in CSS pixels. */
  get #diameter() {
    return this.#drawn ? this.#drawn.painter.radius * 2 * this.camera.scale : 0;
  }

  /** A seat's place in the view. @param {number} seat */
  #placeOf(seat) {
    const { venue } = /** @type {Drawn} */ (this.#drawn);
    return this.camera.toView(venue.x[seat], venue.y[seat]);
  }

  /** Whether a seat is in the view, at least so far from its edge. @param {number} seat @param {number} edge */
  #isWithin(seat, edge) {
    const { x, y } = this.#placeOf(seat);
    return x > edge && y > edge && x < this.camera.width - edge && y < this.camera.height - edge;
  }

  /** @param {Painter} painter @param {number} now */
  #drawPulses({ theme, radius: units }, now) {
    const radius = Math.max(2.5, units * this.camera.scale) * this.#dpr;
    const placeOf = (/** @type {number} */ seat) => {
      const { x, y } = this.#placeOf(seat);
      return { x: x * this.#dpr, y: y * this.#dpr };
    };
    this.#pulses.draw(this.#context, { theme, radius, isCalm: this.#calm.matches, placeOf }, now);
  }

  /** Marks the positions of the pointer and the keyboard. @param {Painter} painter */
  #drawMarks({ theme, zones }) {
    if (this.#hovered >= 0) this.#ring(this.#hovered, theme.ink, 1.5);
    if (!this.#focus || !this.#hasKeyboard) return;
    if (this.#focus.kind === 'seat') {
      this.#ring(this.#focus.index, theme.paper, 5);
      this.#ring(this.#focus.index, theme.focus, 3);
      return;
    }
    const context = this.#context;
    const { path, pad } = zones[this.#focus.index];
    const scale = this.camera.scale * this.#dpr;
    const { x, y } = this.camera.toView(0, 0);
    context.save();
    context.setTransform(scale, 0, 0, scale, x * this.#dpr, y * this.#dpr);
    context.lineJoin = 'round';
    context.strokeStyle = theme.focus;
    context.lineWidth = Math.max((3 * this.#dpr) / scale, pad * 0.4);
    context.stroke(path);
    context.restore();
  }

  /** @param {number} seat @param {string} colour @param {number} width */
  #ring(seat, colour, width) {
    const context = this.#context;
    const { x, y } = this.#placeOf(seat);
    context.beginPath();
    context.arc(x * this.#dpr, y * this.#dpr, Math.max(this.#diameter / 2, 4) * 1.35 * this.#dpr, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width * this.#dpr;
    context.stroke();
  }

  // ------------------------------------------------------------------ pointer

  #listen() {
    listen(this.#canvas, {
      begin: () => {
        this.camera.stop();
        this.#card.hide();
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
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
    this.#canvas.addEventListener('focus', () => {
      if (!this.#canvas.matches(':focus-visible')) return; // A press with the mouse needs no guide.
      this.#focus ??= firstFocus(this.#map);
      this.#say();
      this.#schedule();
    });
    this.#canvas.addEventListener('blur', () => this.#schedule());
  }

  /**
   * The seat at a pixel, or -1.
   * @param {number} x
   * @param {number} y
   * @param {number} slop The reach beyond the seat's edge, in CSS pixels.
   */
  #seatAt(x, y, slop) {
    if (!this.#drawn) return -1;
    const { venue, painter } = this.#drawn;
    const at = this.camera.toVenue(x, y);
    return venue.grid.nearest(at.x, at.y, painter.radius * 1.2 + slop / this.camera.scale);
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
    const seat = this.#seatAt(x, y, touch ? 12 : 2);
    if (seat < 0) return;
    this.#focus = { kind: 'seat', index: seat };
    // A finger hides what it touches: it is shown and asked. A mouse has seen the details before its click.
    if (touch) this.#showCardOf(seat, { withAction: true });
    else {
      this.#card.hide();
      this.#map.pick(seat, 'pointer');
    }
    this.#schedule();
  }

  /** Flies to the seats under the finger, or the ones nearest to it. @param {number} x @param {number} y */
  #closer(x, y) {
    if (!this.#drawn) return;
    const { venue } = this.#drawn;
    const near = CLOSE_UP / venue.spacing;
    const at = this.camera.toVenue(x, y);
    const seat = venue.grid.nearest(at.x, at.y, 60 / this.camera.scale);
    const goal = seat >= 0 ? { x: venue.x[seat], y: venue.y[seat] } : at;
    this.#fly({ ...goal, scale: this.camera.scale < near * 0.9 ? near : this.camera.scale * 1.8 });
  }

  /** @param {{x: number, y: number} | null} at */
  #hover(at) {
    if (!this.#drawn) return;
    const { venue } = this.#drawn;
    if (this.#diameter < HOVER_SEATS_FROM) {
      // The pointer meets sections from afar.
      this.#hovered = -1;
      const seat = at ? this.#seatAt(at.x, at.y, 4) : -1;
      if (!at || seat < 0) return this.#card.hide();
      this.#card.showZone(venue.zones[venue.zoneOf(seat)]);
      this.#card.place(at.x, at.y, 14, this.camera.width);
      return;
    }
    const seat = at ? this.#seatAt(at.x, at.y, 2) : -1;
    if (seat === this.#hovered) return;
    this.#hovered = seat;
    const state = seat >= 0 ? this.#map.stateOf(seat) : 'sold';
    this.#canvas.classList.toggle('over-seat', state !== 'sold' && state !== 'notForSale');
    if (seat >= 0) this.#showCardOf(seat, { withAction: false });
    else this.#card.hide();
    this.#schedule();
  }

  /** @param {number} seat @param {{withAction: boolean}} options */
  #showCardOf(seat, options) {
    const { x, y } = this.#placeOf(seat);
    this.#card.showSeat(seat, options);
    this.#card.place(x, y, this.#diameter / 2 + 10, this.camera.width);
  }

  /** @param {{x: number, y: number, scale: number}} to */
  #fly(to) {
    this.#card.hide();
    this.camera.fly(to, performance.now(), this.#calm.matches ? 0 : FLY_MS);
    this.#moved();
  }

  /** @param {number} factor 0: the whole venue. */
  #zoomBy(factor) {
    if (factor === 0) this.#fly(this.camera.whole);
    else this.#fly({ x: this.camera.x, y: this.camera.y, scale: this.camera.scale * factor });
  }

  /** @param {{x: number, y: number}} at The point in the plan's units, from the venue's upper left corner. */
  #jump(at) {
    if (!this.#drawn) return;
    const { minX, minY } = this.#drawn.venue.bounds;
    this.camera.jump({ x: minX + at.x, y: minY + at.y, scale: this.camera.scale });
    this.#moved();
  }

  // ------------------------------------------------------------------ keyboard

  get #hasKeyboard() {
    return this.#map.shadowRoot?.activeElement === this.#canvas;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    this.#focus ??= firstFocus(this.#map);
    const deed = this.#focus && deedOf(this.#map, this.#focus, event.key);
    if (!deed) return;
    event.preventDefault();
    event.stopPropagation();
    if (deed.does === 'pick') this.#map.pick(deed.seat, 'keyboard');
    else if (deed.does === 'zoom') this.#zoomBy(deed.factor);
    else if (deed.does === 'whole') this.#zoomBy(0);
    else if (deed.does === 'move') this.#focusOn(deed.to);
    else if (deed.does === 'leave') {
      this.#focusOn(deed.to);
      this.#zoomBy(0);
    }
  }

  /** @param {Focus} focus */
  #focusOn(focus) {
    const { venue } = /** @type {Drawn} */ (this.#drawn);
    this.#focus = focus;
    this.#say();
    if (focus.kind === 'seat') {
      const near = CLOSE_UP / venue.spacing;
      if (this.camera.scale < near * 0.6 || !this.#isWithin(focus.index, EDGE)) {
        this.#fly({ x: venue.x[focus.index], y: venue.y[focus.index], scale: Math.max(this.camera.scale, near) });
      }
    }
    this.#schedule();
  }

  /** Says where the keyboard is. */
  #say() {
    if (!this.#drawn || !this.#focus || !this.#hasKeyboard) return;
    this.#announcer.say(this.#drawn.venue, this.#focus);
  }
}
