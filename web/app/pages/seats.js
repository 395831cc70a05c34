/**
 * Choosing seats: the map, the prices, the best ones together, and what is held.
 *
 * Always: what is shown as held is what the server confirmed. A refusal says which seat was lost and what is free near it.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { SeatRestrictedError, SeatState, SeatTakenError } from '@frontrow/sdk';
import '@frontrow/seatmap';
import { html } from '../html.js';
import { language, layoutNamed, money, venueClock, venueTime, venueZone, words } from '../i18n.js';
import { explain } from '../explain.js';
import { dismiss, notify } from '../notices.js';
import { Cart } from '../parts/cart.js';
import { Named } from '../parts/named.js';
import { Best, Filters, Legend, Views } from '../parts/tools.js';
import { held, layoutOf, now, session, start, status } from '../session.js';
import { load, save } from '../storage.js';
import { useTitle } from '../title.js';
import { nearestFree } from '../nearest.js';

/** @typedef {import('@frontrow/seatmap').FrontrowSeatmap} FrontrowSeatmap */
/** @typedef {import('@frontrow/sdk').SeatModel} SeatModel */
/** @typedef {import('../../sdk/wire.js').Schedule} Schedule */
/** @typedef {import('../session.js').Layout} Layout */

const SUGGESTIONS_MAX = 3;
/** The number of seats that may be held together, where the server does not say it. */
const TOGETHER_MAX = 4;
/** The number of seats proposed already that are sent to the server; then it begins anew. */
const PROPOSED_MAX = 96;
/** Free seats by price are counted so often at most. */
const COUNT_EVERY_MS = 500;
/** Everybody who chooses asks for new prices, but not in one moment. */
const PRICES_WITHIN_MS = 2_000;
/** Single freed seats are worth a notice only in a house that is nearly full. */
const FREED_TOLD_BELOW = 12;

/** @param {{concert: import('../session.js').Concert}} props */
export function Seats({ concert }) {
  const w = words();
  const [schedules, setSchedules] = useState(/** @type {Schedule[] | null} */ (null));
  const [chosen, setChosen] = useState(/** @type {number | null} */ (null));
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  useTitle(useSeen() ? w.seats.title : w.waiting.titleAdmitted);

  const upcoming = useUpcoming(schedules, chosen);
  useEffect(loadSchedules, [session.value]);
  useEffect(() => {
    let timer = 0;
    const later = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => start().schedules().then(setSchedules, () => {}), Math.random() * PRICES_WITHIN_MS);
    };
    // Nobody tells afterwards what changed while there was no connection.
    const ends = [start().on('outdated', later), start().on('resumed', later)];
    return () => {
      clearTimeout(timer);
      ends.forEach((end) => end());
    };
  }, [session.value]);

  function loadSchedules() {
    setFailure(null);
    start()
      .schedules()
      .then((list) => {
        setSchedules(list);
        setChosen((before) => before ?? firstChoice(list));
      })
      .catch((error) => setFailure(explain(error)));
  }

  if (failure) {
    return html`<p class="page empty" role="alert">${failure} <button type="button" onClick=${loadSchedules}>${w.retry}</button></p>`;
  }
  if (!schedules) return html`<p class="page empty" role="status">${w.seats.loading}</p>`;
  const schedule = upcoming.find((candidate) => candidate.schedule_id === chosen) ?? upcoming[0];
  if (!schedule) return html`<p class="page empty" role="status">${w.seats.none}</p>`;
  return html`<${Choosing} key=${schedule.schedule_id} concert=${concert} schedule=${schedule} schedules=${upcoming} onSchedule=${setChosen} />`;
}

/** A timer for what is further away would run out at once. */
const TIMER_MAX_MS = 24 * 3600_000;

/**
 * The performances that have not begun; one that begins is gone, and the fan is notified.
 * @param {Schedule[] | null} list
 * @param {number | null} chosen
 * @returns {Schedule[]}
 */
