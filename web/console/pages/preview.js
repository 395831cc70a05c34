/** A draft as fans will see it, on a phone or on a desk: the concert's page, and its seats. */
import { useState } from 'preact/hooks';
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
  const [width, height] = SIZES[size];
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
      <div class="preview" tabindex="0" role="region" aria-label=${w.previews[size]}>
        <iframe key=${`${size} ${shown} ${language.value}`} title=${w.previews[shown]} width=${width} height=${height} src=${`/console/preview.html?draft=${id}${PAGES[shown]}`}></iframe>
      </div>`}`;
}
