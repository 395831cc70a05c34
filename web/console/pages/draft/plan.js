/** The seating plan: dropped in or made up, drawn, with its faults on the drawing and in the list. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call } from '../../api.js';
import { Problem } from '../../parts.js';
import { language, words } from '../../words.js';

/** What the map knows of a seat's state. */
const RESTRICTED = 3;
const SHAPES = /** @type {const} */ (['hall', 'arena', 'stadium']);
const SEATS_USUAL = 1_000;

/** @param {import('../draft.js').CardProps} props */
export function Plan({ draft, save, act, replace }) {
  const { making: w } = words();
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [shown, setShown] = useState(/** @type {{ seats: [number, number], at: number } | null} */ (null));
  const { plan } = draft;

  /** @param {() => Promise<unknown>} work */
  const working = async (work) => {
    setBusy(true);
    await work();
    setBusy(false);
  };
  /** @param {File | null | undefined} file */
  const take = (file) => {
    if (file) void working(() => replace('/plan', file));
  };
  /** @param {DragEvent} event */
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files[0]);
  };
  /** @param {SubmitEvent} event */
  const generate = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    void working(() => act('/generate', { shape: form.get('shape'), seats: Number(form.get('seats')) }));
  };
  const repeats = plan?.faults.some((fault) => fault.path.endsWith('.seat_guid') && fault.problem.startsWith('repeats'));
  return html`<section class="card part" id="plan" tabindex="-1" aria-labelledby="plan-title">
    <h2 id="plan-title">${w.venue}</h2>
    <div class="drop ${over ? 'over' : ''}" onDragOver=${(/** @type {DragEvent} */ event) => {
      event.preventDefault();
      setOver(true);
    }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <p id="plan-text">${w.venueText}</p>
      <label class="button file">${w.choose}<input type="file" class="visually-hidden" accept="application/json,.json" aria-describedby="plan-title plan-text" disabled=${busy}
        onChange=${(/** @type {any} */ event) => {
          take(event.currentTarget.files[0]);
          event.currentTarget.value = '';
        }} /></label>
    </div>
    <form class="generate" onSubmit=${generate} aria-label=${w.or}>
      <p>${w.or}</p>
      <label class="field">${w.shape}<select name="shape">${SHAPES.map((shape) => html`<option value=${shape}>${w.shapes[shape]}</option>`)}</select></label>
      <label class="field">${w.seats}<input name="seats" type="number" required min="1" max="200000" defaultValue=${SEATS_USUAL} /></label>
      <button disabled=${busy}>${w.make}</button>
    </form>
    <p role="status">${busy ? w.wait : ''}</p>
    ${plan && html`
      ${plan.seats > 0 && html`<p><strong>${plan.venue}</strong> ${w.has(plan.seats, plan.rows, plan.zones)} ${plan.restricted > 0 && w.restricted(plan.restricted)}</p>`}
      ${plan.faults_count === 0
        ? html`<p class="tag good">${w.sound}</p>`
        : html`<h3>${w.faults(plan.faults_count)}</h3>
          <p>${w.faultsText} ${plan.faults_count > plan.faults.length && w.listed(plan.faults.length)}</p>
          <ul class="faults">${plan.faults.map((fault) => html`<li key=${fault.path}>
            ${fault.seats
              ? html`<button type="button" class="small" aria-label=${w.showFault(fault.path)} onClick=${() => fault.seats && setShown({ seats: fault.seats, at: Date.now() })}><code>${fault.path}</code></button>`
              : html`<code>${fault.path}</code>`} <span lang="en">${fault.problem}</span></li>`)}</ul>
          ${repeats && html`<button type="button" disabled=${busy} onClick=${() => working(() => save(() => ({ fix_duplicates: true })))}>${w.fix}</button>`}`}
      ${plan.seats > 0 && html`<${Drawing} key=${JSON.stringify(plan)} draft=${draft} shown=${shown} />`}
      ${plan.warnings.length > 0 && html`<details><summary>${w.warnings(plan.warnings.length)}</summary>
        <ul class="faults" lang="en">${plan.warnings.map((warning) => html`<li>${warning}</li>`)}</ul></details>`}`}
  </section>`;
}

/** @param {{ draft: import('../draft.js').Draft, shown: { seats: [number, number], at: number } | null }} props */
function Drawing({ draft, shown }) {
  const { making: w } = words();
  const map = useRef(/** @type {import('../../../seatmap/index.js').FrontrowSeatmap | null} */ (null));
  const [layout, setLayout] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    let gone = false;
    Promise.all([call('GET', `/drafts/${draft.draft_id}/layout`), import('../../../seatmap/index.js')]).then(
      ([drawn]) => gone || setLayout(drawn),
      (failure) => gone || setError(failure),
    );
    return () => {
      gone = true;
    };
  }, []);
  useEffect(() => {
    if (!layout || !map.current) return;
    const states = new Uint8Array(layout.seats.x.length);
    for (const seat of layout.restricted) states[seat] = RESTRICTED;
    map.current.layout = layout;
    map.current.model = /** @type {any} */ ({ states, on: () => () => {} });
    map.current.own = faultySeats(draft);
  }, [layout]);
  useEffect(() => {
    if (!map.current || !layout) return;
    const digits = new Intl.NumberFormat(language.value);
    map.current.words = { ...w.mapWords, price: (/** @type {number} */ amount) => digits.format(amount), state: { available: w.forSale, own: w.faulty, held: w.forSale, sold: w.forSale, notForSale: w.kept } };
  }, [layout, language.value]);
  useEffect(() => {
    if (shown && map.current && layout) {
      map.current.show(rangeOf(shown.seats));
      map.current.scrollIntoView({ block: 'nearest' });
    }
  }, [shown, layout]);
  return html`<${Problem} error=${error} />
    <h3>${w.drawing}</h3>
    ${layout && html`<frontrow-seatmap class="drawing" ref=${map}></frontrow-seatmap>`}`;
}

/** @param {[number, number]} range */
const rangeOf = ([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

/** @param {import('../draft.js').Draft} draft */
const faultySeats = (draft) => [...new Set((draft.plan?.faults ?? []).flatMap(({ seats }) => (seats ? rangeOf(seats) : [])))];
