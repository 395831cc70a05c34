/** Goal: what the operator does to a sale reaches the fans in words; a server without guests asks who one is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fan, PHONE, launch } from '../harness/browser.mjs';
import { admitted, closeFans } from '../harness/fans.mjs';
import { Server, stopServers } from '../harness/server.mjs';
import { club } from '../harness/venue.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => {
  closeFans();
  return Promise.all([browser.close(), stopServers()]);
});

test('a word from the operator, a pause, and the end reach those who wait', async () => {
  const server = await Server.start('--demo', '--set', 'sale.capacity=1');
  await admitted(server.url);
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  /** @param {RegExp} words */
  const told = (words) => fan.page.waitForFunction(([source]) => new RegExp(source).test(document.querySelector('main')?.textContent ?? ''), [words.source]);
  await server.command('sale', 'message', '1', 'Doors open late tonight', '--server', server.url);
  await told(/Doors open late tonight/);
  await server.command('sale', 'pause', '1', '--server', server.url);
  await told(/paused for the moment/);
  await fan.screenshot('paused');
  await server.command('sale', 'open', '1', '--server', server.url);
  await told(/You are next/);
  await server.command('sale', 'close', '1', '--server', server.url);
  await told(/The sale has closed/);
  await fan.screenshot('closed');
  assert.equal(await fan.page.locator('main button').count(), 0, 'nothing to join any more');
  await fan.page.goto(`${fan.url}/#/`);
  await fan.page.waitForSelector('.badge.closed');
  assert.equal(await fan.page.locator('.poster-card .primary').count(), 0);
  await fan.leave();
});

test('before the opening one may join, and is let in by the opening alone', async () => {
  const { server, concertId } = await club(6, { opensAt: new Date(Date.now() + 3600_000).toISOString() });
  const fan = await Fan.open(browser, server.url);
  await fan.page.waitForSelector('.opens');
  assert.match(await fan.page.locator('.opens').innerText(), /Sale opens in (?:1:00:00|59:\d\d)/);
  assert.match(await fan.page.locator('.poster-card .primary').innerText(), /Join the line early/);
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  assert.match(await fan.page.locator('.waiting').innerText(), /has not opened yet. Your place counts already/);
  await fan.screenshot('early');
  await server.command('sale', 'open', String(concertId), '--server', server.url);
  await fan.map();
  await fan.leave();
});

test('while paused: holding is refused in words, paying works', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(1);
  await server.command('sale', 'pause', '1', '--server', server.url);
  await fan.click('.best .primary');
  await fan.page.waitForSelector('.notice.bad');
  assert.match(await fan.page.locator('.notice.bad').innerText(), /paused. Paying still works/);
  await fan.toCheckout();
  await fan.pay();
  await fan.leave();
});

test('a server without guests asks for an access token, and takes it', async () => {
  const { server } = await club(4, { guests: false });
  const { access_token: token } = await server.command('user', 'add', '--name', 'Grace', '--balance', '70000');
  const fan = await Fan.open(browser, server.url, { lossy: true });
  await fan.join();
  await fan.page.waitForSelector('dialog[open]');
  await fan.accessible('sign in');
  await fan.page.fill('dialog input', token);
  await fan.click('dialog button[type=submit]');
  await fan.page.waitForSelector('dialog', { state: 'detached' });
  await fan.join();
  await fan.map();
  await fan.holdBest(1);
  await fan.toCheckout();
  assert.match(await fan.page.locator('button.big').innerText(), /^Pay ₩50,000$/, 'there is enough in the wallet');
  await fan.pay();
  fan.faults = fan.faults.filter((fault) => !/403/.test(fault)); // The refusal was meant.
  await fan.leave();
});

test('a stored place that the server does not know: the real one is found, or one may join again', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const lose = () =>
    fan.page.evaluate(() => {
      const unknown = '00000001-0000-8000-8000-000000000000';
      localStorage.setItem('frontrow.queue_token', unknown);
      localStorage.setItem('frontrow.places', JSON.stringify({ 1: unknown }));
    });
  await lose();
  await fan.page.reload();
  await fan.map();
  // Given up elsewhere, and then the memory of it lost as well.
  const { client } = await admitted(server.url, { accessToken: await fan.page.evaluate(() => localStorage.getItem('frontrow.access_token')) });
  await client.leave();
  await fan.page.waitForSelector('.message .primary');
  await lose();
  await fan.page.reload();
  await fan.page.waitForSelector('.message .primary');
  await fan.click('.message .primary');
  await fan.map();
  await fan.leave();
});

test('to be called at admission is a choice that is kept', async () => {
  const server = await Server.start('--demo', '--set', 'sale.capacity=1');
  const { client } = await admitted(server.url);
  const fan = await Fan.open(browser, server.url);
  await fan.context.grantPermissions(['notifications']);
  await fan.join();
  await fan.page.waitForSelector('.waiting');
  await fan.click('.switch input');
  await fan.page.waitForFunction(() => /play a sound and show a notification/.test(document.querySelector('.tips')?.textContent ?? ''));
  assert.equal(await fan.page.evaluate(() => localStorage.getItem('frontrow.chime')), 'on');
  assert.equal(await fan.page.evaluate(async () => Boolean(await navigator.serviceWorker.ready)), true);
  await client.leave();
  await fan.map();
  await fan.leave();
});
