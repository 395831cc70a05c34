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
import { hold } from '../harness/late.mjs';
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

test('what is looked for before the concerts are there is found as soon as they are', async () => {
  const { server, scheduleId } = await club(8);
  const { order, client } = await buyer(server.url, 'Min', scheduleId, [0]);
  const [{ label }] = await client.tickets();
  const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size: PHONE, locale: 'en-GB' });
  const { page } = ada;
  const o = en.orders;
  const form = page.getByRole('search');
  const find = page.getByRole('button', { name: o.find, exact: true });
  /** The answer of the concerts stays on its way until it is let go. */
  const begin = async () => {
    await page.getByRole('link', { name: en.nav.tonight, exact: true }).click();
    const letGo = await hold(page, '**/admin/sales');
    await page.getByRole('link', { name: en.nav.orders, exact: true }).click();
    return letGo;
  };
  const line = page.locator(`main a[href="#/orders/${order}"]`);

  let letGo = await begin();
  await page.getByLabel(o.by).selectOption('concert');
  await form.locator('select[name=value]', { hasText: en.loading }).waitFor();
  await ada.accessible('concerts on their way');
  await find.press('Enter');
  letGo();
  await line.waitFor();
  assert.ok(page.url().endsWith('#/orders?concert_id=1'), page.url());

  // A seat needs a performance of the concert, which is on its way for longer; what was typed stays.
  letGo = await begin();
  const letHouseGo = await hold(page, '**/admin/concerts/1');
  await page.getByLabel(o.by).selectOption('seat');
  await form.getByLabel(o.ways.seat, { exact: true }).fill(label);
  await page.keyboard.press('Enter');
  letGo();
  await form.locator('select[name=concert]', { hasText: 'Small Club Night' }).waitFor();
  await form.getByLabel(o.performance).filter({ hasText: en.loading }).waitFor();
  letHouseGo();
  await line.waitFor();
  assert.match(page.url(), new RegExp(`schedule_id=${scheduleId}&`));

  // Whoever enters something else by then is not taken away from it.
  letGo = await begin();
  await page.getByLabel(o.by).selectOption('concert');
  await find.press('Enter');
  await page.getByLabel(o.by).selectOption('name');
  await form.getByLabel(o.ways.name, { exact: true }).fill('Min');
  letGo();
  await ada.shows(o.listsTitle);
  assert.ok(page.url().endsWith('#/orders'), page.url());
  assert.equal(await form.getByLabel(o.ways.name, { exact: true }).inputValue(), 'Min');
  await ada.leave();
  await server.stop();
});

test('a seat is looked for in a performance of the concert that is chosen, and of no other', async () => {
  const { server, scheduleId } = await club(8);
  const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size: DESKTOP, locale: 'en-GB' });
  const { page } = ada;
  const o = en.orders;
  // Another concert, of which the performances are on their way.
  const starts = '2099-05-01T10:00:00Z';
  await page.route('**/admin/sales', async (route) => {
    const answer = await route.fetch();
    const { sales } = await answer.json();
    await route.fulfill({ response: answer, json: { sales: [...sales, { ...sales[0], concert_id: 2, title: 'Other Night' }] } });
  });
  await page.route('**/admin/concerts/2', (route) => route.fulfill({ json: { concert_id: 2, title: 'Other Night', time_zone: null, schedules: [{ schedule_id: scheduleId + 1, starts_at: starts }] } }));
  const letGo = await hold(page, '**/admin/concerts/2');
  await page.getByRole('link', { name: en.nav.orders, exact: true }).click();
  const form = page.getByRole('search');
  await page.getByLabel(o.by).selectOption('seat');
  const performance = form.getByLabel(o.performance);
  await performance.locator(`option[value="${scheduleId}"]`).waitFor({ state: 'attached' });
  await form.locator('select[name=concert]').selectOption('Other Night');
  assert.equal(await performance.locator(`option[value="${scheduleId}"]`).count(), 0);
  await form.getByLabel(o.ways.seat, { exact: true }).fill('A-1');
  await page.keyboard.press('Enter');
  letGo();
  await page.waitForURL((url) => url.hash.includes(`schedule_id=${scheduleId + 1}&`));
  await ada.shows(o.results);
  await ada.refused(404);
  await ada.leave();
  await server.stop();
});

test('a page that was gone to takes the focus at once, and from nothing that is used by then', async () => {
  const { server } = await club(8);
  const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size: DESKTOP, locale: 'en-GB' });
  const { page } = ada;
  // Somebody fast: the field has the focus as soon as it is drawn.
  await page.evaluate(() => {
    const world = /** @type {any} */ (globalThis);
    new MutationObserver((_, observer) => {
      const field = /** @type {HTMLSelectElement | null} */ (document.querySelector('select[name=by]'));
      if (!field) return;
      observer.disconnect();
      world.hadFocus = document.activeElement?.id;
      field.focus();
    }).observe(document.body, { childList: true, subtree: true });
  });
  // What is asked for is asked for together with everything else that waits for the drawing.
  const asked = page.waitForRequest('**/admin/sales');
  await page.getByRole('link', { name: en.nav.orders, exact: true }).click();
  await asked;
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).hadFocus), 'main');
  assert.equal(await page.evaluate(() => /** @type {HTMLSelectElement} */ (document.activeElement).name), 'by');
  await ada.leave();
  await server.stop();
});
