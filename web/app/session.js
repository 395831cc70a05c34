/**
 * The page's one client and what it knows, as signals for the components.
 *
 * Always: tokens are stored as soon as they are known, so that a closed tab costs neither the place nor the ticket. A
 * guest account is made only when somebody joins. Every deadline is compared with the server's clock, not the device's.
 */
import { batch, computed, signal } from '@preact/signals';
import { FrontrowClient, createGuest, fetchConcerts, fetchLayout } from '@frontrow/sdk';
import { named, whereabouts, words } from './i18n.js';
import { placeOf } from '../seatmap/place.js';
import { notify } from './notices.js';
import { keyOf, load, loadJson, save, saveJson } from './storage.js';

/** @typedef {import('@frontrow/sdk').FrontrowError} FrontrowError */
/** @typedef {import('../sdk/wire.js').Reservation} WireReservation */
/** @typedef {WireReservation['seats'][number] & import('./i18n.js').Whereabouts} NamedSeat */
/** A reservation with its seats named in the page's language. @typedef {Omit<WireReservation, 'seats'> & {seats: NamedSeat[]}} Reservation */
/** @typedef {import('../sdk/wire.js').QueueUpdate} QueueUpdate */
/** @typedef {import('../sdk/wire.js').Concert & {calledOff: import('../sdk/wire.js').ConcertSchedule[]}} Concert */
/** @typedef {import('../sdk/wire.js').Layout} Layout */
/** @typedef {import('../sdk/wire.js').SaleUpdate} SaleUpdate */

/** @type {import('@preact/signals').Signal<import('../sdk/client.js').ClientStatus>} */
export const status = signal('idle');
/** @type {import('@preact/signals').Signal<QueueUpdate | null>} */
export const queue = signal(null);
/** The reservations as the server names them. @type {import('@preact/signals').Signal<WireReservation[]>} */
const reserved = signal([]);
/** @type {import('@preact/signals').Signal<number | null>} */
export const balance = signal(null);
/** Counts what the server said of the wallet: a balance that came back to what it was has entries all the same. */
export const walletNews = signal(0);
/** @type {import('@preact/signals').Signal<Concert[] | null>} */
const listed = signal(null);
/** The concerts on sale, by names in the page's language. @type {import('@preact/signals').ReadonlySignal<Concert[] | null>} */
export const concerts = computed(
  () => listed.value?.map((concert) => ({ ...concert, title: named(concert.title), ...(concert.venue ? { venue: named(concert.venue) } : {}) })) ?? null,
);
/** The drawings that are here, by schedule: they say where a seat is better than its label does.
 * @type {import('@preact/signals').Signal<ReadonlyMap<number, Layout>>} */
const drawings = signal(new Map());
/** This fan's reservations, their seats named in the page's language. */
export const reservations = computed(() =>
  reserved.value.map((reservation) => {
    const venue = listed.value?.find((concert) => concert.concert_id === reservation.concert_id)?.venue;
    return { ...reservation, seats: reservation.seats.map((seat) => ({ ...seat, ...whereabouts(placeIn(reservation.schedule_id, seat.seat), seat.label, venue) })) };
  }),
);
/** Why the session is over, until somebody starts another one.
 * @type {import('@preact/signals').Signal<{reason: string} | null>} */
export const ended = signal(null);
/** The server makes no guests: the fan has to bring an access token. */
export const tokenWanted = signal(false);
/** The currency of every wallet, and so of every venue. */
export const currency = signal(load('currency') ?? 'KRW');
/** Queue tokens by concert, so that a fan in two sales keeps both places.
 * @type {import('@preact/signals').Signal<Record<string, string>>} */
export const places = signal(loadJson('places', {}));
/** The places in other sales than the present one, by concert, as the server sent them.
 * @type {import('@preact/signals').Signal<Record<number, QueueUpdate>>} */
export const elsewhere = signal({});
/** The server's time in ms, once a second, and whenever an end is sent: by an older one, more would seem to be left. */
export const now = signal(Date.now());
export const signedIn = signal(load('access_token') !== null || load('queue_token') !== null);
/** Grows with every new client: what asked or listens to the one before has to do it anew. */
export const session = signal(0);

