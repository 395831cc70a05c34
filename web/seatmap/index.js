/**
 * `<frontrow-seatmap>`: a venue's seats, live, as a map or as a list.
 *
 * Set `layout` (the server's drawing), `model` (an SDK `SeatModel`, or anything with its `states` and `on`), `own` (the
 * seats that are held for this fan) and, if wanted, `prices`, `filter`, `words`. Listen to `seat-pick`, whose detail is
 * `{seat, state, by}`. Always: the element shows and asks, it holds nothing itself; both views show the same states.
 */
import { SeatList } from './list.js';
import { SeatMapView } from './map.js';
import { glyphPath } from './shapes.js';
import { styles } from './styles.js';
import { Venue } from './venue.js';
import { WORDS } from './words.js';

export { glyphPath } from './shapes.js';
export { Venue } from './venue.js';

/** @typedef {import('./words.js').SeatLook} SeatLook */

/**
 * The states of seats that the element needs: 0 free, 1 held, 2 sold, 3 not for sale.
 * @typedef {object} SeatStates
 * @property {Uint8Array} states
 * @property {(type: any, listener: (payload: any) => void) => () => void} on The emitter of the events `snapshot` and `change`.
 */

/** Counts of free seats are emitted this often at most. */
const COUNTS_EVERY_MS = 300;
/** What a seat looks like in each state that the model gives it. @type {SeatLook[]} */
const LOOKS = ['available', 'held', 'sold', 'notForSale'];

export class FrontrowSeatmap extends HTMLElement {
  static observedAttributes = ['view'];

