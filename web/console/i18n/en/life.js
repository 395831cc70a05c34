/** English: what becomes of a concert that is announced. The Korean file has exactly these keys. */

/** @param {number} n @param {string} one @param {string} many */
const plural = (n, one, many) => (n === 1 ? one : many);

/** @typedef {{ orders: string, seats: string, sum: string, held: string }} Told */

export const life = {
  begun: 'has begun',

  add: 'Add a performance',
  addText: 'In the same hall. The seats that all of its performances keep from sale, such as those that the plan calls blocked, are kept in it, too.',
  /** @param {string} zone */
  start: (zone) => `Start, by the clocks of the venue (${zone})`,
  startHere: 'Start, by the clock of this device',
  startsThen: 'A performance of this concert begins then already.',
  startBehind: 'This start has passed.',
  lookAdd: 'Look at it',
  /** @param {string} start */
  addOf: (start) => `Another performance on ${start}?`,
  addSure: 'It is on sale as soon as the sale is open, and fans are told at once. It cannot be taken away again, only called off.',
  addButton: 'Add it',
  adding: 'Its seats are being made …',
  /** @param {string} start */
  added: (start) => `Added: ${start}.`,

  move: 'Move',
  /** @param {string} start */
  moveOf: (start) => `Move ${start}`,
  /** @param {string} zone */
  newStart: (zone) => `New start, by the clocks of the venue (${zone})`,
  newStartHere: 'New start, by the clock of this device',
  why: 'Why',
  whyHint: 'Fans read it.',
  lookMove: 'Look at the move',
  /** @param {string} before @param {string} after */
  moveText: (before, after) => `From ${before} to ${after}. Tickets stay valid, fans are told, and until when orders may be cancelled goes by the new start.`,
  moved: 'Moved. Fans are told.',

  prices: 'Prices',
  /** @param {string} start */
  pricesOf: (start) => `Prices of ${start}`,
  pricesHint: 'Of free seats. What is held or bought costs what it did.',
  allPerformances: 'In every performance that has not begun',
  lookPrices: 'Look at the prices',
  pricesText: 'Free seats of this performance cost this from now on. What is held or bought costs what it did.',
  pricesAllText: 'Free seats of every performance that has not begun cost this from now on. What is held or bought costs what it did.',
  change: 'Change',
  priced: 'The prices are changed.',

  callOff: 'Call off',
  /** @param {string} start */
  callOffOf: (start) => `Call off ${start}`,
  callOffAll: 'Call the whole concert off',
  /** @param {Told} n */
  callOffText: ({ orders, seats, sum, held }) => `${orders} paid orders with ${seats} seats: ${sum} go back. ${held} held seats are let go.`,
  lookOff: 'Call off …',
  /** @param {Told} n */
  callOffSure: ({ orders, sum }) => `${sum} of ${orders} orders go back to the fans’ wallets, beginning now. All tickets are void, fans are told why, and nothing more is sold of this performance. There is no way back.`,
  /** @param {Told} n */
  callOffAllSure: ({ orders, sum }) => `Every performance is called off and the sale is closed: ${sum} of ${orders} orders go back to the fans’ wallets, beginning now. All tickets are void, fans are told why. There is no way back.`,

  refunds: 'Money back',
  goesOn: 'The money is on its way back.',
  allBack: 'All money is back.',
  /** @param {number} n */
  seatsLeft: (n) => `${n} paid ${plural(n, 'seat is', 'seats are')} still to be given back`,
  /** @param {number} n */
  ordersDone: (n) => `${n} ${plural(n, 'order', 'orders')} given back since the server began`,
  /** @param {number} n */
  stuck: (n) => `${n} ${plural(n, 'order', 'orders')} cannot be given back now. ${plural(n, 'It is', 'They are')} tried again by itself.`,

  archive: 'Archive',
  archiveText: 'When everything is over, a concert is put away: it is in no list any more, and nothing of it changes. Fans still find their tickets.',
  over: {
    sale: 'The sale is closed',
    fans: 'Nobody is in line or may still buy',
    performances: 'Every performance has begun or is called off',
    refunds: 'What was paid for performances that are called off is given back',
    notYet: 'not yet',
    /** @param {string} n */
    left: (n) => `${n} left`,
  },
  lookArchive: 'Archive …',
  /** @param {string} title */
  archiveOf: (title) => `Archive ${title}?`,
  archiveSure: 'No order of it can be refunded or changed any more. There is no way back.',
  archived: 'This concert is archived.',

  texts: 'Title, texts and picture',
  textsText: 'Fans see what you save at once.',
};