/** Grows when something was changed of a performance: whatever shows tickets asks again. */
export const changes = signal(0);
/** What was said last of each concert. @type {Map<number, number>} */
const revisions = new Map();

/** Held and not paid, newest last. */
export const held = computed(() => reservations.value.filter((r) => r.status === 'TEMP_RESERVED'));

/**
 * Whether paying this one releases others: those of the same concert, whose sale is over for this fan then.
 * @param {Reservation | null} reservation
 */
export function heldElsewhere(reservation) {
  return held.value.some((other) => other.concert_id === reservation?.concert_id && other.reservation_id !== reservation.reservation_id);
}

/** All who wait ask for what is played now, but not in one moment. */
const CONCERTS_WITHIN_MS = 2_000;

/** The newest client; after its end it stays, so that nothing but the fan starts another one.
 * @type {FrontrowClient | null} */
let client = null;
/** @type {Map<number, Promise<Layout>>} */
const layouts = new Map();

setInterval(() => {
  now.value = client ? client.now() : Date.now();
}, 1000);

/** Something is known of this fan's place, or nothing ever will be without a join. */
export const settled = computed(() => !signedIn.value || ended.value !== null || (status.value !== 'idle' && status.value !== 'connecting'));

/** Goes on with what an earlier visit left, if it left anything. */
export function resume() {
  if (signedIn.value) start();
}

/**
 * The client, connected or on its way.
 * @returns {FrontrowClient}
 */
export function start() {
  if (client) return client;
  const mine = new FrontrowClient({ accessToken: load('access_token'), queueToken: load('queue_token') });
  client = mine;
  batch(() => {
    ended.value = null;
    signedIn.value = true;
    session.value++;
  });
  mine.on('status', (next) => {
    status.value = next;
  });
  mine.on('queue', takeQueue);
  mine.on('elsewhere', takeElsewhere);
  mine.on('balance', (wallet) => {
    balance.value = wallet.balance;
    walletNews.value++;
    if (wallet.currency) knowCurrency(wallet.currency);
  });
  mine.on('reservation', () => {
    batch(() => {
      now.value = mine.now();
      reserved.value = [...mine.reservations.values()];
    });
  });
  mine.on('sale', (update) => {
    const { concert_id: concert, revision = 0 } = update;
    const isNews = revision > (revisions.get(concert) ?? 0);
    revisions.set(concert, revision);
    // All who have tickets ask again, but not in one moment.
    if (isNews) window.setTimeout(() => changes.value++, Math.random() * CONCERTS_WITHIN_MS);
    if (asking) pushedMeanwhile.set(update.concert_id, update);
    if (listed.value) listed.value = listed.value.map((concert) => withSale(concert, update));
  });
  // Everybody in line asks for what is played now, but not in one moment.
  mine.on('outdated', () => window.setTimeout(() => refreshConcerts().catch(() => {}), Math.random() * CONCERTS_WITHIN_MS));
  const greeted = () => {
    now.value = mine.now();
    refreshBalance().catch(() => {}); // A place that has ended shows nothing of the wallet.
    refreshConcerts().catch(() => {}); // Asked again wherever it is shown.
  };
  mine.on('online', greeted);
  mine.on('resumed', greeted);
  mine.on('helloAgain', () => {
    // The place may go on by its own token; for anything else one has to sign in again.
    if (client !== mine) return;
    save('access_token', null);
    notify({ kind: 'bad', key: 'signin', text: words().ended.expired });
  });
  mine.on('closed', (error) => {
    if (client !== mine) return;
    const reason = String(error.data.reason ?? 'CLOSED');
    const wasSignedIn = load('access_token') !== null;
    if (TOKENS_OVER.includes(reason)) forget(); // The tickets are kept: a fan who stands at the door has paid for them.
    ended.value = { reason: reason === 'UNAUTHENTICATED' && wasSignedIn ? 'SIGN_IN_EXPIRED' : reason };
  });
  mine.connect().catch(() => {}); // `closed` reports it.
  return mine;
}

/** @param {QueueUpdate} update */
function takeQueue(update) {
  batch(() => {
    if (client) now.value = client.now();
    queue.value = update;
    save('queue_token', update.token);
    keepPlace(update);
  });
}

