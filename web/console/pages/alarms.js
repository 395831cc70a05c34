/** Alarms: what is wrong now, live, what was, and where it is sent to. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { Facts, Since, kindOf } from '../alarms.js';
import { call } from '../api.js';
import { Liveness } from '../figures.js';
import { useWatched } from '../live.js';
import { Problem, SecondLook, useAsked } from '../parts.js';
import { hasRole } from '../session.js';
import { words } from '../words.js';
import { needs as webhooksNeeds, Webhooks } from './webhooks.js';

export const needs = ['owner', 'manager', 'box_office', 'viewer'];
/** Those who may say that they have seen one. */
const SEE = ['owner', 'manager', 'box_office'];

/** Those who may end one. */
const END = ['owner', 'manager'];

/** @typedef {import('../../sdk/wire.js').Alarm} Alarm */

export function Alarms() {
  const { alarms: w, loading } = words();
  const { model } = useWatched(null);
  const { value, error, again } = useAsked(() => call('GET', '/alarms'));
  const [older, setOlder] = useState(/** @type {{ past: Alarm[], next: number | null } | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  // What is live is newer than what was asked for.
  const open = model?.live ? model.alarms : (value?.open ?? null);
  const going = new Set(open?.map((/** @type {Alarm} */ alarm) => alarm.alarm_id));
  const past = [...(value?.past ?? []), ...(older?.past ?? [])].filter((alarm) => !going.has(alarm.alarm_id));
  const next = older ? older.next : value?.next;
  const [asked, setAsked] = useState(/** @type {Alarm | null} */ (null));
  /** @param {() => Promise<void>} act */
  const doing = async (act) => {
    setProblem(null);
    try {
      await act();
    } catch (failure) {
      setProblem(failure);
    }
  };
  const more = () =>
    doing(async () => {
      const page = await call('GET', `/alarms?before=${next}`);
      setOlder((before) => ({ past: [...(before?.past ?? []), ...page.past], next: page.next }));
    });
  /** @param {Alarm} alarm */
  const see = (alarm) =>
    doing(async () => {
      await call('POST', `/alarms/${alarm.alarm_id}/seen`, {});
      await again();
    });
  const end = () => {
    const of = asked;
    if (of === null) return;
    void doing(async () => {
      await call('POST', `/alarms/${of.alarm_id}/end`, {});
      await again();
    });
  };
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Liveness} live=${model?.live ?? false} at=${model?.at ?? null} />
    <${Problem} error=${problem ?? error} />
    <section aria-labelledby="open-title">
      <h2 id="open-title">${w.open}</h2>
      ${open === null && !error && html`<p>${loading}</p>`}
      ${open?.length === 0 && html`<p class="empty">${w.none}</p>`}
      <ul class="rows">${open?.map((/** @type {Alarm} */ alarm) => html`<${Row} key=${alarm.kind + alarm.subject} alarm=${alarm} onSee=${see} onEnd=${setAsked} />`)}</ul>
    </section>
    <section aria-labelledby="past-title">
      <h2 id="past-title">${w.past}</h2>
      ${value && past.length === 0 && html`<p class="empty">${w.nonePast}</p>`}
      <ul class="rows">${past.map((alarm) => html`<${Row} key=${alarm.alarm_id} alarm=${alarm} />`)}</ul>
      ${next != null && html`<button type="button" onClick=${more}>${w.more}</button>`}
    </section>
    ${asked && html`<${SecondLook} title=${w.endOf(kindOf(asked.kind).name, asked.subject)} text=${w.endText} confirm=${w.end}
      onConfirm=${end} onClose=${() => setAsked(null)} />`}
    ${hasRole(...webhooksNeeds) && html`<${Webhooks} />`}`;
}

/** @param {{ alarm: Alarm, onSee?: (alarm: Alarm) => void, onEnd?: (alarm: Alarm) => void }} props */
function Row({ alarm, onSee, onEnd }) {
  const { alarms: w, nobody } = words();
  const { name, text } = kindOf(alarm.kind);
  const goesOn = alarm.ended_at === null;
  return html`<li class="row alarm">
    <div class="row-what">
      <strong>${name}</strong>
      ${alarm.concert_id !== undefined ? html`<a href=${`#/sale/${alarm.concert_id}`}>${alarm.subject}</a>` : html`<span>${alarm.subject}</span>`}
      ${goesOn && html`<span class="tag bad">${w.open}</span>`}
      <${Since} alarm=${alarm} />
      ${goesOn && text && html`<p>${text}</p>`}
      <${Facts} of=${alarm.facts} names=${w.facts} />
      ${alarm.seen_by && html`<small>${w.seenBy(alarm.seen_by.name ?? nobody)}</small>`}
      ${alarm.alarm_id === null && html`<small>${w.unstored}</small>`}
    </div>
    ${goesOn && alarm.alarm_id !== null && hasRole(...SEE) && html`<div class="row-do">
      ${onSee && !alarm.seen_by && html`<button type="button" class="small" aria-label=${w.seenOf(name, alarm.subject)} onClick=${() => onSee(alarm)}>${w.seen}</button>`}
      ${onEnd && hasRole(...END) && html`<button type="button" class="small" aria-label=${w.endOf(name, alarm.subject)} onClick=${() => onEnd(alarm)}>${w.end}</button>`}
    </div>`}
  </li>`;
}
