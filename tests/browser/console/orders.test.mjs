/**
 * Goal: whoever stands at the box office finds an order by what a fan knows of it, reads its whole life, gives the money back
 * after a second look, and saves lists, on a phone and on a desk, in both languages, by keyboard too. Method: the console of a
 * real server with fans beside it, looked at by axe on every page.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { admitted, next } from '../harness/fans.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} name @param {string} role */
async function link(server, name, role) {
  const made = await server.command('operator', 'add', name, '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

/** A fan who bought these seats. @param {string} url @param {string} name @param {number} scheduleId @param {number[]} seats */
async function buyer(url, name, scheduleId, seats) {
  const { client } = await admitted(url, { name });
  const held = await client.hold(scheduleId, seats);
  await client.charge(1_000_000);
  await client.pay(held.reservation_id);
  return { client, order: held.reservation_id };
}

/** @param {import('playwright-core').Page} page @param {typeof en} w @param {keyof (typeof en)['orders']['ways']} way @param {string} what */
async function find(page, w, way, what) {
  await page.getByLabel(w.orders.by).selectOption(way);
  await page.getByLabel(w.orders.ways[way], { exact: true }).fill(what);
  await page.getByRole('button', { name: w.orders.find, exact: true }).click();
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [PHONE, 'en-GB', 'light'],
  [DESKTOP, 'en-GB', 'dark'],
  [DESKTOP, 'ko-KR', 'light'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  const o = w.orders;
  test(`an order is found, told and given back, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, scheduleId } = await club(8, { title: 'Small <i>Club</i> Night' });
    const min = await buyer(server.url, 'Kim <b>Min</b>', scheduleId, [0, 1]);
    await buyer(server.url, 'Kim Other', scheduleId, [4]);
    const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size, locale, scheme });
    const { page } = ada;
    await page.getByRole('link', { name: w.nav.orders, exact: true }).click();
    await ada.shows(o.listsTitle);
    assert.equal(await ada.title(), o.title);
    await ada.accessible('orders');
    await ada.fits('orders');

    // Two have a name that begins so: who is meant?
    await find(page, w, 'name', 'Kim');
    await ada.shows(o.whoIsMeant(2));
    await ada.accessible('two of that name');
    await ada.fits('two of that name');
    await page.getByRole('link', { name: /Min/ }).click();
    await ada.shows(o.found(1, false));
    // By the seat, all who have or had it; and by what is on the ticket.
    const tickets = await min.client.tickets();
    const label = tickets[0].label;
    await find(page, w, 'seat', label);
    await ada.shows(o.found(1, false));
    await find(page, w, 'ticket', tickets[0].code);
    await ada.shows(o.found(1, false));
    await ada.accessible('found');
    await ada.fits('found');

    // Its life, reached and left by keyboard.
    await page.getByRole('link', { name: /Kim <b>Min<\/b>/ }).focus();
    await page.keyboard.press('Enter');
    await ada.shows(o.life);
    assert.equal(await ada.title(), o.orderOf('Kim <b>Min</b>'));
    const life = await page.locator('.life li').allInnerTexts();
    assert.equal(life.length, 2);
    const labels = tickets.map((ticket) => ticket.label).sort().join(', ');
    assert.ok(life[0].includes(o.events.hold('Kim <b>Min</b>', labels)), life[0]);
    await ada.shows(tickets[0].code);
    await ada.accessible('order');
    await ada.fits('order');
    await ada.screenshot(`order-${size.width}-${locale}-${scheme}`);
    await page.goBack();
    await ada.shows(o.found(1, false));
    await page.getByRole('link', { name: /Kim <b>Min<\/b>/ }).click();

    // Given back with a reason, after a second look, which can be left.
    const told = next(min.client, 'reservation', (/** @type {any} */ update) => update.status === 'CANCELLED');
    await page.getByLabel(o.reason).fill('Bought twice');
    await page.keyboard.press('Enter');
    const dialog = page.locator('dialog[open]');
    await dialog.waitFor();
    assert.match(await dialog.innerText(), /100,000/);
    await ada.accessible('second look');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /100,000/ }).click();
    await dialog.waitFor();
    await page.locator('dialog[open] .danger').focus();
    await page.keyboard.press('Enter');
    await page.locator('.sale-head .tag', { hasText: o.status({ status: 'CANCELLED', payment: { refunded: 1 } }) }).waitFor();
    await ada.shows('Bought twice');
    assert.equal(await page.getByLabel(o.reason).count(), 0);
    assert.equal((await told).reservation_id, min.order);
    await ada.accessible('given back');

    // A list for a spreadsheet.
    await page.getByRole('link', { name: w.nav.orders, exact: true }).click();
    const saved = page.waitForEvent('download');
    await page.locator('.lists').getByRole('button', { name: o.lists.orders, exact: true }).click();
    const file = await saved;
    assert.equal(file.suggestedFilename(), 'concert-1-orders.csv');
    const csv = readFileSync(await file.path(), 'utf8');
    assert.ok(csv.startsWith('\ufefforder,'));
    assert.equal(csv.trim().split('\r\n').length, 3);
    await ada.shows(o.saved(o.lists.orders));

    // What is wrong is said.
    await page.goto(`${server.url}/console/#/orders/00000001-0000-8000-8000-000000000001`);
    await ada.shows(o.missing);
    await ada.refused(404);
    await ada.leave();
    await server.stop();
  });
}

test('the box office reads orders and gives nothing back, and who was faster is told', async () => {
  const { server, scheduleId } = await club(8);
  const { order } = await buyer(server.url, 'Min', scheduleId, [0]);
  const bo = await Operator.signIn(browser, await link(server, 'Bo', 'box_office'), { size: DESKTOP, locale: 'en-GB' });
  await bo.page.goto(`${server.url}/console/#/orders/${order}`);
  await bo.shows(en.orders.life);
  assert.equal(await bo.page.getByLabel(en.orders.reason).count(), 0);
  await bo.page.getByRole('link', { name: en.nav.orders, exact: true }).click();
  await bo.shows(en.orders.listsTitle);
  assert.equal(await bo.page.locator('.lists').getByRole('button', { name: en.orders.lists.ledger }).count(), 0);

  const ada = await Operator.signIn(browser, await link(server, 'Ada', 'owner'), { size: DESKTOP, locale: 'en-GB' });
  await ada.page.goto(`${server.url}/console/#/orders/${order}`);
  await ada.page.getByLabel(en.orders.reason).fill('Asked');
  await ada.page.keyboard.press('Enter');
  const { access_token: token } = await server.command('token', '--operator');
  const headers = { authorization: `Bearer ${token}` };
  const first = await fetch(`${server.url}/api/v1/admin/orders/${order}/refund`, { method: 'POST', headers, body: JSON.stringify({ reason: 'First' }) });
  assert.equal(first.status, 200);
  await ada.page.locator('dialog[open] .danger').click();
  await ada.page.locator('.quote', { hasText: 'First' }).waitFor();
  await ada.refused(409);
  await ada.leave();
  await bo.leave();
  await server.stop();
});
