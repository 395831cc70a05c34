/** How a sale's night went, from what was kept. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { call, download } from '../../api.js';
import { count, money } from '../../numbers.js';
import { Problem } from '../../parts.js';
import { Plot } from '../../plot.js';
import { language, words } from '../../words.js';

const HOURS = /** @type {const} */ ([1, 6, 24, 168]);
/** New points are asked for so often. */
const AGAIN_MS = 10_000;
const POINTS = 360;

/** @typedef {{ span_s: number, from: string, to: string, at: string[], points: Record<string, any>[] }} Kept */

/** @param {{ id: number, currency: string }} props */
export function Plots({ id, currency }) {
  const { plots: w } = words();
  const [hours, setHours] = useState(/** @type {number} */ (1));
  const [kept, setKept] = useState(/** @type {Kept | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    let current = true;
    const ask = async () => {
      const from = new Date(Date.now() - hours * 3_600_000).toISOString();
      try {
        const found = await call('GET', `/sales/${id}/figures?from=${from}&points=${POINTS}`);
        if (current) {
          setKept(found);
          setError(null);
        }
      } catch (failure) {
        if (current) setError(failure);
      }
    };
    void ask();
    const timer = setInterval(ask, AGAIN_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [id, hours]);
  const report = async () => {
    const from = new Date(Date.now() - hours * 3_600_000).toISOString();
    try {
      await download(`/sales/${id}/report?from=${from}&lang=${language.value}`, `frontrow-${id}-report.html`);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<section aria-labelledby="plots-title">
    <h2 id="plots-title">${w.title}</h2>
    <label class="field short">${w.of}
      <select value=${hours} onChange=${(/** @type {any} */ event) => setHours(Number(event.currentTarget.value))}>
        ${HOURS.map((n) => html`<option value=${n}>${w.hours(n)}</option>`)}
      </select>
    </label>
    <button type="button" class="small" onClick=${report}>${w.report}</button>
    <${Problem} error=${error} />
    ${kept && kept.at.length === 0 && html`<p class="empty">${w.nothing}</p>`}
    ${kept && kept.at.length > 0 && html`<${Drawn} kept=${kept} currency=${currency} />`}
  </section>`;
}

/** @param {{ kept: Kept, currency: string }} props */
function Drawn({ kept, currency }) {
  const { plots: w, tonight } = words();
  const at = kept.at.map((time) => Date.parse(time));
  // A sale that is younger than what is asked for fills the drawing.
  const from = Math.max(Date.parse(kept.from), at[0] - kept.span_s * 1_000);
  const common = { at, from, to: Math.max(Date.parse(kept.to), at[at.length - 1]), gap: kept.span_s * 2_500 };
  /** @param {string} field */
  const level = (field) => kept.points.map((point) => Number(point[field]));
  /** @param {string} field */
  const perMinute = (field) => kept.points.map((point) => (Number(point[field]) * 60) / kept.span_s);
  const number = (/** @type {number} */ value) => count(Math.round(value * 10) / 10);
  const millis = (/** @type {number} */ value) => `${number(value)} ms`;
  return html`<div class="plots">
    <${Plot} ...${common} title=${w.line} shown=${number} lines=${[{ name: tonight.waiting, values: level('waiting') }, { name: tonight.admitted, values: level('progress') }]} />
    <${Plot} ...${common} title=${w.came} shown=${number} lines=${[{ name: tonight.joins, values: perMinute('joins') }, { name: tonight.admissions, values: perMinute('admissions') }]} />
    <${Plot} ...${common} title=${w.seats} shown=${number} lines=${[{ name: tonight.sold, values: level('sold') }, { name: tonight.held, values: level('held') }, { name: tonight.free, values: level('available') }]} />
    <${Plot} ...${common} title=${w.sold} shown=${number} lines=${[{ name: w.heldPerMinute, values: perMinute('seats_held') }, { name: tonight.sales, values: perMinute('seats_sold') }]} />
    <${Plot} ...${common} title=${tonight.money} shown=${(/** @type {number} */ value) => money(value, currency)} lines=${[{ name: tonight.money, values: level('money') }]} />
    <${Plot} ...${common} title=${w.lost} shown=${number} lines=${[{ name: w.refused, values: perMinute('refused') }, { name: w.expired, values: perMinute('expiries') }]} />
    <${Plot} ...${common} title=${w.answers} shown=${millis} lines=${[{ name: w.half, values: level('answers_p50_ms') }, { name: w.slowest, values: level('answers_p99_ms') }]} />
    <${Plot} ...${common} title=${w.commits} shown=${millis} lines=${[{ name: w.half, values: level('commit_p50_ms') }, { name: w.slowest, values: level('commit_p99_ms') }]} />
  </div>`;
}
