/** Goal: from the start page to the ticket, on a phone and on a desktop, and what a fan may do afterwards. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DESKTOP, Fan, PHONE, launch } from '../harness/browser.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start('--demo'), launch()]);
});
after(() => Promise.all([stopServers(), browser.close()]));

for (const [where, size] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  test(`two seats together in at most six clicks on a ${where}`, async () => {
    const fan = await Fan.open(browser, server.url, { size });
    await fan.toSeats();
    const held = await fan.holdBest(2);
    assert.equal(held.length, 2);
    await fan.toCheckout();
    await fan.pay();
    assert.deepEqual(await fan.tickets(), held);
    assert.ok(fan.clicks <= 6, `${fan.clicks} clicks`);
    await fan.leave();
  });
}

test('what is stored survives a closed tab: the place, the seats, the ticket', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await fan.page.close();
  fan.page = await fan.window();
  await fan.click('.poster-card a.primary'); // "Continue"
  await fan.page.waitForSelector('.cart.full');
  assert.deepEqual(await fan.held(), held);
  await fan.toCheckout();
  await fan.page.reload();
  await fan.page.waitForSelector('.receipt');
  await fan.pay();
  await fan.page.reload();
  await fan.page.waitForSelector('.ticket');
  assert.deepEqual(await fan.tickets(), held);
  const stored = await fan.page.evaluate(() => Object.keys(localStorage));
  assert.ok(stored.includes('frontrow.access_token') && stored.includes('frontrow.queue_token'));
  await fan.leave();
});

test('a seat is chosen on the map, given back, and another one taken', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.sees(700, 'available');
  await fan.pick(700);
  await fan.sees(700, 'own');
  await fan.page.waitForSelector('.cart.full');
  assert.equal((await fan.held()).length, 1);
  await fan.pick(700);
  await fan.page.waitForSelector('.cart:not(.full)');
  await fan.sees(700, 'available');
  await fan.pick(701);
  await fan.page.waitForSelector('.cart.full');
  await fan.click('.held button');
  await fan.page.waitForSelector('.cart:not(.full)');
  await fan.leave();
});

test('a tap on a phone goes closer, then tells the price and asks', async () => {
  const fan = await Fan.open(browser, server.url, { size: PHONE });
  await fan.toSeats();
  const map = await fan.map();
  const box = /** @type {{x: number, y: number, width: number, height: number}} */ (await map.boundingBox());
  const [x, y] = [box.x + box.width / 2, box.y + box.height * 0.6];
  await fan.page.touchscreen.tap(x, y);
  const card = map.locator('.card:has(button)');
  // The map moves under the finger; where a seat is then, the card opens.
  for (let dx = 0; !(await card.isVisible()); dx += 9) await fan.page.touchscreen.tap(x + (dx % 90), y);
  assert.match(await card.innerText(), /₩/);
  await card.locator('button').tap();
  await fan.page.waitForSelector('.cart.full');
  await fan.leave();
});

test('more seats than one may hold: told so, nothing lost', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(4);
  await fan.click('.best .primary');
  await fan.page.waitForSelector('.notice.bad');
  assert.match(await fan.page.locator('.notice.bad').innerText(), /up to 4 seats/);
  assert.equal((await fan.held()).length, 4);
  await fan.leave();
});

test('prices filter what is offered', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const chips = fan.page.locator('.filters .chip');
  const last = (await chips.count()) - 1;
  const [, price] = /(₩[\d,]+)/.exec(await chips.nth(last).innerText()) ?? [];
  await chips.nth(last).click();
  assert.equal(await chips.nth(last).getAttribute('aria-pressed'), 'true');
  await fan.holdBest(2);
  assert.ok((await fan.page.locator('.held-row small').allInnerTexts()).every((text) => text.includes(String(price))));
  await fan.leave();
});

test('cancelled: the order stays in the list, the money is back, the history says why and what for', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const held = await fan.holdBest(2);
  await fan.toCheckout();
  const amount = await fan.page.locator('.receipt .sum strong').innerText();
  await fan.pay();
  await fan.click('.purchase > button');
  await fan.click('.dialog .buttons button:last-child');
  await fan.page.waitForSelector('.purchase.cancelled');
  const order = (await fan.page.locator('.purchase.cancelled').innerText()).replace(/\s+/g, ' ');
  for (const label of held) assert.ok(order.includes(label), `${label} in ${order}`);
  assert.match(order, /Cancelled on .* refunded to your wallet/);
  assert.equal(await fan.page.locator('.ticket, .qr').count(), 0, 'nothing to show at a door');
  await fan.accessible('a cancelled order');
  await fan.screenshot('order-cancelled');
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.page.waitForSelector('tbody tr:nth-child(3)');
  const about = (await fan.page.locator('tbody td:nth-child(2)').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
  for (const entry of about.slice(0, 2)) assert.match(entry, /^(?:Refund|Payment) .*Front Row Night · .* · 2 seats$/);
  assert.equal(about[2], 'Top-up');
  assert.equal(await fan.page.locator('[data-testid=balance]').innerText(), amount);
  assert.deepEqual(await fan.page.locator('tbody .what').allInnerTexts(), ['Refund', 'Payment', 'Top-up']);
  // Nobody is wished a nice evening who gave the tickets back.
  await fan.page.goto(`${fan.url}/#/sale/1`);
  await fan.page.waitForSelector('.message');
  assert.match(await fan.page.locator('.message').innerText(), /Your order was cancelled/);
  await fan.leave();
});

test('the wallet takes round sums and own amounts, and refuses nonsense', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.click('.sums button');
  await fan.page.waitForSelector('tbody tr');
  await fan.page.fill('.field input', '12,345');
  await fan.click('.field-row button');
  await fan.page.waitForSelector('tbody tr:nth-child(2)');
  assert.equal(await fan.page.locator('[data-testid=balance]').innerText(), '₩62,345');
  for (const nonsense of ['0', '-5', 'much', '']) {
    await fan.page.fill('.field input', nonsense);
    await fan.click('.field-row button');
    await fan.page.waitForSelector('.problem');
    await fan.page.fill('.field input', '1');
  }
  await fan.leave();
});

test('who has topped up as often as one may in a day is told that, and not that they have no right', async () => {
  const own = await Server.start('--demo', '--set', 'limits.ledger_entries_per_day=1');
  const fan = await Fan.open(browser, own.url);
  await fan.toSeats();
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.click('.sums button');
  await fan.page.waitForSelector('tbody tr');
  await fan.click('.sums button');
  await fan.page.waitForSelector('.notice.bad');
  assert.match(await fan.page.locator('.notice.bad').innerText(), /You can make at most 1 top-up or payment a day/);
  await fan.leave();
  await own.stop();
});

test('leaving and joining again', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.page.goto(`${fan.url}/#/`);
  await fan.click('.poster-card a.primary');
  await fan.map();
  await fan.page.goto(`${fan.url}/#/sale/77`);
  await fan.page.waitForSelector('.message');
  await fan.page.goto(`${fan.url}/#/nowhere/at/all`);
  await fan.page.waitForSelector('.message');
  await fan.click('.message a');
  await fan.page.waitForSelector('.poster-card');
  await fan.leave();
});
