/**
 * Goal: a fan knows where they are in the house, what is free at which price, and gets others when those that were picked do
 * not please. Method: two fans on a server of six seats each; what the canvas writes is listened to.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { DESKTOP, Fan, LANDSCAPE, PHONE, launch } from '../harness/browser.mjs';
import { admitted, leaveFans } from '../harness/fans.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start('--demo', '--set', 'sale.seats_per_reservation_max=6'), launch()]);
});
afterEach(() => leaveFans());
after(() => Promise.all([browser.close(), stopServers()]));

for (const size of [PHONE, LANDSCAPE]) {
  test(`the sections say their names, from afar and near by: ${size.width} wide`, async () => {
    const fan = await Fan.open(browser, server.url, { size });
    await fan.page.evaluate(() => {
      const { prototype } = CanvasRenderingContext2D;
      /** @type {Map<string, number>} The size of letters of what is written on plates over the map. */
      const written = ((/** @type {any} */ (globalThis)).written = new Map());
      const { fillText } = prototype;
      prototype.fillText = function (text, ...rest) {
        written.set(text, Number(/(\d+(?:\.\d+)?)px/.exec(this.font)?.[1]));
        return fillText.call(this, text, ...rest);
      };
    });
    await fan.toSeats();
    await fan.page.waitForFunction(() => /** @type {any} */ (document.querySelector('frontrow-seatmap')).pictureBytes > 0);
    const names = await fan.page.evaluate(() => /** @type {any} */ (document.querySelector('frontrow-seatmap')).venue.zones.map((/** @type {any} */ zone) => zone.short || zone.name));
    assert.ok(names.length > 3);
    await fan.page.waitForFunction((names) => names.every((/** @type {string} */ name) => /** @type {any} */ (globalThis).written.get(name) >= 9), names);
    await fan.screenshot(`sections-${size.width}`);
    await fan.holdBest(1);
    const where = fan.page.locator('frontrow-seatmap .where');
    await where.waitFor();
    const [held] = await fan.held();
    assert.ok(names.includes(await where.innerText()), `${await where.innerText()} for ${held}`);
    await fan.leave();
  });
}

