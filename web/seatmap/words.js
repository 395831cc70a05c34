/** The element's words, English by default; set `words` on the element for another language. */

/**
 * @typedef {'available' | 'own' | 'held' | 'sold' | 'notForSale'} SeatLook
 */

export const WORDS = Object.freeze({
  map: 'Seat map',
  instructions:
    'Arrow keys move between sections. Enter opens a section; then arrow keys move between seats, Enter takes a seat or gives it back, Escape goes back to the sections. Plus and minus zoom.',
  unnamedZone: 'Section',
  list: 'Seats by section and row',
  /** @param {string} label */
  row: (label) => (label ? `Row ${label}` : 'Row'),
  /** @param {string} number */
  seat: (number) => `seat ${number}`,
  /** @param {string[]} parts Section, row and seat, as far as there are such. */
  place: (parts) => parts.map((part, index) => (index > 0 ? part.replace(/^Row /, 'row ') : part)).join(', '),
  /** @param {number} n */
  free: (n) => `${n} free`,
  /** @type {Record<SeatLook, string>} */
  state: { available: 'free', own: 'held for you', held: 'held by somebody', sold: 'sold', notForSale: 'not for sale' },
  /** @param {number} amount */
  price: (amount) => String(amount),
  /** @param {number} least @param {number} most */
  prices: (least, most) => (least === most ? String(least) : `${least} – ${most}`),
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  whole: 'Show the whole venue',
  minimap: 'Overview',
  take: 'Hold this seat',
  giveBack: 'Give it back',
});

/** @typedef {typeof WORDS} SeatmapWords */
