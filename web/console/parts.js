/** Small parts that every page of the console is made of. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../app/html.js';
import { ApiError } from './api.js';
import { words } from './words.js';

/** What went wrong, in the reader's words. @param {unknown} error */
export function inWords(error) {
  const { problems } = words();
  if (!(error instanceof ApiError)) return problems.other(String(error));
  const known = /** @type {Record<string, unknown>} */ (problems)[error.reason];
  return typeof known === 'string' ? known : problems.other(error.message);
}

/** Told as soon as it is there. @param {{ error: unknown }} props */
export function Problem({ error }) {
  return html`<div role="alert">${error ? html`<p class="problem">${inWords(error)}</p>` : null}</div>`;
}

/**
 * What the server has, asked for when the page is opened, and again when it is told to.
 * @template T
 * @param {() => Promise<T>} ask
 */
export function useAsked(ask) {
  const [state, setState] = useState(/** @type {{ value: T | null, error: unknown }} */ ({ value: null, error: null }));
  const latest = useRef(0);
  const again = async () => {
    const mine = (latest.current += 1);
    try {
      const value = await ask();
      // An answer that another one overtook is old.
      if (mine === latest.current) setState({ value, error: null });
    } catch (error) {
      if (mine === latest.current) setState((before) => ({ value: before.value, error }));
    }
  };
  useEffect(() => {
    void again();
  }, []);
  return { ...state, again };
}

/**
 * A second look before something that is not easily taken back. Opens when there is something to ask.
 * @param {{ title: string, text: unknown, confirm: string, onConfirm: () => void, onClose: () => void }} props
 */
export function SecondLook({ title, text, confirm, onConfirm, onClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return html`<dialog ref=${dialog} class="look" aria-labelledby="look-title" onClose=${onClose}>
    <h2 id="look-title">${title}</h2>
    <p>${text}</p>
    <div class="buttons">
      <button type="button" onClick=${() => dialog.current?.close()}>${words().cancel}</button>
      <button type="button" class="danger" onClick=${() => {
        onConfirm();
        dialog.current?.close();
      }}>${confirm}</button>
    </div>
  </dialog>`;
}

/**
 * Something secret that is told this once, to be copied.
 * @param {{ id: string, level: 2 | 3, title: string, text: string, value: string, words: { copy: string, copied: string } }} props `level`: of its heading.
 */
export function ShownOnce({ id, level, title, text, value, words: w }) {
  const [copied, setCopied] = useState('');
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(value);
  };
  return html`<section class="card made" aria-labelledby=${`${id}-title`}>
    <${`h${level}`} id=${`${id}-title`}>${title}<//>
    <p>${text}</p>
    <input readonly aria-label=${title} value=${value} onFocus=${(/** @type {any} */ event) => event.currentTarget.select()} />
    <button type="button" onClick=${copy}>${w.copy}</button>
    <span role="status">${copied === value ? w.copied : ''}</span>
  </section>`;
}
