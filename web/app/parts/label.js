/** A seat's label, which may break between its words but not within one: "A-12" stays whole. */
import { html } from '../html.js';

/** @param {{text: string}} props */
export function Label({ text }) {
  return text.split(' ').map((word, index) => html`${index > 0 && ' '}<span class="nowrap">${word}</span>`);
}
