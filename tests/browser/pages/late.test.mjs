/**
 * Goal: in whatever order modules, frames and drawings come, no page stays at "One moment" for good. Method: each of them is
 * made late; whether the page gets where it should is asked without a time limit of its own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan } from '../harness/browser.mjs';
import { admitted } from '../harness/fans.mjs';
import { effectsGo, holdEffectsFrom, late } from '../harness/late.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {{resolve?: () => void}} [of] */
const gate = (of = {}) => new Promise((resolve) => (of.resolve = () => resolve(undefined)));

test('a module that arrives between the drawing and its effects is shown', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await holdEffectsFrom(fan.page, 'PROGRESS');
  /** @type {{resolve?: () => void}} */
  const module = {};
  const asked = gate(module);
  await fan.page.route(/joined-later\.js$/, async (route) => {
    await asked;
    await route.continue();
  });
  const listed = fan.page.waitForResponse(/api\/v1\/concerts$/).then((response) => response.finished());
  await fan.page.reload();
  await listed;
  await fan.page.waitForFunction(() => /** @type {any} */ (globalThis).effectsWait());
  // The place and the concert are known, the page is drawn; now the module, and only then the effects.
  const arrived = fan.page.waitForResponse(/joined-later\.js$/).then((response) => response.url());
  module.resolve?.();
  await fan.page.evaluate((url) => import(url).then(() => {}), await arrived);
  await effectsGo(fan.page);
  await fan.page.waitForSelector('.cart.full');
  assert.deepEqual(await fan.held(), held);
  await fan.leave();
  await server.stop();
});

test('a reload with everything late, in many orders: every page gets where it should', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await fan.toCheckout();
  const checkout = new URL(fan.page.url()).hash;
  const state = await fan.context.storageState();
  const pages = /** @type {const} */ ([['#/sale/1', '.cart.full'], [checkout, '.receipt'], ['#/tickets', '.message'], ['#/wallet', '.wallet h2']]);
  /** @param {number} seed */
  const reload = async (seed) => {
    const [hash, selector] = pages[seed % pages.length];
    const context = await browser.newContext({ storageState: state, locale: 'en-GB' });
    const page = await context.newPage();
    await late(page, seed);
    await page.goto(`${server.url}/${hash}`);
    await page.waitForSelector(selector).catch(async (error) => {
      throw new Error(`seed ${seed}, ${hash}: ${await page.locator('main').innerText()}`, { cause: error });
    });
    if (selector === '.cart.full') assert.deepEqual((await page.locator('.held strong').allInnerTexts()).map((label) => label.replace(/\s+/g, ' ')), held);
    await context.close();
  };
  await Promise.all([1, 2, 3, 4].map(reload)); // One user may have so many open.
  await fan.leave();
  await server.stop();
});

test('a window that was taken over and comes back watches the seats again', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.toSeats();
  await fan.sees(5, 'available');
  for (let more = 0; more < 5; more++) await fan.window('/#/wallet');
  await fan.page.waitForSelector('.linkstate.bad');
  const { client: rival, scheduleId } = await admitted(server.url);
  await rival.hold(scheduleId, [5]);
  await fan.page.bringToFront();
  await fan.click('.linkstate button');
  await fan.sees(5, 'held');
  await fan.page.waitForSelector('.seats-map[data-stale=false]');
  await fan.leave();
  await server.stop();
});

