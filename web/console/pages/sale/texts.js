/** The title, the texts and the picture of a concert that is announced: as in a draft, but each save is seen by fans at once. */
import { useRef, useState } from 'preact/hooks';
import { html } from '../../../app/html.js';
import { ApiError, call, upload } from '../../api.js';
import { Problem } from '../../parts.js';
import { words } from '../../words.js';
import { Basics } from '../draft/basics.js';
import { Changed } from './change.js';

/** @typedef {import('./life.js').HouseConcert} HouseConcert */
/** @typedef {{ title?: string, about?: HouseConcert['about'] }} Patch */

/** What is said, a line each, so that two versions can be compared. @param {Patch} patch @returns {Record<string, string | null>} */
const lines = ({ title, about }) => ({
  ...(title === undefined ? {} : { title }),
  ...(about ? { ...about.texts, map_url: about.map_url ?? null, image_id: about.image_id ?? null } : {}),
});

/** @param {{ concert: HouseConcert, onChanged: () => Promise<void> }} props */
export function Texts({ concert, onChanged }) {
  const { life: w } = words();
  const [failed, setFailed] = useState(/** @type {{ error: unknown, wanted: Patch, saw: Patch } | null} */ (null));
  const { title, about } = concert;
  const now = /** @type {Patch} */ ({ title, about });
  // What was shown when somebody began to type: whatever comes from the server meanwhile, they have not seen it.
  const [typedOn, setTypedOn] = useState(/** @type {Patch | null} */ (null));
  // A picture that was chosen goes with what is there when it has arrived.
  const seen = useRef(now);
  seen.current = typedOn ?? now;
  /** @param {(seen: any) => Patch} make */
  const save = async (make) => {
    const patch = make(seen.current);
    const saw = Object.fromEntries(Object.keys(patch).map((field) => [field, /** @type {any} */ (seen.current)[field]]));
    setFailed(null);
    try {
      await call('PATCH', `/concerts/${concert.concert_id}`, { ...patch }, { was: saw });
      setTypedOn(null);
      await onChanged();
      return true;
    } catch (error) {
      setFailed({ error, wanted: patch, saw });
      // What is typed stays, and the next save is on top of what it is now.
      if (error instanceof ApiError && error.reason === 'CHANGED_MEANWHILE') {
        await onChanged();
        setTypedOn(null);
      }
      return false;
    }
  };
  const send = async (/** @type {string} */ path, /** @type {Blob} */ file) => {
    setFailed(null);
    try {
      return await upload(path, file);
    } catch (error) {
      setFailed({ error, wanted: {}, saw: {} });
      return null;
    }
  };
  const is = failed?.error instanceof ApiError ? failed.error.data.was : undefined;
  const differing = failed ? differences(lines(failed.wanted), lines(failed.saw), is && lines(is)) : [];
  const only = (/** @type {Patch} */ patch) => Object.fromEntries(differing.map((field) => [named(field), lines(patch)[field] ?? null]));
  return html`<details class="texts" onInput=${() => setTypedOn((seen) => seen ?? now)}>
    <summary>${w.texts}</summary>
    <p>${w.textsText}</p>
    ${failed && (is ? html`<${Changed} error=${failed.error} wanted=${only(failed.wanted)} saw=${only(failed.saw)} is=${only(is)} />` : html`<${Problem} error=${failed.error} />`)}
    <${Basics} draft=${{ entered: { title, about } }} save=${save} send=${send} />
  </details>`;
}

/** The fields in which what it is now is not what was seen, or what is wanted. @param {Record<string, string | null>} wanted @param {Record<string, string | null>} saw @param {Record<string, string | null>} [is] */
function differences(wanted, saw, is = {}) {
  const fields = [...new Set([...Object.keys(wanted), ...Object.keys(saw), ...Object.keys(is)])];
  return fields.filter((field) => (is[field] ?? null) !== (saw[field] ?? null) || (is[field] ?? null) !== (wanted[field] ?? null));
}

/** @param {string} field */
function named(field) {
  const { making: w } = words();
  const known = /** @type {Record<string, string>} */ ({ title: w.name, description: w.description, address: w.address, map_url: w.map, age: w.age, seller: w.seller, terms: w.terms, image_id: w.picture, image_alt: w.pictureAlt });
  return known[field] ?? field;
}