for (const scheme of /** @type {const} */ (['light', 'dark'])) {
  test(`what the plan writes is read on the page's paper: ${scheme}`, async () => {
    const fan = await Fan.open(browser, server.url, { size: DESKTOP, scheme, locale: 'ko-KR' });
    await fan.page.evaluate(() => {
      const { prototype } = CanvasRenderingContext2D;
      /** @type {Map<string, unknown>} */
      const inks = ((/** @type {any} */ (globalThis)).inks = new Map());
      const { fillText } = prototype;
      prototype.fillText = function (text, ...rest) {
        inks.set(text, this.fillStyle);
        return fillText.call(this, text, ...rest);
      };
    });
    await fan.toSeats();
    const names = await fan.page.evaluate(() => /** @type {any} */ (document.querySelector('frontrow-seatmap')).venue.zones.map((/** @type {any} */ zone) => zone.name));
    await fan.page.waitForFunction((names) => names.every((/** @type {string} */ name) => /** @type {any} */ (globalThis).inks.has(name)), names);
    const inks = await fan.page.evaluate(() => [.../** @type {any} */ (globalThis).inks].filter(([, ink]) => /^#/.test(ink)));
    const paper = scheme === 'light' ? '#fffefb' : '#1b2027';
    for (const [name, ink] of inks.filter(([text]) => names.includes(text))) assert.ok(contrast(ink, paper) >= 4.5, `${name}: ${ink} on ${paper}`);
    await fan.leave();
  });
}

/** WCAG's contrast of two colours of six digits. @param {string} a @param {string} b */
function contrast(a, b) {
  const [light, dark] = [a, b]
    .map((colour) => {
      const [r, g, bl] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
    })
    .sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test('a seat is told by section, row and number, each as what it is, from the list to the ticket', async () => {
  for (const [locale, told, seat] of /** @type {const} */ ([['en-GB', /^.+, row A, seat 1, /, /^[\w ]+, row \w+, seat \d+$/], ['ko-KR', /^1, .+ A열 1번, /, /^[가-힣\d ]+ \w+열 \d+번$/]])) {
    const fan = await Fan.open(browser, server.url, { locale });
    await fan.toSeats();
    await fan.click('.segment:last-child');
    const map = await fan.map();
    await map.locator('h2 .fold').first().click();
    await map.locator('h3 .fold').first().click();
    assert.match((await map.locator('.seat').first().getAttribute('aria-label')) ?? '', told);
    const held = await fan.holdBest(2);
    for (const name of held) assert.match(name, seat);
    await fan.toCheckout();
    assert.deepEqual(await fan.page.locator('.receipt li .seat-name').allInnerTexts(), held);
    await fan.pay();
    assert.deepEqual(await fan.tickets(), held);
    // The device has no drawing, and does not get one.
    await fan.page.route('**/layout', (route) => route.abort());
    await fan.page.reload();
    await fan.page.waitForSelector('.ticket');
    assert.deepEqual(await fan.tickets(), held);
    await fan.said(/ERR_FAILED/);
    await fan.leave();
  }
});

test('what is free at each price is said, and follows; the looks of seats are explained', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const left = async () => (await fan.page.locator('.chip small').allInnerTexts()).map((text) => Number(/\d[\d,]*/.exec(text)?.[0].replace(',', '')));
  await fan.page.waitForSelector('.chip small');
  const before = await left();
  const all = Number(/\d[\d,]*/.exec(await fan.page.locator('[data-testid=available]').innerText())?.[0].replace(',', ''));
  assert.equal(before.reduce((sum, free) => sum + free, 0), all);
  const { client, scheduleId } = await admitted(server.url);
  const { seats } = await client.holdBest(scheduleId, 3);
  const category = await fan.page.locator('.chip strong').allInnerTexts().then((names) => names.indexOf(seats[0].category));
  await fan.page.waitForFunction(
    ([category, wanted]) => document.querySelectorAll('.chip small')[category].textContent?.includes(String(wanted)),
    /** @type {[number, number]} */ ([category, before[category] - 3]),
  );
  assert.deepEqual(await fan.page.locator('.legend li').allInnerTexts().then((texts) => texts.map((text) => text.trim())), ['free', 'held for you', 'held by somebody', 'sold']);
  await fan.leave();
});

test('the best seats up to a price: no other is offered, and the map shows which', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const prices = await fan.page.locator('.price-most option').evaluateAll((options) => options.map((option) => /** @type {HTMLOptionElement} */ (option).value));
  assert.ok(prices.length > 2, prices.join());
  const [, , most] = prices.map(Number);
  await fan.page.selectOption('.price-most', String(most));
  const shown = await (await fan.map()).evaluate((map) => [.../** @type {any} */ (map).filter].map((index) => /** @type {any} */ (map).layout.categories[index].price));
  assert.equal(Math.max(...shown), most);
  await fan.holdBest(2);
  const paid = await fan.page.locator('.held-row small').allInnerTexts();
  assert.ok(paid.length > 0);
  for (const price of paid) assert.ok(Number(price.replace(/^.*₩|\D/g, '')) <= most, price);
  // A category says more exactly what is wanted.
  await fan.click('.filters .chip:nth-of-type(2)');
  assert.equal(await fan.page.locator('.price-most').inputValue(), '');
  await fan.leave();
});

test('others instead of those that were picked, and the same again when there are none', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  const first = await fan.holdBest(2);
  await fan.click('.others:not([disabled])');
  await fan.page.waitForFunction((first) => ![...document.querySelectorAll('.held strong')].some((label) => first.includes(label.textContent?.replace(/\s+/g, ' ') ?? '')), first);
  const second = await fan.held();
  assert.equal(second.length, 2);
  // The sale lets one hold so many: the others have to be released first.
  for (let more = 2; more < 6; more++) await fan.click('.stepper button:last-child');
  assert.equal(await fan.page.locator('.stepper output').innerText(), '6');
  assert.equal(await fan.page.locator('.stepper button:last-child').isDisabled(), true);
  await fan.page.locator('.held .round[aria-disabled=false]').first().click();
  await fan.page.waitForFunction(() => document.querySelectorAll('.held li').length === 1);
  await fan.page.locator('.held .round[aria-disabled=false]').first().click();
  await fan.page.waitForSelector('.cart:not(.full)');
  await fan.click('.best .primary');
  await fan.page.waitForFunction(() => document.querySelectorAll('.held li').length === 6);
  const six = await fan.held();
  await fan.click('.others:not([disabled])');
  await fan.page.waitForFunction((six) => {
    const now = [...document.querySelectorAll('.held strong')].map((label) => label.textContent?.replace(/\s+/g, ' ') ?? '');
    return now.length === 6 && !now.some((label) => six.includes(label));
  }, six);
  await fan.leave();
});
