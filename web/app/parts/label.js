/** A seat's label, which may break between its words but not within one: "A-12" stays whole. */
import { html } from '../html.js';
import { language } from '../i18n.js';
import { spoken } from './named.js';

/** @param {{text: string}} props */
export function Label({ text }) {
  const parts = spoken(text, language.value).flatMap(({ text, lang }) => text.trim().split(/\s+/).map((word) => ({ word, lang })));
  return parts.map(({ word, lang }, index) => html`${index > 0 && ' '}<span class="nowrap" lang=${lang}>${word}</span>`);
}
