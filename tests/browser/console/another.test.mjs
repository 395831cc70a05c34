/**
 * Goal: a promoter gives a concert another performance while it sells, and puts a concert away of which everything is over, told
 * before what will happen and, if it is not over, what is in the way. On a phone and on a desk, in both languages, by keyboard too.
 * Method: the console of a real server beside a fan, looked at by axe on every page.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [PHONE, 'en-GB', 'light'],
  [DESKTOP, 'en-GB', 'light'],
  [DESKTOP, 'ko-KR', 'dark'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  const l = w.life;
  test(`another performance, and the end of all, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId } = await club(8, { title: 'Small <i>Club</i> Night' });
    const fan = await Fan.open(browser, server.url, { size, locale, scheme });
    await fan.page.goto(`${server.url}/#/concert/${concertId}`);
    await fan.page.locator('.day').waitFor();

    const made = await server.command('operator', 'add', 'Ada', '--role', 'manager');
    const ada = await Operator.signIn(browser, made.link.url.replace(/^https?:\/\/[^/]+/, server.url), { size, locale, scheme });
    const { page } = ada;
    await page.goto(`${server.url}/console/#/sale/${concertId}`);
    const performances = page.locator('.performance');
    await performances.first().waitFor();

    // The form has the focus, what is no price is told, and the second look can be left.
    const opener = page.getByRole('button', { name: l.add, exact: true });
    await opener.focus();
    await page.keyboard.press('Enter');
    const form = page.getByRole('form', { name: l.add });
    await form.waitFor();
    assert.equal(await page.evaluate(() => /** @type {HTMLInputElement} */ (document.activeElement).name), 'start');
    const start = form.locator('input[name=start]');
    assert.equal(await form.getByLabel('Row').inputValue(), '50,000');
    await start.fill('2020-05-01T19:00');
    await form.getByLabel('Row').fill('dear');
    await form.getByRole('button', { name: l.lookAdd }).click();
    await form.getByText(w.making.priceWrong('Row')).waitFor();
    await form.getByLabel('Row').fill('60,000');
    await form.getByRole('button', { name: l.lookAdd }).click();
    await form.getByText(l.startBehind).waitFor();
    await ada.accessible('adding');
    await ada.fits('adding');
    await ada.screenshot(`adding-${size.width}-${locale}-${scheme}`);
    await start.fill('2099-05-01T19:00');
    await form.getByLabel('Row').press('Enter');
    const dialog = page.locator('dialog[open]');
    await dialog.filter({ hasText: '60,000' }).waitFor();
    await ada.accessible('adding, second look');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    assert.equal(await performances.count(), 1);
    await form.getByRole('button', { name: l.lookAdd }).click();
    await dialog.locator('.danger').focus();
    await page.keyboard.press('Enter');
    await performances.nth(1).waitFor();
    assert.match(await performances.nth(1).innerText(), /2099[^]*60,000/);
    await page.locator('.done', { hasText: '2099' }).waitFor();
    assert.equal(await page.locator('form.card').count(), 0);
    await ada.accessible('added');
    await ada.fits('added');
    // A fan finds it on the concert's page.
    await fan.page.reload();
    await fan.page.locator('.day').nth(1).waitFor();
    assert.match(await fan.page.locator('.day').nth(1).innerText(), /60,000/);

    // Another one at the same time is none.
    await opener.click();
    await start.fill('2099-05-01T19:00');
    await form.getByRole('button', { name: l.lookAdd }).click();
    await form.getByText(l.startsThen).waitFor();
    await form.getByRole('button', { name: w.cancel }).click();
    await form.waitFor({ state: 'detached' });

    // What is not over is not archived, and the page says what is in the way.
    const archive = page.locator('.archive');
    await archive.locator('summary').press('Enter');
    assert.equal(await archive.locator('.tag.warn').count(), 2);
    await ada.accessible('not over');
    await ada.fits('not over');
    await ada.screenshot(`not-over-${size.width}-${locale}-${scheme}`);
    await archive.getByRole('button', { name: l.lookArchive }).click();
    await dialog.locator('.danger').click();
    await archive.getByText(w.problems.NOT_OVER).waitFor();
    await ada.refused(409);

    // Called off as a whole, everything is over.
    await page.getByRole('button', { name: l.callOffAll }).click();
    await page.getByRole('form').getByLabel(l.why).fill('No licence');
    await page.getByRole('button', { name: l.lookOff }).click();
    await dialog.locator('.danger').click();
    await performances.locator('.tag.bad').nth(1).waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.archive .tag.warn').length === 0);
    await archive.getByRole('button', { name: l.lookArchive }).click();
    await dialog.filter({ hasText: 'Small <i>Club</i> Night' }).waitFor();
    await ada.accessible('archiving, second look');
    await dialog.locator('.danger').focus();
    await page.keyboard.press('Enter');
    await ada.shows(l.archived);
    await ada.accessible('archived');
    await ada.fits('archived');
    await page.getByRole('link', { name: w.nav.log, exact: true }).click();
    await page.locator('.line', { hasText: w.log.what.archive }).waitFor();
    await page.locator('.line', { hasText: w.log.what.perform }).waitFor();
    await page.getByRole('link', { name: w.nav.tonight, exact: true }).click();
    await ada.shows(w.tonight.none);
    await fan.leave();
    await ada.leave();
    await server.stop();
  });
}

test('who looks on neither adds nor archives', async () => {
  const { server, concertId } = await club(8);
  const made = await server.command('operator', 'add', 'Vic', '--role', 'viewer');
  const vic = await Operator.signIn(browser, made.link.url.replace(/^https?:\/\/[^/]+/, server.url), { size: PHONE, locale: 'en-GB' });
  await vic.page.goto(`${server.url}/console/#/sale/${concertId}`);
  await vic.page.locator('.performance').waitFor();
  assert.equal(await vic.page.getByRole('button', { name: en.life.add, exact: true }).count(), 0);
  assert.equal(await vic.page.locator('.archive').count(), 0);
  await vic.leave();
  await server.stop();
});
