/**
 * A question over the page, on the browser's own `<dialog>`: the focus stays inside, and goes back to where it was.
 */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { words } from '../i18n.js';
import { Icon } from './icons.js';

let nextId = 1;

/**
 * @param {{title: string, onClose: () => void, closable?: boolean, alert?: boolean, whole?: boolean, children?: unknown}} props
 *   `closable` false: Escape and the corner do not close it. `whole`: as wide as the page.
 */
export function Dialog({ title, onClose, closable = true, alert = false, whole = false, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useRef(`dialog-${nextId++}`).current;
  useLayoutEffect(() => {
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close(); // First: behind an open dialog nothing can have the focus.
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return html`<dialog
    ref=${dialog}
    class=${whole ? 'dialog whole' : 'dialog'}
    role=${alert ? 'alertdialog' : undefined}
    aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (closable) onClose();
    }}
    onClick=${(/** @type {MouseEvent} */ event) => {
      if (closable && event.target === dialog.current) onClose();
    }}
  >
    <div class="dialog-body">
      <div class="dialog-head">
        <h2 id=${id}>${title}</h2>
        ${closable &&
        html`<button type="button" class="quiet round" aria-label=${words().close} onClick=${onClose}><${Icon} name="close" /></button>`}
      </div>
      ${children}
    </div>
  </dialog>`;
}
