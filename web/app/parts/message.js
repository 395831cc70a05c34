/** A page that is one message: nothing here, all over, begin again. */
import { html } from '../html.js';
import { Named } from './named.js';

/** @param {{title: string, text?: string, href?: string, action?: string, onAct?: () => void, children?: unknown}} props */
export function Message({ title, text, href, action, onAct, children }) {
  return html`<section class="message">
    <h1><${Named} text=${title} /></h1>
    ${text && html`<p>${text}</p>`}
    ${action && (href ? html`<a class="button primary" href=${href}>${action}</a>` : html`<button type="button" class="primary" onClick=${onAct}>${action}</button>`)}
    ${children}
  </section>`;
}
