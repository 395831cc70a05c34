/**
 * Goal: an operator sees the night live and steers it: every sale, one sale, what a change will do before it is made, and seats
 * that are kept from sale, on a phone and on a desk, in both languages, by keyboard too. Method: the console of a real server
 * with fans beside it, looked at by axe on every page.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { within } from '../../../web/console/pages/sale/lasso.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { admitted } from '../harness/fans.mjs';
import { hold } from '../harness/late.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} name @param {string} role */
async function link(server, name, role) {
  const made = await server.command('operator', 'add', name, '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

/** Waits until a figure of this name says so. @param {import('playwright-core').Page} page @param {string} name @param {string} value */
async function says(page, name, value) {
  await page.waitForFunction(
    ([name, value]) => [...document.querySelectorAll('.figure')].some((figure) => figure.querySelector('dt')?.textContent === name && figure.querySelector('dd')?.textContent?.startsWith(value)),
    [name, value],
  );
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'light'],
  [PHONE, 'en-GB', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
  [DESKTOP, 'ko-KR', 'dark'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  test(`a night is watched and steered, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId, scheduleId } = await club(8, { title: 'Small <i>Club</i> Night' });
    const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size, locale, scheme });
    assert.equal(await ada.title(), w.tonight.title);
    await says(ada.page, w.tonight.free, '8');
    await ada.shows('Small <i>Club</i> Night');
    await ada.shows(w.tonight.live);

    // What fans do is seen without a reload.
    const { client } = await admitted(server.url);
    const held = await client.hold(scheduleId, [0, 1]);
    await says(ada.page, w.tonight.held, '2');
    await says(ada.page, w.tonight.admitted, '1');
    await client.charge(1_000_000);
    await client.pay(held.reservation_id);
    await says(ada.page, w.tonight.sold, '2');
    assert.match(await ada.page.locator('.figure', { hasText: w.tonight.money }).innerText(), /100,000/);
    await ada.accessible('tonight');
    await ada.fits('tonight');

    // One sale, by keyboard.
    await ada.page.getByRole('link', { name: 'Small <i>Club</i> Night' }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('heading', { name: w.sale.controls }).waitFor();
    assert.ok(ada.page.url().endsWith(`#/sale/${concertId}`));
    await ada.page.locator('frontrow-seatmap').waitFor();
    await ada.accessible('sale');
    await ada.fits('sale');

    // Pausing says what it will do, and can be left.
    const pause = ada.page.getByRole('button', { name: w.sale.pause });
    await pause.click();
    await ada.page.locator('dialog[open]', { hasText: w.sale.pauseText('0', '0') }).waitFor();
    await ada.accessible('second look');
    await ada.page.keyboard.press('Escape');
    await ada.page.locator('dialog').waitFor({ state: 'detached' });
    await pause.click();
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.locator('.sale-head .tag', { hasText: w.log.states.PAUSED }).waitFor();
    await ada.page.getByRole('button', { name: w.sale.open }).click();
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.locator('.sale-head .tag', { hasText: w.log.states.OPEN }).waitFor();

    // What somebody types stays while figures go on arriving, and another operator's change of the same is told.
    const message = ada.page.getByLabel(w.sale.message);
    await message.fill('Back at');
    await ada.page.getByLabel(w.sale.capacity).fill('9');
    await ada.page.getByLabel(w.log.fields.idle_ttl_ms).fill('4m');
    const { client: more } = await admitted(server.url);
    await more.hold(scheduleId, [2]);
    await says(ada.page, w.tonight.held, '1');
    const typed = [message, ada.page.getByLabel(w.sale.capacity), ada.page.getByLabel(w.log.fields.idle_ttl_ms)];
    assert.deepEqual(await Promise.all(typed.map((field) => field.inputValue())), ['Back at', '9', '4m']);
    const { access_token: another } = await server.command('token', '--operator');
    const theirs = await fetch(`${server.url}/api/v1/admin/sales/${concertId}`, { method: 'PATCH', headers: { authorization: `Bearer ${another}` }, body: '{"message":"Doors are late"}' });
    assert.equal(theirs.status, 200);
    await ada.page.getByRole('button', { name: w.sale.takeBack }).waitFor();
    assert.equal(await message.inputValue(), 'Back at');
    await ada.page.getByRole('button', { name: w.sale.send }).click();
    await ada.page.locator('.changed', { hasText: 'Doors are late' }).waitFor();
    await ada.refused(409);
    assert.equal(await message.inputValue(), 'Back at');
    await ada.accessible('said by somebody else');
    await ada.fits('said by somebody else');

    // A message, how many are let in, and a rule with what it does.
    await ada.page.getByLabel(w.sale.message).fill('Back at nine <b>sharp</b>');
    await ada.page.getByRole('button', { name: w.sale.send }).click();
    await ada.page.locator('.steer .done', { hasText: w.sale.done }).waitFor();
    await ada.page.getByLabel(w.sale.capacity).fill('7');
    await ada.page.getByRole('button', { name: w.sale.set, exact: true }).click();
    await says(ada.page, w.tonight.admitted, `1 ${w.tonight.of('7')}`);
    await ada.page.getByLabel(w.log.fields.idle_ttl_ms).fill('');
    await ada.page.getByLabel(w.log.fields.hold_ttl_ms).fill('3m');
    await ada.page.getByRole('button', { name: w.sale.save }).click();
    await ada.page.locator('dialog[open]', { hasText: w.sale.does.hold_ttl }).waitFor();
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.getByRole('region', { name: w.sale.rules }).locator('.done', { hasText: w.sale.done }).waitFor();

    // Somebody else changes the same at once: the second one is told what it is.
    const { access_token: owner } = await server.command('token', '--operator');
    const headers = { authorization: `Bearer ${owner}` };
    await ada.page.getByLabel(w.log.fields.hold_ttl_ms).fill('4m');
    await ada.page.getByRole('button', { name: w.sale.save }).click();
    const path = `${server.url}/api/v1/admin/sales/${concertId}`;
    assert.equal((await fetch(path, { method: 'PATCH', headers, body: '{"hold_ttl":"9m"}' })).status, 200);
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.locator('.changed', { hasText: '9m' }).waitFor();
    await ada.refused(409);
    await ada.accessible('changed meanwhile');

    // A row is kept from sale; what was bought stays somebody's.
    await ada.page.getByLabel(w.sale.row).selectOption({ index: 1 });
    await ada.shows(w.sale.chosen(8));
    await ada.page.getByLabel(w.sale.note).fill('House seats');
    await ada.page.getByRole('button', { name: w.sale.keep }).click();
    await ada.page.locator('dialog[open]', { hasText: w.sale.keepText(8) }).waitFor();
    await ada.page.locator('dialog[open] .danger').click();
    await ada.shows(w.sale.changedSeats(5, 3));
    await says(ada.page, w.tonight.kept, '5');
    await ada.page.getByRole('button', { name: w.sale.list }).click();
    const map = ada.page.locator('frontrow-seatmap');
    // Whose a seat is, with the way to the whole of its order.
    await map.evaluate((element) => element.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat: 0, state: 'sold', by: 'list' } })));
    await ada.page.locator('.whose a[href*="#/orders/"]').waitFor();
    assert.ok((await ada.page.locator('.whose .row').innerText()).includes(w.orders.status({ status: 'RESERVED' })));
    await ada.accessible('whose a seat is');
    await ada.fits('whose a seat is');
    await map.evaluate((element) => element.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat: 0, state: 'sold', by: 'list' } })));
    // One of them again, in the list and without a mouse.
    await map.evaluate((element) => element.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat: 5, state: 'notForSale', by: 'list' } })));
    await ada.shows(w.sale.chosen(1));
    await ada.shows(w.sale.nobodys);
    await ada.accessible('list of seats');
    await ada.fits('list of seats');
    await ada.page.getByRole('button', { name: w.sale.giveBack }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.page.locator('dialog[open] .danger').focus();
    await ada.page.keyboard.press('Enter');
    await ada.shows(w.sale.changedSeats(1, 0));
    await says(ada.page, w.tonight.kept, '4');

    // Closing says who loses what.
    await ada.page.getByRole('button', { name: w.sale.close }).click();
    await ada.page.locator('dialog[open]', { hasText: w.sale.closeText('0') }).waitFor();
    await ada.page.keyboard.press('Escape');
    await ada.leave();
    await server.stop();
  });
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  test(`when a sale opens is changed before it does, ${size.width} px, ${locale}`, async () => {
    const { server, concertId } = await club(8);
    const { access_token: owner } = await server.command('token', '--operator');
    const headers = { authorization: `Bearer ${owner}` };
    const planned = await fetch(`${server.url}/api/v1/admin/sales/${concertId}`, { method: 'PATCH', headers, body: '{"state":"SCHEDULED","opens_at":"2099-01-01T10:00:00Z"}' });
    assert.equal(planned.status, 200);
    const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size, locale, scheme });
    const { page } = ada;
    await page.goto(`${server.url}/console/#/sale/${concertId}`);
    await ada.shows(w.sale.opensText);
    await page.locator('input[name=opens_at]').fill('2098-02-03T20:00');
    await page.getByRole('button', { name: w.sale.setOpening }).click();
    await page.locator('.sale-head', { hasText: '2098' }).waitFor();
    await ada.accessible('the opening');
    await ada.fits('the opening');

    // Readiness and the log tell times, states and rules as people do.
    await page.getByRole('link', { name: w.ready.link }).click();
    await ada.shows(w.log.states.SCHEDULED);
    assert.doesNotMatch(await page.locator('main').innerText(), /\dT\d\d:|SCHEDULED|hold_ttl/);
    await ada.accessible('readiness');
    await ada.fits('readiness');
    await page.goto(`${server.url}/console/#/sale/${concertId}`);
    await page.getByRole('button', { name: w.sale.openByHand }).click();
    await ada.shows(w.sale.opensByHand);
    await page.getByRole('link', { name: w.sale.log, exact: true }).click();
    await page.locator('.line', { hasText: w.log.fields.opens_at }).nth(1).waitFor();
    assert.equal(await page.locator('.line').count(), await page.locator('.line', { hasText: w.log.what.set }).count(), 'of this sale alone');
    await ada.accessible('the log of a sale');
    await ada.fits('the log of a sale');
    await ada.leave();
    await server.stop();
  });
}

