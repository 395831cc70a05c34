/**
 * A question over the page, on the browser's own `<dialog>`: it keeps the focus inside and gives it back.
 */
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { words } from '../i18n.js';
import { Icon } from './icons.js';

let nextId = 1;

/**
 * @param {{title: string, onClose: () => void, closable?: boolean, alert?: boolean, children?: unknown}} props
 *   `closable` false: Escape and the corner do not close it.
 */
export function Dialog({ title, onClose, closable = true, alert = false, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useRef(`dialog-${nextId++}`).current;
  useEffect(() => {
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    element.showModal();
    return () => element.close();
  }, []);
  return html`<dialog
    ref=${dialog}
    class="dialog"
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
      <header>
        <h2 id=${id}>${title}</h2>
        ${closable &&
        html`<button type="button" class="quiet round" aria-label=${words().close} onClick=${onClose}><${Icon} name="close" /></button>`}
      </header>
      ${children}
    </div>
  </dialog>`;
}
