/** Goal: the windows of one browser are one fan. Method: two real windows, and what they ask of the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan } from '../harness/browser.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page */
const tokenOf = (page) => page.evaluate(() => localStorage.getItem('frontrow.access_token'));

/**
 * Waits until so many windows wait for the lock.
 * @param {Page} page
 * @param {number} wanted
 */
async function waiting(page, wanted) {
  const pending = () => page.evaluate(async () => (await navigator.locks.query()).pending?.length);
  while ((await pending()) !== wanted);
}

for (const locks of [true, false]) {
  test(`two windows of a new visitor that join at once are one guest, ${locks ? 'with' : 'without'} locks`, async () => {
    const server = await Server.start('--demo');
    const fan = await Fan.open(browser, server.url);
    // Pages from an origin that is not safe have none.
    if (!locks) await fan.context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
    /** @type {Page[]} */
    const windows = [await fan.window(), await fan.window()];
    let guests = 0;
    /** @type {() => void} */
    let bothAsked = () => {};
    const both = new Promise((resolve) => (bothAsked = () => resolve(undefined)));
    await fan.context.route('**/api/v1/users', async (route) => {
      const second = ++guests === 2;
      if (second) bothAsked();
      await both;
      // The later answer finds what the earlier one left, where there are no locks.
      if (second) await windows[0].waitForFunction(() => localStorage.getItem('frontrow.access_token') !== null);
      await route.continue();
    });
    for (const page of windows) {
      await page.bringToFront();
      await page.click('.poster-card .primary');
    }
    if (locks) {
      // The second one waits for the first, and not for an account of its own.
      await waiting(windows[1], 1);
      // The second one sees what the first one stores later than its lock, as it may with two processes.
      await windows[1].evaluate(() => {
        const { getItem } = Storage.prototype;
        Storage.prototype.getItem = () => null;
        const keepBack = (/** @type {Event} */ event) => event.stopImmediatePropagation();
        addEventListener('storage', keepBack, { capture: true });
        Object.assign(window, {
          arrive() {
            Storage.prototype.getItem = getItem;
            removeEventListener('storage', keepBack, { capture: true });
            dispatchEvent(new StorageEvent('storage', { key: 'frontrow.access_token' }));
          },
        });
      });
      bothAsked();
      await waiting(windows[1], 0);
      await windows[1].evaluate(() => /** @type {any} */ (window).arrive());
    }
    for (const page of windows) await page.waitForSelector('frontrow-seatmap');
    assert.equal(guests, locks ? 1 : 2);
    // Seats that one of them holds are held by both.
    await windows[0].bringToFront();
    await windows[0].click('.best .primary');
    for (const page of windows) await page.waitForSelector('.cart.full');
    await fan.leave();
    await server.stop();
  });
}

test('what one window signs in or out, the others do as well', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  const other = await fan.window('/#/wallet');
  await other.waitForSelector('.message');
  await fan.toSeats();
  await other.bringToFront();
  await other.waitForSelector('.wallet');
  await fan.page.bringToFront();
  assert.ok(await tokenOf(other));
  await fan.click('header button');
  await fan.click('.signout button');
  await other.waitForSelector('.message');
  assert.equal(await tokenOf(other), null);
  // Nothing there brings it back.
  await other.reload();
  await other.waitForSelector('.message');
  assert.deepEqual(await other.evaluate(() => Object.keys(localStorage).filter((key) => /token|places|tickets/.test(key))), []);
  await fan.leave();
  await server.stop();
});
