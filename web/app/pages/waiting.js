/**
 * The waiting room.
 *
 * Always: the bar never goes back, also not after a reload: how far this token has come is stored. The place is spoken
 * at most every half minute, so that a screen reader stays usable.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { count, words } from '../i18n.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { callMe, permission, prepareChime, wanted } from '../chime.js';
import { explain } from '../explain.js';
import { notify } from '../notices.js';
import { now, start } from '../session.js';
import { loadJson, saveJson } from '../storage.js';
import { useTitle } from '../title.js';
import { Named } from '../parts/named.js';

const SPOKEN_EVERY_MS = 30_000;
/** The pace is measured over the last so long. */
const PACE_WINDOW_MS = 120_000;
const PACE_AFTER_MS = 5_000;

/** @param {{concert: import('../session.js').Concert, place: import('../session.js').QueueUpdate}} props */
export function Waiting({ concert, place }) {
  const w = words().waiting;
  const position = place.position ?? 1;
  const ahead = place.ahead ?? 0;
  const [asking, setAsking] = useState(false);
  const progress = useProgress(place.token, ahead);
  const pace = usePace(place.token, ahead);
  const spoken = useSpoken(position);
  useTitle(w.titleInLine(position));

  async function leave() {
    setAsking(false);
    try {
      await start().leave();
    } catch (error) {
      notify({ kind: 'bad', text: explain(error) });
    }
  }

  const { state, message } = concert.sale;
  // No time is promised in a line that stands still.
  const moving = state === 'OPEN' && !place.sold_out;
  return html`<section class="page waiting" aria-labelledby="waiting-title">
    <p class="kicker"><${Named} text=${concert.title} /></p>
    <h1 id="waiting-title">${w.title}</h1>
    ${message && html`<p class="sale-message"><${Named} text=${message} /></p>`}
    ${state === 'SCHEDULED' && html`<p class="sale-message">${w.early}</p>`} ${state === 'PAUSED' && html`<p class="sale-message">${w.paused}</p>`}
    ${state === 'OPEN' && (place.sold_out || ahead === 0) && html`<p class="sale-message">${place.sold_out ? w.fullHouse : w.next}</p>`}

    <div class="place">
      <p class="place-number"><span class="label">${w.place}</span><strong data-testid="position">${count(position)}</strong></p>
      <p class="ahead">${w.ahead(ahead)}</p>
      <progress max="1" value=${progress} aria-label=${w.progress}></progress>
    </div>
    ${moving &&
    html`<dl class="facts">
      <div><dt>${w.eta}</dt><dd>${place.eta_seconds === null ? w.etaUnknown : w.etaValue(place.eta_seconds)}</dd></div>
      <div><dt>${w.pace}</dt><dd>${pace === null ? w.paceUnknown : w.paceValue(pace)}</dd></div>
    </dl>`}
    <p class="behind">${w.behind(place.waiting)}</p>

    <ul class="tips">
      <li><${Icon} name="phone" /><span>${w.lock}</span></li>
      <li><${Icon} name="check" /><span>${w.sameEverywhere}</span></li>
      <li>
        <${Icon} name="bell" />
        <span>
          <label class="switch">
            <input type="checkbox" role="switch" checked=${wanted.value} onChange=${(/** @type {any} */ event) => void callMe(event.target.checked)} />
            <span>${w.remind}</span>
          </label>
          ${wanted.value && html`<small>${permission.value === 'granted' ? w.remindOn : w.remindSound}</small>`}
        </span>
      </li>
    </ul>
    <button type="button" class="quiet" onClick=${() => (prepareChime(), setAsking(true))}>${w.leave}</button>
    <p class="visually-hidden" role="status">${spoken}</p>
    ${asking &&
    html`<${Dialog} title=${w.leaveTitle} onClose=${() => setAsking(false)}>
      <p>${w.leaveText}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick=${() => setAsking(false)}>${w.stay}</button>
        <button type="button" onClick=${leave}>${w.leaveYes}</button>
      </div>
    <//>`}
  </section>`;
}

/**
 * @param {string} token
 * @param {number} ahead
 * @returns {number} In [0, 1), never less than before for the same token.
 */
function useProgress(token, ahead) {
  const known = loadJson('progress', { token: '', from: 0, least: 0 });
  const mine = known.token === token ? known : { token, from: ahead, least: ahead };
  const least = Math.min(mine.least, ahead);
  const from = Math.max(mine.from, ahead);
  useEffect(() => saveJson('progress', { token, from, least }), [token, from, least]);
  if (least === 0) return 0.95; // Next, but not in.
  return 0.9 * (1 - (least + 1) / (from + 2));
}

/**
 * The number of people a minute by which the line moved lately.
 * @param {string} token
 * @param {number} ahead
 * @returns {number | null}
 */
function usePace(token, ahead) {
  const seen = useRef(/** @type {{token: string, points: {at: number, ahead: number}[]}} */ ({ token, points: [] }));
  if (seen.current.token !== token) seen.current = { token, points: [] };
  const { points } = seen.current;
  const at = now.value;
  if (points.length === 0 || points[points.length - 1].ahead !== ahead) points.push({ at, ahead });
  while (points.length > 2 && at - points[1].at > PACE_WINDOW_MS) points.shift();
  const [first] = points;
  const last = points[points.length - 1];
  if (points.length < 2 || last.at - first.at < PACE_AFTER_MS) return null;
  const perMinute = ((first.ahead - last.ahead) / (at - first.at)) * 60_000;
  return perMinute < 0.5 ? 1 : Math.round(perMinute);
}

/** @param {number} position */
function useSpoken(position) {
  const w = words().waiting;
  const last = useRef({ at: -Infinity, text: '' });
  const at = now.value;
  const text = w.spoken(position);
  if (text !== last.current.text && at - last.current.at >= SPOKEN_EVERY_MS) last.current = { at, text };
  return last.current.text;
}
