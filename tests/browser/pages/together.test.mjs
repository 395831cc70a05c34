/** Goal: fans side by side see each other, and the one who loses a seat is told what is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { admitted } from '../harness/fans.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

test('two browsers side by side: each sees what the other holds and gives back', async () => {
  const server = await Server.start('--demo');
  const [ada, bob] = await Promise.all([Fan.open(browser, server.url), Fan.open(browser, server.url, { size: PHONE, locale: 'ko-KR' })]);
  await Promise.all([ada.toSeats(), bob.toSeats()]);
  await Promise.all([ada.sees(5, 'available'), bob.sees(5, 'available')]);
  await ada.pick(5);
  await bob.sees(5, 'held');
  await ada.sees(5, 'own');
  await bob.pick(6);
  await ada.sees(6, 'held');
  await ada.pick(5);
  await bob.sees(5, 'available');
  await Promise.all([ada.leave(), bob.leave()]);
  await server.stop();
});

test('two fans want the same seat: one gets it, the other is offered its neighbours', async () => {
  const server = await Server.start('--demo');
  const [ada, bob] = await Promise.all([Fan.open(browser, server.url), Fan.open(browser, server.url)]);
  await Promise.all([ada.toSeats(), bob.toSeats()]);
  await Promise.all([ada.sees(40, 'available'), bob.sees(40, 'available')]);
  // Both saw it free when they touched it.
  await Promise.all([ada.pick(40, 'available'), bob.pick(40, 'available')]);
  const lost = await Promise.any([ada, bob].map((fan) => fan.page.waitForSelector('.notice.bad .actions button').then(() => fan)));
  const won = lost === ada ? bob : ada;
  await won.sees(40, 'own');
  await won.page.waitForSelector('.cart.full');
  await lost.sees(40, 'held');
  const notice = lost.page.locator('.notice.bad');
  const [label] = await won.held();
  assert.match((await notice.innerText()).replace(/\s+/g, ' '), new RegExp(`Somebody else was faster: ${label} These are still free:`));
  const offered = await notice.locator('.actions button').allInnerTexts();
  assert.equal(offered.length, 3);
  await lost.screenshot('seat-taken');
  await notice.locator('.actions button').first().click();
  await lost.page.waitForSelector('.cart.full');
  assert.deepEqual(await lost.held(), [offered[0]]);
  await Promise.all([ada.leave(), bob.leave()]);
  await server.stop();
});

test('a sold-out house: one waits, a seat frees, one is let in and told', async () => {
  const { server } = await club(4);
  const { client: rival, scheduleId } = await admitted(server.url);
  const sold = await rival.hold(scheduleId, [0, 1]);
  await rival.charge(sold.amount);
  await rival.pay(sold.reservation_id);
  const { client: second } = await admitted(server.url);
  const held = await second.hold(scheduleId, [2, 3]);

  const fan = await Fan.open(browser, server.url);
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  assert.match(await fan.page.locator('.waiting').innerText(), /You’ll be let in as soon as there is room/);
  await fan.screenshot('full-house-waiting');
  await second.release(held.reservation_id, [3]);
  await fan.map();
  await fan.sees(3, 'available');
  await fan.sees(2, 'held');
  await fan.sees(1, 'sold');

  // Inside, a nearly full house says when something frees.
  await second.hold(scheduleId, [3]);
  await fan.sees(3, 'held');
  await second.release(held.reservation_id, [2]);
  await fan.page.waitForSelector('.notice.good .actions button');
  assert.match(await fan.page.locator('.notice.good').innerText(), /A seat is free again: Row A, seat 3/);
  await fan.screenshot('seat-freed');
  await fan.page.locator('.notice.good .actions button').click();
  await fan.page.waitForSelector('.cart.full');
  await fan.toCheckout();
  await fan.pay();
  // The last one goes too.
  const last = await second.pay(await charged(second, held.reservation_id));
  assert.equal(last.tickets.length, 1);
  await fan.page.goto(`${fan.url}/#/`);
  await fan.page.waitForSelector('.badge.closed');
  assert.match(await fan.page.locator('.badge').innerText(), /Sold out/);
  await fan.leave();
  await server.stop();
});

test('the line: places move up, the bar never goes back, the title tells', async () => {
  const server = await Server.start('--demo', '--set', 'sale.capacity=1');
  const { client: first } = await admitted(server.url);
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  const ahead = await Promise.all([1, 2].map(() => waitingFan(server.url)));
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  const position = fan.page.locator('[data-testid=position]');
  assert.equal(await position.innerText(), '3');
  assert.match(await fan.page.title(), /#3 in line/);
  await fan.screenshot('waiting-phone');
  const bar = () => fan.page.locator('progress').evaluate((element) => /** @type {HTMLProgressElement} */ (element).value);
  const before = await bar();
  await ahead[0].leave();
  await fan.page.waitForFunction(() => document.querySelector('[data-testid=position]')?.textContent === '2');
  const after = await bar();
  assert.ok(after > before);
  await fan.page.reload();
  await fan.page.waitForSelector('.waiting');
  assert.equal(await position.innerText(), '2');
  assert.ok((await bar()) >= after, 'not back after a reload either');
  await ahead[1].leave();
  await first.leave();
  await fan.map();
  await fan.leave();
  await server.stop();
});

/** Money for what is held. @param {import('../../../web/sdk/index.js').FrontrowClient} client @param {string} reservationId */
async function charged(client, reservationId) {
  await client.charge(/** @type {any} */ (client.reservations.get(reservationId)).amount);
  return reservationId;
}

/** @param {string} url */
async function waitingFan(url) {
  const { guest } = await import('../harness/fans.mjs');
  const client = await guest(url);
  const [concert] = await client.concerts();
  await client.join(concert.concert_id);
  return client;
}

test('in line or admitted, every page says so, and leads back', async () => {
  const server = await Server.start('--demo', '--set', 'sale.capacity=1');
  const { client } = await admitted(server.url);
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.page.waitForSelector('.timebar a');
  assert.match(await fan.page.locator('.timebar').innerText(), /number 1 in line/);
  await client.leave();
  await fan.page.waitForSelector('.notice.good');
  assert.match(await fan.page.locator('.notice.good').innerText(), /It’s your turn!/);
  assert.match(await fan.page.locator('.timebar').innerText(), /left to choose/);
  await fan.page.locator('.notice.good .actions button').click();
  await fan.map();
  await fan.holdBest(1);
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.page.waitForSelector('.timebar .pay');
  await fan.click('.timebar a');
  await fan.map();
  await fan.leave();
  await server.stop();
});
