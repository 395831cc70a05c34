/** English: the night, live. The Korean file has exactly these keys. */

/** @param {number} n @param {string} one @param {string} many */
const plural = (n, one, many) => (n === 1 ? one : many);

export const tonight = {
  title: 'Tonight',
  text: 'Every sale, as it is now.',
  none: 'There is no sale yet.',
  live: 'Live',
  connecting: 'Connecting …',
  /** @param {string} at */
  lost: (at) => `No connection. The figures are those of ${at}; they go on by themselves.`,
  lostEarly: 'No connection. It is tried again by itself.',
  ended: 'This window is connected no more.',
  connect: 'Connect again',
  /** @param {string} at */
  asOf: (at) => `as of ${at}`,
  elsewhere: 'run by another server',
  loading: 'being loaded',
  silent: 'does not answer',
  silentText: 'This sale does not answer: nothing is decided in it at the moment. The figures are those of its last change.',
  /** @param {number} id */
  nameless: (id) => `Sale ${id}`,
  waiting: 'Waiting',
  admitted: 'Admitted',
  /** @param {string} n */
  of: (n) => `of ${n}`,
  held: 'Held',
  sold: 'Sold',
  free: 'Free',
  kept: 'Kept from sale',
  money: 'Taken in',
  joins: 'Joins a minute',
  admissions: 'Admissions a minute',
  sales: 'Seats sold a minute',
  sellsOut: 'Sold out in about',
  soldOut: 'sold out',
  unknown: 'not known',
  next: 'Next performance',
  /** @param {string} at */
  opens: (at) => `opens ${at}`,
  /** @param {{ held: string, sold: string, free: string, kept: string }} n */
  seats: ({ held, sold, free, kept }) => `${sold} sold, ${held} held, ${free} free, ${kept} kept from sale`,
  /** @param {number} n */
  seconds: (n) => `${n} ${plural(n, 'second', 'seconds')}`,
  /** @param {number} n */
  minutes: (n) => `${n} ${plural(n, 'minute', 'minutes')}`,
  /** @param {number} n */
  hours: (n) => `${n} ${plural(n, 'hour', 'hours')}`,
  /** @param {number} n */
  days: (n) => `${n} ${plural(n, 'day', 'days')}`,
};

