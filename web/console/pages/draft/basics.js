/** What is played: the title, the texts of the concert's page, and its picture. */
import { useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { words } from '../../words.js';
import { Card, Field } from './card.js';

const LINES = /** @type {const} */ (['address', 'age', 'seller', 'image_alt']);
const TEXTS = /** @type {const} */ (['description', 'terms']);

/** @param {import('../draft.js').CardProps} props */
export function Basics({ draft, save, send }) {
  const { making: w } = words();
  const [busy, setBusy] = useState(false);
  const { title, about } = draft.entered;
  const texts = about.texts ?? {};
  const imageId = about.image_id;

  /** @param {FormData} form */
  const onSave = (form) => {
    const named = [...LINES, ...TEXTS].map((name) => [name, String(form.get(name) ?? '')]);
    const map = String(form.get('map_url'));
    return save(({ about }) => ({
      title: String(form.get('title')),
      about: { ...about, texts: Object.fromEntries(named.filter(([, text]) => text !== '')), map_url: map || undefined, must_agree: form.has('must_agree') || undefined },
    }));
  };
  /** @param {Event} event */
  const choose = async (event) => {
    const input = /** @type {HTMLInputElement} */ (event.currentTarget);
    const file = input.files?.[0];
    input.value = '';
    if (!file) return;
    setBusy(true);
    const made = await send('/images', file);
    if (made) await save(({ about }) => ({ about: { ...about, image_id: made.image_id } }));
    setBusy(false);
  };
  const picture = html`<div class="picture">
    <h3 id="picture-title">${w.picture}</h3>
    ${imageId && html`<img src=${`/images/${imageId}-800.jpg`} alt=${texts.image_alt ?? ''} />`}
    <label class="button file">${w.choose}<input type="file" class="visually-hidden" accept="image/jpeg,image/png,image/webp" aria-describedby="picture-title picture-hint" disabled=${busy} onChange=${choose} /></label>
    ${imageId && html`<button type="button" onClick=${() => save(({ about }) => ({ about: { ...about, image_id: undefined } }))}>${w.pictureDrop}</button>`}
    <small id="picture-hint">${w.pictureHint}</small>
    <span role="status">${busy ? w.pictureWait : ''}</span>
  </div>`;
  return html`<${Card} id="basics" title=${w.basics} shows=${[title, texts, about.map_url, about.must_agree]} onSave=${onSave} extra=${picture}>
    <${Field} name="title" label=${w.name} value=${title} maxlength="200" />
    <label class="field">${w.description}<textarea name="description" rows="6" maxlength="10000" aria-describedby="description-hint" defaultValue=${texts.description ?? ''}></textarea></label>
    <small class="hint" id="description-hint">${w.descriptionHint}</small>
    <${Field} name="address" label=${w.address} value=${texts.address} maxlength="500" />
    <${Field} name="map_url" label=${w.map} value=${about.map_url} hint=${w.mapHint} type="url" pattern="https://.+" maxlength="2000" />
    <${Field} name="age" label=${w.age} value=${texts.age} maxlength="500" />
    <${Field} name="seller" label=${w.seller} value=${texts.seller} maxlength="500" />
    <label class="field">${w.terms}<textarea name="terms" rows="4" maxlength="10000" defaultValue=${texts.terms ?? ''}></textarea></label>
    <label class="choice"><input type="checkbox" name="must_agree" defaultChecked=${about.must_agree ?? false} /> ${w.mustAgree}</label>
    <${Field} name="image_alt" label=${w.pictureAlt} value=${texts.image_alt} maxlength="500" />
  <//>`;
}