function useUpcoming(list, chosen) {
  const upcoming = (list ?? []).filter((schedule) => Date.parse(schedule.starts_at) > now.peek());
  const next = Math.min(...upcoming.map((schedule) => Date.parse(schedule.starts_at)));
  const [, look] = useState(0);
  useEffect(() => {
    if (!Number.isFinite(next)) return;
    const timer = setTimeout(() => look((n) => n + 1), Math.min(Math.max(next - start().now(), 0) + 1000, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  }, [next, upcoming.length]);
  const gone = list !== null && chosen !== null && !upcoming.some((schedule) => schedule.schedule_id === chosen);
  const begun = gone && list.some((schedule) => schedule.schedule_id === chosen);
  useEffect(() => {
    if (gone) notify({ kind: 'bad', key: 'begun', text: begun ? words().seats.begun : words().error.calledOff });
  }, [gone, begun]);
  return upcoming;
}

/** Whether the page was in sight since it was drawn: until then the title calls. */
function useSeen() {
  const [seen, setSeen] = useState(document.visibilityState === 'visible');
  useEffect(() => {
    const look = () => document.visibilityState === 'visible' && setSeen(true);
    look(); // It may have come into sight since it was drawn.
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return seen;
}

/**
 * The performance in which seats are held already, else the first with seats.
 * @param {Schedule[]} list
 */
function firstChoice(list) {
  const mine = list.find((schedule) => held.value.some((r) => r.schedule_id === schedule.schedule_id));
  return (mine ?? list.find((schedule) => !schedule.sold_out) ?? list[0])?.schedule_id ?? null;
}

/**
 * The drawing and the live states of a schedule, for as long as the page shows it.
 * @param {Schedule} schedule
 */
function useHouse({ schedule_id: id, available: before }) {
  const [layout, setLayout] = useState(/** @type {Layout | null} */ (null));
  const [model, setModel] = useState(/** @type {SeatModel | null} */ (null));
  const [available, setAvailable] = useState(before);
  const [live, setLive] = useState(true);
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let gone = false;
    const client = start();
    const fail = (/** @type {unknown} */ error) => gone || setFailure(explain(error));
    /** @type {(() => void)[]} */
    const ends = [client.on('unwatched', ({ scheduleId, error }) => scheduleId === id && fail(error))];
    setFailure(null);
    layoutOf(id).then((loaded) => gone || setLayout(loaded), fail);
    client.watch(id).then((watched) => {
      if (gone) return;
      setModel(watched);
      setAvailable(watched.available);
      setLive(watched.live);
      ends.push(
        watched.on('live', setLive),
        watched.on('change', ({ available: now }) => setAvailable(now)),
      );
    }, fail);
    return () => {
      gone = true;
      ends.forEach((end) => end());
      client.unwatch(id).catch(() => {}); // Nobody watches any more, whatever happened to it.
    };
  }, [id, attempt, session.value]);

  return { layout, model, available, live, failure, retry: () => setAttempt(attempt + 1) };
}

/**
 * The number of seats that this fan may hold here at a time: what a reservation may have, and of what one fan may have of the sale
 * what is left. At least one, so that whoever asks for it hears from the server why not.
 * @param {import('../session.js').Concert} concert
 * @param {Schedule} schedule
 */
function useMost({ concert_id: sale }, { schedule_id: id, seats_per_reservation_max: together = TOGETHER_MAX, seats_per_user_max: all = 0 }) {
  const [bought, setBought] = useState(0);
  useEffect(() => {
    let gone = false;
    if (all > 0) {
      const count = (/** @type {import('../../sdk/wire.js').Ticket[]} */ tickets) => gone || setBought(tickets.filter((ticket) => ticket.concert_id === sale).length);
      start().tickets().then(count, () => {}); // The server counts, too.
    }
    return () => {
      gone = true;
    };
  }, [sale, all, session.value]);
  if (all === 0) return together;
  const elsewhere = held.value.filter((other) => other.concert_id === sale && other.schedule_id !== id);
  const left = elsewhere.reduce((sum, other) => sum - other.seats.length, all - bought);
  return Math.max(1, Math.min(together, left));
}

/**
 * Free seats by category, as they are now, and whether some seats are not for sale.
 * @param {Layout | null} layout
 * @param {SeatModel | null} model
 */
function useFree(layout, model) {
  const [free, setFree] = useState(/** @type {number[] | null} */ (null));
  const [kept, setKept] = useState(false);
  useEffect(() => {
    if (!layout || !model) return;
    const { category } = layout.seats;
    let timer = 0;
    const count = () => {
      timer = 0;
      const counted = layout.categories.map(() => 0);
      model.states.forEach((state, seat) => state === 0 && counted[category[seat]]++);
      setFree(counted);
      setKept(model.states.includes(SeatState.RESTRICTED));
    };
    count();
    const later = () => (timer ||= window.setTimeout(count, COUNT_EVERY_MS));
    const ends = [model.on('change', later), model.on('snapshot', later)];
    return () => {
      clearTimeout(timer);
      ends.forEach((end) => end());
    };
  }, [layout, model]);
  return { free, kept };
}

/**
 * @param {{concert: import('../session.js').Concert, schedule: Schedule, schedules: Schedule[],
 *   onSchedule: (id: number) => void}} props
 */
function Choosing({ concert, schedule, schedules, onSchedule }) {
  const w = words();
  const id = schedule.schedule_id;
  const { layout: drawn, model, available, live, failure, retry } = useHouse(schedule);
  const layout = useMemo(() => drawn && layoutNamed(drawn), [drawn, language.value]);
  /** What free seats of each category cost now: the drawing may be older. */
  const prices = useMemo(() => drawn && drawn.categories.map(({ name, price }) => schedule.prices[name] ?? price), [drawn, schedule.prices]);
  const priced = useMemo(() => layout && prices && { ...layout, categories: layout.categories.map((of, index) => ({ ...of, price: prices[index] })) }, [layout, prices]);
  const [wish, setWish] = useState(/** @type {import('../parts/tools.js').Wish} */ ({ category: null, priceMost: null }));
  const { free, kept } = useFree(layout, model);
  const most = useMost(concert, schedule);
  const [wanted, setTogether] = useState(2);
  const together = Math.min(wanted, most);
  /** The server's last pick, and all that it picked for this choice before. */
  const [picked, setPicked] = useState(/** @type {number[]} */ ([]));
  const proposed = useRef(/** @type {number[]} */ ([]));
  const [view, setView] = useState(load('view') === 'list' ? 'list' : 'map');
  const [busy, setBusy] = useState(false);
  const [legend, setLegend] = useState(/** @type {{fill: string, path: string}[]} */ ([]));
  const map = useRef(/** @type {FrontrowSeatmap | null} */ (null));
  const reservation = held.value.find((candidate) => candidate.schedule_id === id) ?? null;
  const heldSeats = reservation?.seats.map((seat) => seat.seat).join() ?? '';
  const own = useMemo(() => (reservation ? reservation.seats.map((seat) => seat.seat) : []), [heldSeats]);
  const filter = useMemo(() => categoriesOf(priced, wish), [priced, wish]);
  const mapWords = useMemo(() => wordsOfMap(layout), [layout, language.value]);
  /** Read by listeners that outlive a drawing of this component. */
  const mine = useRef(own);
  mine.current = own;

  useEffect(() => model?.on('change', ({ changes, available: now }) => notifyOfFreed(changes, now)), [model]);

  /**
   * @param {import('../../sdk/seats.js').SeatChange[]} changes
   * @param {number} now
   */
  function notifyOfFreed(changes, now) {
    const venue = map.current?.venue;
    if (!venue || now > FREED_TOLD_BELOW || changes.length > FREED_TOLD_BELOW) return;
    const freed = changes.find(({ seat, state, before }) => state === 0 && before !== 0 && !mine.current.includes(seat));
    if (!freed) return;
    const label = nameOf(freed.seat);
    notify({ kind: 'good', key: 'freed', text: words().seats.freed(label), actions: [{ label: words().seats.hold, act: () => void hold([freed.seat]) }] });
  }

  /** @param {number[]} seats */
  const hold = (seats) =>
    attempt(async () => {
      const shown = seats.map(priceOf);
      const { seats: got } = await start().hold(id, seats);
      tellOtherPrices(got, seats, shown);
      notify({ kind: 'spoken', key: 'cart', text: w.cart.held(labels(seats)) });
    }, seats);

  /** @param {number[]} [seats] All without. */
  const release = (seats) =>
    attempt(async () => {
      if (!reservation) return;
      await start().release(reservation.reservation_id, seats);
      notify({ kind: 'spoken', key: 'cart', text: w.cart.released(labels(seats ?? own)) });
    });

  const holdBest = () =>
    attempt(async () => {
      proposed.current = [];
      await pickBest();
    });

  /** Other seats instead of those that were picked last; if there are none, the same again. */
  const holdOthers = () =>
    attempt(async () => {
      if (!reservation) return;
      const former = picked.filter((seat) => own.includes(seat));
      // Nothing is released before something else is held, where both fit.
      const both = own.length + together <= most;
      if (!both) await start().release(reservation.reservation_id, former);
      try {
        await pickBest();
      } catch (error) {
        proposed.current = former;
        if (!both) await start().hold(id, former);
        throw error;
      }
      if (both) await start().release(reservation.reservation_id, former);
    });

  async function pickBest() {
    const category = wish.category === null ? undefined : drawn?.categories[wish.category].name;
    const before = new Set(own);
    const shown = prices;
    const { seats } = await start().holdBest(id, together, { category, maxPrice: wish.priceMost ?? undefined, except: proposed.current });
    const fresh = seats.map(({ seat }) => seat).filter((seat) => !before.has(seat));
    setPicked(fresh);
    if (drawn && shown) tellOtherPrices(seats, fresh, fresh.map((seat) => shown[drawn.seats.category[seat]]));
    proposed.current = [...proposed.current, ...fresh].slice(-PROPOSED_MAX);
    notify({ kind: 'spoken', key: 'cart', text: w.cart.held(labels(fresh)) });
    map.current?.show(fresh);
  }

  /** @param {number} seat */
  function priceOf(seat) {
    return prices && drawn ? prices[drawn.seats.category[seat]] : null;
  }

  /**
   * A price may change between the look at a seat and its hold: what it costs is said before it is paid.
   * @param {import('../../sdk/wire.js').ReservedSeat[]} got
   * @param {number[]} seats
   * @param {(number | null)[]} shown
   */
  function tellOtherPrices(got, seats, shown) {
    const other = got.find(({ seat, price }) => seats.includes(seat) && ![null, price].includes(shown[seats.indexOf(seat)]));
    if (!other || !layout) return;
    const before = /** @type {number} */ (shown[seats.indexOf(other.seat)]);
    const [was, is] = [money(before, layout.currency), money(other.price, layout.currency)];
    notify({ kind: 'bad', key: 'repriced', text: w.seats.repriced(nameOf(other.seat), was, is) });
  }

  /**
   * @param {() => Promise<void>} act
   * @param {number[]} [seats] The seats that were asked for.
   */
  async function attempt(act, seats = []) {
    dismiss('refused');
    dismiss('freed');
    setBusy(true);
    try {
      await act();
    } catch (error) {
      if (error instanceof SeatTakenError) notifyOfTaken(w.error.taken, error.seats.length > 0 ? error.seats : seats);
      else if (error instanceof SeatRestrictedError) notifyOfTaken(w.error.restricted, error.seats.length > 0 ? error.seats : seats);
      else notify({ kind: 'bad', key: 'refused', text: explain(error, { count: together, holding: own.length > 0 }) });
    } finally {
      setBusy(false);
    }
  }

  /** @param {(labels: string) => string} sentence @param {number[]} seats */
  function notifyOfTaken(sentence, seats) {
    const venue = map.current?.venue;
    if (!venue || !model) return;
    const near = nearestFree(venue, model.states, seats[0], SUGGESTIONS_MAX);
    notify({
      kind: 'bad',
      key: 'refused',
      text: sentence(labels(seats)),
      hint: near.length > 0 ? w.error.stillFree : w.error.noneNear,
      actions: near.map((seat) => ({ label: nameOf(seat), act: () => void hold([seat]) })),
    });
  }

  /** @param {number[]} seats */
  const labels = (seats) => seats.map(nameOf).join(words().seats.between);

  /** A seat as one looks for it in the house. @param {number} seat */
  const nameOf = (seat) => map.current?.venue?.inWords(seat, map.current.words) ?? '';

  /** @param {CustomEvent<{seat: number, state: string}>} event */
  function take({ detail: { seat, state } }) {
    if (state === 'available') void hold([seat]);
    else if (state === 'own') void release([seat]);
  }

  /** @param {string} next */
  function look(next) {
    setView(next);
    save('view', next);
  }

  if (failure) {
    return html`<p class="page empty" role="alert">${failure} <button type="button" onClick=${retry}>${w.retry}</button></p>`;
  }
  const ready = layout !== null && model !== null;
  // Once for all dates, beside them: with its zone each would be too long for a phone.
  const zone = venueZone(schedule.starts_at, schedule.time_zone);
  const stale = ready && (!live || status.value !== 'online');
  const { state, message } = concert.sale;
  return html`<section class="seats-page" aria-labelledby="seats-title">
    <div class="seats-head">
      <h1 id="seats-title"><span class="visually-hidden">${w.seats.title}: </span><${Named} text=${concert.title} /></h1>
      <p class="free" data-testid="available">${available > 0 ? w.seats.free(available) : w.seats.soldOut}</p>
      ${schedules.length > 1
        ? html`<label class="select">
            <span class="visually-hidden">${w.seats.dates}</span>
            <select value=${String(id)} onChange=${(/** @type {any} */ event) => onSchedule(Number(event.target.value))}>
              ${schedules.map(
                (s) => html`<option key=${s.schedule_id} value=${String(s.schedule_id)}>${venueClock(s.starts_at, s.time_zone, 'short')}${s.sold_out ? ` – ${w.seats.soldOut}` : ''}</option>`,
              )}
            </select>
            ${zone && html`<small>${zone}</small>`}
          </label>`
        : html`<p class="when"><time datetime=${schedule.starts_at}>${venueTime(schedule.starts_at, schedule.time_zone, 'short')}</time></p>`}
      <${Views} view=${view} onView=${look} />
      ${(message || state === 'PAUSED' || state === 'CLOSED') &&
      html`<div class="sale-news" role="status">
        ${message && html`<p class="sale-message"><${Named} text=${message} /></p>`} ${state === 'PAUSED' && html`<p class="sale-message">${w.seats.paused}</p>`}
        ${state === 'CLOSED' && html`<p class="sale-message">${w.seats.closed}</p>`}
      </div>`}
    </div>
    <div class="seats-tools">
      <${Best}
        together=${together}
        most=${most}
        onTogether=${setTogether}
        ready=${ready && !busy}
        onBest=${holdBest}
      />
      ${priced && html`<${Filters} layout=${priced} legend=${legend} free=${free} wish=${wish} onWish=${setWish} />`}
    </div>
    <div class="seats-map" data-stale=${stale}>
      ${ready
        ? html`<frontrow-seatmap
            ref=${map}
            view=${view}
            words=${mapWords}
            layout=${layout}
            prices=${prices}
            model=${model}
            own=${own}
            filter=${filter}
            onseat-pick=${take}
            onseatmap-theme=${(/** @type {any} */ event) => setLegend(event.target.legend())}
          ></frontrow-seatmap>`
        : html`<p class="empty" role="status">${w.seats.loading}</p>`}
      ${ready && view === 'map' && picked.length > 0 && picked.every((seat) => own.includes(seat)) && html`<button type="button" class="others small" disabled=${busy} onClick=${holdOthers}>${w.seats.others}</button>`}
      ${stale && html`<p class="stale" role="status">${w.seats.stale}</p>`}
    </div>
    <${Legend} kept=${kept} />
    <${Cart} reservation=${reservation} busy=${busy} onRelease=${release} />
  </section>`;
}

/**
 * The categories that are looked for; null: all.
 * @param {Layout | null} layout
 * @param {import('../parts/tools.js').Wish} wish
 */
function categoriesOf(layout, { category, priceMost }) {
  if (category !== null) return [category];
  if (!layout || priceMost === null) return null;
  return [...layout.categories.keys()].filter((index) => layout.categories[index].price <= priceMost);
}

/** @param {Layout | null} layout */
function wordsOfMap(layout) {
  if (!layout) return {};
  const price = (/** @type {number} */ amount) => money(amount, layout.currency);
  const prices = (/** @type {number} */ least, /** @type {number} */ most) => (least === most ? price(least) : words().seats.range(price(least), price(most)));
  return { ...words().map, price, prices };
}
