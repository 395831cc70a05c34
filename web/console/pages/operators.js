/** The operators: making one, their roles, shutting somebody out. */
import { useState } from 'preact/hooks';
import { html } from '../../app/html.js';
import { call } from '../api.js';
import { Problem, SecondLook, ShownOnce, useAsked } from '../parts.js';
import { me } from '../session.js';
import { moment, words } from '../words.js';

export const needs = ['owner'];

const ROLES = /** @type {const} */ (['owner', 'manager', 'box_office', 'viewer', 'door']);
/** @typedef {(typeof ROLES)[number]} Role */
/** @typedef {{ operator_id: number, name: string, role: Role, disabled: boolean, external: boolean }} Operator */
/** @typedef {{ name: string, url: string, expires_at: string }} Made */

export function Operators() {
  const { operators: w, roles, rolesText, loading } = words();
  const { value, error, again } = useAsked(() => call('GET', '/operators'));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [made, setMade] = useState(/** @type {Made | null} */ (null));
  const [asked, setAsked] = useState(/** @type {Operator | null} */ (null));

  /** Does something, says what went wrong, and shows what is there now. @param {() => Promise<void>} act */
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
    const { name, role } = Object.fromEntries(new FormData(form));
    void doing(async () => {
      const added = await call('POST', '/operators', { name, role });
      setMade({ name: added.name, ...added.link });
      // The next name may be typed by now.
      if (new FormData(form).get('name') === name) form.reset();
    });
  };
  /** @param {Operator} operator */
  const link = (operator) =>
    doing(async () => setMade({ name: operator.name, ...(await call('POST', `/operators/${operator.operator_id}/link`)) }));
  /** @param {Operator} operator @param {Record<string, unknown>} change What becomes of which fields. */
  const change = (operator, change) => {
    const was = Object.fromEntries(Object.keys(change).map((field) => [field, /** @type {any} */ (operator)[field]]));
    return doing(() => call('PATCH', `/operators/${operator.operator_id}`, change, { was }));
  };

  return html`<h1>${w.title}</h1>
    <p class="lead">${w.text}</p>
    <${Problem} error=${problem ?? error} />
    ${made && html`<${ShownOnce} id="made" level=${2} title=${w.made(made.name)} text=${w.madeText(moment(made.expires_at))} value=${made.url} words=${w} />`}
    <ul class="rows">
      ${value?.operators.map((/** @type {Operator} */ operator) => {
        const own = operator.operator_id === me.value?.operator.operator_id;
        return html`<li key=${operator.operator_id} class="row ${operator.disabled ? 'off' : ''}">
          <div class="row-what"><strong>${operator.name}</strong>
            ${own && html`<span class="tag">${w.you}</span>`}
            ${operator.disabled && html`<span class="tag bad">${w.disabled}</span>`}
            ${operator.external && html`<small>${w.external}</small>`}
          </div>
          <div class="row-do">
            <select aria-label=${w.roleOf(operator.name)} value=${operator.role} disabled=${operator.external}
              onChange=${(/** @type {any} */ event) => {
                const role = event.currentTarget.value;
                // It shows what is, until the server says that it is something else.
                event.currentTarget.value = operator.role;
                void change(operator, { role });
              }}>
              ${ROLES.map((role) => html`<option value=${role}>${roles[role]}</option>`)}
            </select>
            ${!operator.external && !operator.disabled && html`<button type="button" class="small" aria-label=${w.newLinkFor(operator.name)} onClick=${() => link(operator)}>${w.newLink}</button>`}
            ${operator.disabled
              ? html`<button type="button" class="small" aria-label=${w.enableName(operator.name)} onClick=${() => change(operator, { disabled: false })}>${w.enable}</button>`
              : html`<button type="button" class="small" aria-label=${w.disableName(operator.name)} onClick=${() => setAsked(operator)}>${w.disable}</button>`}
          </div>
        </li>`;
      }) ?? html`<li class="row">${loading}</li>`}
    </ul>
    ${asked && html`<${SecondLook} title=${w.disableName(asked.name)} text=${w.disableText(asked.name)} confirm=${w.disable}
      onConfirm=${() => change(asked, { disabled: true })} onClose=${() => setAsked(null)} />`}
    <form class="card" onSubmit=${add}>
      <h2>${w.add}</h2>
      <label class="field">${w.name}<input name="name" required maxlength="200" autocomplete="off" /></label>
      <label class="field">${w.role}
        <select name="role">
          ${ROLES.map((role) => html`<option value=${role} selected=${role === 'viewer'}>${roles[role]} – ${rolesText[role]}</option>`)}
        </select>
      </label>
      <button class="primary">${w.addButton}</button>
    </form>`;
}
