/**
 * Goal: a promoter's whole evening in the browser, from an empty data folder and one link: a concert is made, sold to fifty fans by
 * the load test, watched, a row is kept back, a sold seat is moved, an order is given back, the performance is called off, and the night
 * is told in a report. Method: the console of a real server, on a phone
 * and on a desk, in both languages, looked at by axe at every step. `FRONTROW_GUIDE=FOLDER` leaves the pictures of docs/promoters/.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { Operator } from '../harness/operator.mjs';
import { BINARY, Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

const run = promisify(execFile);
const FANS = 50;
const ROWS = ['A', 'B', 'C', 'D', 'E'];
const SEATS_PER_ROW = 16;
/** Of the dearest seats, so that whoever is moved into it has no worse one. */
const KEPT_ROW = 1;

/** A hall of five rows. `faulty`: one seat is of a category that is none. @param {boolean} faulty @param {string} name */
function plan(faulty, name) {
  const rows = ROWS.map((label, row) => ({
    row_number: label, row_number_position: 'both', uuid: `r${row}`, position: { x: 20, y: 20 + 34 * row },
    seats: Array.from({ length: SEATS_PER_ROW }, (_, n) => ({
      seat_number: String(n + 1), seat_guid: `${label}${n}`, uuid: `${label}${n}`, position: { x: 30 * n, y: 0 },
      category: faulty && row === 1 && n === 3 ? 'Loge' : row < 2 ? 'VIP' : 'R',
    })),
  }));
  const zones = [{ name: '1F', zone_id: 'z', uuid: 'z', position: { x: 0, y: 0 }, rows, areas: [] }];
  const categories = [{ name: 'VIP', color: '#b03a63' }, { name: 'R', color: '#2471a3' }];
  return { name: 'plan.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ name, size: { width: 500, height: 220 }, categories, zones })) };
}

/** Fifty fans who buy a seat each, by the load test. @param {Server} server */
async function fiftyBuy(server) {
  const users = join(server.data, 'users.jsonl');
  writeFileSync(users, await Server.tool('user', 'add', '--name', 'Fan', '--count', String(FANS), '--data', server.data));
  const arguments_ = `onsale --fans ${FANS} --arrivals burst:2s --seats-each 1 --abandon 0 --think 200ms --duration 60s --server 127.0.0.1:${server.port} --concert 1`;
  await run(join(dirname(BINARY), 'frontrow-loadtest'), [...arguments_.split(' '), '--tokens', users], { maxBuffer: 64 << 20 });
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [DESKTOP, 'en-GB', 'light'],
  [DESKTOP, 'ko-KR', 'light'],
  [PHONE, 'en-GB', 'dark'],
  [PHONE, 'ko-KR', 'dark'],
])) {
  const korean = locale === 'ko-KR';
  const w = korean ? ko : en;
  const m = w.making;
  test(`an evening without a terminal, ${size.width} px, ${locale}`, async () => {
    const server = await Server.start();
    const made = await server.command('operator', 'add', korean ? '김민서' : 'Min', '--role', 'owner');
    const operator = await Operator.signIn(browser, made.link.url.replace(/^https?:\/\/[^/]+/, server.url), { size, locale, scheme });
    const { page } = operator;
    const card = (/** @type {string} */ name) => page.getByRole('region', { name, exact: true });
    const saved = async (/** @type {string} */ name) => {
      await card(name).getByRole('button', { name: m.save, exact: true }).click();
      await card(name).getByText(m.saved, { exact: true }).waitFor();
    };
    /** Looked at by axe, no wider than its window, and a picture for the guide. @param {string} name @param {import('playwright-core').Locator} [part] */
    const seen = async (name, part) => {
      await operator.accessible(name);
      await operator.fits(name);
      const folder = process.env.FRONTROW_GUIDE;
      if (!folder || size !== DESKTOP) return;
      mkdirSync(folder, { recursive: true });
      const path = join(folder, `${name}.${korean ? 'ko' : 'en'}.png`);
      if (part) await part.screenshot({ path });
      else await page.screenshot({ path });
    };

    // Making: a plan with a fault, seen on the drawing; mended; what is played, what it costs, when.
    await page.getByRole('link', { name: w.nav.making }).press('Enter');
    await operator.shows(m.none);
    await page.getByRole('button', { name: m.begin }).press('Enter');
    await operator.shows(m.missingWords.title);
    await card(m.venue).locator('input[type=file]').setInputFiles(plan(true, korean ? '구민회관' : 'Town Hall'));
    await operator.shows(m.faults(1));
    await page.locator('frontrow-seatmap').waitFor();
    await page.getByRole('button', { name: m.showFault('zones[0].rows[1].seats[3].category') }).press('Enter');
    await seen('plan', card(m.venue));
    await card(m.venue).locator('input[type=file]').setInputFiles(plan(false, korean ? '구민회관' : 'Town Hall'));
    await operator.shows(m.sound);
    const title = korean ? '한여름 밤의 재즈' : 'Jazz on a summer night';
    await card(m.basics).getByLabel(m.name, { exact: true }).fill(title);
    await saved(m.basics);
    await card(m.prices).getByLabel(m.priceOf('VIP', 2 * SEATS_PER_ROW)).fill('110,000');
    await card(m.prices).getByLabel(m.priceOf('R', 3 * SEATS_PER_ROW)).fill('77,000');
    await saved(m.prices);
    await card(m.dates).getByLabel(m.zone).fill('Asia/Seoul');
    await card(m.dates).getByLabel(m.start(1)).fill('2099-08-01T19:30');
    await saved(m.dates);
    await card(m.sale).getByLabel(m.atOnce).check();
    await saved(m.sale);
    await operator.shows(m.ready);
    await seen('ready', page.locator('section.state'));
    await page.getByRole('button', { name: m.announce, exact: true }).press('Enter');
    await seen('announce', page.locator('dialog[open]'));
    await page.locator('dialog[open]').getByRole('button', { name: m.announce, exact: true }).press('Enter');
    await operator.shows(m.done(title, 1));

    // A row is kept back, by keyboard.
    await page.getByRole('link', { name: w.nav.tonight, exact: true }).press('Enter');
    await page.getByRole('link', { name: title }).press('Enter');
    await page.locator('frontrow-seatmap').waitFor();
    await page.getByLabel(w.sale.row).selectOption({ index: 1 + KEPT_ROW });
    await operator.shows(w.sale.chosen(SEATS_PER_ROW));
    await page.getByLabel(w.sale.note).fill(korean ? '촬영 장비' : 'Camera crane');
    await page.getByRole('button', { name: w.sale.keep, exact: true }).press('Enter');
    await page.locator('dialog[open] .danger').press('Enter');
    await operator.shows(w.sale.changedSeats(SEATS_PER_ROW, 0));
    await seen('kept', page.locator('section.seats'));

    // Fifty fans buy, and the operator sees it live.
    await page.getByRole('link', { name: w.nav.tonight, exact: true }).press('Enter');
    await page.getByRole('link', { name: title }).waitFor();
    const says = async (/** @type {string} */ name, /** @type {number} */ seats) => page.waitForFunction(
      ([name, seats]) => [...document.querySelectorAll('.figure')].some((figure) => figure.querySelector('dt')?.textContent === name && figure.querySelector('dd')?.textContent?.startsWith(String(seats))),
      /** @type {[string, number]} */ ([name, seats]),
    );
    await Promise.all([fiftyBuy(server), says(w.tonight.sold, FANS)]);
    await seen('tonight');
    await page.getByRole('link', { name: title }).press('Enter');
    await page.locator('frontrow-seatmap').waitFor();
    await says(w.tonight.sold, FANS);
    await seen('sale');

    // A sold seat is moved into the row that is kept back, and another order is given back.
    const orders = async () => {
      await page.getByRole('link', { name: w.nav.orders, exact: true }).press('Enter');
      await page.getByLabel(w.orders.by).selectOption('concert');
      await page.getByRole('button', { name: w.orders.find, exact: true }).press('Enter');
      await operator.shows(w.orders.results);
    };
    const found = page.locator('main a[href*="#/orders/"]');
    await orders();
    await found.first().waitFor();
    await seen('orders');
    await found.first().press('Enter');
    await page.getByRole('button', { name: w.orders.moveBegin }).press('Enter');
    await page.locator('frontrow-seatmap').waitFor();
    await page.getByRole('group', { name: w.orders.moveTo }).getByRole('button', { name: w.sale.list }).press('Enter');
    await page.locator(`frontrow-seatmap button.seat[data-seat="${KEPT_ROW * SEATS_PER_ROW + 2}"]`).press('Enter');
    await page.getByRole('button', { name: w.orders.moveLook }).press('Enter');
    await seen('move', page.locator('dialog[open]'));
    await page.locator('dialog[open] .danger').press('Enter');
    await page.locator('.life li', { hasText: /B-3|B3/ }).first().waitFor();
    await seen('order');
    await orders();
    await found.nth(1).press('Enter');
    await page.getByLabel(w.orders.reason).fill(korean ? '이중 결제' : 'Bought twice');
    await page.keyboard.press('Enter');
    await seen('refund', page.locator('dialog[open]'));
    await page.locator('dialog[open] .danger').press('Enter');
    await page.locator('.sale-head .tag', { hasText: w.orders.status({ status: 'CANCELLED', payment: { refunded: 1 } }) }).waitFor();

    // At the box office two seats of the row that is kept back are sold, and then rather given away.
    await page.getByRole('link', { name: w.nav.tonight, exact: true }).press('Enter');
    await page.getByRole('link', { name: title }).press('Enter');
    await page.locator('frontrow-seatmap').waitFor();
    await page.getByRole('button', { name: w.sale.list, exact: true }).press('Enter');
    for (const n of [9, 10]) await page.locator(`frontrow-seatmap button.seat[data-seat="${KEPT_ROW * SEATS_PER_ROW + n}"]`).press('Enter');
    await page.getByRole('button', { name: w.sale.map, exact: true }).press('Enter');
    await page.getByLabel(w.desk.name).fill(korean ? '이서연' : 'Ms Lee');
    await seen('box-office', page.locator('section.seats'));
    await page.getByRole('button', { name: w.desk.sell, exact: true }).press('Enter');
    await seen('box-office-sum', page.locator('dialog[open]'));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: w.desk.give, exact: true }).press('Enter');
    await page.locator('dialog[open] .danger').press('Enter');
    await operator.shows(w.desk.given(2));
    await seen('box-office-tickets', page.locator('section.desk'));
    await says(w.tonight.sold, FANS + 1);

    // The night's figures, as a report that is a file of its own.
    await page.locator('.plot').first().waitFor({ timeout: 120_000 });
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: w.plots.report }).press('Enter')]);
    assert.equal(file.suggestedFilename(), 'frontrow-1-report.html');

    // Called off: what will happen is said before, and everybody gets their money back.
    await says(w.tonight.sold, FANS + 1);
    await page.locator('.performance .row-do').getByRole('button', { name: w.life.callOff }).press('Enter');
    const form = page.getByRole('form');
    await form.getByLabel(w.life.why).fill(korean ? '폭우로 취소' : 'The roof leaks');
    await form.getByRole('button', { name: w.life.lookOff }).press('Enter');
    await seen('call-off', page.locator('dialog[open]'));
    await page.locator('dialog[open] .danger').press('Enter');
    await operator.shows(w.life.allBack);
    await says(w.tonight.sold, 0);
    await seen('called-off');
    await operator.leave();
    await server.stop();
  });
}
