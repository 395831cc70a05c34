/**
 * Goal: before paying a fan sees who sells, until when they may cancel and the terms, and agrees where the sale asks for it; a page
 * that cannot be loaded keeps nobody from paying. Method: a sale with such a page, and one whose page is not answered.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WORDS } from '../../../web/app/pages/concert.words.js';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {number} concertId @param {Record<string, unknown>} about */
const describe = (server, concertId, about) => server.command('concert', 'describe', String(concertId), '--about', JSON.stringify(about), '--server', server.url);

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [PHONE, 'en-GB', 'light'],
  [DESKTOP, 'en-GB', 'dark'],
  [DESKTOP, 'ko-KR', 'light'],
])) {
  const own = WORDS[locale === 'ko-KR' ? 'ko' : 'en'];
  test(`a buyer agrees before they pay: ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId } = await club(4);
    await describe(server, concertId, { must_agree: true, texts: { seller: 'Min & Co.', terms: '1. No <b>resale</b>.\n2. No filming.' } });
    const fan = await Fan.open(browser, server.url, { size, locale, scheme });
    await fan.toSeats();
    await fan.holdBest(1);
    await fan.toCheckout();
    const box = fan.page.getByLabel(own.agreeTerms);
    await box.waitFor();
    for (const text of ['Min & Co.', '1. No <b>resale</b>.']) await fan.page.locator('.before-paying', { hasText: text }).waitFor();
    const pay = fan.page.locator('button.big');
    assert.ok(await pay.isDisabled(), 'nobody pays who has not agreed');
    await fan.accessible('before paying');
    await fan.fits('before paying');
    await fan.screenshot(`agree-${size.width}-${locale}`);
    await box.press('Space');
    await fan.page.waitForSelector('button.big:not([disabled])');
    await box.press('Space');
    await fan.page.waitForSelector('button.big[disabled]');
    await box.press('Space');
    await fan.pay();
    await fan.leave();
  });
}

test('who is asked nothing sees until when they may cancel, and a page that does not come keeps nobody from paying', async () => {
  const { server } = await club(4);
  const fan = await Fan.open(browser, server.url, { size: PHONE, lossy: true });
  await fan.toSeats();
  await fan.holdBest(1);
  await fan.toCheckout();
  await fan.page.locator('.before-paying', { hasText: WORDS.en.refund }).waitFor();
  assert.equal(await fan.page.locator('.before-paying input').count(), 0);
  await fan.pay();
  await fan.page.goto(server.url);
  await fan.page.route('**/api/v1/concerts/*', (route) => route.abort());
  await fan.toSeats();
  await fan.holdBest(1);
  await fan.toCheckout();
  await fan.page.waitForSelector('button.big:not([disabled])');
  assert.equal(await fan.page.locator('.before-paying').count(), 0);
  await fan.pay();
  await fan.leave();
});
