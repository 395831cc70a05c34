/**
 * Goal: a ticket can be shown at the door: one code at a time, as wide as the screen, which stays awake, and without a
 * network. Method: a phone whose server dies, and a screen whose lock is counted.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

test('a tap shows one code over the whole width, and the screen stays awake, also after the page was away', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  await fan.page.evaluate(() => {
    const locks = /** @type {any} */ (globalThis);
    locks.asked = locks.open = 0;
    const request = async () => {
      locks.asked++;
      locks.open++;
      let held = true;
      return { release: async () => void (held && ((held = false), locks.open--)) };
    };
    Object.defineProperty(navigator, 'wakeLock', { value: { request } });
  });
  const locks = () => fan.page.evaluate(() => [/** @type {any} */ (globalThis).asked, /** @type {any} */ (globalThis).open]);
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await fan.toCheckout();
  await fan.pay();
  assert.deepEqual(await locks(), [0, 0]);
  await fan.click('.ticket-qr');
  await fan.page.waitForSelector('dialog[open] .qr');
  const box = /** @type {{width: number}} */ (await fan.page.locator('dialog[open] .qr').boundingBox());
  assert.ok(box.width >= PHONE.width * 0.85, `${box.width} px wide`);
  assert.equal(await fan.page.locator('dialog[open] .qr').count(), 1, 'one at a time');
  assert.equal((await fan.page.locator('dialog[open] .seat-name').innerText()).replace(/\s+/g, ' '), held[0]);
  await fan.accessible('a code at the door');
  await fan.fits('a code at the door');
  await fan.screenshot('at-the-door');
  await fan.page.waitForFunction(() => /** @type {any} */ (globalThis).open === 1);
  // The browser takes the lock when the page goes out of sight.
  await fan.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await fan.page.waitForFunction(() => /** @type {any} */ (globalThis).asked === 2 && /** @type {any} */ (globalThis).open === 1);
  await fan.click('.door-steps button:last-child');
  await fan.page.waitForFunction((label) => document.querySelector('dialog[open] .seat-name')?.textContent === label, held[1]);
  assert.equal(await fan.page.locator('.door-steps button:last-child').isDisabled(), true);
  await fan.page.keyboard.press('Escape');
  await fan.page.waitForSelector('dialog[open]', { state: 'detached' });
  await fan.page.waitForFunction(() => /** @type {any} */ (globalThis).open === 0);
  await fan.leave();
  await server.stop();
});

test('tickets open without a server, as what was known last, and catch up with it', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { size: PHONE, lossy: true });
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await fan.toCheckout();
  await fan.pay();
  await fan.page.waitForFunction(() => /open without a network/.test(document.querySelector('.tickets .hint')?.textContent ?? ''));
  await server.kill();
  await fan.page.goto('about:blank');
  await fan.page.goto(`${fan.url}/#/tickets`);
  await fan.page.waitForSelector('.ticket');
  assert.deepEqual(await fan.tickets(), held);
  assert.match(await fan.page.locator('.stale-tickets').innerText(), /^Last known state, from .*\. It is checked as soon as there is a connection\.$/);
  await fan.screenshot('tickets-offline');
  await fan.click('.ticket-qr');
  await fan.page.waitForSelector('dialog[open] .qr');
  await fan.page.keyboard.press('Escape');
  await server.startAgain();
  await fan.page.waitForSelector('.stale-tickets', { state: 'detached' });
  assert.deepEqual(await fan.tickets(), held);
  // The worker passes everything on when there is a network.
  await fan.page.reload();
  await fan.linked();
  assert.deepEqual(await fan.tickets(), held);
  assert.equal(await fan.page.locator('.stale-tickets').count(), 0);
  // A sign-in that expired takes no ticket away; signing out leaves none on the device.
  await fan.page.evaluate(() => {
    localStorage.setItem('frontrow.access_token', 'not.a.token');
    localStorage.setItem('frontrow.queue_token', '00000000-0000-8000-8000-000000000000');
  });
  await fan.page.reload();
  await fan.page.waitForSelector('.linkstate.bad');
  assert.deepEqual(await fan.tickets(), held);
  assert.match(await fan.page.locator('.stale-tickets').innerText(), /Last known state/);
  const answered = await fan.page.evaluate(async () => (await fetch('/openapi.json')).status);
  assert.equal(answered, 200);
  await fan.leave();
  await server.stop();
});
