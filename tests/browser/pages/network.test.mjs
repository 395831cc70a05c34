/** Goal: what the SDK keeps through bad networks, the page shows: the place, the seats, the ticket. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Fan, PHONE, launch } from '../harness/browser.mjs';
import { admitted, closeFans, fanOf, until } from '../harness/fans.mjs';
import { Proxy } from '../harness/proxy.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Server} */
let server;
/** @type {Proxy} */
let proxy;

before(async () => {
  browser = await launch();
});
after(() => Promise.all([browser.close(), stopServers()]));
beforeEach(async () => {
  server = await Server.start('--demo', '--set', 'sale.capacity=1');
  proxy = await Proxy.before(server);
});
afterEach(async () => {
  closeFans();
  await proxy.stop();
  await server.stop();
});

test('lost in the queue: said so, and the same place afterwards', async () => {
  const { client: first } = await admitted(server.url);
  const fan = await Fan.open(browser, proxy.url, { size: PHONE, lossy: true });
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  const token = await fan.page.evaluate(() => localStorage.getItem('frontrow.queue_token'));
  proxy.cut();
  await fan.page.waitForSelector('.linkstate:not(.empty)');
  assert.match(await fan.page.locator('.linkstate').innerText(), /your place and your seats are kept/);
  await fan.screenshot('reconnecting');
  proxy.mend();
  await fan.linked();
  assert.equal(await fan.page.locator('[data-testid=position]').innerText(), '1');
  assert.equal(await fan.page.evaluate(() => localStorage.getItem('frontrow.queue_token')), token);
  await first.leave();
  await fan.map();
  await fan.leave();
});

test('lost between pay and its answer: one payment, and the page ends on the ticket', async () => {
  const fan = await Fan.open(browser, proxy.url, { lossy: true });
  await fan.toSeats();
  const held = await fan.holdBest(2);
  const watcher = fanOf({ server: server.url, accessToken: (await fan.page.evaluate(() => localStorage.getItem('frontrow.access_token'))) ?? '' });
  await watcher.connect();
  // Money that is there need not be charged first: the page sends one request, `pay`.
  const [reservation] = await watcher.listReservations();
  await watcher.charge(reservation.amount);
  await fan.toCheckout();
  await fan.page.waitForSelector('button.big:not([disabled])');
  proxy.deafen(); // The question arrives, the answer does not.
  await fan.click('button.big');
  await until(async () => (await watcher.tickets()).length === 2);
  proxy.cut();
  proxy.mend();
  await fan.page.waitForSelector('.ticket');
  assert.deepEqual(await fan.tickets(), held);
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.page.waitForSelector('tbody tr');
  assert.deepEqual(await fan.page.locator('tbody .what').allInnerTexts(), ['Payment', 'Top-up']);
  await fan.leave();
});

test('the network is gone while paying: the page says that it keeps asking, then shows the ticket', async () => {
  const fan = await Fan.open(browser, proxy.url, { lossy: true });
  await fan.toSeats();
  await fan.holdBest(2);
  await fan.toCheckout();
  proxy.cut();
  await fan.page.waitForSelector('.linkstate:not(.empty)');
  await fan.click('button.big');
  await fan.page.waitForFunction(() => /not pay twice/.test(document.querySelector('.checkout .hint')?.textContent ?? ''));
  await fan.screenshot('paying-offline');
  proxy.mend();
  await fan.page.waitForSelector('.ticket');
  await fan.leave();
});

test('the server dies and comes back: held seats are still held', async () => {
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await server.kill();
  await fan.page.waitForSelector('.linkstate:not(.empty)');
  await server.startAgain();
  await fan.linked();
  assert.deepEqual(await fan.held(), held);
  await fan.toCheckout();
  await fan.pay();
  await fan.leave();
});

test('too many windows: the oldest says so and can take over', async () => {
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.toSeats();
  for (let more = 0; more < 5; more++) await fan.window('/#/sale/1');
  await fan.page.waitForSelector('.linkstate.bad');
  assert.match(await fan.page.locator('.linkstate').innerText(), /too many windows/);
  await fan.page.bringToFront();
  await fan.click('.linkstate button');
  await fan.linked();
  await fan.map();
  await fan.leave();
});

test('an account that the server does not know any more: joining makes a new one', async () => {
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.page.evaluate(() => {
    localStorage.setItem('frontrow.access_token', 'not.a.token');
    localStorage.setItem('frontrow.queue_token', '00000000-0000-8000-8000-000000000000');
  });
  await fan.page.reload();
  await fan.page.waitForSelector('.linkstate.bad');
  await fan.join();
  await fan.map();
  await fan.leave();
});
