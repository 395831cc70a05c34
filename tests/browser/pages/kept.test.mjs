/** Goal: a fan sees which seats are not for sale as they become so, on the map, in the list and in the legend, and holds none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

for (const [locale, words] of /** @type {const} */ ([
  ['en-GB', 'not for sale'],
  ['ko-KR', '판매하지 않는 좌석'],
])) {
  test(`a seat that the house keeps is shown so, and as free when it is given back: ${locale}`, async () => {
    const { server, scheduleId } = await club(4);
    const fan = await Fan.open(browser, server.url, { size: PHONE, locale });
    await fan.toSeats();
    const legend = fan.page.locator('.legend');
    assert.ok(!(await legend.innerText()).includes(words), 'of most houses nobody has to know of it');
    await server.command('seats', 'keep', String(scheduleId), '--numbers', '1', '--server', server.url);
    await fan.sees(1, 'notForSale');
    await fan.page.waitForSelector('.look.notForSale');
    assert.ok((await legend.innerText()).includes(words));
    await fan.screenshot(`kept-${locale}`);
    await fan.accessible('a map with a seat that is not for sale');

    await fan.click('.views .segment:last-child');
    const seat = fan.page.locator('frontrow-seatmap button.seat[data-seat="1"]');
    await seat.waitFor();
    assert.ok((await seat.getAttribute('aria-label'))?.endsWith(words));
    assert.equal(await seat.getAttribute('aria-disabled'), 'true');
    await seat.click({ force: true });
    await fan.click('frontrow-seatmap button.seat[data-seat="2"]');
    await fan.page.waitForSelector('.cart.full');
    assert.equal((await fan.held()).length, 1, 'the other one alone is held');

    await server.command('seats', 'open', String(scheduleId), '--all', '--server', server.url);
    await fan.sees(1, 'available');
    await fan.page.waitForSelector('.look.notForSale', { state: 'detached' });
    await fan.leave();
  });
}