export const sale = {
  back: 'Tonight',
  missing: 'There is no such sale.',
  page: 'As fans see it',
  log: 'What was changed',
  figures: 'Figures',
  schedules: 'Performances',
  left: 'Free by category',
  answers: 'Answers take',
  commits: 'The store takes',
  /** @param {string} p50 @param {string} p99 */
  times: (p50, p99) => `${p50} ms; one of a hundred ${p99} ms`,
  refusals: 'Refused a minute',
  expiries: 'Ran out a minute',
  expired: { hold: 'holds', idle: 'did nothing', time: 'out of time', away: 'were away' },
  nothing: 'none',
  watchers: 'Watching the seats',
  connections: 'Connections to the server',

  controls: 'Steer',
  looksOn: 'You look on: your role changes nothing here.',
  open: 'Open the sale',
  pause: 'Pause',
  close: 'Close the sale',
  /** @param {string} waiting @param {string} capacity */
  openText: (waiting, capacity) => `${waiting} wait in line. They are let in from now on, ${capacity} at once.`,
  /** @param {string} waiting @param {string} held */
  pauseText: (waiting, held) => `Nobody joins, is let in, or holds another seat until you open it again. ${waiting} keep their places in line; the ${held} held seats can still be paid.`,
  /** @param {string} waiting */
  closeText: (waiting) => `The line is dissolved: ${waiting} fans lose their places, and get them back by nothing. What is held can still be paid. Nothing more is sold.`,
  /** @param {string} zone */
  opensAt: (zone) => `It opens by itself at (by the clocks of the venue, ${zone})`,
  opensAtHere: 'It opens by itself at (by the clock of this device)',
  opensText: 'Until then fans may line up, and nobody is let in.',
  opensByHand: 'No time is set: it is opened by hand. Fans may line up, and nobody is let in.',
  setOpening: 'Set the opening',
  openByHand: 'Open it by hand instead',
  capacity: 'Fans let in at once',
  /** @param {string} n */
  capacityText: (n) => `${n} are in now. Fewer sends nobody away: nobody new is let in until there is room.`,
  message: 'Message to the fans',
  messageText: 'Everybody who waits, is let in, or looks at seats sees it at once.',
  messageNone: 'None is shown.',
  set: 'Set',
  send: 'Show it',
  takeBack: 'Take it back',

  rules: 'Times and limits',
  rulesText: 'An empty field takes the usual value. Times such as 90s, 5m or 1h30m.',
  /** @param {string} value */
  usual: (value) => `usual: ${value}`,
  save: 'Look at the changes',
  saveTitle: 'Change these?',
  change: 'Change',
  unset: 'as usual',
  /** What each one does. */
  does: {
    hold_ttl: 'So long a seat stays held without being paid. For holds from now on.',
    admission_ttl: 'So long a fan who was let in may stay. For those who are let in from now on.',
    idle_ttl: 'A fan who was let in and does nothing for so long has to leave, and loses what is held.',
    away_ttl: 'A fan in line who is without a connection for so long loses the place.',
    cancel_before_start: 'Until so long before the start fans may give tickets back. Nothing: until the start.',
    hold_again_after: 'Who let a seat run out cannot hold the same one again for so long.',
    seats_per_reservation_max: 'Seats that one order may have.',
    seats_per_user_max: 'Seats that one user may have in this sale, held and bought together. 0: any number.',
  },
  done: 'Done.',

  changed: 'Somebody else changed this meanwhile. Nothing was changed.',
  /** @param {string} at */
  changedAt: (at) => `It was changed ${at}.`,
  saw: 'you saw',
  is: 'it is',
  want: 'you want',

  seats: 'Seats',
  seatsText: 'Choose seats, then keep them from sale, put them on sale again, sell them at the box office or give them away. What somebody holds or bought stays theirs.',
  seatsSellText: 'Choose seats, then sell them at the box office or give them away.',
  seatsOff: 'This performance is called off: nothing of it is sold, whatever the map shows as free.',
  performance: 'Performance',
  map: 'Map',
  list: 'List',
  lasso: 'Lasso',
  lassoText: 'Draw around the seats.',
  zone: 'A section',
  row: 'A row',
  category: 'A category',
  choose: 'Choose …',
  clear: 'Choose none',
  /** @param {number} n */
  chosen: (n) => `${n} ${plural(n, 'seat', 'seats')} chosen`,
  /** @param {string} label */
  whose: (label) => `Whose is ${label}?`,
  nobodys: 'Nobody has it, and nobody had it.',
  keep: 'Keep from sale',
  giveBack: 'Put on sale',
  note: 'Why (other operators read it)',
  /** @param {number} n */
  keepText: (n) => `${n} ${plural(n, 'seat is', 'seats are')} not for sale from now on.`,
  /** @param {number} n */
  giveBackText: (n) => `${n} ${plural(n, 'seat is', 'seats are')} for sale from now on.`,
  /** @param {number} changed @param {number} left */
  changedSeats: (changed, left) => `${changed} ${plural(changed, 'seat', 'seats')} changed.${left > 0 ? ` ${left} ${plural(left, 'is', 'are')} somebody's, and stayed theirs.` : ''}`,
  map_words: {
    map: 'Seat map',
    instructions:
      'Arrow keys move between sections. Enter opens a section; then arrow keys move between seats, Enter chooses a seat or leaves it out, Escape goes back to the sections. Plus and minus zoom.',
    unnamedZone: 'Section',
    list: 'Seats by section and row',
    state: { available: 'free', own: 'chosen', held: 'held', sold: 'sold', notForSale: 'kept from sale' },
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    whole: 'Show the whole venue',
    minimap: 'Overview',
    take: 'Choose this seat',
    giveBack: 'Leave it out',
  },
};

export const plots = {
  title: 'The night so far',
  of: 'Show',
  /** @param {number} n */
  hours: (n) => (n === 1 ? 'the last hour' : n < 48 ? `the last ${n} hours` : `the last ${n / 24} days`),
  nothing: 'Nothing was kept of this time.',
  report: 'Save as a report',
  line: 'Line and admissions',
  came: 'Who came',
  seats: 'Seats',
  sold: 'Seats held and sold',
  heldPerMinute: 'Seats held a minute',
  lost: 'Refused and run out',
  refused: 'Refused a minute',
  expired: 'Ran out a minute',
  answers: 'What answers took',
  commits: 'What the store took',
  half: 'half of them',
  slowest: 'all but one of a hundred',
  /** @param {string} name @param {string} least @param {string} most @param {string} last */
  told: (name, least, most, last) => `${name} from ${least} to ${most}, last ${last}`,
  /** @param {string} name */
  none: (name) => `${name}: nothing`,
};
