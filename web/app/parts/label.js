/** A seat's place; it may break between its words, but neither within one nor before the number that it is about. */
import { html } from '../html.js';
import { language } from '../i18n.js';
import { spoken } from './named.js';

/** @param {{text: string}} props */
export function Label({ text }) {
  const parts = spoken(text, language.value).flatMap(({ text, lang }) => text.trim().split(/\s+(?![\dA-Z]{1,3}(?:,|\s|$))/).map((word) => ({ word, lang })));
  return parts.map(({ word, lang }, index) => html`${index > 0 && ' '}<span class="nowrap" lang=${lang}>${word}</span>`);
}

/**
 * A seat's name with its number the most visible; read aloud as one.
 * @param {{seat: import('../i18n.js').Whereabouts}} props
 */
export function SeatName({ seat: { label, row, number } }) {
  return html`<span class="visually-hidden seat-name">${label}</span>
    <span class="seat-parts" aria-hidden="true">${row && html`<span class="seat-row"><${Label} text=${row} /></span> `}<span class="seat-number"><${Label} text=${number} /></span></span>`;
}