test('what was pushed while an older list was on its way stays', async () => {
  const { server, concertId } = await club(6, { opensAt: new Date(Date.now() + 3600_000).toISOString() });
  const fan = await Fan.open(browser, server.url);
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  // The list is answered before the pause, and arrives after its push.
  /** @type {{resolve?: () => void}} */
  const later = {};
  const told = gate(later);
  const asked = new Promise((resolve) =>
    fan.page.route(/api\/v1\/concerts$/, async (route) => {
      const response = await route.fetch();
      resolve(undefined);
      await told;
      await route.fulfill({ response });
    }),
  );
  await fan.page.evaluate(() => (location.hash = '#/'));
  await asked;
  await server.command('sale', 'message', String(concertId), 'Doors open late tonight', '--server', server.url);
  await fan.page.waitForFunction(() => /Doors open late/.test(document.querySelector('.sale-message')?.textContent ?? ''));
  const list = fan.page.waitForResponse(/api\/v1\/concerts$/).then((response) => response.finished());
  later.resolve?.();
  await list;
  await fan.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  assert.match(await fan.page.locator('.sale-message').innerText(), /Doors open late tonight/);
  await fan.leave();
});

test('a fan may leave while a test still makes an answer', async () => {
  const { server } = await club(6);
  const fan = await Fan.open(browser, server.url);
  /** @type {{resolve?: () => void}} */
  const left = {};
  const gone = gate(left);
  /** @type {Promise<unknown>} */
  let made = Promise.resolve();
  const asked = new Promise((resolve) =>
    fan.page.route(/api\/v1\/concerts$/, (route) => {
      made = route.fetch().then(async (response) => {
        resolve(undefined);
        await gone;
        await route.fulfill({ json: await response.json() });
      });
      return made;
    }),
  );
  await fan.page.evaluate(() => location.reload());
  await asked;
  await fan.leave();
  left.resolve?.();
  // It ends in an error, which is nobody's fault: without an end to what is routed, it would fail this file.
  await assert.rejects(made, /disposed/);
  await server.stop();
});

test('what is on sale is read while the words are on their way, and is in the first drawing', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.page.addInitScript(() => {
    const world = /** @type {any} */ (globalThis);
    const ask = globalThis.fetch.bind(globalThis);
    world.fetch = async (/** @type {Parameters<typeof fetch>} */ ...of) => {
      const response = await ask(...of);
      if (!/concerts$/.test(response.url)) return response;
      const read = response.json.bind(response);
      response.json = () => read().finally(() => setTimeout(() => (world.listRead = true)));
      return response;
    };
    new MutationObserver(() => (world.waited ||= document.querySelector('.concerts .empty') !== null)).observe(document, { childList: true, subtree: true });
  });
  /** @type {{resolve?: () => void}} */
  const words = {};
  const told = gate(words);
  await fan.page.route(/i18n\/en\.js$/, async (route) => {
    await told;
    await route.continue();
  });
  await fan.page.reload({ waitUntil: 'commit' });
  await fan.page.waitForFunction(() => /** @type {any} */ (globalThis).listRead);
  words.resolve?.();
  await fan.page.waitForSelector('.poster-card');
  assert.equal(await fan.page.evaluate(() => /** @type {any} */ (globalThis).waited), false);
  await fan.leave();
  await server.stop();
});

test('a stranger at the address of a payment: told so, nobody is made of them, and it is no visit that hangs', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, `${server.url}`);
  await fan.page.goto(`${fan.url}/#/checkout/00000001-01a2-8223-a39e-b400097e488c`);
  await fan.page.waitForSelector('.message a');
  assert.match(await fan.page.locator('.message').innerText(), /not held for you/);
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.page.waitForSelector('.message');
  assert.match(await fan.page.locator('.message').innerText(), /You have no wallet yet/);
  await fan.leave();
  await server.stop();
});

test('a network that is gone at a deep link: said so, and another try gets there', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.page.waitForSelector('.poster-card');
  let down = true;
  await fan.page.route(/api\/v1\/concerts$/, (route) => (down ? route.abort() : route.continue()));
  await fan.page.goto('about:blank');
  await fan.page.goto(`${fan.url}/#/sale/1`);
  await fan.page.waitForSelector('.page.empty[role=alert] button');
  down = false;
  await fan.click('.page.empty button');
  await fan.page.waitForSelector('.message .primary');
  await fan.leave();
  await server.stop();
});
