/**
 * Goal: a fan who looks at their tickets sees what the box office does with them: another seat with another code, and a seat whose
 * money came back. Method: an operator's calls while the page is open, on a phone and on a desk, in both languages.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

for (const { size, locale, scheme, moved, refunded } of /** @type {const} */ ([
  { size: PHONE, locale: 'en-GB', scheme: 'light', moved: /gave you this seat in place of/, refunded: /refunded to your wallet/ },
  { size: DESKTOP, locale: 'ko-KR', scheme: 'dark', moved: /좌석 대신 배정된 좌석입니다/, refunded: /지갑 환불 금액/ },
])) {
  test(`seats of an order change while its fan looks on, in ${locale}`, async () => {
    const server = await Server.start('--demo');
    const { access_token: token } = await server.command('token', '--operator');
    /** @param {string} path @param {object} body */
    const operate = async (path, body) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/api/v1/admin/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      assert.equal(answer.status, 200, await answer.clone().text());
      return answer.json();
    };
    const fan = await Fan.open(browser, server.url, { size, locale, scheme });
    await fan.toSeats();
    await fan.holdBest(2);
    await fan.toCheckout();
    await fan.pay();
    const order = await fan.page.evaluate(() => location.hash.split('/')[2]);
    const codes = () => fan.page.locator('.purchase:not(.cancelled) .ticket-code').allInnerTexts();
    const before = await codes();
    assert.equal(before.length, 2);

    // The page's own seats, by their numbers; a free one of the same performance that costs as much is looked for from the end on.
    const known = await fan.page.evaluate(() => JSON.parse(localStorage.getItem('frontrow.tickets') ?? 'null'));
    const [first, second] = known.tickets;
    const layout = await (await fetch(`${server.url}/api/v1/schedules/${first.schedule_id}/layout`)).json();
    const category = layout.seats.category[first.seat];
    const free = layout.seats.category.lastIndexOf(category);
    await operate(`orders/${order}/move`, { from: first.seat, to: free });
    await fan.page.waitForFunction(() => document.querySelector('.ticket .news'));
    assert.match(await fan.page.locator('.ticket .news').innerText(), moved);
    const after = await codes();
    assert.equal(after.length, 2);
    assert.equal(after.filter((code) => before.includes(code)).length, 1, 'the other ticket is as it was');
    await fan.accessible('a seat in the place of another');
    await fan.fits('a seat in the place of another');
    await fan.screenshot(`tickets-moved-${locale}`);

    await operate(`orders/${order}/refund`, { reason: 'The seat is broken', seats: [second.seat] });
    await fan.page.waitForSelector('.purchase.cancelled');
    assert.equal((await codes()).length, 1);
    assert.match(await fan.page.locator('.purchase.cancelled .hint').innerText(), refunded);
    assert.match(await fan.page.locator('.purchase.cancelled').innerText(), /The seat is broken/);
    await fan.accessible('a seat that came back');
    await fan.fits('a seat that came back');
    await fan.screenshot(`tickets-refunded-${locale}`);
    await fan.leave();
    await server.stop();
  });
}
