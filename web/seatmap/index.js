/**
 * `<frontrow-seatmap>`: a venue's seats, live.
 *
 * Set `layout` (the server's drawing), `model` (an SDK `SeatModel`, or anything with its `states` and `on`), `own` (the
 * seats that are held for this fan) and, if wanted, `filter`, `words`. Listen to `seat-pick`, whose detail is
 * `{seat, state}`; the element itself holds nothing.
 */
import { SeatList } from './list.js';
import { styles } from './styles.js';
import { Venue } from './venue.js';
import { WORDS } from './words.js';

/** @typedef {import('./words.js').SeatLook} SeatLook */

/**
 * What the element needs to know of seats' states: 0 free, 1 held, 2 sold.
 * @typedef {object} SeatStates
 * @property {Uint8Array} states
 * @property {(type: any, listener: (payload: any) => void) => () => void} on With the events `snapshot` and `change`.
 */

/** Counts of free seats are told this often at most. */
const COUNTS_EVERY_MS = 300;

export class FrontrowSeatmap extends HTMLElement {
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
  #words = WORDS;
  #list;
  #countsDue = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styles()];
    const list = document.createElement('div');
    list.className = 'list';
    root.append(list);
    this.#list = new SeatList(this, list);
  }

  disconnectedCallback() {
    this.#unsubscribe.forEach((end) => end());
    this.#unsubscribe = [];
  }

  connectedCallback() {
    if (this.#model && this.#unsubscribe.length === 0) this.model = this.#model;
  }

  /** @param {import('../sdk/wire.js').Layout | null} layout */
  set layout(layout) {
    this.venue = layout ? new Venue(layout) : null;
    this.#list.render();
  }

  get layout() {
    return this.venue?.layout ?? null;
  }

  /** @param {SeatStates | null} model */
  set model(model) {
    this.#unsubscribe.forEach((end) => end());
    this.#model = model;
    this.#unsubscribe = model
      ? [
          model.on('snapshot', () => this.#list.render()),
          model.on('change', ({ changes }) => this.#changed(changes)),
        ]
      : [];
    this.#list.render();
  }

  get model() {
    return this.#model;
  }

  /** @param {Iterable<number>} seats */
  set own(seats) {
    const before = this.#own;
    this.#own = new Set(seats);
    this.#list.refresh(new Set([...before, ...this.#own]));
  }

  get own() {
    return this.#own;
  }

  /** @param {Iterable<number> | null} categories Only these are offered; null: all. */
  set filter(categories) {
    this.#filter = categories ? new Set(categories) : null;
    this.#list.render();
  }

  get filter() {
    return this.#filter;
  }

  /** @param {Partial<import('./words.js').SeatmapWords>} words */
  set words(words) {
    this.#words = { ...WORDS, ...words };
    this.#list.render();
  }

  /** @returns {import('./words.js').SeatmapWords} */
  get words() {
    return this.#words;
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
    if (this.#own.has(seat)) return 'own';
    const state = this.#model?.states[seat];
    return state === 0 ? 'available' : state === 1 ? 'held' : 'sold';
  }

  /**
   * A seat in words: label, category, price, state.
   * @param {number} seat
   */
  describe(seat) {
    const venue = /** @type {Venue} */ (this.venue);
    const category = venue.categories[venue.category[seat]];
    return [venue.label(seat), category.name, this.#words.price(category.price), this.#words.state[this.stateOf(seat)]].join(', ');
  }

  /**
   * Somebody chose a seat.
   * @param {number} seat
   * @param {'pointer' | 'keyboard' | 'list'} by
   */
  pick(seat, by) {
    this.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat, state: this.stateOf(seat), by }, bubbles: true }));
  }

  /** @param {{seat: number}[]} changes */
  #changed(changes) {
    this.#list.refresh(changes.map((change) => change.seat));
    if (this.#countsDue) return;
    this.#countsDue = window.setTimeout(() => {
      this.#countsDue = 0;
      this.#list.refreshCounts();
    }, COUNTS_EVERY_MS);
  }
}

if (!customElements.get('frontrow-seatmap')) customElements.define('frontrow-seatmap', FrontrowSeatmap);
