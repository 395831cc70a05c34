/**
 * Details beside the pointer or the finger: of a seat, or from afar of a section.
 *
 * Always: it lies within the map, and what it says of a seat is the seat's present state.
 */

/** @typedef {import('./index.js').FrontrowSeatmap} FrontrowSeatmap */

const EDGE = 6;

export class Card {
  /** The seat that it shows, or -1. */
  seat = -1;
  #zone = -1;
  #withAction = false;
  #map;
  #element;

  /**
   * @param {FrontrowSeatmap} map
   * @param {HTMLElement} element
   */
  constructor(map, element) {
    this.#map = map;
    this.#element = element;
    element.addEventListener('click', (event) => {
      if (!(/** @type {Element} */ (event.target).closest('button'))) return;
      const { seat } = this;
      this.hide();
      map.pick(seat, 'pointer');
    });
  }

  hide() {
    this.#element.hidden = true;
    this.seat = this.#zone = -1;
  }

  /**
   * @param {number} seat
   * @param {{withAction: boolean}} options `withAction`: a finger chooses here, a mouse by its click on the seat.
   */
  showSeat(seat, { withAction }) {
    this.#zone = -1;
    this.seat = seat;
    this.#withAction = withAction;
    this.#element.classList.toggle('with-action', withAction);
    this.refresh();
    this.#element.hidden = false;
  }

  /** The seat's state changed. */
  refresh() {
    const { venue, words } = this.#map;
    if (!venue || this.seat < 0) return;
    const state = this.#map.stateOf(this.seat);
    const category = venue.categories[venue.category[this.seat]];
    this.#element.replaceChildren(
      textOf('strong', venue.inWords(this.seat, words)),
      textOf('span', `${category.name} · ${words.price(category.price)}`),
      textOf('span', words.state[state], 'state'),
    );
    if (!this.#withAction || (state !== 'available' && state !== 'own')) return;
    const button = textOf('button', state === 'own' ? words.giveBack : words.take);
    button.setAttribute('type', 'button');
    this.#element.append(button);
  }

  /** @param {import('./venue.js').VenueZone} zone */
  showZone(zone) {
    if (this.#zone === zone.index) return;
    const { words } = this.#map;
    this.seat = -1;
    this.#zone = zone.index;
    this.#element.classList.remove('with-action');
    this.#element.replaceChildren(
      textOf('strong', zone.name || words.unnamedZone),
      textOf('span', words.prices(zone.prices.least, zone.prices.most)),
      textOf('span', words.free(this.#map.freeByZone()[zone.index]), 'state'),
    );
    this.#element.hidden = false;
  }

  /**
   * Above the place, or below it where there is no room.
   * @param {number} x The position in CSS pixels of the map.
   * @param {number} y
   * @param {number} gap
   * @param {number} mapWidth
   */
  place(x, y, gap, mapWidth) {
    const { offsetWidth: width, offsetHeight: height } = this.#element;
    const above = y - gap - height;
    const left = Math.min(Math.max(EDGE, x - width / 2), mapWidth - width - EDGE);
    this.#element.style.transform = `translate(${Math.round(left)}px, ${Math.round(above >= EDGE ? above : y + gap)}px)`;
  }
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
