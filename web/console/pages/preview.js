/** A draft as fans will see it, on a phone or on a desk: the concert's page, and its seats. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, useAsked } from '../parts.js';
import { language, words } from '../words.js';

export const needs = ['owner', 'manager'];

/** The windows that most fans have. */
const SIZES = Object.freeze({ phone: [360, 740], desk: [1280, 800] });
/** The pages of the fans that are shown, by their addresses behind `#`. */
const PAGES = Object.freeze({ page: '#/concert/0', seats: '#/sale/0' });

/** @param {{ id: number }} props */
export function Preview({ id }) {
  const { making: w, loading } = words();
  const { value, error } = useAsked(() => call('GET', `/drafts/${id}`));
  const draft = /** @type {import('./draft.js').Draft | null} */ (value);
  const [size, setSize] = useState(/** @type {keyof typeof SIZES} */ ('phone'));
  const [shown, setShown] = useState(/** @type {keyof typeof PAGES} */ ('page'));
  const hasSeats = (draft?.plan?.seats ?? 0) > 0;
  /** @template {string} T @param {string} name @param {readonly T[]} all @param {T} chosen @param {(one: T) => void} choose @param {(one: T) => boolean} may */
  const choice = (name, all, chosen, choose, may) => html`<fieldset class="segments"><legend class="visually-hidden">${name}</legend>
    ${all.map((one) => html`<label class="choice"><input type="radio" name=${name} checked=${one === chosen} disabled=${!may(one)} onChange=${() => choose(one)} /> ${w.previews[/** @type {keyof typeof w.previews} */ (one)]}</label>`)}
  </fieldset>`;
  return html`<p><a href=${`#/making/${id}`}>← ${w.backToDraft}</a></p>
    <h1>${w.previewOf(draft?.entered.title || w.untitled)}</h1>
    <p class="lead">${w.previewText}</p>
    <${Problem} error=${error} />
    ${!draft && !error && html`<p role="status">${loading}</p>`}
    ${draft && html`
      ${draft.missing.length > 0 && html`<p>${w.previewMissing(draft.missing.length)}</p>`}
      <div class="preview-tools">
        ${choice(w.previewSize, /** @type {const} */ (['phone', 'desk']), size, setSize, () => true)}
        ${choice(w.previewPage, /** @type {const} */ (['page', 'seats']), shown, setShown, (one) => one === 'page' || hasSeats)}
      </div>
      <${Window} key=${`${size} ${shown} ${language.value}`} size=${size} title=${w.previews[shown]} src=${`/console/preview.html?draft=${id}${PAGES[shown]}`} />`}`;
}

/** A fan's window, drawn smaller where it is wider than the room that there is. @param {{ size: keyof typeof SIZES, title: string, src: string }} props */
function Window({ size, title, src }) {
  const { making: w } = words();
  const room = useRef(/** @type {HTMLElement | null} */ (null));
  const [scale, setScale] = useState(1);
  const [width, height] = SIZES[size];
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setScale(Math.min(1, contentRect.width / width)));
    if (room.current) observer.observe(room.current);
    return () => observer.disconnect();
  }, [width]);
  return html`<div class="preview" ref=${room} role="region" aria-label=${w.previews[size]}>
    <div class="preview-window" style=${{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px` }}>
      <iframe title=${title} width=${width} height=${height} style=${{ transform: `scale(${scale})` }} src=${src}></iframe>
    </div>
  </div>`;
}
