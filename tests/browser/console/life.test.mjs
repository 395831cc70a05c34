/**
 * Goal: a promoter postpones, changes prices and texts, and calls off without a terminal, told before each what will happen; fans
 * who are there are told at once, and the others at their next visit. On a phone and on a desk, in both languages, by keyboard
 * too. Method: the console of a real server beside fans with pages of their own, looked at by axe on every page.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WORDS } from '../../../web/app/pages/concert.words.js';
import { words as fanEn } from '../../../web/app/i18n/en.js';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { atVenue, clockOf } from '../../../web/console/pages/sale/venue-time.js';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} name @param {string} role */
async function link(server, name, role) {
  const made = await server.command('operator', 'add', name, '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

/** An operators' call beside the console. @param {import('../harness/server.mjs').Server} server @param {string} method @param {string} path @param {unknown} [body] */
async function admin(server, method, path, body) {
  const { access_token: token } = await server.command('token', '--operator');
  const answer = await fetch(`${server.url}/api/v1/admin${path}`, { method, headers: { authorization: `Bearer ${token}` }, body: body === undefined ? undefined : JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

test('times by the clocks of a venue are the moments that they are', () => {
  assert.equal(atVenue('2027-05-01T19:00', 'Asia/Seoul'), '2027-05-01T10:00:00.000Z');
  assert.equal(clockOf('2027-05-01T10:00:00.000Z', 'Asia/Seoul'), '2027-05-01T19:00');
  assert.equal(atVenue('2027-07-01T19:00', 'Europe/Berlin'), '2027-07-01T17:00:00.000Z');
  assert.equal(atVenue('2027-01-01T19:00', 'Europe/Berlin'), '2027-01-01T18:00:00.000Z');
  // An hour that is there twice is the first; one that is skipped is an hour on.
  assert.equal(atVenue('2027-10-31T02:30', 'Europe/Berlin'), '2027-10-31T00:30:00.000Z');
  assert.equal(atVenue('2027-03-28T02:30', 'Europe/Berlin'), '2027-03-28T01:30:00.000Z');
  assert.equal(atVenue('2027-03-14T23:59', 'America/New_York'), '2027-03-15T03:59:00.000Z');
});

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'light'],
  [PHONE, 'en-GB', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
  [DESKTOP, 'ko-KR', 'dark'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  const [l, own] = [w.life, WORDS[locale === 'ko-KR' ? 'ko' : 'en']];
  test(`a concert's life, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId } = await club(8, { title: 'Small <i>Club</i> Night', performances: 2 });
    const fan = await Fan.open(browser, server.url, { size, locale, scheme });
    await fan.toSeats();
    await fan.holdBest(2);
    await fan.toCheckout();
    await fan.pay();

    const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size, locale, scheme });
    const { page } = ada;
    await page.goto(`${server.url}/console/#/sale/${concertId}`);
    const performances = page.locator('.performance');
    await performances.nth(1).waitFor();
    await ada.accessible('life');
    await ada.fits('life');

    // Another start: a look at what it means, by keyboard.
    await performances.nth(0).locator('.row-do').getByRole('button', { name: l.move }).focus();
    await page.keyboard.press('Enter');
    const move = performances.nth(0).locator('form');
    const start = move.locator('input[name=start]');
    const before = await start.inputValue();
    const after = `${Number(before.slice(0, 4)) + 1}${before.slice(4)}`;
    await start.fill(after);
    await move.getByLabel(l.why).fill('The singer is <b>ill</b>');
    await ada.accessible('moving');
    await ada.fits('moving');
    await move.getByLabel(l.why).press('Enter');
    await page.locator('dialog[open]').waitFor();
    await ada.accessible('moving, second look');
    await page.locator('dialog[open] .danger').focus();
    await page.keyboard.press('Enter');
    await ada.shows(l.moved);
    await ada.shows('The singer is <b>ill</b>');
    // The fan who bought finds it beside the ticket.
    await fan.page.locator('.purchase .news', { hasText: 'The singer is <b>ill</b>' }).waitFor();
    assert.equal(await fan.page.locator('.purchase:not(.cancelled) .ticket').count(), 2);

    // Prices of free seats: what one saw, what it is, what one wants, when somebody was faster.
    const second = performances.nth(0);
    await second.locator('.row-do').getByRole('button', { name: l.prices }).click();
    await second.getByLabel(w.making.priceOf('Row', 8)).fill('60,000');
    await ada.accessible('prices');
    await ada.fits('prices');
    const plannedId = await planned(server, concertId);
    await admin(server, 'PATCH', `/schedules/${plannedId}`, { prices: { Row: 55_000 }, all_performances: true });
    await second.getByRole('button', { name: l.lookPrices }).click();
    await page.locator('dialog[open] .danger').click();
    await page.locator('.changed', { hasText: '55,000' }).waitFor();
    await ada.refused(409);
    assert.match(await page.locator('.changed').innerText(), /50,000[^]*55,000[^]*60,000/);
    await ada.accessible('somebody was faster');
    // Whoever was told goes on from there.
    await second.getByLabel(l.allPerformances).check();
    await second.getByRole('button', { name: l.lookPrices }).click();
    await page.locator('dialog[open] .danger').click();
    await ada.shows(l.priced);
    await performances.filter({ hasText: '60,000' }).nth(1).waitFor();

    // Texts of the page.
    await page.locator('.texts > summary').press('Enter');
    await page.getByLabel(w.making.name, { exact: true }).fill('Large Club Night');
    await page.getByLabel(w.making.description).fill('Three <b>bands</b>.');
    await ada.accessible('texts');
    await ada.fits('texts');
    await page.locator('#basics button[type=submit], #basics .save button').first().click();
    await page.locator('#basics').getByText(w.making.saved, { exact: true }).waitFor();
    await page.getByRole('heading', { level: 1, name: 'Large Club Night' }).waitFor();

    // Calling off says how many orders and how much money, and can be left.
    const off = performances.filter({ hasText: 'The singer is' });
    await off.locator('.row-do').getByRole('button', { name: l.callOff }).click();
    const form = page.getByRole('form');
    await form.getByText(/100,000/).waitFor();
    await form.getByLabel(l.why).fill('The hall is under water');
    await ada.accessible('calling off');
    await ada.fits('calling off');
    await form.getByLabel(l.why).press('Enter');
    await page.locator('dialog[open]', { hasText: '100,000' }).waitFor();
    await ada.accessible('calling off, second look');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.locator('.performance .tag.bad').count(), 0);
    await form.getByRole('button', { name: l.lookOff }).click();
    await page.locator('dialog[open] .danger').click();
    await page.locator('.performance .tag.bad').waitFor();
    await ada.shows(l.allBack);
    await ada.accessible('called off');
    await ada.fits('called off');
    await ada.screenshot(`life-${size.width}-${locale}-${scheme}`);

    // The fan is told at once; somebody else finds it on the concert's page, and no seats of it are offered.
    await fan.page.locator('.purchase.cancelled .news', { hasText: 'The hall is under water' }).waitFor();
    await fan.accessible('a ticket of what is called off');
    const passer = await Fan.open(browser, server.url, { size, locale, scheme });
    await passer.page.goto(`${server.url}/#/concert/${concertId}`);
    await passer.page.locator('.day.called-off', { hasText: 'The hall is under water' }).waitFor();
    assert.ok((await passer.page.locator('.day.called-off').innerText()).includes(own.moneyBack));
    assert.equal(await passer.page.locator('.day:not(.called-off)').count(), 1);
    await passer.accessible('page of the concert');
    await passer.fits('page of the concert');
    await passer.screenshot(`concert-off-${size.width}-${locale}-${scheme}`);
    await passer.page.goto(`${server.url}/#/`);
    await passer.page.locator('.called-off', { hasText: 'The hall is under water' }).waitFor();
    await passer.toSeats();
    await passer.leave();

    // All of it.
    await page.getByRole('button', { name: l.callOffAll }).click();
    await page.getByRole('form').getByLabel(l.why).fill('No licence');
    await page.getByRole('button', { name: l.lookOff }).click();
    await page.locator('dialog[open] .danger').click();
    await page.locator('.performance .tag.bad').nth(1).waitFor();
    await page.locator('.sale-head .tag', { hasText: w.log.states.CLOSED }).waitFor();
    await fan.leave();
    await ada.leave();
    await server.stop();
  });
}

/** The performance that is shown first. @param {import('../harness/server.mjs').Server} server @param {number} concertId */
async function planned(server, concertId) {
  const { schedules } = await admin(server, 'GET', `/concerts/${concertId}`);
  return schedules[0].schedule_id;
}

test('who looks on changes nothing of a concert, and a fan who was away is told at the next visit', async () => {
  const { server, concertId, scheduleId } = await club(8);
  const fan = await Fan.open(browser, server.url, { size: DESKTOP, locale: 'en-GB' });
  await fan.toSeats();
  await fan.holdBest(2);
  await fan.toCheckout();
  await fan.pay();
  // Away: on another page, without a connection.
  await fan.page.goto('about:blank');
  await admin(server, 'POST', `/schedules/${scheduleId}/call_off`, { reason: 'Rain', confirm: 'CALL OFF' });
  await fan.page.goto(`${server.url}/#/tickets`);
  await fan.page.locator('.purchase.cancelled .news', { hasText: 'Rain' }).waitFor();
  await fan.page.getByText(fanEn.tickets.calledOffNews).first().waitFor();
  await fan.leave();

  const vic = await Operator.signIn(browser, await link(server, 'Vic', 'viewer'), { size: PHONE, locale: 'en-GB' });
  await vic.page.goto(`${server.url}/console/#/sale/${concertId}`);
  await vic.page.locator('.performance .tag.bad').waitFor();
  for (const name of [en.life.move, en.life.prices, en.life.callOff, en.life.callOffAll]) {
    assert.equal(await vic.page.getByRole('button', { name }).count(), 0);
  }
  assert.equal(await vic.page.locator('.texts').count(), 0);
  await vic.accessible('looking on');
  await vic.leave();
  await server.stop();
});
