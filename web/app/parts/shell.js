/**
 * The frame of every page: header, settings, the state of the connection, notices.
 */
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { LANGUAGES, chooseLanguage, language, money, words } from '../i18n.js';
import { dismiss, notices } from '../notices.js';
import { route } from '../router.js';
import { balance, currency, ended, signOut, signedIn, startAgain, status, tokenWanted, useAccessToken } from '../session.js';
import { chooseTheme, theme } from '../theme.js';
import { Dialog } from './dialog.js';
import { Icon, Mark } from './icons.js';
import { TimeBar } from './timebar.js';

/** @param {{children?: unknown}} props */
export function Shell({ children }) {
  const w = words();
  return html`
    <a class="skip" href="#content" onClick=${skip}>${w.skip}</a>
    <${Header} />
    <${LinkState} />
    <div class="stuck">
      <${TimeBar} />
      <${Notices} />
    </div>
    <main id="content" tabindex="-1">${children}</main>
    ${tokenWanted.value && html`<${TokenDialog} />`}
  `;
}

/** A real jump would change the route, which lives in the address's fragment. */
function skip(/** @type {Event} */ event) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Header() {
  const w = words();
  const [open, setOpen] = useState(false);
  const page = route.value.page;
  /** @param {string} name */
  const current = (name) => (page === name ? 'page' : undefined);
  return html`<header class="top">
    <a class="brand" href="#/" aria-label="${w.brand} – ${w.nav.concerts}" aria-current=${current('concerts')}><${Mark} /><span>${w.brand}</span></a>
    <nav aria-label=${w.nav.main}>
      <a href="#/tickets" aria-current=${current('tickets')}><${Icon} name="ticket" /><span>${w.nav.tickets}</span></a>
      <a href="#/wallet" aria-current=${current('wallet')}>
        <${Icon} name="wallet" /><span>${w.nav.wallet}</span>
        ${balance.value !== null && html`<span class="balance">${money(balance.value, currency.value)}</span>`}
      </a>
      <button type="button" class="quiet" onClick=${() => setOpen(true)}>
        <${Icon} name="settings" /><span>${w.nav.settings}</span>
      </button>
    </nav>
    ${open && html`<${Settings} onClose=${() => setOpen(false)} />`}
  </header>`;
}

/** @param {{onClose: () => void}} props */
function Settings({ onClose }) {
  const w = words().settings;
  return html`<${Dialog} title=${w.title} onClose=${onClose}>
    <fieldset class="choices">
      <legend>${w.language}</legend>
      ${Object.entries(LANGUAGES).map(
        ([tag, name]) => html`<label lang=${tag} key=${tag}>
          <input
            type="radio"
            name="language"
            value=${tag}
            checked=${language.value === tag}
            onChange=${() => void chooseLanguage(/** @type {import('../i18n.js').Language} */ (tag))}
          />
          <span>${name}</span>
        </label>`,
      )}
    </fieldset>
    <fieldset class="choices">
      <legend>${w.theme}</legend>
      ${/** @type {const} */ (['auto', 'light', 'dark']).map(
        (name) => html`<label key=${name}>
          <input type="radio" name="theme" value=${name} checked=${theme.value === name} onChange=${() => chooseTheme(name)} />
          <span>${w[name]}</span>
        </label>`,
      )}
    </fieldset>
    ${signedIn.value &&
    html`<section class="signout">
      <p>${w.signOutText}</p>
      <button type="button" onClick=${() => (signOut(), onClose())}>${w.signOut}</button>
    </section>`}
  <//>`;
}

function LinkState() {
  const w = words();
  if (ended.value) {
    const { reason } = ended.value;
    const [title, text, action] =
      reason === 'TOO_MANY_CONNECTIONS'
        ? [w.ended.elsewhere, w.ended.elsewhereText, w.ended.useHere]
        : reason === 'SIGN_IN_EXPIRED'
          ? ['', w.ended.expired, w.close]
        : reason === 'UNAUTHENTICATED' || reason === 'USER_NOT_FOUND'
          ? [w.ended.unknown, w.ended.unknownText, w.close]
          : [w.ended.other, w.ended.otherText, w.retry];
    return html`<div class="linkstate bad" role="alert">
      <p>${title && html`<strong>${title}.</strong> `}${text}</p>
      <button type="button" onClick=${startAgain}>${action}</button>
    </div>`;
  }
  const text = status.value === 'offline' ? w.link.offline : status.value === 'reconnecting' ? w.link.reconnecting : '';
  return html`<div class=${text ? 'linkstate' : 'linkstate empty'} role="status" data-link=${status.value}>${text && html`<p>${text}</p>`}</div>`;
}

function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.value.map((notice) =>
      notice.kind === 'spoken'
        ? html`<p key=${notice.id} class="visually-hidden">${notice.text}</p>`
        : html`<${NoticeBox} key=${notice.id} notice=${notice} />`,
    )}
  </div>`;
}

/** @param {{notice: import('../notices.js').Notice}} props */
function NoticeBox({ notice }) {
  /** @param {import('../notices.js').NoticeAction} action */
  const act = (action) => {
    dismiss(notice.id);
    action.act();
  };
  return html`<div class="notice ${notice.kind}">
    <div>
      <p>${notice.text}</p>
      ${notice.hint && html`<p>${notice.hint}</p>`}
      ${notice.actions?.length &&
      html`<p class="actions">
        ${notice.actions.map((action) => html`<button type="button" class="small" key=${action.label} onClick=${() => act(action)}>${action.label}</button>`)}
      </p>`}
    </div>
    <button type="button" class="quiet round" aria-label=${words().close} onClick=${() => dismiss(notice.id)}><${Icon} name="close" /></button>
  </div>`;
}

function TokenDialog() {
  const w = words().token;
  const [value, setValue] = useState('');
  return html`<${Dialog} title=${w.title} onClose=${() => (tokenWanted.value = false)}>
    <form
      onSubmit=${(/** @type {Event} */ event) => {
        event.preventDefault();
        if (value.trim()) useAccessToken(value.trim());
      }}
    >
      <p>${w.text}</p>
      <label class="field">
        <span>${w.label}</span>
        <input type="password" autocomplete="off" required value=${value} onInput=${(/** @type {any} */ event) => setValue(event.target.value)} />
      </label>
      <button type="submit" class="primary wide">${w.use}</button>
    </form>
  <//>`;
}
