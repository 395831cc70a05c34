/** English: what the box office sells and gives away, and tickets on paper. The Korean file has exactly these keys. */

/** @param {number} n @param {string} one @param {string} many */
const plural = (n, one, many) => (n === 1 ? one : many);

export const desk = {
  title: 'At the box office',
  text: 'Sell the chosen seats to somebody who stands before you, or give them away. They need no place in line.',
  /** @param {number} most */
  tooMany: (most) => `At most ${most} seats in one order.`,
  name: 'Name (if they give one)',
  note: 'Note (other operators read it)',
  how: 'Paid with',
  cash: 'cash',
  card: 'a card',
  sell: 'Sell …',
  give: 'Give away …',
  /** @param {string} sum */
  sellFor: (sum) => `Sell for ${sum}`,
  /** @param {number} n */
  giveAway: (n) => `Give ${n} ${plural(n, 'seat', 'seats')} away`,
  /** @param {string} sum @param {string} how */
  sellText: (sum, how) => `Take ${sum} first, ${how}. The tickets are valid at once.`,
  inCash: 'in cash',
  byCard: 'by card',
  giveText: 'Free tickets, valid at once. Nobody pays anything.',
  /** @param {string} labels */
  taken: (labels) => `Somebody was faster: ${labels}. Nothing was sold.`,
  priced: 'The prices were changed meanwhile. Nothing was sold: look at the sum again.',
  unsure: 'Nobody knows whether it was sold. Press the same again: nothing is sold twice.',

  /** @param {number} n @param {string} sum */
  sold: (n, sum) => `${n} ${plural(n, 'seat is', 'seats are')} sold for ${sum}.`,
  /** @param {number} n */
  given: (n) => `${n} ${plural(n, 'seat is', 'seats are')} given away.`,
  tickets: 'Tickets',
  /** @param {string} label */
  code: (label) => `Code of ${label}`,
  copy: 'Copy the codes',
  copied: 'The codes are copied.',
  notCopied: 'The browser did not let the codes be copied. Mark them by hand.',
  print: 'Show the tickets, to print them',
  order: 'The order',
  next: 'Next buyer',

  printTitle: 'Tickets to print',
  printNow: 'Print',
  printHint: 'The code stands on each ticket, and opens the door once.',
  none: 'This order has no valid ticket.',
  seat: 'Seat',
  codeHead: 'Code',
  /** @param {string} label */
  qr: (label) => `Code of ${label}, to be scanned`,

  nameless: 'Walk-in',
  /** @param {string} cash @param {string} card */
  taking: (cash, card) => `at the desk: ${cash} in cash, ${card} by card`,
  /** @param {number} orders @param {number} seats @param {string} sum */
  backAtDesk: (orders, seats, sum) =>
    `To be paid back at the desk: ${sum} for ${seats} ${plural(seats, 'seat', 'seats')} of ${orders} ${plural(orders, 'order', 'orders')}. Whoever comes is refunded by their order.`,
  /** @param {string} orders @param {string} sum */
  ofWhichDesk: (orders, sum) => `Of these, ${sum} of ${orders} orders were paid at the desk: they wait until somebody comes for them.`,
  /** @param {string} sum @param {string} seats */
  refundText: (sum, seats) => `Hand out ${sum}, in the way it was paid. The tickets are void, and ${seats} can be sold again. There is no way back.`,
  /** @param {string} sum */
  refundOff: (sum) => `Hand out ${sum}, in the way it was paid. The performance is called off: its seats are not sold again.`,
  gift: 'Take the gift back',
  /** @param {string} seats */
  giftText: (seats) => `Nothing was paid. The tickets are void, and ${seats} can be sold again. There is no way back.`,
};
