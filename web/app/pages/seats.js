/**
 * Choosing seats: the map, the prices, the best ones together, and what is held.
 *
 * Always: what is shown as held is what the server confirmed. A refusal says which seat was lost and what is free near it.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { SeatTakenError } from '@frontrow/sdk';
import '@frontrow/seatmap';
import { html } from '../html.js';
import { count, date, language, money, words } from '../i18n.js';
import { explain } from '../explain.js';
import { chime } from '../chime.js';
import { dismiss, tell } from '../notices.js';
import { Icon } from '../parts/icons.js';
import { currency, held, layoutOf, queue, start, status } from '../session.js';
import { load, save } from '../storage.js';
import { useTitle } from '../title.js';
import { nearestFree } from '../nearest.js';

/** @typedef {import('@frontrow/seatmap').FrontrowSeatmap} FrontrowSeatmap */
/** @typedef {import('@frontrow/sdk').SeatModel} SeatModel */
/** @typedef {import('../../sdk/wire.js').Schedule} Schedule */

const TOGETHER_MAX = 4;
const SUGGESTIONS_MAX = 3;
/** Single freed seats are worth a notice only in a house that is nearly full. */
const FREED_TOLD_BELOW = 12;

/** @param {{concert: import('../session.js').Concert}} props */
export function Seats({ concert }) {
  const w = words();
  const [schedules, setSchedules] = useState(/** @type {Schedule[] | null} */ (null));
  const [chosen, setChosen] = useState(/** @type {number | null} */ (null));
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  useTitle(w.waiting.titleAdmitted);

  useEffect(() => {
    const admittedAt = queue.value?.admitted_at ?? '';
    if (load('chimed') !== admittedAt) {
      save('chimed', admittedAt);
      void chime(w.waiting.titleAdmitted, w.waiting.admittedBody);
    }
    loadSchedules();
  }, []);

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
  const schedule = schedules.find((candidate) => candidate.schedule_id === chosen);
  if (!schedule) return html`<p class="page empty" role="status">${w.seats.none}</p>`;
  return html`<${Choosing} key=${schedule.schedule_id} concert=${concert} schedule=${schedule} schedules=${schedules} onSchedule=${setChosen} />`;
}

/**
 * Where seats are held already, else the first with seats.
 * @param {Schedule[]} list
 */
function firstChoice(list) {
  const mine = list.find((schedule) => held.value.some((r) => r.schedule_id === schedule.schedule_id));
  return (mine ?? list.find((schedule) => !schedule.sold_out) ?? list[0])?.schedule_id ?? null;
}

/**
 * @param {{concert: import('../session.js').Concert, schedule: Schedule, schedules: Schedule[],
 *   onSchedule: (id: number) => void}} props
 */
