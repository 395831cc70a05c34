/** Passes a sale's address on: by what the device has for that, else by the clipboard. */
import { html } from '../html.js';
import { words } from '../i18n.js';
import { notify } from '../notices.js';
import { Icon } from './icons.js';

/** @param {{concert: import('../session.js').Concert}} props */
export function Share({ concert }) {
  const w = words().share;
  async function share() {
    const url = new URL(`/concert/${concert.concert_id}`, location.href).href;
    try {
      if (navigator.share) await navigator.share({ title: concert.title, url });
      else {
        await navigator.clipboard.writeText(url);
        notify({ kind: 'good', key: 'share', text: w.copied });
      }
    } catch (error) {
      // A fan who closed the device's own dialog knows it.
      if (/** @type {Error} */ (error).name !== 'AbortError') notify({ kind: 'info', key: 'share', text: w.address(url) });
    }
  }
  return html`<button type="button" class="quiet share" onClick=${share}><${Icon} name="share" />${w.title}</button>`;
}
