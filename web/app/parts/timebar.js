/**
 * A fan's standing and the time that is left, in sight on every page, and the question "are you still there?".
 *
 * Always: every end is announced before it comes. A fan who moves the map or reads the list is there: that is sent to the
 * server without asking; the question is for those who do nothing.
 */
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { clock, words } from '../i18n.js';
import { dismiss, notify } from '../notices.js';
import { go, route } from '../router.js';
import { held, now, queue, start } from '../session.js';
import { Dialog } from './dialog.js';
import { Icon } from './icons.js';

const WARN_CHOOSING_MS = 120_000;
const WARN_HOLD_MS = 60_000;
const WARN_IDLE_MS = 60_000;

/** The time at which somebody last touched the page, in ms of the device's clock. */
let touchedAt = Date.now();
for (const type of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) {
  addEventListener(type, () => (touchedAt = Date.now()), { passive: true, capture: true });
}

/**
 * @param {string | null | undefined} time
 * @returns {number} Ms until then; Infinity without a time.
 */
export function left(time) {
  return time ? Date.parse(time) - now.value : Infinity;
}

export function TimeBar() {
  const w = words();
  const place = queue.value;
  const at = route.value;
  const choosing = place?.status === 'PROGRESS' ? left(place.expires_at) : Infinity;
  const [first] = [...held.value].sort((a, b) => left(a.expires_at) - left(b.expires_at));
  const paying = first ? left(first.expires_at) : Infinity;
  useWarnings(choosing, paying, first?.reservation_id);
  const inSale = (at.page === 'sale' && at.concertId === place?.concert_id) || at.page === 'checkout';
  if (place?.status === 'WAITING' && place.position !== null && !inSale) {
    return html`<section class="timebar" aria-label=${w.waiting.place}><a href="#/sale/${place.concert_id}">${w.concerts.inLine(place.position)}</a></section>`;
  }
  if (choosing === Infinity && paying === Infinity) return null;
  return html`<section class="timebar" aria-label=${w.time.left}>
    <${Icon} name="clock" />
    ${choosing !== Infinity &&
    (choosing > 0
      ? html`<span role="timer" class=${choosing < WARN_CHOOSING_MS ? 'soon' : ''}>${w.time.toChoose(clock(choosing))}</span>`
      : html`<span>${w.time.choosingOver}</span>`)}
    ${paying !== Infinity && html`<span role="timer" class="pay ${paying < WARN_HOLD_MS ? 'soon' : ''}">${w.time.toPay(clock(paying))}</span>`}
    ${place && !inSale && html`<a href="#/sale/${place.concert_id}">${w.concerts.continue}</a>`}
    <${Idle} />
  </section>`;
}

/**
 * Each end is announced once, by a notice that a screen reader speaks.
 * @param {number} choosing
 * @param {number} paying
 * @param {string | undefined} reservationId
 */
function useWarnings(choosing, paying, reservationId) {
  const w = words();
  const expiresAt = queue.value?.expires_at;
  const choosingSoon = useSoon(choosing, WARN_CHOOSING_MS, expiresAt);
  useEffect(() => {
    if (choosingSoon) notify({ kind: 'warn', key: 'choosing-soon', text: w.time.admissionSoon });
  }, [choosingSoon, expiresAt]);
  const holdSoon = useSoon(paying, WARN_HOLD_MS, reservationId);
  useEffect(() => {
    if (!holdSoon) return;
    const pay = { label: w.cart.checkout, act: () => go(`/checkout/${reservationId}`) };
    const actions = route.value.page === 'checkout' ? [] : [pay];
    notify({ kind: 'warn', key: 'hold-soon', text: w.time.holdSoon, actions });
    return () => dismiss('hold-soon');
  }, [holdSoon, reservationId]);
}

/**
 * Whether the end is near: the last `warn` ms, or the last third where the whole time is shorter than that.
 * @param {number} rest
 * @param {number} warn
 * @param {unknown} of The thing that ends; another one begins anew.
 */
function useSoon(rest, warn, of) {
  const whole = useRef({ of, ms: 0 });
  if (whole.current.of !== of) whole.current = { of, ms: 0 };
  if (rest !== Infinity) whole.current.ms = Math.max(whole.current.ms, rest);
  return rest > 0 && rest < Math.min(warn, whole.current.ms / 3);
}

function Idle() {
  const w = words().time;
  const place = queue.value;
  const state = useRef({ span: 0, seen: '', asked: '', busy: false });
  const mine = state.current;
  const idleAt = place?.status === 'PROGRESS' ? place.idle_at : null;
  const rest = left(idleAt);
  if (idleAt && idleAt !== mine.seen) {
    mine.seen = idleAt;
    mine.span = Math.max(mine.span, rest); // It is about the whole idle time, by the newest answer.
  }
  const warn = Math.min(WARN_IDLE_MS, mine.span / 3);
  const touched = Date.now() - touchedAt < warn;
  const due = idleAt !== null && rest > 0 && rest <= warn;

  useEffect(() => {
    if (!idleAt || mine.busy || rest <= 0) return;
    // Holds and the like renew the idle time without a word: ask for the true one before alarming anybody.
    const ask = touched && rest < mine.span * 0.6 ? () => start().extend() : due && mine.asked !== idleAt ? () => start().getQueue() : null;
    if (!ask) return;
    mine.busy = true;
    mine.asked = idleAt;
    ask()
      .catch(() => {}) // An end that came meanwhile arrives as a push.
      .finally(() => {
        mine.busy = false;
      });
  });

  if (!due || touched || mine.asked !== idleAt || mine.busy) return null;
  const here = () => {
    touchedAt = Date.now();
    start()
      .extend()
      .catch(() => {});
  };
  return html`<${Dialog} title=${w.idleTitle} alert closable onClose=${here}>
    <p>${w.idleText(clock(rest))}</p>
    <button type="button" class="primary wide" onClick=${here}>${w.here}</button>
  <//>`;
}
