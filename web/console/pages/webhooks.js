/** Webhooks: where alarms are sent to, and what was sent. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, SecondLook, ShownOnce, useAsked } from '../parts.js';
import { moment, words } from '../words.js';

export const needs = ['owner', 'manager'];

/** @typedef {{ webhook_id: number, url: string, types: string[], made_at: string, old_until?: string, stopped_at?: string }} Webhook */
/**
 * @typedef {object} Delivery
 * @property {string} delivery_id
 * @property {string} message_id
 * @property {string} type
 * @property {string} made_at
 * @property {number} tries
 * @property {string | null} next_at
 * @property {string | null} done_at
 * @property {string | null} answer
 */

export function Webhooks() {
  const { webhooks: w } = words();
  const { value, error, again } = useAsked(() => call('GET', '/webhooks'));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [made, setMade] = useState(/** @type {{ url: string, secret: string } | null} */ (null));
  const [asked, setAsked] = useState(/** @type {{ what: 'stop' | 'rotate', of: Webhook } | null} */ (null));
  // Counts what was sent from here, so that the list of it is asked for again.
  const [sent, setSent] = useState(0);
  /** @param {() => Promise<void>} act */
  const doing = async (act) => {
    setProblem(null);
    try {
      await act();
    } catch (failure) {
      setProblem(failure);
    }
    await again();
  };
  /** @param {SubmitEvent} event */
  const add = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const { url } = Object.fromEntries(new FormData(form));
    void doing(async () => {
      setMade(await call('POST', '/webhooks', { url }));
      // The next address may be typed by now.
      if (new FormData(form).get('url') === url) form.reset();
    });
  };
  /** @param {Webhook} of */
  const test = (of) =>
    doing(async () => {
      await call('POST', `/webhooks/${of.webhook_id}/test`, {});
      setSent((n) => n + 1);
    });
  const confirmed = () => {
    if (!asked) return;
    const { what, of } = asked;
    void doing(async () => {
      if (what === 'stop') await call('DELETE', `/webhooks/${of.webhook_id}`);
      else setMade(await call('POST', `/webhooks/${of.webhook_id}/rotate`, {}));
    });
  };
  return html`<section aria-labelledby="webhooks-title">
    <h2 id="webhooks-title">${w.title}</h2>
    <p>${w.text}</p>
    <${Problem} error=${problem ?? error} />
    ${made && html`<${ShownOnce} id="secret" level=${3} title=${w.of(w.secret, made.url)} text=${w.secretText} value=${made.secret} words=${w} />`}
    ${value?.webhooks.length === 0 && html`<p class="empty">${w.none}</p>`}
    <ul class="rows">${value?.webhooks.map((/** @type {Webhook} */ of) => html`<li key=${of.webhook_id} class="row ${of.stopped_at ? 'off' : ''}">
      <div class="row-what"><strong>${of.url}</strong>
        ${of.stopped_at && html`<span class="tag">${w.stopped}</span>`}
        ${of.old_until && html`<small>${w.oldUntil(moment(of.old_until))}</small>`}
        <${Sent} of=${of} sent=${sent} />
      </div>
      ${!of.stopped_at && html`<div class="row-do">
        <button type="button" class="small" aria-label=${w.of(w.test, of.url)} onClick=${() => test(of)}>${w.test}</button>
        <button type="button" class="small" aria-label=${w.of(w.rotate, of.url)} onClick=${() => setAsked({ what: 'rotate', of })}>${w.rotate}</button>
        <button type="button" class="small" aria-label=${w.of(w.stop, of.url)} onClick=${() => setAsked({ what: 'stop', of })}>${w.stop}</button>
      </div>`}
    </li>`)}</ul>
    ${asked && html`<${SecondLook} title=${w.of(w[asked.what], asked.of.url)} text=${asked.what === 'stop' ? w.stopText : w.rotateText} confirm=${w[asked.what]}
      onConfirm=${confirmed} onClose=${() => setAsked(null)} />`}
    <form class="card" onSubmit=${add}>
      <h3>${w.add}</h3>
      <label class="field">${w.url}<input name="url" type="url" required maxlength="2000" autocomplete="off" placeholder="https://" /></label>
      <button class="primary">${w.addButton}</button>
    </form>
  </section>`;
}

/** What was sent, asked for when somebody wants to see it. @param {{ of: Webhook, sent: number }} props */
function Sent({ of, sent }) {
  const { webhooks: w } = words();
  const [isOpen, setOpen] = useState(false);
  return html`<details onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
    <summary>${w.sent}</summary>
    ${isOpen && html`<${Deliveries} key=${sent} of=${of} />`}
  </details>`;
}

/** @param {{ of: Webhook }} props */
function Deliveries({ of }) {
  const { webhooks: w, loading, retry } = words();
  const { value, error, again } = useAsked(() => call('GET', `/webhooks/${of.webhook_id}/deliveries?limit=20`));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  /** @param {Delivery} delivery */
  const resend = async (delivery) => {
    setProblem(null);
    try {
      await call('POST', `/deliveries/${delivery.delivery_id}/resend`, {});
    } catch (failure) {
      setProblem(failure);
    }
    await again();
  };
  return html`<${Problem} error=${problem ?? error} />
    ${!value && !error && html`<p>${loading}</p>`}
    ${value?.deliveries.length === 0 && html`<p class="empty">${w.nothingSent}</p>`}
    <ul class="sent">${value?.deliveries.map((/** @type {Delivery} */ delivery) => html`<li key=${delivery.delivery_id}>
      <span>${/** @type {Record<string, string>} */ (w.types)[delivery.type] ?? delivery.type}</span>
      <small><time datetime=${delivery.made_at}>${moment(delivery.made_at)}</time> · ${w.tries(delivery.tries)}${delivery.answer ? ` · ${delivery.answer}` : ''}
        · ${delivery.done_at ? w.arrived(moment(delivery.done_at)) : delivery.next_at ? w.next(moment(delivery.next_at)) : w.givenUp}</small>
      ${!of.stopped_at && html`<button type="button" class="small" aria-label=${w.of(w.resend, delivery.message_id)} onClick=${() => resend(delivery)}>${w.resend}</button>`}
    </li>`)}</ul>
    <button type="button" class="small" onClick=${again}>${retry}</button>`;
}
