/**
 * Goal: nothing ends without a word, and what ends is free again. Method: a server with times that are short for a fan, and
 * long for a slow machine's browser.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeatState } from '../../../web/sdk/index.js';
import { Fan } from '../harness/browser.mjs';
import { admitted, fanOf, until } from '../harness/fans.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

test('a hold that is not paid: a warning, then the seats are free, and the page says what to do', async () => {
  const server = await Server.start('--demo', '--set', 'sale.hold_ttl=9s');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const { client: other, scheduleId } = await admitted(server.url);
  const house = await other.watch(scheduleId);
  await fan.holdBest(2);
  await until(async () => house.available === house.count - 2);
  const seats = [...house.states.keys()].filter((seat) => house.state(seat) === SeatState.TEMP_RESERVED);
  await fan.toCheckout();
  await fan.page.waitForSelector('.notice.warn');
  assert.match(await fan.page.locator('.notice.warn').innerText(), /Pay now to keep your seats/);
  await fan.page.waitForSelector('.message');
  assert.match(await fan.page.locator('.message').innerText(), /not held for you any more/);
  await fan.screenshot('hold-expired');
  await fan.click('.message a');
  await fan.map();
  for (const seat of seats) await fan.sees(seat, 'available');
  await until(async () => house.available === house.count);
  await fan.leave();
  await server.stop();
});

test('a hold that runs out on the map is told in words that stay, also after a reload', async () => {
  const server = await Server.start('--demo', '--set', 'sale.hold_ttl=9s');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await fan.page.waitForSelector('.notice.warn:has-text("The time to pay is over")');
  const told = (await fan.page.locator('.notice.warn').innerText()).replace(/\s+/g, ' ');
  for (const label of held) assert.ok(told.includes(label), `${label} in ${told}`);
  await fan.page.waitForSelector('.cart:not(.full)');
  await fan.screenshot('hold-lost-on-map');
  await fan.click('.notice.warn button');
  await fan.page.waitForSelector('.notice', { state: 'detached' });
  // It runs out while no page is open.
  const again = await fan.holdBest(1);
  const token = (await fan.page.evaluate(() => localStorage.getItem('frontrow.access_token'))) ?? '';
  await fan.page.goto('about:blank');
  const watcher = fanOf({ server: server.url, accessToken: token });
  await watcher.connect();
  await until(async () => (await watcher.listReservations()).every((reservation) => reservation.status === 'EXPIRED'));
  await fan.page.goto(`${fan.url}/#/sale/1`);
  await fan.page.waitForSelector(`.notice.warn:has-text("${again[0]}")`);
  await fan.page.reload();
  await fan.map();
  await fan.linked();
  assert.equal(await fan.page.locator('.notice').count(), 0, 'told once');
  await fan.leave();
  await server.stop();
});

test('the time that is left is never more than was given', async () => {
  const server = await Server.start('--demo', '--set', 'sale.admission_ttl=10m', '--set', 'sale.hold_ttl=5m');
  const fan = await Fan.open(browser, server.url);
  await fan.page.addInitScript(() => {
    const seen = ((/** @type {any} */ (globalThis)).seen = new Set());
    const look = () => document.querySelectorAll('[role=timer]').forEach((timer) => seen.add(timer.textContent));
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await fan.page.reload();
  await fan.toSeats();
  // Ends that are told at several moments of the page's own second.
  for (let turn = 1; turn <= 4; turn++) {
    await fan.pick(turn);
    await fan.page.waitForSelector('.cart.full');
    const first = await fan.page.locator('.timebar .pay').innerText();
    await fan.page.waitForFunction((first) => document.querySelector('.timebar .pay')?.textContent !== first, first);
    await fan.click('.held button');
    await fan.page.waitForSelector('.cart:not(.full)');
  }
  const texts = await fan.page.evaluate(() => [.../** @type {any} */ (globalThis).seen]);
  const given = { choose: 600, pay: 300 };
  for (const text of texts) {
    const [, minutes, seconds, what] = /^(\d+):(\d\d) left to (choose|pay)$/.exec(text) ?? assert.fail(text);
    assert.ok(Number(minutes) * 60 + Number(seconds) <= given[/** @type {keyof typeof given} */ (what)], text);
  }
  assert.ok(texts.length > 4, texts.join());
  await fan.leave();
  await server.stop();
});

test('on a device whose clock is an hour slow, the time to wait is as long as it is', async () => {
  const server = await Server.start('--demo', '--set', 'sale.hold_ttl=2s', '--set', 'sale.hold_again_after=50s');
  const fan = await Fan.open(browser, server.url);
  await fan.page.addInitScript(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() - 3600_000;
  });
  await fan.page.reload();
  await fan.toSeats();
  await fan.pick(7);
  await fan.page.waitForSelector('.notice.warn:has-text("The time to pay is over")');
  await fan.sees(7, 'available');
  await fan.pick(7);
  await fan.page.waitForSelector('.notice.bad');
  assert.match(await fan.page.locator('.notice.bad').innerText(), /\b0:\d\d\b/);
  await fan.leave();
  await server.stop();
});

test('doing nothing: asked, answered, and still in; unanswered, out', async () => {
  const server = await Server.start('--demo', '--set', 'sale.idle_ttl=15s');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.page.waitForSelector('.dialog');
  assert.match(await fan.page.locator('.dialog').innerText(), /Are you still there\?/);
  await fan.click('.dialog .primary');
  await fan.page.waitForSelector('.dialog', { state: 'detached' });
  await fan.page.waitForSelector('.dialog'); // Asked again, one idle time later: the answer counted.
  await fan.screenshot('still-there');
  await fan.page.waitForSelector('.message');
  assert.match(await fan.page.locator('.message').innerText(), /because nothing happened for a while/);
  await fan.click('.message .primary');
  await fan.map();
  await fan.leave();
  await server.stop();
});

test('the time to choose is over: told before and after', async () => {
  const server = await Server.start('--demo', '--set', 'sale.admission_ttl=9s');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  assert.match(await fan.page.locator('.timebar').innerText(), /left to choose/);
  await fan.page.waitForSelector('.notice.warn');
  await fan.page.waitForSelector('.message');
  assert.match(await fan.page.locator('.message').innerText(), /time to choose is over/);
  await fan.leave();
  await server.stop();
});
