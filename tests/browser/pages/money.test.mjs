/** Goal: money is asked for once, times are the venue's, and one page keeps both lines in sight. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { admitted, fanOf, guest } from '../harness/fans.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/**
 * Another session of the same fan.
 * @param {Fan} fan
 */
async function elsewhere(fan) {
  const accessToken = await fan.page.evaluate(() => localStorage.getItem('frontrow.access_token'));
  const client = fanOf({ server: fan.url, accessToken });
  await client.connect();
  return client;
}

/**
 * Changes what the server says to this page from its next load on; `null` keeps it back.
 * @param {Fan} fan
 * @param {(frame: any) => any} change
 */
async function rewrite(fan, change) {
  await fan.page.routeWebSocket(/\/ws$/, (page) => {
    const server = page.connectToServer();
    server.onMessage((text) => {
      const frame = change(JSON.parse(String(text)));
      if (frame !== null) page.send(JSON.stringify(frame));
    });
  });
  await fan.page.reload();
}

/** @param {Fan} fan @param {RegExp} words */
const shows = (fan, words) => fan.page.waitForFunction(([source]) => new RegExp(source).test(document.body.textContent ?? ''), [words.source]);

test('what another window put into the wallet is seen, and not charged again', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(2);
  await fan.toCheckout();
  const other = await elsewhere(fan);
  const [held] = await other.listReservations();
  await other.charge(held.amount);
  await fan.page.waitForFunction(() => /^Pay/.test(document.querySelector('button.big')?.textContent ?? ''));
  await fan.pay();
  assert.equal(await other.balance(), 0, 'charged once');
  await fan.leave();
});

/**
 * The fan pays in one window, and the wallet in another one shows what for.
 * @param {Fan} fan
 * @param {import('playwright-core').Page} wallet
 */
async function seesThePayment(fan, wallet) {
  await fan.page.bringToFront();
  await fan.toCheckout();
  await fan.pay();
  await wallet.waitForFunction(() => [...document.querySelectorAll('tbody .what')].map((what) => what.textContent).join() === 'Payment,Top-up');
}

test('what is bought in one window stands in the wallet of another, with its balance', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(2);
  const wallet = await fan.window('/#/wallet');
  await wallet.waitForSelector('.wallet h2');
  await seesThePayment(fan, wallet);
  await fan.leave();
  await server.stop();
});

test('what a wallet was filled and emptied by is shown, although its balance is what it was', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(2);
  const wallet = await fan.window();
  // Of two changes that come close together the server tells a slow reader the last one.
  await wallet.routeWebSocket(/\/ws$/, (page) => {
    page.connectToServer().onMessage((text) => {
      const { method, params } = JSON.parse(String(text));
      if (method !== 'balance.update' || params.balance === 0) page.send(text);
    });
  });
  await wallet.goto(`${server.url}/#/wallet`);
  await wallet.reload();
  await wallet.waitForSelector('.wallet .empty');
  await seesThePayment(fan, wallet);
  await fan.leave();
  await server.stop();
});

/**
 * A fan at the checkout of a page that receives no balance, and another session of the same fan to fill the wallet.
 * @returns {Promise<{fan: Fan, other: import('../../../web/sdk/index.js').FrontrowClient, amount: number}>}
 */
async function withAnOldBalance() {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await rewrite(fan, (frame) => (frame.method === 'balance.update' ? null : frame));
  await fan.map();
  await fan.holdBest(2);
  await fan.toCheckout();
  const other = await elsewhere(fan);
  const [{ amount }] = await other.listReservations();
  await fan.page.waitForSelector('button.big:not([disabled])');
  return { fan, other, amount };
}

test('a page that believes an old balance asks the server first', async () => {
  const { fan, other, amount } = await withAnOldBalance();
  await other.charge(amount);
  await fan.pay();
  assert.equal(await other.balance(), 0, 'charged once');
  const charges = (await other.history()).filter((entry) => entry.type === 'CHARGE');
  assert.equal(charges.length, 1);
  await fan.leave();
});

test('a wallet that lacks less than was agreed is charged what it lacks', async () => {
  const { fan, other, amount } = await withAnOldBalance();
  await other.charge(1_000);
  await fan.pay();
  const changes = (await other.history()).map((entry) => entry.amount_change);
  assert.deepEqual(changes, [-amount, amount - 1_000, 1_000]);
  await fan.leave();
});

