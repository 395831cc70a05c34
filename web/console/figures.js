/** Parts that show what is watched: whether it is live, a figure with its name, the seats as a bar. */
import { html } from '../app/html.js';
import { connectAgain, connection } from './live.js';
import { clock, count } from './numbers.js';
import { words } from './words.js';

/** @param {{ live: boolean, at: string | null }} props Whether news arrives, and when the newest figures were gathered. */
export function Liveness({ live, at }) {
  const { tonight: w } = words();
  const link = connection.value;
  if (link === 'ended') {
    return html`<p class="liveness off" role="status">${w.ended} <button type="button" class="small" onClick=${connectAgain}>${w.connect}</button></p>`;
  }
  if (live && at) {
    return html`<p class="liveness" role="status"><span class="tag good">${w.live}</span> <small><time datetime=${at}>${w.asOf(clock(at))}</time></small></p>`;
  }
  const lost = link === 'reconnecting';
  return html`<p class=${lost ? 'liveness off' : 'liveness'} role="status">${lost ? (at ? w.lost(clock(at)) : w.lostEarly) : w.connecting}</p>`;
}

/** @param {{ name: string, value: unknown, more?: unknown }} props */
export const Figure = ({ name, value, more }) => html`<div class="figure"><dt>${name}</dt><dd>${value}${more ? html` <small>${more}</small>` : null}</dd></div>`;

/** What became of the seats, as a bar with words. @param {{ of: { seats: number, available: number, held: number, sold: number, restricted: number } }} props */
export function SeatBar({ of }) {
  const { tonight: w } = words();
  const parts = /** @type {const} */ ([
    ['sold', of.sold],
    ['held', of.held],
    ['free', of.available],
    ['kept', of.restricted],
  ]);
  let x = 0;
  const told = w.seats({ sold: count(of.sold), held: count(of.held), free: count(of.available), kept: count(of.restricted) });
  return html`<svg class="seat-bar" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label=${told}>
    ${parts.map(([name, seats]) => {
      const width = of.seats > 0 ? (seats / of.seats) * 1000 : 0;
      const part = html`<rect key=${name} class=${name} x=${x} y="0" width=${width} height="12" />`;
      x += width;
      return part;
    })}
  </svg>`;
}
