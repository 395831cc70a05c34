/** Goal: a fan sees new prices wherever prices are shown, and what they hold already costs what it did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

for (const locale of ['en-GB', 'ko-KR']) {
  test(`prices change before a fan's eyes, and not those of their seats: ${locale}`, async () => {
    const { server, scheduleId } = await club(4);
    const price = 50_000;
    const fan = await Fan.open(browser, server.url, { size: PHONE, locale });
    await fan.toSeats();
    await fan.pick(0);
    await fan.page.waitForSelector('.cart.full');
    const digits = (/** @type {string} */ text) => text.replace(/\D/g, '');
    const shows = (/** @type {number} */ amount) => fan.page.waitForFunction((wanted) => document.querySelector('.seats-tools')?.textContent?.replace(/\D/g, '').includes(wanted), String(amount));
    await shows(price);
    const held = await fan.page.locator('.cart .total').innerText();
    await server.command('sale', 'prices', String(scheduleId), `Row=${price + 1000}`, '--server', server.url);
    await shows(price + 1000);
    assert.ok(!digits(await fan.page.locator('.seats-tools').innerText()).includes(String(price)), 'the old price is gone');
    assert.equal(await fan.page.locator('.cart .total').innerText(), held, 'what is held costs what it did');
    await fan.screenshot(`prices-${locale}`);
    await fan.accessible('a map whose prices changed');

    await fan.click('.views .segment:last-child');
    const seat = fan.page.locator('frontrow-seatmap button.seat[data-seat="1"]');
    await seat.waitFor();
    assert.ok(digits((await seat.getAttribute('aria-label')) ?? '').includes(String(price + 1000)));
    await seat.click();
    await fan.page.waitForFunction((sum) => document.querySelector('.cart')?.textContent?.replace(/\D/g, '').includes(sum), String(2 * price + 1000));
    assert.equal((await fan.held()).length, 2);
    await fan.leave();
  });
}