/**
 * The place in another sale than the one that the page is about.
 * @param {QueueUpdate} update
 */
function takeElsewhere(update) {
  batch(() => {
    elsewhere.value = { ...elsewhere.value, [update.concert_id]: update };
    keepPlace(update);
  });
}

/** @param {QueueUpdate} update */
function keepPlace(update) {
  dropPlace(update.concert_id);
  if (update.status === 'EXPIRED' || update.status === 'DONE') return;
  places.value = { ...places.value, [String(update.concert_id)]: update.token };
  saveJson('places', places.value);
}

/** @param {string} code */
function knowCurrency(code) {
  if (currency.value === code) return;
  currency.value = code;
  save('currency', code);
}

/** @param {number} concertId */
function dropPlace(concertId) {
  places.value = Object.fromEntries(Object.entries(places.value).filter(([id]) => id !== String(concertId)));
  saveJson('places', places.value);
}

/** The session is over because the tokens are: keeping them would only end the next one as well. */
const TOKENS_OVER = Object.freeze(['UNAUTHENTICATED', 'USER_NOT_FOUND', 'TOKEN_DONE', 'TOKEN_EXPIRED']);

/** Everything that acts as this fan or names their place: of no use any more, or not to be left on this device. */
function forget() {
  for (const key of ['access_token', 'queue_token', 'places', 'progress', 'held']) save(key, null);
  forgetHere();
}

/** The same of this window alone: what is stored may be somebody else's already. */
function forgetHere() {
  batch(() => {
    signedIn.value = false;
    queue.value = null;
    elsewhere.value = {};
    reserved.value = [];
    balance.value = null;
    places.value = {};
  });
}

/** Leaves nothing on this device that acts as this fan. The place in line stays until the server's own time limit. */
export function signOut() {
  endHere();
  forget();
  save('tickets', null);
  save('signed_out', String(Date.now())); // Other windows are notified by it.
}

function endHere() {
  const mine = client;
  client = null; // First, so that its end is nobody's news.
  mine?.close();
  batch(() => {
    forgetHere();
    ended.value = null;
    status.value = 'idle';
  });
}

/** Starts anew after the session ended, for instance because another window took over. */
export function startAgain() {
  ended.value = null;
  client = null;
  if (signedIn.value) start();
}

/** @param {string} token The access token of the operator's own login. */
export function useAccessToken(token) {
  client?.close();
  client = null;
  ended.value = null;
  forget();
  save('tickets', null);
  save('access_token', token);
  tokenWanted.value = false;
  start();
}

/** Makes sure that there is a user: the stored one, or a new guest, the same one for all windows of this browser. */
async function account() {
  if (ended.value) startAgain();
  await oneWindowAtATime(async () => {
    if (load('access_token') || signedIn.value) return;
    try {
      const guest = await createGuest(undefined, `Guest ${1000 + Math.floor(Math.random() * 9000)}`);
      if (load('access_token')) return; // Another window has made one, where there are no locks.
      save('access_token', guest.access_token);
      save('tickets', null); // Those of somebody else.
    } catch (error) {
      if (/** @type {FrontrowError} */ (error).reason === 'FORBIDDEN') tokenWanted.value = true;
      throw error;
    }
  });
}

/** The time that a window waits for what another one has stored: it comes later than the lock that the other one gave back. */
const STORED_WITHIN = 5000;

/**
 * Two windows that join at once must not become two guests, of whom one is forgotten with its place.
 * @param {() => Promise<void>} act
 */
async function oneWindowAtATime(act) {
  // Browsers have locks for pages from a safe origin only.
  if (!navigator.locks) return act();
  const name = keyOf('account');
  const alone = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await act();
    return lock !== null;
  });
  if (alone) return;
  await navigator.locks.request(name, async () => {
    await anotherWindowsAccount();
    await act();
  });
}

/** Waits for the account that another window has just made, if it did. */
async function anotherWindowsAccount() {
  if (load('access_token')) return;
  await new Promise((resolve) => {
    const look = () => load('access_token') && resolve(undefined);
    addEventListener('storage', look);
    setTimeout(() => {
      removeEventListener('storage', look);
      resolve(undefined);
    }, STORED_WITHIN);
  });
}

