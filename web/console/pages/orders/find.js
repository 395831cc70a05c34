/**
 * Finding orders by whatever a fan knows of them, and the lists for spreadsheets. What is looked for stands in the address, so
 * that whoever comes back from an order finds it there.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call, download } from '../../api.js';
import { money, when } from '../../numbers.js';
import { Problem, useAsked } from '../../parts.js';
import { go } from '../../router.js';
import { hasRole } from '../../session.js';
import { moment, words } from '../../words.js';

/** The ways of finding orders, and what each is called in a call. */
const WAYS = /** @type {const} */ ({ name: 'name', ticket: 'ticket', order: 'reservation_id', user: 'user_id', seat: 'seat', concert: 'concert_id' });
/** @typedef {keyof typeof WAYS} Way */

/** The lists, each with the roles of which it needs one. */
const LISTS = /** @type {const} */ ({
  orders: ['owner', 'manager', 'box_office'],
  attendees: ['owner', 'manager', 'box_office'],
  codes: ['owner', 'manager', 'box_office'],
  ledger: ['owner', 'manager'],
});
/** @typedef {keyof typeof LISTS} List */

/** @typedef {import('./order.js').FoundOrder} FoundOrder */
/** @typedef {{ orders: FoundOrder[], users?: { user_id: number, name: string }[], next: string | null }} Found */
/** @typedef {{ concert_id: number, title: string }} Concert */