test('a lasso takes the seats within it', async () => {
  const { server, concertId } = await club(8);
  const ada = await Operator.signIn(browser, await link(server, 'Ada', 'owner'), { size: DESKTOP, locale: 'en-GB' });
  await ada.page.goto(`${server.url}/console/#/sale/${concertId}`);
  await ada.page.locator('frontrow-seatmap').waitFor();
  await ada.page.getByRole('button', { name: en.sale.lasso }).click();
  const area = await ada.page.locator('.lasso').boundingBox();
  assert.ok(area);
  await ada.page.locator('.lasso').scrollIntoViewIfNeeded();
  const box = await ada.page.locator('.lasso').boundingBox();
  assert.ok(box);
  const corners = [[2, 2], [box.width - 2, 2], [box.width - 2, box.height - 60], [2, box.height - 60]];
  await ada.page.mouse.move(box.x + 2, box.y + 2);
  await ada.page.mouse.down();
  for (const [x, y] of corners.slice(1)) await ada.page.mouse.move(box.x + x, box.y + y, { steps: 4 });
  await ada.page.mouse.up();
  await ada.shows(en.sale.chosen(8));
  await ada.leave();
  await server.stop();

  const layout = { seats: { x: [1, 2, 3, 9], y: [1, 2, 9, 1] } };
  const outline = [{ x: 0, y: 0 }, { x: 4, y: 0 }, { x: 4, y: 4 }, { x: 0, y: 4 }];
  assert.deepEqual(within(layout, outline), [0, 1]);
  assert.deepEqual(within(layout, [...outline].reverse()), [0, 1]);
});

