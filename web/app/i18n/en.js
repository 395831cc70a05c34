/** English. The other languages have exactly these keys; the type checker says when one is missing. */

const plural = new Intl.PluralRules('en');
const numbers = new Intl.NumberFormat('en');
/**
 * @param {number} n
 * @param {string} one
 * @param {string} other
 */
const of = (n, one, other) => `${numbers.format(n)} ${plural.select(n) === 'one' ? one : other}`;

/** @param {number} seconds */
const duration = (seconds) => {
  if (seconds < 60) return of(Math.max(1, Math.round(seconds)), 'second', 'seconds');
  if (seconds < 5400) return of(Math.round(seconds / 60), 'minute', 'minutes');
  return `${numbers.format(Math.round(seconds / 360) / 10)} hours`;
};

export const words = {
  brand: 'Frontrow',
  skip: 'Skip to the content',
  close: 'Close',
  retry: 'Try again',
  loading: 'One moment …',
  back: 'Back',

  nav: { concerts: 'Concerts', tickets: 'My tickets', wallet: 'Wallet', settings: 'Settings', main: 'Main' },
  settings: {
    title: 'Settings',
    language: 'Language',
    theme: 'Appearance',
    auto: 'Same as my device',
    light: 'Light',
    dark: 'Dark',
    signOut: 'Sign out',
    signOutText:
      'This device forgets who you are and your place in line. Guests cannot sign in again: save your tickets first.',
  },

  link: {
    connecting: 'Connecting …',
    reconnecting: 'Connection lost. Reconnecting – your place and your seats are kept.',
    offline: 'You are offline. Your place is kept; we reconnect as soon as there is a network.',
    resumed: 'Connected again. Everything is as you left it.',
  },
  ended: {
    elsewhere: 'Frontrow is open in too many windows',
    elsewhereText: 'Newer windows took over from this one. You can come back here at any time.',
    useHere: 'Continue here',
    unknown: 'Your sign-in has expired',
    unknownText: 'Please sign in again, or join again to take a new place.',
    other: 'The connection was closed by the server',
    otherText: 'You can connect again.',
    expired: 'Your sign-in has expired. Please sign in again.',
  },
  token: {
    title: 'Sign in',
    text: 'Guests cannot book here. Paste the access token from your ticket shop.',
    label: 'Access token',
    use: 'Sign in',
  },

  concerts: {
    calledOff: (/** @type {string} */ when) => `Called off: ${when}.`,
    title: 'Seats, live',
    lead: 'Join the line, keep your place, pick your seats as they change in front of you.',
    none: 'Nothing is on sale at the moment.',
    noneText: 'Come back later: concerts appear here as soon as they are announced.',
    failed: 'The list of concerts could not be loaded.',
    join: 'Join',
    joinFor: (/** @type {string} */ title) => `Join the line for ${title}`,
    joinEarly: 'Join the line early',
    continue: 'Continue',
    continueFor: (/** @type {string} */ title) => `Continue with ${title}`,
    soldOut: 'Sold out',
    dates: (/** @type {number} */ n) => of(n, 'date', 'dates'),
    state: { SCHEDULED: 'Opens soon', OPEN: 'On sale', PAUSED: 'Paused', CLOSED: 'Sale closed' },
    opens: (/** @type {string} */ when) => `Sale opens ${when}`,
    opensIn: (/** @type {string} */ clock) => `Sale opens in ${clock}`,
    inLine: (/** @type {number} */ position) => `You are number ${numbers.format(position)} in line`,
    admitted: 'It’s your turn',
    turn: (/** @type {string} */ title) => `It’s your turn for ${title}.`,
  },

  share: { title: 'Share this sale', copied: 'The link is copied.', address: (/** @type {string} */ url) => `This is the link: ${url}` },

  waiting: {
    title: 'You are in line',
    place: 'Your place',
    ahead: (/** @type {number} */ n) => (n === 0 ? 'Nobody is ahead of you' : `${of(n, 'person', 'people')} ahead of you`),
    behind: (/** @type {number} */ n) => `${of(n, 'person', 'people')} in the line`,
    eta: 'Your turn in about',
    etaValue: duration,
    etaUnknown: 'Not known yet',
    pace: 'The line moves',
    paceValue: (/** @type {number} */ perMinute) => `${of(perMinute, 'person', 'people')} a minute`,
    paceUnknown: 'Measuring …',
    progress: 'Progress in the line',
    lock: 'You can lock your phone or switch to another app. If the connection drops, your place is kept for some minutes – look in now and then.',
    sameEverywhere: 'The same place counts on all your devices. Reloading does not lose it.',
    remind: 'Notify me when it’s my turn',
    remindOn: 'We’ll play a sound and show a notification.',
    remindSound: 'We’ll play a sound. Notifications are blocked in your browser.',
    leave: 'Leave the line',
    leaveTitle: 'Leave the line?',
    leaveText: 'You will lose your place. If you join again, you start at the end.',
    leaveYes: 'Leave',
    stay: 'Stay',
    early: 'The sale has not opened yet. Your place counts already.',
    paused: 'The sale is paused for the moment. Your place is kept.',
    fullHouse: 'All seats are sold. When a ticket is returned, the first in line can buy it.',
    next: 'You are next. You’ll be let in as soon as there is room.',
    titleInLine: (/** @type {number} */ position) => `#${numbers.format(position)} in line`,
    titleAdmitted: 'It’s your turn!',
    admittedBody: 'Choose your seats now.',
    spoken: (/** @type {number} */ position) => `You are now number ${numbers.format(position)}.`,
  },

  lobby: {
    join: 'Join the line',
    text: 'Take a place in line. When it’s your turn, you choose your seats.',
    joinEarly: 'Join the line early',
    early: 'The sale has not opened yet. You can take a place in line already.',
    paused: 'The sale is paused for the moment. You can join as soon as it goes on.',
    soldOut: 'All seats are sold. You can wait in line for returned tickets.',
    joinSoldOut: 'Wait for returned tickets',
    over: 'No more seats are sold for this concert.',
    expired: {
      left: 'You left the line',
      away: 'You were away too long and lost your place',
      idle: 'Your turn ended, because nothing happened for a while',
      time: 'Your time to choose is over',
      closed: 'The sale has closed',
    },
    expiredText: 'Seats you had not paid for are free again. You can join again at the end of the line.',
    closedText: 'Thank you for waiting. No more seats are sold for this concert.',
    again: 'Join again',
    done: 'You have your tickets',
    doneText: 'Enjoy the concert! To buy more seats, join again.',
    seeTickets: 'See my tickets',
    cancelled: 'Your order was cancelled',
    cancelledText: 'The refund is in your wallet. To buy seats again, join again.',
    seeOrders: 'See my orders',
    missing: 'This concert is not on sale here',
    missingText: 'It may be over, or the address is mistyped.',
    toConcerts: 'To the concerts',
  },

  time: {
    left: 'Time left',
    toChoose: (/** @type {string} */ clock) => `${clock} left to choose`,
    toPay: (/** @type {string} */ clock) => `${clock} left to pay`,
    choosingOver: 'The time to choose is over. You can still pay for the seats you hold.',
    admissionSoon: 'Less than two minutes are left to choose seats.',
    holdSoon: 'Less than a minute is left to pay. Pay now to keep your seats.',
    holdOver: (/** @type {string} */ labels) => `The time to pay is over. No longer held for you: ${labels}`,
    idleTitle: 'Are you still there?',
    idleText: (/** @type {string} */ clock) => `Otherwise your turn ends in ${clock}.`,
    here: 'I’m still here',
  },

  seats: {
    title: 'Choose your seats',
    dates: 'Dates',
    free: (/** @type {number} */ n) => of(n, 'seat free', 'seats free'),
    soldOut: 'Sold out',
    filter: 'Prices',
    all: 'All',
    best: (/** @type {number} */ n) => (n === 1 ? 'Best seat' : `Best ${n} together`),
    bestHint: 'We pick the best free seats side by side, nearest the stage first.',
    others: 'Show me others',
    legend: 'What the seats look like',
    freeOf: (/** @type {number} */ n) => `${numbers.format(n)} left`,
    how: 'How many',
    fewer: 'One seat fewer',
    more: 'One seat more',
    map: 'Map',
    list: 'List',
    view: 'View',
    hold: 'Hold this seat',
    release: 'Release this seat',
    /** The separator between the names of seats, which have commas. */
    between: '; ',
    upTo: (/** @type {string} */ price) => `Up to ${price}`,
    anyPrice: 'Any price',
    priceMost: 'Highest price of a seat',
    freed: (/** @type {string} */ label) => `A seat is free again: ${label}`,
    repriced: (/** @type {string} */ label, /** @type {string} */ was, /** @type {string} */ is) => `The price was changed: ${label} costs ${is} instead of ${was}.`,
    range: (/** @type {string} */ least, /** @type {string} */ most) => `${least} – ${most}`,
    loading: 'Loading the seats …',
    stale: 'Refreshing the seats …',
    failed: 'The seats could not be loaded.',
    none: 'No performance is on sale any more.',
    begun: 'This performance has begun. Its seats are not sold any more.',
    paused: 'The sale is paused for the moment: no new seats can be chosen. What you hold can be paid.',
    closed: 'The sale has closed: no new seats can be chosen. What you hold can be paid.',
  },

  map: {
    map: 'Seat map',
    instructions:
      'Arrow keys move between sections. Enter opens a section; then arrow keys move between seats, Enter holds a seat or releases it, Escape goes back to the sections. Plus and minus zoom.',
    unnamedZone: 'Section',
    list: 'Seats by section and row',
    row: (/** @type {string} */ label) => (label ? `Row ${label}` : 'Row'),
    seat: (/** @type {string} */ number) => `Seat ${number}`,
    place: (/** @type {string[]} */ parts) => parts.map((part, index) => (index > 0 ? part.replace(/^(?:Row|Seat) /, (word) => word.toLowerCase()) : part)).join(', '),
    free: (/** @type {number} */ n) => `${numbers.format(n)} free`,
    state: { available: 'free', own: 'held for you', held: 'held by somebody', sold: 'sold', notForSale: 'not for sale' },
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    whole: 'Show the whole venue',
    minimap: 'Overview',
    take: 'Hold this seat',
    giveBack: 'Release this seat',
  },

  cart: {
    title: 'Your seats',
    empty: 'No seats yet. Tap a seat, or let us pick the best ones.',
    remove: (/** @type {string} */ label) => `Release ${label}`,
    total: 'Total',
    checkout: 'Continue to payment',
    seats: (/** @type {number} */ n) => of(n, 'seat', 'seats'),
    other: 'You also hold seats for another date. When you pay for one date, the seats of the others are released.',
    held: (/** @type {string} */ labels) => `Held for you: ${labels}`,
    released: (/** @type {string} */ labels) => `Released: ${labels}`,
  },

  checkout: {
    title: 'Payment',
    seats: 'Your seats',
    balance: 'Wallet balance',
    after: 'Balance afterwards',
    missing: 'To top up',
    pay: (/** @type {string} */ amount) => `Pay ${amount}`,
    chargeAndPay: (/** @type {string} */ amount) => `Top up ${amount} and pay`,
    charging: 'Topping up your wallet …',
    paying: 'Paying …',
    waitForLink: 'The connection broke. We keep trying: you will not pay twice.',
    gone: 'These seats are not held for you any more',
    goneText: 'The time to pay is over, or they were released. Nothing was paid.',
    choose: 'Choose seats again',
  },

  wallet: {
    title: 'Wallet',
    balance: 'Balance',
    charge: 'Top up',
    amount: 'Amount',
    amountInvalid: 'Enter the amount as a number above zero.',
    meant: 'Please check the amount.',
    charged: (/** @type {string} */ amount) => `${amount} added to your wallet.`,
    history: 'History',
    historyEmpty: 'Nothing yet.',
    more: 'Show older',
    bought: (/** @type {string} */ title, /** @type {string} */ when, /** @type {number} */ n) => `${title} · ${when} · ${of(n, 'seat', 'seats')}`,
    type: { CHARGE: 'Top-up', PAYMENT: 'Payment', REFUND: 'Refund' },
    when: 'When',
    what: 'What',
    change: 'Amount',
    none: 'You have no wallet yet',
    noneText: 'It is made when you first join a sale.',
  },

  tickets: {
    title: 'My tickets',
    none: 'No tickets yet',
    noneText: 'What you buy appears here, ready for the door.',
    thanks: 'Paid. These seats are yours!',
    thanksText: 'Show the code at the door. It stays here, also when you close this page.',
    qr: (/** @type {string} */ label) => `QR code of the ticket for ${label}`,
    show: (/** @type {string} */ label) => `Show the code for ${label} in full size`,
    full: 'Ticket',
    previous: 'Previous ticket',
    next: 'Next ticket',
    nth: (/** @type {number} */ n, /** @type {number} */ of) => `${n} of ${of}`,
    code: 'Code',
    seat: 'Seat',
    offline: 'These tickets also open without a network on this device.',
    stale: (/** @type {string} */ when) => `Last known state, from ${when}. It is checked as soon as there is a connection.`,
    cancelledTitle: 'Cancelled orders',
    cancelledOn: (/** @type {string} */ when) => `Cancelled on ${when}`,
    refunded: (/** @type {string} */ amount) => `${amount} refunded to your wallet`,
    calledOffOn: (/** @type {string} */ when) => `Called off; refunded on ${when}`,
    calledOff: 'Called off. The refund to your wallet is on its way.',
    moved: (/** @type {string} */ when) => `Moved. It was to begin on ${when}.`,
    movedFrom: (/** @type {string} */ label) => `The organiser gave you this seat in place of ${label}. Only this code is valid.`,
    calledOffNews: 'One of your performances was called off. What you paid comes back to your wallet.',
    cancel: 'Cancel this order',
    cancelTitle: 'Cancel this order?',
    cancelText: (/** @type {string} */ amount) => `Your seats go back on sale, and ${amount} is refunded to your wallet.`,
    cancelYes: 'Cancel this order',
    keep: 'Keep the tickets',
    cancelled: (/** @type {string} */ amount) => `Order cancelled. ${amount} was refunded to your wallet.`,
  },

  missing: { title: 'There is nothing here', text: 'The address does not belong to a page of ours.' },

  error: {
    taken: (/** @type {string} */ labels) => (labels ? `Somebody else was faster: ${labels}` : 'Somebody else was faster.'),
    stillFree: 'These are still free:',
    noneNear: 'Nothing near it is free. Try the best seats, or another price.',
    restricted: (/** @type {string} */ labels) => (labels ? `Not for sale: ${labels}` : 'These seats are not for sale.'),
    noSeats: (/** @type {number} */ n) =>
      n === 1 ? 'No seat is free there at the moment.' : `There are no ${n} free seats together at the moment. Try fewer, or another price.`,
    holdLimit: (/** @type {number} */ max) => `You can hold up to ${of(max, 'seat', 'seats')}. Release one first.`,
    holdLimitPlain: 'You already hold the most seats that one person may hold. Release one first.',
    purchaseLimit: (/** @type {number} */ max) => `One person can have up to ${of(max, 'seat', 'seats')} of this sale, held and bought together. Seats that you release or cancel no longer count.`,
    purchaseLimitPlain: 'You already have the most seats of this sale that one person can have. Seats that you release or cancel no longer count.',
    holdAgainLater: (/** @type {string} */ left) =>
      `You had these seats and did not pay in time. You can choose them again in ${left}.`,
    notInQueue: 'You are not in this line. Join first.',
    waiting: 'It’s not your turn yet. Please wait in line.',
    tokenExpired: 'Your turn is over. Join again to take a new place.',
    choosingOver: 'Your time to choose is over. Pay for what you hold, or join again.',
    tokenDone: 'You have bought your seats already. Join again to buy more.',
    notOpen: 'The sale has not opened yet.',
    paused: 'The sale is paused. Paying still works; try the rest again soon.',
    closed: 'The sale has closed.',
    concertGone: 'This concert is not on sale any more.',
    scheduleGone: 'This date is not on sale any more. Choose another one.',
    seatGone: 'There is no such seat. Reload the page to see the current map.',
    reservationGone: 'These seats are not held for you. Choose again.',
    reservationInvalid: 'These seats are not held for you any more. Nothing was paid. Choose again.',
    amount: 'This amount is not possible. Enter another one.',
    balance: (/** @type {string} */ missing) => `Your balance is ${missing} too low. Top up your wallet, then pay.`,
    balancePlain: 'Your balance is too low. Top up your wallet, then pay.',
    requestIdReused: 'This was already requested with another amount. Please try again.',
    busy: 'The server is very busy. We tried several times; please try again in a moment.',
    calledOff: 'This performance was called off. What was paid for it comes back to your wallet by itself.',
    cancelTooLate: 'It is too late to cancel: the concert is near. Your tickets stay valid.',
    walletFull: 'Your wallet is too full for this refund. Spend some of it first; your tickets stay valid until then.',
    dailyLimit: (/** @type {number} */ max) => `You can make at most ${of(max, 'top-up or payment', 'top-ups and payments')} a day. Please try again tomorrow.`,
    forbidden: 'You are not allowed to do this.',
    unauthenticated: 'Your sign-in has expired. Please sign in again.',
    timeout: 'The server did not answer. Please check whether it worked before you try again.',
    disconnected: 'The server cannot be reached. Check your network, then try again.',
    other: 'Something went wrong on our side. Please try again.',
  },
};

/** @typedef {typeof words} Words */
/**
 * A moment in the parts that a calendar shows; `weekday` 0 is Sunday, `hour` 0 is midnight.
 * @typedef {{year: number, month: number, day: number, weekday: number, hour: number, minute: number}} Moment
 */
/**
 * The forms that a language writes in a way of its own; without them the browser's are used.
 * @typedef {object} Forms
 * @property {(moment: Moment, form: 'long' | 'short') => string} [date]
 * @property {(number: string, currency: string) => string | null} [money] Null: as the browser does.
 * @property {Readonly<Record<string, string>>} [demo] The made-up concert and its venues.
 * @property {(name: string) => string} [zone] A zone of a made-up venue, or a label that begins with one.
 */

/** @type {Forms} */
export const forms = {};
