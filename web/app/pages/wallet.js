/** The wallet: what is in it, putting more in, and where it went. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { newRequestId } from '@frontrow/sdk';
import { html } from '../html.js';
import { date, language, money, named, venueTime, words } from '../i18n.js';
import { readAmount } from '../amount.js';
import { explain } from '../explain.js';
import { notify } from '../notices.js';
import { Message } from '../parts/message.js';
import { balance, currency, refreshBalance, session, signedIn, start, walletNews } from '../session.js';
import { useTitle } from '../title.js';

/** @typedef {import('../../sdk/wire.js').HistoryEntry} HistoryEntry */

const PAGE = 20;
/** Round sums, in the currency's major unit times its usual price level; those of a currency with decimals are smaller. */
const SUMS = Object.freeze({ whole: [50_000, 100_000, 200_000], decimals: [50, 100, 200] });

export function Wallet() {
  const w = words().wallet;
  useTitle(w.title);
  if (!signedIn.value) return html`<${Message} title=${w.none} text=${w.noneText} href="#/" action=${words().lobby.toConcerts} />`;
  return html`<${Ledger} />`;
}

function Ledger() {
  const w = words().wallet;
  const [entries, setEntries] = useState(/** @type {HistoryEntry[] | null} */ (null));
  const [more, setMore] = useState(false);
  const [amount, setAmount] = useState('');
  const [invalid, setInvalid] = useState(false);
  const [meant, setMeant] = useState(/** @type {number[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const unit = minorUnit(currency.value);
  const read = readAmount(amount, { language: language.value, digits: Math.round(Math.log10(unit)) });
  const sums = unit === 1 ? SUMS.whole : SUMS.decimals;

  /** The request whose answer is shown: an older one's that comes later must not undo it. */
  const asked = useRef(0);

  /** @param {HistoryEntry[]} [shown] */
  async function loadHistory(shown = []) {
    const before = shown.at(-1)?.history_id;
    const mine = ++asked.current;
    try {
      const page = await start().history({ limit: PAGE, ...(before === undefined ? {} : { before }) });
      if (asked.current !== mine) return;
      setEntries([...shown, ...page]);
      setMore(page.length === PAGE);
    } catch (error) {
      notify({ kind: 'bad', key: 'wallet', text: explain(error) });
    }
  }
  useEffect(() => void refreshBalance().catch(() => {}), [session.value]);
  // Everything that changes the balance has an entry, also in another window.
  useEffect(() => void loadHistory(), [session.value, walletNews.value]);

  /** @param {number} minor */
  async function charge(minor) {
    setBusy(true);
    try {
      const answer = await start().charge(minor, { requestId: newRequestId() });
      balance.value = answer.balance;
      // What was typed meanwhile stays, and what is asked about it.
      setAmount((typed) => (typed === amount ? '' : typed));
      setMeant((asked) => (asked === meant ? [] : asked));
      notify({ kind: 'good', key: 'wallet', text: w.charged(money(minor, currency.value)) });
    } catch (error) {
      notify({ kind: 'bad', key: 'wallet', text: explain(error) });
    } finally {
      setBusy(false);
    }
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const { sure, unsure } = read;
    setInvalid(sure === null && unsure.length === 0);
    setMeant(unsure);
    if (sure !== null) void charge(sure);
  }

  return html`<div class="page wallet">
    <h1>${w.title}</h1>
    <p class="balance-big"><span class="label">${w.balance}</span><strong data-testid="balance">${balance.value === null ? '…' : money(balance.value, currency.value)}</strong></p>
    <form class="charge" onSubmit=${submit} novalidate>
      <div class="sums">
        ${sums.map((sum) => html`<button type="button" key=${sum} disabled=${busy} onClick=${() => void charge(sum * unit)}>+ ${money(sum * unit, currency.value)}</button>`)}
      </div>
      <div class="field-row">
        <label class="field">
          <span>${w.amount}</span>
          <input
            inputmode=${unit === 1 ? 'numeric' : 'decimal'}
            autocomplete="off"
            value=${amount}
            aria-invalid=${invalid}
            aria-describedby=${invalid ? 'amount-problem' : 'amount-read'}
            onInput=${(/** @type {any} */ event) => {
              setAmount(event.target.value);
              setMeant([]); // The question was about another text.
            }}
          />
        </label>
        <button type="submit" class="primary" disabled=${busy}>${w.charge}</button>
      </div>
      <p id="amount-read" class="hint">${read.sure !== null && money(read.sure, currency.value)}</p>
      ${invalid && html`<p id="amount-problem" class="problem" role="alert">${w.amountInvalid}</p>`}
      ${meant.length > 0 &&
      html`<div class="meant" role="alert">
        <p>${w.meant}</p>
        <p class="sums">
          ${meant.map((minor) => html`<button type="button" key=${minor} disabled=${busy} onClick=${() => void charge(minor)}>${w.charge}: ${money(minor, currency.value)}</button>`)}
        </p>
      </div>`}
    </form>
    <h2>${w.history}</h2>
    ${entries?.length === 0 && html`<p class="empty">${w.historyEmpty}</p>`}
    ${entries !== null &&
    entries.length > 0 &&
    html`<table>
      <thead>
        <tr><th scope="col">${w.when}</th><th scope="col">${w.what}</th><th scope="col" class="amount">${w.change}</th></tr>
      </thead>
      <tbody>
        ${entries.map(
          (entry) => html`<tr key=${entry.history_id}>
            <td><time datetime=${entry.at}>${date(entry.at, 'short')}</time></td>
            <td>
              <span class="what">${w.type[entry.type] ?? entry.type}</span>
              ${entry.purchase && html` <small>${w.bought(named(entry.purchase.title), venueTime(entry.purchase.starts_at, entry.purchase.time_zone, 'short'), entry.purchase.seats)}</small>`}
            </td>
            <td class="amount ${entry.amount_change > 0 ? 'plus' : ''}">${entry.amount_change > 0 ? '+' : ''}${money(entry.amount_change, currency.value)}</td>
          </tr>`,
        )}
      </tbody>
    </table>`}
    ${more && html`<button type="button" onClick=${() => void loadHistory(entries ?? [])}>${w.more}</button>`}
  </div>`;
}

/** @param {string} currency */
function minorUnit(currency) {
  return 10 ** (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 0);
}