test('what is typed and chosen while a change is on its way stays', async () => {
  const { server, concertId } = await club(8);
  const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size: DESKTOP, locale: 'en-GB' });
  const { page } = ada;
  const w = en.sale;
  await page.goto(`${server.url}/console/#/sale/${concertId}`);
  const message = page.getByLabel(w.message);
  let letGo = await hold(page, `**/sales/${concertId}`, (request) => request.method() === 'PATCH');
  let sent = page.waitForRequest((request) => request.method() === 'PATCH');
  await message.fill('Back at nine');
  await page.getByRole('button', { name: w.send }).click();
  await sent;
  await message.fill('Back at ten');
  letGo();
  await page.locator('.steer .done', { hasText: w.done }).waitFor();
  // The figures say it, and the form would show it.
  await page.getByRole('button', { name: w.takeBack }).waitFor();
  assert.equal(await message.inputValue(), 'Back at ten');
  // It is sent on top of what was saved: nobody else changed it.
  const answered = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await page.getByRole('button', { name: w.send }).click();
  assert.equal((await answered).status(), 200);

  letGo = await hold(page, '**/seats', (request) => request.method() === 'POST');
  sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/seats'));
  const map = page.locator('frontrow-seatmap');
  const pick = (/** @type {number} */ seat) => map.evaluate((element, seat) => element.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat, state: 'available', by: 'list' } })), seat);
  await map.waitFor();
  await pick(1);
  await page.getByLabel(w.note).first().fill('House seats');
  await page.getByRole('button', { name: w.keep }).click();
  await page.locator('dialog[open] .danger').click();
  await sent;
  await pick(2);
  await ada.shows(w.chosen(2));
  await page.getByLabel(w.note).first().fill('Camera');
  letGo();
  await ada.shows(w.changedSeats(1, 0));
  await ada.shows(w.chosen(1));
  assert.equal(await page.getByLabel(w.note).first().inputValue(), 'Camera');
  await ada.leave();
  await server.stop();
});

