/**
 * The seat map as a list: zones, rows and seats as headings and buttons, with the same function as the canvas.
 *
 * Always: only what is unfolded exists as elements, so that a stadium costs no more than a club; a button's state follows
 * the seat's at once, its place never moves while it has the focus.
 */

/** @typedef {import('./index.js').FrontrowSeatmap} FrontrowSeatmap */

/** Zones up to this size show their rows unfolded. */
const UNFOLDED_SEATS_MAX = 120;

export class SeatList {
  /** @type {Map<number, HTMLButtonElement>} Buttons that exist now, by seat. */
  #buttons = new Map();
  /** @type {Map<number, {head: HTMLElement, free: HTMLElement, body: HTMLElement}>} */
  #zones = new Map();
  /** @type {Map<number, {body: HTMLElement, free: HTMLElement}>} Rows that exist now. */
  #rows = new Map();
  #free = new Uint32Array(0);
  #freeByRow = new Uint32Array(0);

  #map;
  #root;

  /**
   * @param {FrontrowSeatmap} map
   * @param {HTMLElement} root
   */
  constructor(map, root) {
    this.#map = map;
    this.#root = root;
    root.addEventListener('click', (event) => {
      const button = /** @type {Element} */ (event.target).closest('button');
      if (!button) return;
      if (button.dataset.seat !== undefined) this.#map.pick(Number(button.dataset.seat), 'list');
      else if (button.dataset.zone !== undefined) this.#toggleZone(Number(button.dataset.zone));
      else if (button.dataset.row !== undefined) this.#toggleRow(Number(button.dataset.row));
    });
    root.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Draws everything anew: another venue, language or filter. Keeps what was unfolded. */
  render() {
    const { venue, words } = this.#map;
    const openZones = new Set([...this.#zones].filter(([, zone]) => zone.body.childElementCount > 0).map(([index]) => index));
    const openRows = new Set([...this.#rows].filter(([, row]) => row.body.childElementCount > 0).map(([index]) => index));
    this.#buttons.clear();
    this.#zones.clear();
    this.#rows.clear();
    this.#root.replaceChildren();
    if (!venue) return;
    this.#count();
    for (const zone of venue.zones) {
      if (zone.seats === 0) continue;
      const head = element('h2', 'zone');
      const button = element('button', 'fold', zone.name || words.unnamedZone);
      button.dataset.zone = String(zone.index);
      button.setAttribute('aria-expanded', 'false');
      const free = element('span', 'free');
      button.append(free);
      head.append(button);
      const body = element('div', 'rows');
      this.#root.append(head, body);
      this.#zones.set(zone.index, { head, free, body });
      if (openZones.has(zone.index) || venue.zones.length === 1) this.#toggleZone(zone.index);
    }
    for (const row of openRows) if (this.#rows.get(row)?.body.childElementCount === 0) this.#toggleRow(row);
    this.refreshCounts();
  }

  /** @param {Iterable<number>} seats The seats whose state changed. */
  refresh(seats) {
    for (const seat of seats) {
      const button = this.#buttons.get(seat);
      if (button) this.#dress(button, seat);
    }
  }

  /** The numbers of free seats; cheap enough for a few times a second. */
  refreshCounts() {
    if (!this.#map.venue) return;
    this.#count();
    for (const [index, { free }] of this.#zones) setText(free, this.#map.words.free(this.#free[index]));
    for (const [index, { free }] of this.#rows) setText(free, this.#map.words.free(this.#freeByRow[index]));
  }

  #count() {
    const venue = /** @type {import('./venue.js').Venue} */ (this.#map.venue);
    if (this.#free.length !== venue.zones.length) this.#free = new Uint32Array(venue.zones.length);
    if (this.#freeByRow.length !== venue.rows.length) this.#freeByRow = new Uint32Array(venue.rows.length);
    this.#free.fill(0);
    this.#freeByRow.fill(0);
    const { row, rows, category } = venue;
    for (let seat = 0; seat < venue.count; seat++) {
      if (this.#map.stateOf(seat) !== 'available' || !this.#map.shows(category[seat])) continue;
      this.#freeByRow[row[seat]]++;
      this.#free[rows[row[seat]].zone]++;
    }
  }

  /** @param {number} index */
  #toggleZone(index) {
    const zone = this.#zones.get(index);
    const venue = this.#map.venue;
    if (!zone || !venue) return;
    const open = zone.body.childElementCount === 0;
    zone.head.firstElementChild?.setAttribute('aria-expanded', String(open));
    if (!open) {
      for (const row of venue.zones[index].rows) {
        this.#rows.delete(row.index);
        for (const seat of row.seats) this.#buttons.delete(seat);
      }
      zone.body.replaceChildren();
      return;
    }
    for (const row of venue.zones[index].rows) {
      if (!row.seats.some((seat) => this.#map.shows(venue.category[seat]))) continue;
      const head = element('h3', 'row');
      const button = element('button', 'fold', this.#map.words.row(row.label));
      button.dataset.row = String(row.index);
      button.setAttribute('aria-expanded', 'false');
      const free = element('span', 'free');
      setText(free, this.#map.words.free(this.#freeByRow[row.index]));
      button.append(free);
      head.append(button);
      const body = element('ul', 'seats-of-row');
      zone.body.append(head, body);
      this.#rows.set(row.index, { body, free });
      if (venue.zones[index].seats <= UNFOLDED_SEATS_MAX) this.#toggleRow(row.index);
    }
  }

  /** @param {number} index */
  #toggleRow(index) {
    const row = this.#rows.get(index);
    const venue = this.#map.venue;
    if (!row || !venue) return;
    const open = row.body.childElementCount === 0;
    row.body.previousElementSibling?.firstElementChild?.setAttribute('aria-expanded', String(open));
    if (!open) {
      for (const seat of venue.rows[index].seats) this.#buttons.delete(seat);
      row.body.replaceChildren();
      return;
    }
    for (const seat of venue.rows[index].seats) {
      if (!this.#map.shows(venue.category[seat])) continue;
      const item = element('li');
      const button = element('button', 'seat', venue.number(seat));
      button.dataset.seat = String(seat);
      this.#dress(button, seat);
      this.#buttons.set(seat, button);
      item.append(button);
      row.body.append(item);
    }
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {number} seat
   */
  #dress(button, seat) {
    const state = this.#map.stateOf(seat);
    button.dataset.state = state;
    // The visible text has to be in the name as a word of its own, or a voice command with it is not understood: "1번" is not "1".
    const [description, number] = [this.#map.describe(seat), button.textContent ?? ''];
    const isNamed = description.split(/[^\p{L}\p{N}-]+/u).includes(number);
    button.setAttribute('aria-label', isNamed ? description : `${number}, ${description}`);
    button.setAttribute('aria-pressed', String(state === 'own'));
    // It is not `disabled`: a screen reader that is on it must read what happened to the seat, not fall off the list.
    button.setAttribute('aria-disabled', String(state !== 'available' && state !== 'own'));
  }

  /** Arrow keys within the seats of a zone: left and right along the row, up and down to the nearest seat. */
  /** @param {KeyboardEvent} event */
  #key(event) {
    const button = /** @type {Element} */ (event.target).closest('button');
    const venue = this.#map.venue;
    if (!button || button.dataset.seat === undefined || !venue) return;
    const seat = Number(button.dataset.seat);
    const next = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (next === undefined) return;
    const row = venue.rows[venue.row[seat]].seats;
    for (let place = venue.place[seat] + next; place >= 0 && place < row.length; place += next) {
      const neighbour = this.#buttons.get(row[place]);
      if (!neighbour) continue;
      neighbour.focus();
      event.preventDefault();
      return;
    }
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[K]}
 */
function element(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.append(text);
  if (made instanceof HTMLButtonElement) made.type = 'button';
  return made;
}

/**
 * Writes only what differs: an unchanged text must not be announced again.
 * @param {HTMLElement} target
 * @param {string} text
 */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
