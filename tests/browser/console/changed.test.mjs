/**
 * Goal: of two operators the second is told what the first one made of a start and of texts, and goes on from there; money that cannot
 * come back is named beside what does; and the seats of a performance that is called off are shown as that. On a phone and on a desk, in
 * both languages. Method: the console of a real server, another operator beside it, and a fan whose wallet is full.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { admitted } from '../harness/fans.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** The most that a wallet holds. */
const FULL = Number.MAX_SAFE_INTEGER;

/** Another operator's call. @param {import('../harness/server.mjs').Server} server @param {string} method @param {string} path @param {unknown} [body] */
async function other(server, method, path, body) {
  const { access_token: token } = await server.command('token', '--operator');
  const answer = await fetch(`${server.url}/api/v1/admin${path}`, { method, headers: { authorization: `Bearer ${token}` }, body: body === undefined ? undefined : JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  const l = w.life;
  test(`two operators, a full wallet, and seats of what is called off, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId, scheduleIds } = await club(8, { performances: 2 });
    const [first] = scheduleIds;
    const made = await server.command('operator', 'add', 'Ada', '--role', 'manager');
    const ada = await Operator.signIn(browser, made.link.url.replace(/^https?:\/\/[^/]+/, server.url), { size, locale, scheme });
    const { page } = ada;
    await page.goto(`${server.url}/console/#/sale/${concertId}`);
    const performances = page.locator('.performance');
    await performances.nth(1).waitFor();
    const dialog = page.locator('dialog[open]');

    // A start: the form was opened before somebody else moved it.
    await performances.nth(0).locator('.row-do').getByRole('button', { name: l.move }).click();
    const move = performances.nth(0).locator('form');
    await move.locator('input[name=start]').fill('2098-05-01T19:00');
    await other(server, 'POST', `/schedules/${first}/postpone`, { starts_at: '2097-03-03T10:00:00Z', reason: 'Another hall' });
    await page.locator('.performance', { hasText: '2097' }).waitFor();
    await performances.getByRole('button', { name: l.lookMove }).click();
    await dialog.locator('.danger').click();
    const changed = page.locator('.changed');
    await changed.waitFor();
    await ada.refused(409);
    assert.match(await changed.innerText(), /2097[^]*2098/);
    await ada.accessible('moved by somebody else');
    await ada.fits('moved by somebody else');
    await performances.getByRole('button', { name: l.lookMove }).click();
    await dialog.filter({ hasText: '2097' }).waitFor();
    await dialog.locator('.danger').click();
    await ada.shows(l.moved);
    await page.locator('.performance', { hasText: '2098' }).waitFor();

    // Texts: what was typed stays, and the next save is on top of what it is now.
    await page.locator('.texts:not(.archive) > summary').press('Enter');
    await page.getByLabel(w.making.name, { exact: true }).fill('Large Club Night');
    await other(server, 'PATCH', `/concerts/${concertId}`, { title: 'Winter Club Night' });
    const save = page.locator('#basics form .save button');
    await save.click();
    await changed.waitFor();
    await ada.refused(409);
    assert.match(await changed.innerText(), /Small Club Night[^]*Winter Club Night[^]*Large Club Night/);
    await ada.accessible('described by somebody else');
    await ada.fits('described by somebody else');
    assert.equal(await page.getByLabel(w.making.name, { exact: true }).inputValue(), 'Large Club Night');
    await save.click();
    await page.getByRole('heading', { level: 1, name: 'Large Club Night' }).waitFor();
    assert.equal(await changed.count(), 0);

    // Two orders: one can come back, the other one's wallet has no room for it.
    const [poor, rich] = [await admitted(server.url), await admitted(server.url)];
    for (const [{ client }, seat] of /** @type {const} */ ([[poor, 0], [rich, 1]])) {
      const { reservation_id: order } = await client.hold(first, [seat]);
      await client.charge(50_000);
      await client.pay(order);
    }
    await rich.client.charge(FULL);
    const watcher = await Fan.open(browser, server.url, { size, locale, scheme });
    await watcher.toSeats();

    await page.locator('.performance', { hasText: '2098' }).locator('.row-do').getByRole('button', { name: l.callOff }).click();
    const form = page.getByRole('form');
    await form.getByLabel(l.why).fill('The hall is under water');
    await form.getByRole('button', { name: l.lookOff }).click();
    await dialog.locator('.danger').click();
    const stuck = page.locator('.stuck');
    await stuck.waitFor();
    assert.ok((await stuck.innerText()).includes(w.problems.WALLET_FULL));
    await page.getByText(l.seatsLeft(1), { exact: true }).waitFor();
    await page.getByText(l.goesOn, { exact: true }).waitFor();
    assert.equal(await page.getByText(l.allBack, { exact: true }).count(), 0);
    await ada.accessible('stuck');
    await ada.fits('stuck');
    await ada.screenshot(`stuck-${size.width}-${locale}-${scheme}`);
    // The order is a click away.
    const { refunds } = await other(server, 'GET', '/refunds');
    assert.equal(await stuck.locator('a').getAttribute('href'), `#/orders/${refunds[0].stuck[0].reservation_id}`);

    // Its seats: what came back is not for sale, what is stuck is still somebody's, and nothing of it counts as free.
    await page.locator('.seats select').first().selectOption(String(first));
    await page.locator('.seats .off', { hasText: w.sale.seatsOff }).waitFor();
    await page.waitForFunction(() => {
      const map = /** @type {any} */ (document.querySelector('.seats frontrow-seatmap'));
      return map?.venue && map.stateOf(0) === 'notForSale' && map.stateOf(1) === 'sold';
    });
    await page.locator('.performance', { hasText: '2098' }).getByText(w.tonight.seats({ sold: '1', held: '0', free: '0', kept: '7' })).waitFor();
    await ada.accessible('seats of what is called off');
    await ada.fits('seats of what is called off');
    await ada.screenshot(`seats-off-${size.width}-${locale}-${scheme}`);

    // A fan who chooses seats sees none of it any more.
    await watcher.page.waitForFunction(() => document.querySelectorAll('.seats-head select').length === 0);
    await watcher.accessible('seats of what is left');
    await watcher.leave();
    await ada.leave();
    await server.stop();
  });
}