// Another window of this browser signed in, or signed out.
addEventListener('storage', ({ storageArea, key, newValue }) => {
  if (storageArea !== localStorage || newValue === null) return;
  if (key === keyOf('signed_out')) endHere();
  else if (key === keyOf('access_token')) startInSight();
});

/** A window that nobody looks at needs no connection: a fan may have a few only, and the oldest would go. */
function startInSight() {
  if (client || ended.value || !load('access_token')) return;
  if (document.visibilityState === 'visible') start();
  else document.addEventListener('visibilitychange', startInSight, { once: true });
}

/**
 * Joins the sale, or goes back to the place that this fan has in it.
 * @param {number} concertId
 */
export async function join(concertId) {
  await account();
  try {
    await start().join(concertId);
  } catch (error) {
    const { reason, data } = /** @type {FrontrowError} */ (error);
    if (reason !== 'CLOSED' || (data.reason !== 'UNAUTHENTICATED' && data.reason !== 'USER_NOT_FOUND')) throw error;
    // The stored account is not known any more (the demo was reset, the token is too old): begin as somebody new.
    await account();
    await start().join(concertId);
  }
}

/**
 * Makes the session that of the place which this fan has in the concert's sale.
 * @param {number} concertId
 */
export async function returnTo(concertId) {
  const token = places.value[String(concertId)];
  if (!token || queue.value?.concert_id === concertId) return;
  try {
    await start().resume(token);
  } catch (error) {
    if (/** @type {FrontrowError} */ (error).reason !== 'NOT_IN_QUEUE') throw error;
    dropPlace(concertId); // The server does not know it any more; one may join again.
  }
}

/** @type {Promise<void> | null} */
let asking = null;
/** The updates that came while the list was on its way, and may be newer than the list.
 * @type {Map<number, SaleUpdate>} */
const pushedMeanwhile = new Map();

/** Several who want it at a time share one answer. */
export function refreshConcerts() {
  // The request has no token, because the page's head made the same one already: anybody may see what is on sale.
  asking ??= fetchConcerts(undefined)
    .then((list) => {
      listed.value = list.map((concert) => withSale(played(concert), pushedMeanwhile.get(concert.concert_id)));
    })
    .finally(() => {
      asking = null;
      pushedMeanwhile.clear();
    });
  return asking;
}

/**
 * @param {Concert} concert
 * @param {SaleUpdate | undefined} update
 * @returns {Concert}
 */
function withSale(concert, update) {
  if (concert.concert_id !== update?.concert_id) return concert;
  return { ...concert, sale: { ...concert.sale, state: update.state, opens_at: update.opens_at ?? null, message: update.message ?? null } };
}

/**
 * The performances that are played, and apart from them those that were called off.
 * @param {import('../sdk/wire.js').Concert} concert
 * @returns {Concert}
 */
function played(concert) {
  const isOff = (/** @type {import('../sdk/wire.js').ConcertSchedule} */ schedule) => schedule.state === 'CALLED_OFF';
  return { ...concert, schedules: concert.schedules.filter((schedule) => !isOff(schedule)), calledOff: concert.schedules.filter(isOff) };
}

export async function refreshBalance() {
  if (client) balance.value = await client.balance();
}

/**
 * @param {number} scheduleId
 * @returns {Promise<Layout>}
 */
export function layoutOf(scheduleId) {
  let layout = layouts.get(scheduleId);
  if (!layout) {
    layout = fetchLayout(undefined, scheduleId).then((layout) => {
      batch(() => {
        knowCurrency(layout.currency);
        drawings.value = new Map([...drawings.value, [scheduleId, layout]]);
      });
      return layout;
    });
    layouts.set(scheduleId, layout);
    layout.catch(() => layouts.delete(scheduleId)); // The next one who needs it asks again.
  }
  return layout;
}

/**
 * A seat's place, if the drawing of its house is here.
 * @param {number} scheduleId
 * @param {number} seat
 */
export function placeIn(scheduleId, seat) {
  const layout = drawings.value.get(scheduleId);
  return layout && seat < layout.seats.number.length ? placeOf(layout, seat) : null;
}
