/**
 * Goal: whoever stands at the box office sells seats to a walk-in and gives some away, sees the sum before and the codes
 * afterwards, and has tickets to print; who was faster is told; on a phone and on a desk, in both languages, by keyboard. Method:
 * the console of a real server with a fan beside it, looked at by axe on every step.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { admitted } from '../harness/fans.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} name @param {string} role */
async function link(server, name, role) {
  const made = await server.command('operator', 'add', name, '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

/** Chooses seats in the list, by keyboard. @param {import('playwright-core').Page} page @param {number[]} seats */
async function choose(page, seats) {
  for (const seat of seats) await page.locator(`frontrow-seatmap button.seat[data-seat="${seat}"]`).press('Enter');
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  const d = w.desk;
  test(`the box office sells, gives away and prints, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, scheduleId } = await club(8);
    const { client } = await admitted(server.url, { name: 'Fan' });
    await client.hold(scheduleId, [0]);
    const bo = await Operator.signIn(browser, await link(server, 'Bo', 'box_office'), { size, locale, scheme });
    const { page } = bo;
    await page.goto(`${server.url}/console/#/sale/1`);
    await page.locator('frontrow-seatmap').waitFor();
    await page.getByRole('button', { name: w.sale.list, exact: true }).press('Enter');
    assert.equal(await page.locator('.desk').count(), 0);
    await choose(page, [1, 2]);
    await bo.shows(w.sale.chosen(2));
    // Keeping seats from sale is not theirs.
    assert.equal(await page.getByRole('button', { name: w.sale.keep, exact: true }).count(), 0);
    await page.getByLabel(d.name).fill('Kim <b>Min</b>');
    await page.getByLabel(d.card, { exact: true }).press(' ');
    await bo.accessible('before the sale');
    await bo.fits('before the sale');

    // The sum is shown before, and may be left.
    const dialog = page.locator('dialog[open]');
    await page.getByRole('button', { name: d.sell, exact: true }).press('Enter');
    await dialog.waitFor();
    const asked = await dialog.innerText();
    assert.match(asked, /100,000/);
    await bo.accessible('second look');
    await bo.screenshot(`desk-look-${size.width}-${locale}-${scheme}`);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: d.sell, exact: true }).press('Enter');
    await dialog.waitFor();
    await page.locator('dialog[open] .danger').press('Enter');
    const codes = page.locator('.desk .code');
    await codes.first().waitFor();
    assert.equal(await codes.count(), 2);
    const told = await codes.allInnerTexts();
    assert.ok(told.every((code) => /^[0-9A-Z]{16}$/.test(code)), told.join());
    await assert.rejects(client.hold(scheduleId, [1]), /** @type {any} */ ({ reason: 'SEAT_TAKEN' }));
    await page.getByRole('button', { name: d.copy }).press('Enter');
    await page.locator('.desk [role=status]', { hasText: new RegExp(`${d.copied}|${d.notCopied}`) }).waitFor();
    await bo.accessible('sold');
    await bo.fits('sold');
    await bo.screenshot(`desk-sold-${size.width}-${locale}-${scheme}`);

    // Tickets on paper.
    await page.getByRole('link', { name: d.print }).press('Enter');
    await bo.shows(d.printHint);
    assert.equal(await page.locator('.paper svg.qr').count(), 2);
    assert.deepEqual(await page.locator('.ticket-code').allInnerTexts(), told);
    await bo.accessible('tickets');
    await bo.fits('tickets');
    await bo.screenshot(`desk-tickets-${size.width}-${locale}-${scheme}`);
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.getByRole('button', { name: d.printNow }).isVisible(), false);
    await bo.screenshot(`desk-paper-${size.width}-${locale}-${scheme}`);
    await page.emulateMedia({ media: 'screen' });

    // The order tells who sold it, and how it was paid.
    await page.locator('.back a').click();
    await bo.shows(w.orders.life);
    assert.equal(await bo.title(), w.orders.orderOf('Kim <b>Min</b>'));
    const [first] = await page.locator('.life li').allInnerTexts();
    assert.ok(first.includes('Bo') && first.includes(w.orders.events.soldBy.card), first);
    await bo.accessible('order');

    // A fan was faster at one of them: it is said at which, and nothing is given away.
    await page.goto(`${server.url}/console/#/sale/1`);
    await page.locator('frontrow-seatmap').waitFor();
    await page.getByRole('button', { name: w.sale.list, exact: true }).press('Enter');
    await choose(page, [0, 3]);
    await page.getByRole('button', { name: d.give, exact: true }).press('Enter');
    await dialog.waitFor();
    await page.locator('dialog[open] .danger').press('Enter');
    const status = page.locator('.desk [role=status]');
    await status.filter({ hasText: d.taken('').slice(0, 8) }).waitFor();
    await bo.refused(409);
    await choose(page, [0]);
    await page.getByRole('button', { name: d.give, exact: true }).press('Enter');
    await dialog.waitFor();
    await page.locator('dialog[open] .danger').press('Enter');
    await bo.shows(d.given(1));
    await bo.accessible('given away');
    await page.getByRole('button', { name: d.next }).press('Enter');
    await page.locator('.desk').waitFor({ state: 'detached' });
    await bo.leave();

    // A manager gives the money back where it was taken.
    const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size, locale, scheme });
    await ada.page.goto(`${server.url}/console/#/orders?name=Kim`);
    await ada.page.getByRole('link', { name: /Kim <b>Min<\/b>/ }).click();
    await ada.page.getByLabel(w.orders.reason).fill('Rain');
    await ada.page.keyboard.press('Enter');
    const look = ada.page.locator('dialog[open]');
    await look.waitFor();
    // No wallet is named.
    assert.doesNotMatch(await look.innerText(), /wallet|지갑/);
    assert.match(await look.innerText(), /100,000/);
    await ada.accessible('back at the desk');
    await ada.page.locator('dialog[open] .danger').press('Enter');
    await ada.page.locator('.sale-head .tag', { hasText: w.orders.status({ status: 'CANCELLED', payment: { refunded: 1 } }) }).waitFor();
    await ada.accessible('given back at the desk');
    await ada.leave();
    await server.stop();
  });
}
