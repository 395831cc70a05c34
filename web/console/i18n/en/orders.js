/** English: orders. The Korean file has exactly these keys. */

/** @param {number} n @param {string} one @param {string} many */
const plural = (n, one, many) => (n === 1 ? one : many);

export const orders = {
  title: 'Orders',
  text: 'Find an order by whatever the fan knows of it.',
  by: 'Find by',
  ways: { name: 'Name', ticket: 'Ticket code', order: 'Order number', user: 'User number', seat: 'Seat', concert: 'Concert' },
  hints: {
    name: 'The beginning of it, capitals as they are written.',
    ticket: 'The 16 characters on the ticket.',
    order: 'As in the log, or in a list of orders.',
    user: 'As beside the name of a fan.',
    seat: 'As on the ticket. All who have or had it are found.',
    concert: '',
  },
  concert: 'Concert',
  performance: 'Performance',
  find: 'Find',
  results: 'Found',
  none: 'No order was found.',
  /** @param {number} n @param {boolean} more */
  found: (n, more) => (more ? `The newest ${n} ${plural(n, 'order', 'orders')}.` : `${n} ${plural(n, 'order', 'orders')}.`),
  /** @param {number} n */
  whoIsMeant: (n) => `${n} fans have a name that begins so. Who is meant?`,
  /** @param {number} id */
  userNo: (id) => `user ${id}`,
  theirs: 'Orders',
  /** @param {string} name @param {number} id */
  ordersOf: (name, id) => `Orders of ${name}, user ${id}`,
  older: 'Older ones',
  noSeats: 'No seats',
  /** @param {string} at */
  opened: (at) => `begun ${at}`,
  /** @param {{ status: string, payment?: { refunded: number } }} order @returns {string} */
  status: ({ status, payment }) =>
    status === 'RESERVED'
      ? payment && payment.refunded > 0
        ? 'paid, partly given back'
        : 'paid'
      : status === 'TEMP_RESERVED'
        ? 'held'
        : status === 'EXPIRED'
          ? 'ran out'
          : payment
            ? 'given back'
            : 'released',

  listsTitle: 'Lists for spreadsheets',
  listsText: 'Files of comma-separated values (CSV), as they are at this moment.',
  lists: { orders: 'Orders', attendees: 'Attendees', codes: 'Ticket codes', ledger: 'Money' },
  saving: 'The list is on its way …',
  /** @param {string} list */
  saved: (list) => `${list}: saved.`,

  back: 'Orders',
  order: 'Order',
  missing: 'There is no such order.',
  /** @param {string} name */
  orderOf: (name) => `Order of ${name}`,
  fan: 'Fan',
  paid: 'Paid',
  /** @param {string} source @param {string} at */
  paidBy: (source, at) => `${{ wallet: 'from the wallet', cash: 'at the box office, in cash', card: 'at the box office, by card', gift: 'given away' }[source] ?? source}, ${at}`,
  refunded: 'Given back',
  costs: 'Costs',
  number: 'Order number',
  seats: 'Seats',
  ticket: 'Ticket',
  valid: 'valid',
  void: 'void',
  life: 'What happened',
  archived: 'The beginning of this sale’s journal was moved into files. “frontrow history” reads them.',
  /** @param {number} n */
  leftOut: (n) => `${n} ${plural(n, 'event', 'events')} of other fans at the same seats ${plural(n, 'is', 'are')} not listed.`,
  house: 'The house',
  operator: 'An operator',
  /** @param {number} id */
  another: (id) => `Another fan (user ${id})`,
  events: {
    /** @param {string} who @param {string} seats */
    hold: (who, seats) => `${who} held ${seats}.`,
    /** @param {string} who @param {string} seats */
    release: (who, seats) => `${who} gave ${seats} back before paying.`,
    /** @param {string} who @param {string} seats @param {string} why */
    lapse: (who, seats, why) => `${who} lost ${seats}: ${why}.`,
    lapsed: {
      released: 'released by themselves',
      left: 'left the sale',
      bought_another: 'bought another order, which ends the visit',
      hold_time: 'not paid in time',
      idle: 'did nothing for too long',
      started: 'not paid before the performance began',
      called_off: 'the performance was called off',
    },
    /** @param {string} who @param {string} seats @param {string} sum */
    pay: (who, seats, sum) => `${who} paid ${sum} for ${seats}.`,
    /** @param {string} who @param {string} seats */
    payOther: (who, seats) => `${who} bought ${seats}.`,
    /** @param {string} by @param {string} who @param {string} seats @param {string} sum @param {string} how */
    sell: (by, who, seats, sum, how) => `${by} sold ${who} ${seats} for ${sum} at the box office, ${how}.`,
    /** @param {string} by @param {string} who @param {string} seats */
    give: (by, who, seats) => `${by} gave ${who} ${seats}.`,
    soldBy: { cash: 'in cash', card: 'by card' },
    /** @param {string} who @param {string} seats @param {string} sum @param {string} why */
    refund: (who, seats, sum, why) => `${who} got ${sum} back for ${seats}: ${why}.`,
    /** @param {string} who @param {string} seats */
    refundOther: (who, seats) => `${who} gave ${seats} back after paying.`,
    /** @param {string} by */
    refundedBy: (by) => `by ${by}`,
    refunded: { cancelled: 'cancelled by themselves', called_off: 'the performance was called off' },
    /** @param {string} by @param {string} from @param {string} to */
    move: (by, from, to) => `${by} gave ${to} in the place of ${from}. The ticket is another one.`,
    /** @param {string} who @param {string} seats */
    moveOther: (who, seats) => `${who} was given another seat: ${seats}.`,
    /** @param {string} by @param {string} seats */
    keep: (by, seats) => `${by} kept ${seats} from sale.`,
    /** @param {string} by @param {string} seats */
    open: (by, seats) => `${by} put ${seats} on sale again.`,
    /** @param {string} by @param {string} before @param {string} after */
    postpone: (by, before, after) => `${by} moved the performance from ${before} to ${after}.`,
    /** @param {string} by */
    calloff: (by) => `${by} called the performance off.`,
  },

  move: 'Give another seat',
  moveHint: 'Of the same performance, for what was paid: a seat that is free or kept from sale, and costs no less.',
  moveBegin: 'Choose the seat',
  moveFrom: 'Instead of',
  moveTo: 'The new seat',
  moveNone: 'No seat is chosen.',
  /** @param {string} label */
  moveChosen: (label) => `Chosen: ${label}`,
  /** @param {string} label */
  moveKeep: (label) => `Keep ${label} from sale from then on`,
  moveLook: 'Look at the change',
  /** @param {string} name @param {string} from @param {string} to */
  moveText: (name, from, to) => `${name} gets ${to} in the place of ${from}, and is told. The ticket for ${from} is void, and there is a new one. Nothing is paid.`,

  refundSeats: 'Which seats',
  refund: 'Give the money back',
  reason: 'Why',
  reasonHint: 'The fan reads it beside the ticket.',
  /** @param {string} sum */
  refundSum: (sum) => `Give ${sum} back`,
  /** @param {string} sum @param {string} name @param {string} seats */
  refundText: (sum, name, seats) => `${sum} go to the wallet of ${name}, who is told. The tickets are void, and ${seats} can be sold again. There is no way back.`,
  /** @param {string} sum @param {string} name */
  refundOff: (sum, name) => `${sum} go to the wallet of ${name}, who is told. The performance is called off: its seats are not sold again.`,
};