/** @param {{ query: string }} props */
export function Find({ query }) {
  const { orders: w, loading } = words();
  const sought = new URLSearchParams(query);
  const way = /** @type {Way} */ (Object.keys(WAYS).find((one) => sought.has(WAYS[/** @type {Way} */ (one)])) ?? 'name');
  const [by, setBy] = useState(way);
  const sales = useAsked(() => call('GET', '/sales'));
  const concerts = /** @type {Concert[]} */ (sales.value?.sales ?? []);
  const waits = !sales.value && !sales.error;
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  // What is looked for before its concert is there is found as soon as it is, unless something else is entered until then.
  const [early, setEarly] = useState(false);
  const goOn = () => {
    if (early) form.current?.requestSubmit();
  };
  useEffect(goOn, [concerts.length]);
  /** @param {SubmitEvent} event */
  const find = (event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const entered = (/** @type {string} */ name) => String(fields.get(name) ?? '').trim();
    const isEarly = (by === 'concert' && entered('value') === '') || (by === 'seat' && entered('schedule_id') === '');
    setEarly(isEarly);
    if (isEarly) return;
    const next = new URLSearchParams({ [WAYS[by]]: entered('value') });
    if (by === 'seat') next.set('schedule_id', entered('schedule_id'));
    // Where its concert is known from the address, the others may still be on their way.
    if (by === 'seat') next.set('concert', entered('concert') || (sought.get('concert') ?? ''));
    go(`/orders?${next}`);
  };
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <form class="card find" role="search" aria-label=${w.title} ref=${form} onSubmit=${find} onInput=${() => setEarly(false)}>
      <label class="field short">${w.by}
        <select name="by" value=${by} onChange=${(/** @type {any} */ event) => setBy(event.currentTarget.value)}>
          ${Object.keys(WAYS).map((one) => html`<option value=${one}>${w.ways[/** @type {Way} */ (one)]}</option>`)}
        </select>
      </label>
      ${by === 'concert'
        ? html`<label class="field">${w.concert}<select name="value" required=${!waits} key=${concerts.length}>
            ${waits && html`<option value="">${loading}</option>`}
            ${concerts.map((one) => html`<option value=${one.concert_id} selected=${String(one.concert_id) === sought.get('concert_id')}>${one.title}</option>`)}
          </select></label>`
        : html`${by === 'seat' && html`<${Performance} concerts=${concerts} concert=${sought.get('concert')} schedule=${sought.get('schedule_id')} waits=${waits} onKnown=${goOn} />`}
          <label class="field" key=${by}>${w.ways[by]}<input name="value" type="search" required maxlength="100" autocomplete="off" spellcheck="false"
            inputmode=${by === 'user' ? 'numeric' : undefined} pattern=${by === 'user' ? '\\s*\\d+\\s*' : undefined}
            defaultValue=${by === way ? (sought.get(WAYS[way]) ?? '') : ''} aria-describedby="find-hint" /></label>
          <small class="hint" id="find-hint">${w.hints[by]}</small>`}
      <button class="primary">${w.find}</button>
    </form>
    <${Problem} error=${sales.error} />
    ${query ? html`<${Results} query=${query} />` : null}
    ${concerts.length > 0 && html`<${Lists} concerts=${concerts} />`}
    ${!sales.value && !sales.error && html`<p>${loading}</p>`}`;
}

/**
 * The performance of a seat: its concert, then its start.
 * @param {{ concerts: Concert[], concert: string | null, schedule: string | null, waits: boolean, onKnown: () => void }} props `waits`: for the concerts.
 */
function Performance({ concerts, concert, schedule, waits, onKnown }) {
  const { orders: w, loading } = words();
  const [chosen, setChosen] = useState(concert ?? '');
  const id = chosen || String(concerts[0]?.concert_id ?? '');
  const [known, setKnown] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    if (!id) return;
    let current = true;
    setError(null);
    call('GET', `/concerts/${id}`).then(
      (found) => current && setKnown(found),
      (failure) => current && setError(failure),
    );
    return () => void (current = false);
  }, [id]);
  // Those of the concert that was chosen before are not this one's.
  const house = String(known?.concert_id) === id ? known : null;
  const isOnItsWay = waits || (id !== '' && !house && !error);
  useEffect(onKnown, [house]);
  return html`<label class="field">${w.concert}<select name="concert" value=${id} onChange=${(/** @type {any} */ event) => setChosen(event.currentTarget.value)}>
      ${waits && html`<option value="">${loading}</option>`}
      ${concerts.map((one) => html`<option value=${one.concert_id}>${one.title}</option>`)}
    </select></label>
    <label class="field">${w.performance}<select name="schedule_id" required=${!isOnItsWay} key=${house?.concert_id}>
      ${isOnItsWay && html`<option value="">${loading}</option>`}
      ${house?.schedules.map((/** @type {any} */ one) => html`<option value=${one.schedule_id} selected=${String(one.schedule_id) === schedule}>${when(one.starts_at, house.time_zone)}</option>`)}
    </select></label>
    <${Problem} error=${error} />`;
}

/** @param {{ query: string }} props */
function Results({ query }) {
  const { orders: w, loading } = words();
  const asking = new URLSearchParams(query);
  // The concert of a seat is for the form alone.
  asking.delete('concert');
  const { value, error } = useAsked(() => call('GET', `/orders?${asking}`));
  const [older, setOlder] = useState(/** @type {Found | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const found = /** @type {Found | null} */ (value);
  const orders = [...(found?.orders ?? []), ...(older?.orders ?? [])];
  const next = older ? older.next : found?.next;
  const users = found?.users ?? [];
  const more = async () => {
    setProblem(null);
    const page = new URLSearchParams(asking);
    // The name was one user's, whose orders go on.
    if (users.length === 1) {
      page.delete('name');
      page.set('user_id', String(users[0].user_id));
    }
    page.set('before', String(next));
    try {
      const behind = await call('GET', `/orders?${page}`);
      setOlder({ orders: [...(older?.orders ?? []), ...behind.orders], next: behind.next });
    } catch (failure) {
      setProblem(failure);
    }
  };
  const said = !found ? '' : users.length > 1 ? w.whoIsMeant(users.length) : orders.length === 0 ? w.none : w.found(orders.length, next != null);
  return html`<section aria-labelledby="found-title">
    <h2 id="found-title">${w.results}</h2>
    <${Problem} error=${problem ?? error} />
    <p role="status">${!found && !error ? loading : said}</p>
    ${users.length > 1 && html`<ul class="rows">${users.map((user) => html`<li key=${user.user_id} class="row">
      <div class="row-what"><strong>${user.name}</strong> <small>${w.userNo(user.user_id)}</small></div>
      <div class="row-do"><a class="button small" href=${`#/orders?user_id=${user.user_id}`} aria-label=${w.ordersOf(user.name, user.user_id)}>${w.theirs}</a></div>
    </li>`)}</ul>`}
    <ul class="rows">${orders.map((order) => html`<${Line} key=${order.reservation_id} order=${order} />`)}</ul>
    ${next != null && html`<button type="button" onClick=${more}>${w.older}</button>`}
  </section>`;
}

/** An order in short, with the way to it. @param {{ order: FoundOrder }} props */
export function Line({ order }) {
  const { orders: w } = words();
  const labels = order.seats.map((seat) => seat.label).join(', ');
  return html`<li class="row">
    <div class="row-what">
      <strong><a href=${`#/orders/${order.reservation_id}`}>${labels || w.noSeats} · ${order.name || words().desk.nameless}</a></strong>
      <span class=${`tag ${tone(order)}`}>${w.status(order)}</span>
      <span>${money(order.payment?.amount ?? order.amount, order.currency)}</span>
      <small>${order.title} · ${when(order.starts_at, order.time_zone)} · ${w.opened(moment(order.opened_at))}</small>
    </div>
  </li>`;
}

/** @param {FoundOrder} order */
export const tone = ({ status }) => (status === 'RESERVED' ? 'good' : status === 'TEMP_RESERVED' ? 'warn' : 'bad');

/** @param {{ concerts: Concert[] }} props */
function Lists({ concerts }) {
  const { orders: w } = words();
  const [concert, setConcert] = useState('');
  const [state, setState] = useState(/** @type {{ busy: List | null, error: unknown, done: string }} */ ({ busy: null, error: null, done: '' }));
  const id = concert || String(concerts[0].concert_id);
  /** @param {List} list */
  const save = async (list) => {
    setState({ busy: list, error: null, done: '' });
    try {
      await download(`/concerts/${id}/export/${list}.csv`, `concert-${id}-${list}.csv`);
      setState({ busy: null, error: null, done: w.saved(w.lists[list]) });
    } catch (error) {
      setState({ busy: null, error, done: '' });
    }
  };
  const may = /** @type {List[]} */ (Object.keys(LISTS)).filter((list) => hasRole(...LISTS[list]));
  return html`<section class="card lists" aria-labelledby="lists-title">
    <h2 id="lists-title">${w.listsTitle}</h2>
    <p>${w.listsText}</p>
    <label class="field short">${w.concert}<select value=${id} onChange=${(/** @type {any} */ event) => setConcert(event.currentTarget.value)}>
      ${concerts.map((one) => html`<option value=${one.concert_id}>${one.title}</option>`)}
    </select></label>
    <div class="buttons">${may.map((list) => html`<button key=${list} type="button" disabled=${state.busy !== null} onClick=${() => void save(list)}>${w.lists[list]}</button>`)}</div>
    <p role="status">${state.busy ? w.saving : state.done}</p>
    <${Problem} error=${state.error} />
  </section>`;
}