test('whoever lost a role is shown what is left to them as soon as it is refused', async () => {
  const { server, concertId } = await club(8);
  const made = await server.command('operator', 'add', 'Ada', '--role', 'manager');
  const ada = await Operator.signIn(browser, made.link.url.replace(/^https?:\/\/[^/]+/, server.url), { size: PHONE, locale: 'en-GB' });
  await ada.page.goto(`${server.url}/console/#/sale/${concertId}`);
  await ada.page.getByRole('button', { name: en.sale.pause }).waitFor();
  const { access_token: owner } = await server.command('token', '--operator');
  const taken = await fetch(`${server.url}/api/v1/admin/operators/${made.operator_id}`, { method: 'PATCH', headers: { authorization: `Bearer ${owner}` }, body: '{"role":"viewer"}' });
  assert.equal(taken.status, 200);
  await ada.page.getByRole('button', { name: en.sale.pause }).click();
  await ada.page.locator('dialog[open] .danger').click();
  await ada.shows(en.sale.looksOn);
  await ada.refused(403);
  assert.equal(await ada.page.locator('.steer, .performance button').count(), 0);
  await ada.leave();
  await server.stop();
});

test('who looks on steers nothing, and a console that is cut off says so and goes on by itself', async () => {
  const { server, concertId } = await club(8);
  const vic = await Operator.signIn(browser, await link(server, 'Vic', 'viewer'), { size: PHONE, locale: 'en-GB' });
  await says(vic.page, en.tonight.free, '8');
  await vic.page.goto(`${server.url}/console/#/sale/${concertId}`);
  await vic.shows(en.sale.looksOn);
  assert.equal(await vic.page.getByRole('button', { name: en.sale.close }).count(), 0);
  // What is kept is drawn; the first span takes as long as it takes.
  await vic.page.locator('.plot').first().waitFor({ timeout: 120_000 });
  assert.equal(await vic.page.locator('.plot').count(), 8);
  assert.ok((await vic.page.locator('.plot svg').first().getAttribute('aria-label'))?.startsWith(`${en.plots.line}: ${en.tonight.waiting}`));
  await vic.accessible('plots');
  await vic.fits('plots');
  // The report is a file of its own: it is opened as one.
  const [file] = await Promise.all([vic.page.waitForEvent('download'), vic.page.getByRole('button', { name: en.plots.report }).click()]);
  assert.equal(file.suggestedFilename(), `frontrow-${concertId}-report.html`);
  const folder = mkdtempSync(join(tmpdir(), 'frontrow-report-'));
  await file.saveAs(join(folder, file.suggestedFilename()));
  await vic.page.goto(`file://${folder}/${file.suggestedFilename()}`);
  assert.equal(await vic.page.locator('h1').innerText(), 'Small Club Night');
  await vic.page.locator('figure svg').first().waitFor();
  await vic.accessible('report');
  await vic.fits('report');
  rmSync(folder, { recursive: true });
  await vic.page.goto(`${server.url}/console/#/sale/4711`);
  await vic.shows(en.sale.missing);
  await vic.page.goto(`${server.url}/console/#/tonight`);
  await says(vic.page, en.tonight.free, '8');
  await server.kill();
  await vic.page.locator('.liveness.off').waitFor();
  await vic.accessible('cut off');
  await vic.fits('cut off');
  await server.startAgain();
  await vic.shows(en.tonight.live);
  await says(vic.page, en.tonight.free, '8');
  vic.faults = vic.faults.filter((fault) => !/net::ERR|WebSocket connection/.test(fault));
  await vic.leave();
  await server.stop();
});
