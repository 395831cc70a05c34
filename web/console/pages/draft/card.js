/** The card of one part of a draft: its fields, and whether they are saved. */
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { words } from '../../words.js';

/** The titles of the cards in which something is typed that is not saved, by their ids. */
export const unsaved = signal(/** @type {Readonly<Record<string, string>>} */ ({}));

/** @param {string} id @param {string | null} title Null: what was typed is saved, or gone. */
function note(id, title) {
  const { [id]: before, ...others } = unsaved.peek();
  if ((before ?? null) !== title) unsaved.value = title === null ? others : { ...others, [id]: title };
}

/**
 * A form whose fields begin anew only when what they show is another thing on the server.
 * @param {{ id: string, title: string, shows: unknown, onSave: (form: FormData) => Promise<boolean>, children: any, extra?: any }} props
 */
export function Card({ id, title, shows, onSave, children, extra }) {
  const { making: w } = words();
  const [state, setState] = useState(/** @type {'clean' | 'typed' | 'saved'} */ ('clean'));
  const key = JSON.stringify(shows);
  // What is typed stays as it is while somebody else changes it; the next save decides. The form begins anew with the drawing that
  // says that it is saved: what is typed after that is typed into the new one.
  const drawn = useRef(key);
  if (state !== 'typed') drawn.current = key;
  // How often something was typed: what is typed while a save is on its way is not saved by it.
  const typed = useRef(0);
  useLayoutEffect(() => note(id, state === 'typed' ? title : null), [state, title]);
  useEffect(() => () => note(id, null), []);
  const saving = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    // The form that had the focus is gone with what it showed.
    if (state === 'saved' && document.activeElement === document.body) saving.current?.focus();
  }, [drawn.current]);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const sent = typed.current;
    if ((await onSave(form)) && sent === typed.current) setState('saved');
  };
  const onInput = () => {
    typed.current += 1;
    setState('typed');
  };
  return html`<section class="card part" id=${id} tabindex="-1" aria-labelledby=${`${id}-title`}>
    <h2 id=${`${id}-title`}>${title}</h2>
    <form key=${drawn.current} onSubmit=${submit} onInput=${onInput}>
      ${children}
      <div class="save"><button ref=${saving}>${w.save}</button>
        <span role="status">${state === 'typed' ? w.unsaved : state === 'saved' ? w.saved : ''}</span></div>
    </form>
    ${extra}
  </section>`;
}

/**
 * A line of text, with a hint under it.
 * @param {{ name: string, label: string, value?: string | number, hint?: string, type?: string, [more: string]: unknown }} props
 */
export function Field({ name, label, value = '', hint, type = 'text', ...more }) {
  const described = hint ? `${name}-hint` : undefined;
  return html`<label class="field">${label}<input name=${name} type=${type} defaultValue=${value} aria-describedby=${described} autocomplete="off" ...${more} /></label>
    ${hint && html`<small class="hint" id=${described}>${hint}</small>`}`;
}
