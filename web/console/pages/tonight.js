/** Tonight: every sale as it is now. */
import { html } from '../../app/html.js';
import { AlarmStrip } from '../alarms.js';
import { Figure, Liveness, SeatBar } from '../figures.js';
import { useWatched } from '../live.js';
import { clock, count, lasting, money, when } from '../numbers.js';
import { hasRole } from '../session.js';
import { words } from '../words.js';
import { needs as makingNeeds } from './making.js';

export const needs = ['owner', 'manager', 'box_office', 'viewer'];

export function Tonight() {
  const { tonight: w, loading } = words();
  const { model } = useWatched(null);
  const lines = model?.at ? [...model.lines.values()].sort((a, b) => a.concert_id - b.concert_id) : null;
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Liveness} live=${model?.live ?? false} at=${model?.at ?? null} />
    <${AlarmStrip} alarms=${model?.alarms ?? []} />
    ${!lines && html`<p>${loading}</p>`}
    ${lines?.length === 0 && html`<p class="empty">${w.none}${hasRole(...makingNeeds) && html` <a href="#/making">${words().making.begin}</a>`}</p>`}
    <ul class=${model?.live ? 'sales' : 'sales off'}>${lines?.map((line) => html`<${Line} key=${line.concert_id} line=${line} />`)}</ul>`;
}

/** The name of a sale, also of one that this server never ran. @param {import('../../sdk/wire.js').SaleLine} line */
export const nameOf = (line) => line.title ?? words().tonight.nameless(line.concert_id);

/** @param {{ line: import('../../sdk/wire.js').SaleLine }} props */
function Line({ line }) {
  const { figures } = line;
  return html`<li class="card sale">
    <div class="sale-head">
      <h2><a href=${`#/sale/${line.concert_id}`}>${nameOf(line)}</a></h2>
      <${State} line=${line} />
      ${figures && html`<small>${figures.venue}</small>`}
    </div>
    ${figures && html`<${Figures} of=${figures} /><${SeatBar} of=${figures} />`}
  </li>`;
}

/** The state of a sale in words: what it is, where it runs, whether it answers. @param {{ line: import('../../sdk/wire.js').SaleLine }} props */
export function State({ line }) {
  const { tonight: w, log } = words();
  const state = line.figures?.state;
  return html`${state && html`<span class=${`tag ${state === 'OPEN' ? 'good' : state === 'PAUSED' ? 'warn' : ''}`}>${log.states[state]}</span>`}
    ${line.figures?.state === 'SCHEDULED' && line.figures.opens_at && html`<small>${w.opens(when(line.figures.opens_at, line.figures.time_zone))}</small>`}
    ${line.runs === 'here' && !line.answers && html`<span class="tag bad" title=${w.silentText}>${w.silent}</span>`}
    ${line.runs !== 'here' && html`<span class="tag warn">${line.runs === 'elsewhere' ? w.elsewhere : w.loading}</span>`}
    ${line.figures_at && html`<small><time datetime=${line.figures_at}>${w.asOf(clock(line.figures_at))}</time></small>`}`;
}

/** @param {{ of: import('../../sdk/wire.js').LiveFigures }} props */
export function Figures({ of }) {
  const { tonight: w } = words();
  const isOut = of.sold > 0 && of.available + of.held === 0;
  const out = isOut ? w.soldOut : of.sells_out_in_s === null ? w.unknown : lasting(of.sells_out_in_s);
  return html`<dl class="figures">
    <${Figure} name=${w.waiting} value=${count(of.waiting)} />
    <${Figure} name=${w.admitted} value=${count(of.progress)} more=${w.of(count(of.capacity))} />
    <${Figure} name=${w.held} value=${count(of.held)} />
    <${Figure} name=${w.sold} value=${count(of.sold)} />
    <${Figure} name=${w.free} value=${count(of.available)} />
    ${of.restricted > 0 && html`<${Figure} name=${w.kept} value=${count(of.restricted)} />`}
    <${Figure} name=${w.money} value=${money(of.money, of.currency)}
      more=${of.at_desk.cash + of.at_desk.card > 0 && words().desk.taking(money(of.at_desk.cash, of.currency), money(of.at_desk.card, of.currency))} />
    <${Figure} name=${w.joins} value=${count(of.joins_per_minute)} />
    <${Figure} name=${w.admissions} value=${count(of.admissions_per_minute)} />
    <${Figure} name=${w.sales} value=${count(of.sales_per_minute)} />
    <${Figure} name=${w.sellsOut} value=${out} />
    ${of.next_start && html`<${Figure} name=${w.next} value=${when(of.next_start, of.time_zone)} />`}
  </dl>`;
}