function Choosing({ concert, schedule, schedules, onSchedule }) {
  const w = words();
  const id = schedule.schedule_id;
  const [layout, setLayout] = useState(/** @type {import('../session.js').Layout | null} */ (null));
  const [model, setModel] = useState(/** @type {SeatModel | null} */ (null));
  const [available, setAvailable] = useState(schedule.available);
  const [live, setLive] = useState(true);
  const [category, setCategory] = useState(/** @type {number | null} */ (null));
  const [together, setTogether] = useState(2);
  const [view, setView] = useState(load('view') === 'list' ? 'list' : 'map');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  const [attempt, setAttempt] = useState(0);
  const map = useRef(/** @type {FrontrowSeatmap | null} */ (null));
  const reservation = held.value.find((candidate) => candidate.schedule_id === id) ?? null;
  const heldSeats = reservation?.seats.map((seat) => seat.seat).join() ?? '';
  const own = useMemo(() => (reservation ? reservation.seats.map((seat) => seat.seat) : []), [heldSeats]);
  const filter = useMemo(() => (category === null ? null : [category]), [category]);
  const mapWords = useMemo(
    () => {
      if (!layout) return {};
      const price = (/** @type {number} */ amount) => money(amount, layout.currency);
      const prices = (/** @type {number} */ least, /** @type {number} */ most) => (least === most ? price(least) : `${price(least)} – ${price(most)}`);
      return { ...w.map, price, prices };
    },
    [layout, language.value],
  );

  useEffect(() => {
    let gone = false;
    /** @type {(() => void)[]} */
    const ends = [];
    setFailure(null);
    layoutOf(id).then(
      (loaded) => gone || setLayout(loaded),
      (error) => gone || setFailure(explain(error)),
    );
    start()
      .watch(id)
      .then(
        (watched) => {
          if (gone) return;
          setModel(watched);
          setAvailable(watched.available);
          ends.push(
            watched.on('live', setLive),
            watched.on('change', ({ changes, available: now }) => {
              setAvailable(now);
              tellFreed(changes, now);
            }),
          );
        },
        (error) => gone || setFailure(explain(error)),
      );
    return () => {
      gone = true;
      ends.forEach((end) => end());
      start()
        .unwatch(id)
        .catch(() => {});
    };
  }, [id, attempt]);

  /**
   * @param {import('../../sdk/seats.js').SeatChange[]} changes
   * @param {number} now
   */
  function tellFreed(changes, now) {
    const venue = map.current?.venue;
    if (!venue || now > FREED_TOLD_BELOW || changes.length > FREED_TOLD_BELOW) return;
    const mine = new Set(start().reservations.values().next() ? [...start().reservations.values()].flatMap((r) => r.seats.map((s) => s.seat)) : []);
    const freed = changes.find((change) => change.state === 0 && change.before !== 0 && !mine.has(change.seat));
    if (!freed) return;
    const label = venue.label(freed.seat);
    tell({ kind: 'good', key: 'freed', text: w.seats.freed(label), actions: [{ label: w.seats.hold, act: () => void hold([freed.seat]) }] });
  }

  /** @param {number[]} seats */
  async function hold(seats) {
    await attemptTo(async () => {
      await start().hold(id, seats);
      tell({ kind: 'good', key: 'cart', text: w.cart.held(labels(seats)) });
    }, seats);
  }

  /** @param {number[]} [seats] */
  async function release(seats) {
    if (!reservation) return;
    await attemptTo(async () => {
      const given = seats ?? reservation.seats.map((seat) => seat.seat);
      await start().release(reservation.reservation_id, seats);
      tell({ kind: 'info', key: 'cart', text: w.cart.released(labels(given)) });
    });
  }

  async function holdBest() {
    await attemptTo(async () => {
      const name = category === null ? undefined : layout?.categories[category].name;
      const before = new Set(own);
      const mine = await start().holdBest(id, together, { category: name });
      const fresh = mine.seats.map((seat) => seat.seat).filter((seat) => !before.has(seat));
      tell({ kind: 'good', key: 'cart', text: w.cart.held(mine.seats.filter((s) => fresh.includes(s.seat)).map((s) => s.label).join(', ')) });
      map.current?.show(fresh);
    });
  }

  /**
   * @param {() => Promise<void>} act
   * @param {number[]} [seats] What was asked for.
   */
  async function attemptTo(act, seats = []) {
    setBusy(true);
    try {
      await act();
    } catch (error) {
      if (error instanceof SeatTakenError) tellTaken(error.seats.length > 0 ? error.seats : seats);
      else tell({ kind: 'bad', key: 'refused', text: explain(error, { count: together, holding: own.length > 0 }) });
    } finally {
      setBusy(false);
    }
  }

  /** @param {number[]} seats */
  function tellTaken(seats) {
    const venue = map.current?.venue;
    if (!venue || !model) return;
    dismiss('cart');
    const near = nearestFree(venue, model.states, seats[0], SUGGESTIONS_MAX);
    tell({
      kind: 'bad',
      key: 'refused',
      text: w.error.taken(labels(seats)),
      hint: near.length > 0 ? w.error.stillFree : w.error.noneNear,
      actions: near.map((seat) => ({ label: venue.label(seat), act: () => void hold([seat]) })),
    });
  }

  /** @param {number[]} seats */
  function labels(seats) {
    const venue = map.current?.venue;
    return venue ? seats.map((seat) => venue.label(seat)).join(', ') : '';
  }

  /** @param {CustomEvent<{seat: number, state: string}>} event */
  function picked({ detail: { seat, state } }) {
    if (state === 'available') void hold([seat]);
    else if (state === 'own') void release([seat]);
  }

  /** @param {string} next */
  function look(next) {
    setView(next);
    save('view', next);
  }

  if (failure) {
    return html`<p class="page empty" role="alert">
      ${failure} <button type="button" onClick=${() => setAttempt(attempt + 1)}>${w.retry}</button>
    </p>`;
  }
  const ready = layout && model;
  return html`<section class="seats-page" aria-labelledby="seats-title">
    <div class="seats-head">
      <h1 id="seats-title"><span class="visually-hidden">${w.seats.title}: </span>${concert.title}</h1>
      ${schedules.length > 1
        ? html`<label class="select">
            <span class="visually-hidden">${w.seats.dates}</span>
            <select value=${String(id)} onChange=${(/** @type {any} */ event) => onSchedule(Number(event.target.value))}>
              ${schedules.map(
                (s) => html`<option key=${s.schedule_id} value=${String(s.schedule_id)}>
                  ${date(s.starts_at, 'short')}${s.sold_out ? ` – ${w.seats.soldOut}` : ''}
                </option>`,
              )}
            </select>
          </label>`
        : html`<p class="when"><time datetime=${schedule.starts_at}>${date(schedule.starts_at, 'short')}</time></p>`}
      <p class="free" data-testid="available">${available > 0 ? w.seats.free(available) : w.seats.soldOut}</p>
      ${(!live || status.value !== 'online') && ready && html`<p class="stale" role="status">${w.seats.stale}</p>`}
    </div>

    <div class="seats-tools">
      <div class="best">
        <div class="stepper" role="group" aria-label=${w.seats.how}>
          <button type="button" class="round" aria-label=${w.seats.fewer} disabled=${together <= 1} onClick=${() => setTogether(together - 1)}>
            <${Icon} name="minus" />
          </button>
          <output>${count(together)}</output>
          <button type="button" class="round" aria-label=${w.seats.more} disabled=${together >= TOGETHER_MAX} onClick=${() => setTogether(together + 1)}>
            <${Icon} name="plus" />
          </button>
        </div>
        <button type="button" class="primary" title=${w.seats.bestHint} disabled=${!ready || busy} onClick=${holdBest}>
          <${Icon} name="spark" />${w.seats.best(together)}
        </button>
      </div>
      ${layout &&
      html`<div class="filters" role="group" aria-label=${w.seats.filter}>
        <button type="button" class="chip" aria-pressed=${category === null} onClick=${() => setCategory(null)}>${w.seats.all}</button>
        ${layout.categories.map(
          (c, index) => html`<button
            type="button"
            class="chip"
            key=${c.name}
            aria-pressed=${category === index}
            onClick=${() => setCategory(category === index ? null : index)}
          >
            <strong>${c.name}</strong> ${money(c.price, layout.currency)}
          </button>`,
        )}
      </div>`}
      <div class="views" role="group" aria-label=${w.seats.view}>
        <button type="button" class="chip" aria-pressed=${view === 'map'} onClick=${() => look('map')}>${w.seats.map}</button>
        <button type="button" class="chip" aria-pressed=${view === 'list'} onClick=${() => look('list')}>${w.seats.list}</button>
      </div>
    </div>

    <div class="seats-map">
      ${ready
        ? html`<frontrow-seatmap
            ref=${map}
            view=${view}
            words=${mapWords}
            layout=${layout}
            model=${model}
            own=${own}
            filter=${filter}
            onseat-pick=${picked}
          ></frontrow-seatmap>`
        : html`<p class="empty" role="status">${w.seats.loading}</p>`}
    </div>

    <${Cart} reservation=${reservation} busy=${busy} onRelease=${release} />
  </section>`;
}