  /** @type {Venue | null} */
  venue = null;
  /** @type {SeatStates | null} */
  #model = null;
  /** @type {(() => void)[]} */
  #unsubscribe = [];
  /** @type {Set<number>} */
  #own = new Set();
  /** @type {Set<number> | null} */
  #filter = null;
  /** @type {readonly number[] | null} */
  #prices = null;
  #words = WORDS;
  #countsDue = 0;
  #mapRoot;
  #listRoot;
  #map;
  #list;
  #dark = matchMedia('(prefers-color-scheme: dark)');
  #contrast = matchMedia('(forced-colors: active)');
  #page = new MutationObserver(() => this.refreshTheme());
  #onScheme = () => this.refreshTheme();

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styles()];
    this.#mapRoot = document.createElement('div');
    this.#mapRoot.className = 'map';
    this.#listRoot = document.createElement('div');
    this.#listRoot.className = 'list';
    this.#listRoot.hidden = true;
    this.#listRoot.setAttribute('role', 'region');
    root.append(this.#mapRoot, this.#listRoot);
    this.#map = new SeatMapView(this, this.#mapRoot);
    this.#list = new SeatList(this, this.#listRoot);
  }

  connectedCallback() {
    this.#subscribe();
    this.#map.connect();
    this.#dark.addEventListener('change', this.#onScheme);
    this.#contrast.addEventListener('change', this.#onScheme);
    this.#page.observe(document.documentElement, { attributeFilter: ['data-theme', 'class', 'style'] });
    this.refreshTheme();
  }

  disconnectedCallback() {
    this.#unsubscribe.forEach((end) => end());
    this.#unsubscribe = [];
    this.#map.disconnect();
    this.#dark.removeEventListener('change', this.#onScheme);
    this.#contrast.removeEventListener('change', this.#onScheme);
    this.#page.disconnect();
    clearTimeout(this.#countsDue);
    this.#countsDue = 0;
  }

  attributeChangedCallback() {
    const list = this.getAttribute('view') === 'list';
    this.#mapRoot.hidden = list;
    this.#listRoot.hidden = !list;
    if (list) this.#list.render();
  }

  /** @param {import('../sdk/wire.js').Layout | null} layout */
  set layout(layout) {
    if (layout === (this.venue?.layout ?? null)) return;
    this.venue = layout ? new Venue(layout) : null;
    this.venue?.reprice(this.#prices);
    this.#map.rebuild();
    this.#renderList();
    if (this.isConnected) this.dispatchEvent(new CustomEvent('seatmap-theme'));
  }

  get layout() {
    return this.venue?.layout ?? null;
  }

  /** @param {readonly number[] | null} prices What free seats of each category cost now; null: what the layout says. */
  set prices(prices) {
    this.#prices = prices;
    if (!this.venue?.reprice(prices)) return;
    this.#map.repriced();
    this.#renderList();
  }

  get prices() {
    return this.#prices;
  }

  /** @param {SeatStates | null} model */
  set model(model) {
    if (model === this.#model) return;
    this.#unsubscribe.forEach((end) => end());
    this.#unsubscribe = [];
    this.#model = model;
    if (this.isConnected) this.#subscribe();
    this.#map.refreshAll();
    this.#renderList();
  }

  get model() {
    return this.#model;
  }

  /** @param {Iterable<number>} seats */
  set own(seats) {
    const before = this.#own;
    this.#own = new Set(seats);
    for (const seat of before) if (!this.#own.has(seat)) this.#map.refresh(seat, null);
    for (const seat of this.#own) if (!before.has(seat)) this.#map.refresh(seat, 'own');
    this.#list.refresh(new Set([...before, ...this.#own]));
  }

  /** @returns {Set<number>} */
  get own() {
    return this.#own;
  }

  /** @param {Iterable<number> | null} categories The categories that are offered; null: all. */
  set filter(categories) {
    const next = categories ? new Set(categories) : null;
    if (String([...(next ?? [-1])]) === String([...(this.#filter ?? [-1])])) return;
    this.#filter = next;
    this.#map.refreshAll();
    this.#renderList();
  }

  /** @returns {Set<number> | null} */
  get filter() {
    return this.#filter;
  }

  /** @param {Partial<import('./words.js').SeatmapWords>} words */
  set words(words) {
    this.#words = { ...WORDS, ...words };
    this.#listRoot.setAttribute('aria-label', this.#words.list);
    this.#map.setWords();
    this.#renderList();
  }

  /** @returns {import('./words.js').SeatmapWords} */
  get words() {
    return this.#words;
  }

  /** Reads the page's colours anew; done by itself when the scheme or the root element's attributes change. */
  refreshTheme() {
    this.#map.rebuild({ keepPlace: true });
    this.dispatchEvent(new CustomEvent('seatmap-theme'));
  }

  /** Each category's colour and shape, for a legend; the path is within a square of 20. */
  legend() {
    return this.#map.theme?.categories.map(({ fill }, category) => ({ fill, path: glyphPath(category) })) ?? [];
  }

  /** The bytes that the map keeps in pictures, for measurements. */
  get pictureBytes() {
    return this.#map.pictureBytes;
  }

  /** Moves the map to these seats. @param {readonly number[]} seats */
  show(seats) {
    this.#map.show(seats);
  }

  /** The place in the plan that is shown at a pixel of the element. @param {number} x @param {number} y */
  toVenue(x, y) {
    return this.#map.camera.toVenue(x, y);
  }

  /** @param {number} category */
  shows(category) {
    return !this.#filter || this.#filter.has(category);
  }

  /**
   * @param {number} seat
   * @returns {SeatLook}
   */
  stateOf(seat) {
    if (this.#own.size > 0 && this.#own.has(seat)) return 'own';
    return LOOKS[this.#model?.states[seat] ?? 2];
  }

  /** Free seats that the filter shows, by section. */
  freeByZone() {
    const free = new Uint32Array(this.venue?.zones.length ?? 0);
    const states = this.#model?.states;
    if (!this.venue || !states) return free;
    const { count, row, rows, category } = this.venue;
    for (let seat = 0; seat < count; seat++) {
      if (states[seat] === 0 && this.shows(category[seat])) free[rows[row[seat]].zone]++;
    }
    return free;
  }

  /**
   * A seat in words: label, category, price, state.
   * @param {number} seat
   */
  describe(seat) {
    const venue = /** @type {Venue} */ (this.venue);
    const category = venue.categories[venue.category[seat]];
    return [venue.inWords(seat, this.#words), category.name, this.#words.price(category.price), this.#words.state[this.stateOf(seat)]].join(', ');
  }

  /**
   * Somebody chose a seat.
   * @param {number} seat
   * @param {'pointer' | 'keyboard' | 'list'} by
   */
  pick(seat, by) {
    this.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat, state: this.stateOf(seat), by }, bubbles: true }));
  }

  #subscribe() {
    if (!this.#model || this.#unsubscribe.length > 0) return;
    this.#unsubscribe = [
      this.#model.on('snapshot', () => {
        this.#map.refreshAll();
        this.#renderList();
      }),
      this.#model.on('change', ({ changes }) => this.#changed(changes)),
    ];
  }

  #renderList() {
    if (!this.#listRoot.hidden) this.#list.render();
  }

  /** @param {{seat: number, state: number}[]} changes */
  #changed(changes) {
    for (const { seat, state } of changes) this.#map.refresh(seat, this.#own.has(seat) || state === 3 ? null : state === 0 ? 'freed' : 'taken');
    if (this.#listRoot.hidden) return;
    this.#list.refresh(changes.map((change) => change.seat));
    if (this.#countsDue) return;
    this.#countsDue = window.setTimeout(() => {
      this.#countsDue = 0;
      this.#list.refreshCounts();
    }, COUNTS_EVERY_MS);
  }
}

if (!customElements.get('frontrow-seatmap')) customElements.define('frontrow-seatmap', FrontrowSeatmap);
