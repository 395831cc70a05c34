/**
 * A concert that is being made: a card for each part of it, each saved by itself, and what is still missing.
 *
 * Always: what somebody typed stays until it is saved, whatever comes from the server meanwhile. What another operator changed
 * is told, and shown beside it.
 */
import { useRef, useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { ApiError, call, upload } from '../api.js';
import { Problem, SecondLook, useAsked } from '../parts.js';
import { words } from '../words.js';
import { Basics } from './draft/basics.js';
import { unsaved } from './draft/card.js';
import { Dates } from './draft/dates.js';
import { Plan } from './draft/plan.js';
import { Prices } from './draft/prices.js';
import { Rules } from './draft/rules.js';

/**
 * @typedef {object} Entered
 * @property {string} title
 * @property {string | null} currency
 * @property {string | null} zone
 * @property {string[]} starts_at
 * @property {Record<string, number>} prices
 * @property {string | null} opens_at
 * @property {boolean} open
 * @property {Record<string, number | string>} rules
 * @property {{ texts?: Record<string, string>, map_url?: string, image_id?: string, must_agree?: boolean, languages?: Record<string, Record<string, string>> }} about
 * @property {boolean} fix_duplicates
 *
 * @typedef {{ path: string, problem: string, seats?: [number, number] }} PlanFault
 *
 * @typedef {object} DraftPlan
 * @property {string} venue
 * @property {number} seats
 * @property {number} rows
 * @property {number} zones
 * @property {{ name: string, color: string, seats: number }[]} categories
 * @property {string} [time_zone]
 * @property {number} restricted
 * @property {PlanFault[]} faults
 * @property {number} faults_count
 * @property {string[]} warnings
 *
 * @typedef {keyof (typeof import('../i18n/en/making.js').making)['missingWords']} MissingPart
 *
 * @typedef {object} Draft
 * @property {number} draft_id
 * @property {number} revision
 * @property {string} changed_at
 * @property {number} [concert_id]
 * @property {Entered} entered
 * @property {DraftPlan | null} plan
 * @property {{ what: MissingPart, of?: string, problem: string }[]} missing
 *
 * What a card needs: the draft, and how it is changed.
 * @typedef {object} CardProps
 * @property {Draft} draft
 * @property {(patch: (entered: Entered) => Partial<Entered>) => Promise<boolean>} save What is to become of what is there by then.
 *   Whether it was done.
 * @property {(path: string, file: Blob) => Promise<any>} send A file that is no part of the draft yet. Null: it was refused.
 * @property {(path: string, file: Blob) => Promise<boolean>} replace
 * @property {(path: string, body: Record<string, unknown>) => Promise<boolean>} act
 */

/** The card in which each part is mended. @type {Record<MissingPart, string>} */
const CARD_OF = {
  title: 'basics',
  plan: 'plan',
  plan_faults: 'plan',
  price: 'prices',
  zone: 'dates',
  starts_at: 'dates',
  time: 'dates',
  start: 'dates',
  opens_at: 'rules',
  too_many_seats: 'dates',
};

/** @param {{ id: string }} props */
export function DraftPage({ id }) {
  const { making: w, loading } = words();
  const asked = useAsked(() => call('GET', `/drafts/${id}`));
  const [newest, setNewest] = useState(/** @type {Draft | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [theirs, setTheirs] = useState(false);
  const draft = newest ?? /** @type {Draft | null} */ (asked.value);
  const latest = useRef(draft);
  latest.current = draft;
  const turn = useRef(Promise.resolve(true));

  /** What went wrong is told; of what another operator did, the newest is shown. @param {unknown} failure */
  const failed = (failure) => {
    const changed = failure instanceof ApiError && failure.reason === 'CHANGED_MEANWHILE';
    setTheirs(changed);
    setProblem(changed ? null : failure);
    if (changed) setNewest(failure.data.was);
    return false;
  };
  const done = (/** @type {Draft} */ changed) => {
    latest.current = changed;
    setNewest(changed);
    setTheirs(false);
    setProblem(null);
    return true;
  };
  /**
   * One after the other, each of what the one before left: who saves two cards, or one while a picture is on its way, is no two
   * operators.
   * @param {(now: Draft) => Promise<any>} make
   */
  const change = (make) => {
    turn.current = turn.current.then(() => make(/** @type {Draft} */ (latest.current))).then(done, failed);
    return turn.current;
  };
  if (!draft) {
    return html`<h1>${w.title}</h1><${Problem} error=${asked.error} />${!asked.error && html`<p role="status">${loading}</p>`}`;
  }
  const at = `/drafts/${id}`;
  const card = {
    draft,
    save: (/** @type {(entered: Entered) => Partial<Entered>} */ patch) =>
      change((now) => call('PATCH', at, { revision: now.revision, ...patch(now.entered) })),
    act: (/** @type {string} */ path, /** @type {Record<string, unknown>} */ body) =>
      change((now) => call('POST', at + path, { revision: now.revision, ...body })),
    replace: (/** @type {string} */ path, /** @type {Blob} */ file) => {
      setProblem(null);
      return change((now) => upload(`${at}${path}?revision=${now.revision}`, file));
    },
    send: async (/** @type {string} */ path, /** @type {Blob} */ file) => {
      setProblem(null);
      try {
        return await upload(path, file);
      } catch (failure) {
        failed(failure);
        return null;
      }
    },
  };
  const title = draft.entered.title || w.untitled;
  return html`<p class="back"><a href="#/making">${w.back}</a></p>
    <h1>${title}</h1>
    <div class="told"><${Problem} error=${problem} /></div>
    ${draft.concert_id === undefined && html`<p><a class="button" href=${`#/preview/${id}`}>${w.preview}</a></p>`}
    <div class="told" role="alert">${theirs && html`<p class="problem">${w.theirs}</p>`}</div>
    ${draft.concert_id === undefined
      ? html`<${Missing} draft=${draft} onDone=${done} onFailed=${failed} />
          <div class="cards">
            <${Basics} ...${card} />
            <${Plan} ...${card} />
            <${Prices} ...${card} />
            <${Dates} ...${card} />
            <${Rules} ...${card} />
          </div>`
      : html`<p class="card" role="status">${w.done(title, draft.concert_id)}</p>
          <div class="buttons"><a class="button primary" href=${`#/sale/${draft.concert_id}`}>${w.toSale}</a> <a class="button" href=${`/concert/${draft.concert_id}`}>${w.toPage}</a></div>`}`;
}

/** @param {{ draft: Draft, onDone: (draft: Draft) => boolean, onFailed: (failure: unknown) => boolean }} props */
function Missing({ draft, onDone, onFailed }) {
  const { making: w } = words();
  const [look, setLook] = useState(/** @type {'sure' | 'again' | null} */ (null));
  const [already, setAlready] = useState(0);
  const { entered, plan, missing } = draft;
  const announce = async (/** @type {boolean} */ again) => {
    try {
      const made = await call('POST', `/drafts/${draft.draft_id}/announce`, { revision: draft.revision, again });
      onDone({ ...draft, concert_id: made.concert_id });
    } catch (failure) {
      if (failure instanceof ApiError && failure.reason === 'ALREADY_ANNOUNCED') {
        setAlready(failure.data.concert_id);
        setLook('again');
      } else onFailed(failure);
    }
  };
  const opening = entered.open ? w.willAtOnce : entered.opens_at ? w.willAtTime(entered.opens_at.replace('T', ' ')) : w.willByHand;
  /** @param {Draft['missing'][number]} one */
  const inWords = ({ what, of }) => {
    const known = w.missingWords[what];
    return typeof known === 'function' ? known(of ?? '') : known;
  };
  // What is announced is what is saved.
  const typed = Object.entries(unsaved.value);
  /** @param {string} card @param {string} said */
  const wayTo = (card, said) => html`<a href=${`#${card}`} onClick=${(/** @type {Event} */ event) => {
    // The part behind `#` is the page's own.
    event.preventDefault();
    document.getElementById(card)?.focus();
  }}>${said}</a>`;
  return html`<section class="card state" aria-labelledby="state-title">
      <h2 id="state-title">${missing.length > 0 ? w.missing : w.ready}</h2>
      ${missing.length > 0 && html`<ul class="missing">
        ${missing.map((one) => html`<li key=${one.what + (one.of ?? '')}>${wayTo(CARD_OF[one.what], inWords(one))}</li>`)}
      </ul>`}
      ${typed.length > 0 && html`<p class="missing"><span>${w.unsaved}:</span> ${typed.map(([card, title]) => html`<span key=${card}>${wayTo(card, title)}</span>`)}</p>`}
      <button type="button" class="primary" disabled=${missing.length > 0 || typed.length > 0} onClick=${() => setLook('sure')}>${w.announce}</button>
    </section>
    ${look === 'sure' && html`<${SecondLook} key="sure" title=${w.announceOf(entered.title)} confirm=${w.announce}
      text=${w.announceText(plan?.seats ?? 0, entered.starts_at.length, opening)}
      onConfirm=${() => void announce(false)} onClose=${() => setLook((now) => (now === 'sure' ? null : now))} />`}
    ${look === 'again' && html`<${SecondLook} key="again" title=${w.alreadyOf(already)} text=${w.alreadyText} confirm=${w.again}
      onConfirm=${() => void announce(true)} onClose=${() => setLook(null)} />`}`;
}
