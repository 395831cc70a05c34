/** Goal: the whole journey without a pointer: by keyboard on the map, and by the list with the map hidden. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fan, launch } from '../harness/browser.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start('--demo'), launch()]);
});
after(() => Promise.all([browser.close(), stopServers()]));

/**
 * Presses Tab until the element has the focus, as somebody without a pointer does; fails if it is never reached.
 * @param {Fan} fan
 * @param {string} selector Matched within shadow roots as well.
 */
async function tabTo(fan, selector) {
  // What is on its way, or not to be pressed yet, is no stop of Tab.
  await fan.page.waitForSelector(`${selector}:not([disabled])`, { state: 'attached' });
  for (let presses = 0; presses < 80; presses++) {
    await fan.page.keyboard.press('Tab');
    const there = await fan.page.evaluate((wanted) => {
      let active = document.activeElement;
      while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
      return active?.matches(wanted) ?? false;
    }, selector);
    if (there) return;
  }
  assert.fail(`Tab does not reach ${selector}`);
}

/** @param {Fan} fan */
const press = (fan, /** @type {string[]} */ ...keys) => keys.reduce((before, key) => before.then(() => fan.page.keyboard.press(key)), Promise.resolve());

/** The map's text for a screen reader. @param {Fan} fan */
const spoken = async (fan) => (await fan.map()).locator('[role=status]').innerText();

/** Waits until the map says so: it speaks once it has heard, which is a moment after the page. @param {Fan} fan @param {RegExp} words */
const says = async (fan, words) => (await fan.map()).locator('[role=status]').filter({ hasText: words }).waitFor({ state: 'attached' });

test('by keyboard on the map', async () => {
  const fan = await Fan.open(browser, server.url);
  await tabTo(fan, '.poster-card .primary');
  await press(fan, 'Enter');
  await fan.map();
  await tabTo(fan, 'canvas');
  await says(fan, /free$/); // A section and its free seats.
  const first = await spoken(fan);
  await press(fan, 'ArrowRight');
  assert.notEqual(await spoken(fan), first, 'another section');
  await press(fan, 'Enter');
  await says(fan, /₩[\d,]+, free$/); // A seat with its price.
  await press(fan, 'Enter');
  await fan.page.waitForSelector('.cart.full');
  await says(fan, /held for you$/);
  await press(fan, 'ArrowDown', 'Enter');
  await fan.page.waitForFunction(() => document.querySelectorAll('.held li').length === 2);
  await says(fan, /held for you$/);
  await press(fan, 'Enter'); // Given back.
  await fan.page.waitForFunction(() => document.querySelectorAll('.held li').length === 1);
  await press(fan, 'n', 'Enter');
  await fan.page.waitForFunction(() => document.querySelectorAll('.held li').length === 2);
  await press(fan, 'Escape', '+', '-', '0');
  const held = await fan.held();
  await tabTo(fan, '.cart-foot a');
  await press(fan, 'Enter');
  await fan.page.waitForSelector('.receipt');
  await tabTo(fan, 'button.big');
  await press(fan, 'Enter');
  await fan.page.waitForSelector('.ticket');
  assert.deepEqual((await fan.tickets()).sort(), held.sort());
  await tabTo(fan, '.purchase > button');
  await press(fan, 'Enter');
  await fan.page.waitForSelector('dialog[open]');
  await press(fan, 'Escape');
  await fan.page.waitForSelector('dialog', { state: 'detached' });
  assert.ok(await fan.page.evaluate(() => document.activeElement?.matches('.purchase > button')), 'the focus is back');
  assert.equal(fan.clicks, 0);
  await fan.leave();
});

test('by the list, with the map hidden', async () => {
  const fan = await Fan.open(browser, server.url);
  await tabTo(fan, '.poster-card .primary');
  await press(fan, 'Enter');
  await fan.map();
  await tabTo(fan, '.segment:last-child');
  await press(fan, 'Enter');
  const map = await fan.map();
  assert.equal(await map.locator('canvas.seats').isVisible(), false);
  await tabTo(fan, 'h2 .fold');
  assert.match(await map.locator('h2 .fold').first().innerText(), /free$/);
  await press(fan, 'Enter');
  await tabTo(fan, 'h3 .fold');
  await press(fan, 'Enter');
  await tabTo(fan, '.seat[data-state=available]');
  await press(fan, 'Enter');
  await fan.page.waitForSelector('.cart.full');
  await map.locator('.seat[aria-pressed=true]').waitFor();
  assert.match((await map.locator('.seat[aria-pressed=true]').getAttribute('aria-label')) ?? '', /₩[\d,]+, held for you$/);
  await press(fan, 'ArrowRight', 'Enter');
  await fan.page.waitForFunction(() => document.querySelectorAll('.held li').length === 2);
  const held = await fan.held();
  await fan.accessible('the list');
  await tabTo(fan, '.cart-foot a');
  await press(fan, 'Enter');
  await fan.page.waitForSelector('.receipt');
  await tabTo(fan, 'button.big');
  await press(fan, 'Enter');
  await fan.page.waitForSelector('.ticket');
  assert.deepEqual((await fan.tickets()).sort(), held.sort());
  await fan.leave();
});

test('the skip link leads past the header', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.page.waitForSelector('.poster-card');
  await press(fan, 'Tab', 'Enter', 'Tab');
  assert.ok(await fan.page.evaluate(() => document.activeElement?.closest('main') !== null));
  await fan.leave();
});

test('a page that was gone to takes the focus at once, and from nothing that is used by then', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  // Somebody fast: the field has the focus as soon as it is drawn.
  await fan.page.evaluate(() => {
    const world = /** @type {any} */ (globalThis);
    new MutationObserver((_, observer) => {
      const field = /** @type {HTMLInputElement | null} */ (document.querySelector('.wallet input'));
      if (!field) return;
      observer.disconnect();
      world.hadFocus = document.activeElement?.id;
      field.focus();
    }).observe(document.body, { childList: true, subtree: true });
  });
  await fan.page.evaluate(() => (location.hash = '#/wallet'));
  // The history is asked for together with everything else that waits for the drawing.
  await fan.page.waitForSelector('.wallet h2 ~ .empty');
  assert.equal(await fan.page.evaluate(() => /** @type {any} */ (globalThis).hadFocus), 'content');
  assert.ok(await fan.page.evaluate(() => document.activeElement?.matches('.wallet input')));
  await fan.leave();
});
