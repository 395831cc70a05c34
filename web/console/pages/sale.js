/** A sale: its figures, live, and what steers it. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { AlarmStrip } from '../alarms.js';
import { Figure, Liveness, SeatBar } from '../figures.js';
import { useWatched } from '../live.js';
import { count } from '../numbers.js';
import { hasRole } from '../session.js';
import { words } from '../words.js';
import { Controls } from './sale/controls.js';
import { Life } from './sale/life.js';
import { Plots } from './sale/plots.js';
import { Rules } from './sale/rules.js';
import { Seats } from './sale/seats.js';
import { Figures, State, nameOf } from './tonight.js';

export const needs = ['owner', 'manager', 'box_office', 'viewer'];
/** Those who change something here. */
const STEER = ['owner', 'manager'];
/** Those who sell at the box office. */
const SELL = ['owner', 'manager', 'box_office'];

/** @typedef {import('../../sdk/wire.js').SaleLine} SaleLine */
/** @typedef {import('../../sdk/wire.js').SaleDetail} SaleDetail */

/** @param {{ id: number }} props */
export function Sale({ id }) {
  const { sale: w, life, tonight, ready, rehearsal, loading } = words();
  const { model, unknown } = useWatched(id);
  const line = model?.lines.get(id);
  const detail = model?.detail ?? null;
  const [archived, setArchived] = useState(/** @type {{ id: number, name: string } | null} */ (null));
  const back = html`<p><a href="#/tonight">← ${w.back}</a></p>`;
  if (archived?.id === id) return html`${back}<h1>${archived.name}</h1><p class="done" role="status">${life.archived}</p>`;
  if (unknown || (model?.at && !line)) return html`${back}<h1>${tonight.nameless(id)}</h1><p class="empty">${w.missing}</p>`;
  if (!line) return html`${back}<h1>${tonight.nameless(id)}</h1><${Liveness} live=${model?.live ?? false} at=${model?.at ?? null} /><p>${loading}</p>`;
  return html`${back}
    <div class="sale-head"><h1>${nameOf(line)}</h1> <${State} line=${line} /> <a href=${`#/ready/${id}`}>${ready.link}</a> <a href=${`/concert/${id}`}>${w.page}</a>${hasRole(...STEER) && html` <a href=${`#/log?concert_id=${id}`}>${w.log}</a>`}</div>
    <${Liveness} live=${model?.live ?? false} at=${model?.at ?? null} />
    <${AlarmStrip} alarms=${model?.alarms ?? []} />
    ${line.runs === 'here' && !line.answers && html`<p class="problem" role="alert">${tonight.silentText}</p>`}
    ${line.figures && html`<section class=${model?.live ? '' : 'off'} aria-labelledby="figures-title">
      <h2 id="figures-title" class="visually-hidden">${w.figures}</h2>
      <${Figures} of=${line.figures} /><${SeatBar} of=${line.figures} />
      ${detail && html`<${Detail} detail=${detail} />`}
    </section>`}
    ${detail && line.figures && html`<${Life} id=${id} figures=${line.figures} detail=${detail} onArchived=${() => setArchived({ id, name: nameOf(line) })} />`}
    ${detail && line.figures && (hasRole(...STEER)
      ? html`<${Controls} line=${line} figures=${line.figures} detail=${detail} /><${Rules} id=${id} detail=${detail} />`
      : html`<p>${w.looksOn}</p>`)}
    ${detail && line.figures && hasRole(...STEER) && html`<p><a href=${`#/rehearsal/${id}`}>${rehearsal.link}</a></p>`}
    ${line.figures && html`<${Plots} id=${id} currency=${line.figures.currency} />`}
    ${detail && html`<${Seats} detail=${detail} zone=${line.figures?.time_zone ?? null} currency=${line.figures?.currency ?? 'XXX'}
      concert=${id} mayKeep=${hasRole(...STEER)} maySell=${hasRole(...SELL)} />`}`;
}

/** @param {{ detail: SaleDetail }} props */
function Detail({ detail }) {
  const { sale: w } = words();
  /** @param {{ p50: number, p99: number } | null} times */
  const told = (times) => (times ? w.times(count(times.p50), count(times.p99)) : w.nothing);
  /** @param {Record<string, number>} counts @param {(name: string) => string} [named] */
  const list = (counts, named = (name) => name) =>
    Object.keys(counts).length === 0 ? w.nothing : Object.entries(counts).map(([name, n]) => `${named(name)} ${count(n)}`).join(', ');
  return html`<dl class="figures more">
    <${Figure} name=${w.answers} value=${told(detail.answers_ms)} />
    <${Figure} name=${w.commits} value=${told(detail.commit_ms)} />
    <${Figure} name=${w.refusals} value=${list(detail.refusals_per_minute)} />
    <${Figure} name=${w.expiries} value=${list(detail.expiries_per_minute, (name) => /** @type {Record<string, string>} */ (w.expired)[name] ?? name)} />
    <${Figure} name=${w.watchers} value=${count(detail.watchers)} />
    <${Figure} name=${w.connections} value=${count(detail.connections)} />
  </dl>`;
}
