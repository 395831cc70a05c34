/** A rehearsal of a sale: synthetic buyers, live, and what they found. */
import { useEffect, useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { ApiError, call, download } from '../api.js';
import { Figure } from '../figures.js';
import { count, lasting } from '../numbers.js';
import { Problem, SecondLook } from '../parts.js';
import { Plot } from '../plot.js';
import { language, moment, words } from '../words.js';

export const needs = ['owner', 'manager'];

/** What is live is asked for so often. */
const AGAIN_MS = 1_000;

/**
 * @typedef {{ buyers: number, seconds: number, arrive_within: number, think_ms: number, abandon: number, seed: number }} Asked
 * @typedef {{ seconds: number, arrived: number, waiting: number, admitted: number, holding: number, bought: number, seats_sold: number, abandoned: number, faults: number }} Figures
 * @typedef {{ op: string, ok: number, refused: number, reasons: Record<string, number>, failed: number, per_second: number, p50_ms: number, p99_ms: number, max_ms: number }} Operation
 * @typedef {{ second: number, arrived: number, admissions: number, seats_held: number, seats_sold: number, waiting: number }} Second
 * @typedef {{ name: string, ok: boolean, detail: string }} Check
 * @typedef {{ ok: boolean, window_seconds: number, operations: Operation[], checks: Check[], faults: number, first_faults: string[], seconds: Second[] }} Report
 * @typedef {{ state: 'preparing' | 'playing' | 'ending' | 'over', began_at: string, ended_at?: string, asked: Asked, figures: Figures, report?: Report, problem?: string }} Played
 */

/** @param {{ id: number }} props */
export function Rehearsal({ id }) {
  const { rehearsal: w, loading } = words();
  const path = `/concerts/${id}/rehearsal`;
  const [last, setLast] = useState(/** @type {{ rehearsal: Played | null } | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [stops, setStops] = useState(false);
  const played = last?.rehearsal ?? null;
  const isOver = !played || played.state === 'over';
  useEffect(() => {
    let current = true;
    const ask = async () => {
      try {
        const found = await call('GET', path);
        if (current) setLast(found);
      } catch (failure) {
        if (current) setError(failure);
      }
    };
    void ask();
    const timer = isOver ? undefined : setInterval(ask, AGAIN_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [id, isOver]);
  /** @param {'POST' | 'DELETE'} method @param {Record<string, number>} [body] */
  const change = async (method, body) => {
    try {
      setLast(await call(method, path, body));
      setError(null);
    } catch (failure) {
      const isBusy = failure instanceof ApiError && failure.reason === 'UNAVAILABLE';
      setError(isBusy ? new ApiError('REHEARSAL_BUSY', failure.message, failure.data, failure.status) : failure);
    }
  };
  const save = async () => {
    try {
      await download(`${path}/report?lang=${language.value}`, `frontrow-${id}-rehearsal.html`);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<p><a href=${`#/sale/${id}`}>← ${w.back}</a></p>
    <h1>${w.title(id)}</h1>
    <p class="lead">${w.text}</p>
    <${Problem} error=${error} />
    ${!last && !error && html`<p>${loading}</p>`}
    ${last && isOver && html`<${Begin} onBegin=${(/** @type {Record<string, number>} */ asked) => void change('POST', asked)} />`}
    ${played && html`<section aria-labelledby="played-title">
      <h2 id="played-title">${w.last}</h2>
      <p role="status"><span class=${`tag ${played.state === 'playing' ? 'good' : ''}`}>${w.states[played.state]}</span>
        <small> ${w.began(moment(played.began_at), count(played.asked.buyers))}</small></p>
      ${played.problem && html`<p class="problem" role="alert">${w.problem(played.problem)}</p>`}
      <${Live} of=${played.figures} buyers=${played.asked.buyers} />
      ${(played.state === 'preparing' || played.state === 'playing') && html`<div class="buttons"><button type="button" class="danger" onClick=${() => setStops(true)}>${w.end}</button></div>`}
      ${played.report && html`<p><button type="button" class="small" onClick=${save}>${words().plots.report}</button></p>`}
      ${played.report && html`<${Found} report=${played.report} began=${played.began_at} />`}
    </section>`}
    ${stops && html`<${SecondLook} title=${w.end} text=${w.endText} confirm=${w.end} onConfirm=${() => void change('DELETE')} onClose=${() => setStops(false)} />`}`;
}

/** @param {{ onBegin: (asked: Record<string, number>) => void }} props */
function Begin({ onBegin }) {
  const { rehearsal: w } = words();
  /** @param {SubmitEvent} event */
  const begin = (event) => {
    event.preventDefault();
    const entered = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)));
    onBegin(Object.fromEntries(Object.entries(entered).map(([name, value]) => [name, Number(value)])));
  };
  /** @param {string} name @param {string} label @param {number} value @param {number} min @param {number} max */
  const field = (name, label, value, min, max) => html`<label class="field">${label}
    <input name=${name} type="number" inputmode="numeric" required min=${min} max=${max} defaultValue=${value} /></label>`;
  return html`<form class="card" onSubmit=${begin}>
    ${field('buyers', w.buyers, 500, 1, 2_000)}
    ${field('arrive_within', w.arriveWithin, 5, 0, 1_800)}
    ${field('seconds', w.seconds, 120, 1, 1_800)}
    ${field('think_ms', w.think, 1_000, 0, 60_000)}
    ${field('abandon', w.abandon, 5, 0, 100)}
    <button class="primary">${w.begin}</button>
  </form>`;
}

/** @param {{ of: Figures, buyers: number }} props */
function Live({ of, buyers }) {
  const { rehearsal: w } = words();
  return html`<dl class="figures">
    <${Figure} name=${w.time} value=${lasting(of.seconds)} />
    <${Figure} name=${w.arrived} value=${count(of.arrived)} more=${w.of(count(buyers))} />
    <${Figure} name=${w.waiting} value=${count(of.waiting)} />
    <${Figure} name=${w.admitted} value=${count(of.admitted)} />
    <${Figure} name=${w.holding} value=${count(of.holding)} />
    <${Figure} name=${w.bought} value=${count(of.bought)} />
    <${Figure} name=${w.sold} value=${count(of.seats_sold)} />
    <${Figure} name=${w.abandoned} value=${count(of.abandoned)} />
    <${Figure} name=${w.faults} value=${count(of.faults)} />
  </dl>`;
}

/** @param {{ report: Report, began: string }} props */
function Found({ report, began }) {
  const { rehearsal: w } = words();
  const at = report.seconds.map(({ second }) => Date.parse(began) + second * 1_000);
  const number = (/** @type {number} */ value) => count(Math.round(value * 10) / 10);
  const common = { at, from: at[0] ?? 0, to: Math.max((at[0] ?? 0) + 1, at[at.length - 1] ?? 0), gap: 5_000, shown: number };
  /** @param {keyof Second} field */
  const of = (field) => report.seconds.map((second) => second[field]);
  /** @param {Record<string, number>} reasons */
  const why = (reasons) => Object.entries(reasons).map(([name, n]) => `${name} ${count(n)}`).join(', ');
  return html`<h3>${w.checks}</h3>
    <ul class="rows">${report.checks.map(({ name, ok, detail }) => html`<li key=${name} class="row">
      <span class=${`tag ${ok ? 'good' : 'bad'}`}>${ok ? w.good : w.bad}</span>
      <div class="row-what"><strong>${/** @type {Record<string, string>} */ (w.checkNames)[name] ?? name}</strong> <small>${detail}</small></div>
    </li>`)}</ul>
    ${report.first_faults.length > 0 && html`<details><summary>${w.firstFaults(count(report.faults))}</summary><ul>${report.first_faults.map((fault) => html`<li>${fault}</li>`)}</ul></details>`}
    <h3>${w.operations}</h3>
    <div class="table" tabindex="0" role="region" aria-label=${w.operations}><table>
      <thead><tr><th scope="col">${w.operation}</th><th scope="col">${w.ok}</th><th scope="col">${w.refused}</th><th scope="col">${w.perSecond}</th><th scope="col">${w.half}</th><th scope="col">${w.slowest}</th></tr></thead>
      <tbody>${report.operations.map((row) => html`<tr key=${row.op}><th scope="row"><code>${row.op}</code></th><td>${count(row.ok)}</td><td>${count(row.refused)} ${why(row.reasons)}</td>
        <td>${number(row.per_second)}</td><td>${number(row.p50_ms)} ms</td><td>${number(row.p99_ms)} ms</td></tr>`)}</tbody>
    </table></div>
    ${at.length > 1 && html`<div class="plots">
      <${Plot} ...${common} title=${w.line} lines=${[{ name: w.waiting, values: of('waiting') }, { name: w.arrived, values: of('arrived') }]} />
      <${Plot} ...${common} title=${w.seats} lines=${[{ name: w.held, values: of('seats_held') }, { name: w.sold, values: of('seats_sold') }]} />
    </div>`}`;
}