test('a performance is shown by the clocks of its venue, which are named to those whose own differ', async () => {
  const server = await Server.start('--demo');
  const [near, far] = await Promise.all([Fan.open(browser, server.url, { zone: 'Asia/Tokyo' }), Fan.open(browser, server.url, { zone: 'Europe/Berlin', size: PHONE })]);
  /** @param {Fan} fan @param {string} selector */
  const time = async (fan, selector) => (await fan.page.locator(selector).first().innerText()).replace(/\s/g, ' ');
  await Promise.all([near, far].map((fan) => fan.page.waitForSelector('.dates time')));
  assert.match(await time(near, '.dates time'), / 7:00 PM$/, 'Tokyo has the same time');
  assert.match(await time(far, '.dates time'), / 7:00 PM \(South Korea Time\)$/);
  await far.toSeats();
  assert.match(await time(far, '.seats-head option'), / 7:00 PM$/);
  assert.equal(await time(far, '.seats-head .select small'), 'South Korea Time', 'once, for all dates');
  await far.holdBest(1);
  await far.toCheckout();
  assert.match(await time(far, '.checkout .kicker time'), / 7:00 PM \(South Korea Time\)$/);
  await far.pay();
  assert.match(await time(far, '.purchase time'), / 7:00 PM \(South Korea Time\)$/);
  await far.screenshot('venue-time');
  await far.accessible('a ticket with its zone');
  await Promise.all([near.leave(), far.leave()]);
});

test('where the zone of the venue is not known, the one shown is named', async () => {
  const { server } = await club(4);
  const fan = await Fan.open(browser, server.url, { zone: 'Europe/Berlin' });
  await fan.page.waitForSelector('.dates time');
  assert.match(await fan.page.locator('.dates time').innerText(), /\(Germany Time\)$/);
  await fan.leave();
});

test('in two lines at once: the page calls for the one that it does not show, and leads there', async () => {
  const server = await Server.start('--demo', '--set', 'sale.capacity=1');
  const plan = join(server.data, 'arena.json');
  writeFileSync(plan, await Server.tool('venue', 'generate', '--seats', '100'));
  const starts = new Date(Date.now() + 60 * 24 * 3600_000).toISOString();
  const prices = JSON.parse(await Server.tool('venue', 'generate', '--seats', '100')).categories.flatMap((/** @type {any} */ c) => ['--price', `${c.name}=50000`]);
  await server.command('import', plan, '--title', 'Second Night', '--starts-at', starts, ...prices, '--open');
  const { client: first } = await admitted(server.url);
  const second = await guest(server.url);
  let other;
  while (!other) other = (await second.concerts()).find((concert) => concert.title === 'Second Night'); // Sold within two seconds.
  await second.join(other.concert_id);
  await second.admitted();

  const fan = await Fan.open(browser, server.url);
  await fan.page.waitForFunction(() => document.querySelectorAll('.poster-card').length === 2);
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  await fan.page.goto(`${fan.url}/#/sale/${other.concert_id}`);
  await fan.page.waitForSelector('.message .primary');
  await fan.click('.message .primary');
  await fan.page.waitForFunction((title) => document.querySelector('.waiting .kicker')?.textContent === title, 'Second Night');
  // The line that the page does not show.
  await first.leave();
  await fan.page.waitForSelector('.notice.good .actions button');
  assert.match(await fan.page.locator('.notice.good').innerText(), /turn for .*Front Row Night/);
  await fan.screenshot('turn-elsewhere');
  await fan.click('.notice.good .actions button');
  await fan.map();
  await fan.at('#/sale/1');
  // The place in the other line is what it was, on the way back.
  await fan.page.goto(`${fan.url}/#/sale/${other.concert_id}`);
  await fan.page.waitForSelector('.waiting');
  await fan.leave();
});

test('whoever is admitted sees the word of the operator, a pause and the end', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  await fan.toSeats();
  await server.command('sale', 'message', '1', 'Doors open late tonight', '--server', server.url);
  await shows(fan, /Doors open late tonight/);
  await server.command('sale', 'pause', '1', '--server', server.url);
  await shows(fan, /paused for the moment: no new seats/);
  await fan.screenshot('paused-inside');
  await fan.fits('the map of a paused sale');
  await fan.accessible('the map of a paused sale');
  await server.command('sale', 'open', '1', '--server', server.url);
  await fan.page.waitForFunction(() => !/paused for the moment/.test(document.body.textContent ?? ''));
  await server.command('sale', 'close', '1', '--server', server.url);
  await shows(fan, /has closed: no new seats/);
  await fan.leave();
});

test('a performance that begins is sold no more: its map gives way to the next date', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await rewrite(fan, (frame) => {
    const soon = frame.result?.schedules?.[0];
    if (soon) soon.starts_at = new Date(Date.now() + 3_000).toISOString();
    return frame;
  });
  await shows(fan, /This performance has begun/);
  await fan.map();
  assert.equal(await fan.page.locator('.seats-head option').count(), 0, 'one date is left');
  await fan.leave();
});