/**
 * @param {{reservation: import('../session.js').Reservation | null, busy: boolean,
 *   onRelease: (seats?: number[]) => Promise<void>}} props
 */
function Cart({ reservation, busy, onRelease }) {
  const w = words().cart;
  const other = held.value.some((candidate) => candidate !== reservation);
  if (!reservation) return html`<section class="cart" aria-label=${w.title}><p class="hint">${w.empty}</p></section>`;
  return html`<section class="cart full" aria-labelledby="cart-title">
    <h2 id="cart-title">${w.title}</h2>
    <ul>
      ${reservation.seats.map(
        (seat) => html`<li key=${seat.seat}>
          <span class="seat-label">${seat.label}</span>
          <span class="seat-price">${seat.category} · ${money(seat.price, currency.value)}</span>
          <button type="button" class="quiet round" aria-label=${w.remove(seat.label)} disabled=${busy} onClick=${() => void onRelease([seat.seat])}>
            <${Icon} name="close" />
          </button>
        </li>`,
      )}
    </ul>
    ${other && html`<p class="hint">${w.other}</p>`}
    <div class="cart-foot">
      <p class="total"><span>${w.total}</span> <strong>${money(reservation.amount, currency.value)}</strong></p>
      <a class="button primary" href="#/checkout/${reservation.reservation_id}">${w.checkout}<${Icon} name="next" /></a>
    </div>
  </section>`;
}
