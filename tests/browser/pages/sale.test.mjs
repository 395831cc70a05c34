/** Goal: what the operator does to a sale reaches the fans in words; a server without guests asks who one is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { admitted } from '../harness/fans.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

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

test('a deep link says what the sale is, and offers what there is to do', async () => {
  const opensAt = new Date(Date.now() + 3600_000).toISOString();
  const { server, concertId } = await club(2, { opensAt });
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  /** @param {RegExp} words @param {string[]} buttons */
  const says = async (words, buttons) => {
    // A fan without a place learns it by a request: the next visit makes one.
    await fan.page.goto('about:blank');
    await fan.page.goto(`${fan.url}/#/sale/${concertId}`);
    await fan.page.waitForSelector('.message');
    assert.match((await fan.page.locator('.message').innerText()).replace(/\s+/g, ' '), words);
    assert.deepEqual((await fan.page.locator('.message button').allInnerTexts()).filter((label) => label !== 'Share this sale'), buttons);
  };
  await says(/Small Club Night Club .* (?:AM|PM) .*The sale has not opened yet.* Sale opens in (?:1:00:00|59:\d\d)/, ['Join the line early']);
  await fan.accessible('deep link to a scheduled sale');
  await fan.screenshot('link-scheduled');
  await server.command('sale', 'open', String(concertId), '--server', server.url);
  await says(/When it’s your turn, you choose your seats/, ['Join the line']);
  await server.command('sale', 'message', String(concertId), 'Back in ten minutes', '--server', server.url);
  await server.command('sale', 'pause', String(concertId), '--server', server.url);
  await says(/The sale is paused for the moment\. .* Back in ten minutes/, []);
  await fan.screenshot('link-paused');
  await server.command('sale', 'open', String(concertId), '--server', server.url);
  const { client, scheduleId } = await admitted(server.url);
  const held = await client.hold(scheduleId, [0, 1]);
  await client.charge(held.amount);
  await client.pay(held.reservation_id);
  await says(/All seats are sold. You can wait in line for returned tickets/, ['Wait for returned tickets']);
  // No time is promised in that line.
  await fan.click('.message .primary');
  await fan.page.waitForSelector('.waiting');
  assert.match(await fan.page.locator('.waiting').innerText(), /When a ticket is returned, the first in line can buy it/);
  assert.doesNotMatch(await fan.page.locator('.waiting').innerText(), /You are next|Your turn in|a minute/);
  await fan.screenshot('sold-out-line');
  await client.cancel(held.reservation_id);
  await fan.map();
  const other = await Fan.open(browser, server.url);
  await server.command('sale', 'close', String(concertId), '--server', server.url);
  await other.page.goto('about:blank');
  await other.page.goto(`${other.url}/#/sale/${concertId}`);
  await other.page.waitForSelector('.message');
  assert.match(await other.page.locator('.message').innerText(), /No more seats are sold for this concert/);
  assert.deepEqual((await other.page.locator('.message button').allInnerTexts()).filter((label) => label !== 'Share this sale'), []);
  await other.leave();
  await fan.leave();
});

test('only seats of the same concert go when one date is paid', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(1);
  assert.doesNotMatch(await fan.page.locator('.cart').innerText(), /another date/);
  // Seats of another concert are also named by the server, and stay.
  await fan.page.routeWebSocket(/\/ws$/, (socket) => {
    const behind = socket.connectToServer();
    behind.onMessage((message) => {
      const frame = JSON.parse(String(message));
      const [mine] = frame.result?.reservations ?? [];
      if (mine) frame.result.reservations.push({ ...mine, reservation_id: `${mine.reservation_id.slice(0, -1)}x`, concert_id: mine.concert_id + 1, schedule_id: 99 });
      socket.send(JSON.stringify(frame));
    });
  });
  await fan.page.reload();
  await fan.page.waitForSelector('.cart.full');
  await fan.linked();
  assert.doesNotMatch(await fan.page.locator('.cart').innerText(), /another date/);
  // Those of another date of the same concert do go, and both pages say so.
  await fan.page.selectOption('select', { index: 1 });
  await fan.map();
  await fan.click('.best .primary');
  await fan.page.waitForSelector('.cart.full');
  assert.match(await fan.page.locator('.cart').innerText(), /When you pay for one date, the seats of the others are released/);
  await fan.toCheckout();
  assert.match(await fan.page.locator('.checkout').innerText(), /the seats of the others are released/);
  await fan.leave();
  await server.stop();
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

test('what one fan may have of a sale bounds the stepper, and is said where it is reached', async () => {
  const server = await Server.start('--demo', '--set', 'sale.seats_per_user_max=3');
  for (const [locale, reached] of /** @type {const} */ ([['en-GB', /up to 3 seats of this sale/], ['ko-KR', /1인당 최대 3매/]])) {
    const fan = await Fan.open(browser, server.url, { locale });
    await fan.toSeats();
    const more = fan.page.locator('.stepper button:last-child');
    await fan.click('.stepper button:last-child');
    assert.ok(await more.isDisabled(), 'three, although a reservation may have four');
    await fan.click('.stepper button:first-child');
    assert.equal((await fan.holdBest(2)).length, 2);
    await fan.toCheckout();
    await fan.pay();
    await fan.page.goto(`${fan.url}/#/`);
    await fan.toSeats();
    // The seats that were bought count: one is left.
    await fan.page.waitForSelector('.stepper button:last-child:disabled');
    assert.match(await fan.page.locator('.stepper output').innerText(), /1/);
    await fan.click('.best .primary');
    await fan.page.waitForSelector('.cart.full');
    assert.equal((await fan.held()).length, 1);
    const free = await (await fan.map()).evaluate((map) => {
      const { model } = /** @type {any} */ (map);
      return model.states.findIndex((/** @type {number} */ state) => state === 0);
    });
    await fan.pick(free);
    await fan.page.waitForSelector('.notice.bad');
    assert.match(await fan.page.locator('.notice.bad').innerText(), reached);
    await fan.screenshot(`seats-per-user-${locale}`);
    await fan.accessible('a limit that is reached');
    await fan.leave();
  }
});
