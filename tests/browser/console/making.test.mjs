/**
 * Goal: a promoter makes a concert without a terminal: a plan with faults is dropped in, seen on the drawing, mended; prices, dates,
 * picture, opening; announced, and open to fans. On a phone and on a desk, in both languages, by keyboard too. Method: the console
 * of a real server, looked at by axe at every step, and a fan beside it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WORDS } from '../../../web/app/pages/concert.words.js';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { hold } from '../harness/late.mjs';
import { Operator } from '../harness/operator.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

/** A picture of one colour, as a browser draws it. @param {import('playwright-core').Page} page */
async function picture(page) {
  const drawn = await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    canvas.width = 400;
    canvas.height = 300;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.fillStyle = '#993355';
    context.fillRect(0, 0, 400, 300);
    return canvas.toDataURL('image/png');
  });
  return { name: 'poster.png', mimeType: 'image/png', buffer: Buffer.from(drawn.split(',')[1], 'base64') };
}

/** A hall with a fault: a seat of a category that is none; and one that is kept from sale. */
function plan(faulty = true) {
  const seat = (/** @type {number} */ n) => ({ seat_number: String(n + 1), seat_guid: `g${n}`, uuid: `u${n}`, position: { x: 30 * n, y: 0 }, category: n === 2 && faulty ? 'Loge' : 'VIP', ...(n === 4 && { status: 'blocked' }) });
  const row = { row_number: 'A', row_number_position: 'both', uuid: 'r', position: { x: 20, y: 20 }, seats: Array.from({ length: 8 }, (_, n) => seat(n)) };
  const zone = { name: 'Stalls', zone_id: 'z', uuid: 'z', position: { x: 0, y: 0 }, rows: [row], areas: [] };
  const text = JSON.stringify({ name: 'Town Hall', size: { width: 300, height: 80 }, categories: [{ name: 'VIP', color: '#cc3333' }], zones: [zone] });
  return { name: 'plan.json', mimeType: 'application/json', buffer: Buffer.from(text) };
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [PHONE, 'en-GB', 'light'],
  [DESKTOP, 'en-GB', 'dark'],
  [DESKTOP, 'ko-KR', 'light'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  const m = w.making;
  test(`a concert is made without a terminal, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const server = await Server.start('--demo');
    const made = await server.command('operator', 'add', 'Min', '--role', 'manager');
    const link = made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
    const operator = await Operator.signIn(browser, link, { size, locale, scheme });
    const { page } = operator;
    const card = (/** @type {string} */ name) => page.getByRole('region', { name, exact: true });
    const save = (/** @type {string} */ name) => card(name).getByRole('button', { name: m.save, exact: true });

    await page.getByRole('link', { name: w.nav.making }).click();
    await operator.shows(m.none);
    await operator.accessible('no drafts');
    await page.getByRole('button', { name: m.begin }).click();
    await operator.shows(m.missingWords.title);
    assert.ok(await page.getByRole('button', { name: m.announce, exact: true }).isDisabled());

    // The plan, with its fault in the list and on the drawing.
    await card(m.venue).locator('input[type=file]').setInputFiles(plan());
    await operator.shows(m.faults(1));
    await operator.shows(m.restricted(1));
    await page.locator('frontrow-seatmap').waitFor();
    await page.waitForFunction(() => {
      const map = /** @type {any} */ (document.querySelector('frontrow-seatmap'));
      return map?.layout && [...map.own].join() === '2';
    });
    await page.getByRole('button', { name: m.showFault('zones[0].rows[0].seats[2].category') }).press('Enter');
    await operator.accessible('faults');
    await operator.fits('faults');
    await card(m.venue).locator('input[type=file]').setInputFiles(plan(false));
    await operator.shows(m.sound);

    // What is played, by keyboard alone.
    const title = 'Opening night <b>live</b>';
    await page.getByRole('link', { name: m.missingWords.title }).press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type(title);
    await page.keyboard.press('Tab');
    await page.keyboard.type('Two evenings.\n\nWith an orchestra.');
    await page.keyboard.press('Tab');
    await page.keyboard.type('1 Main Street');
    await page.keyboard.press('Enter');
    await card(m.basics).getByText(m.saved, { exact: true }).waitFor();
    await card(m.basics).locator('input[type=file]').setInputFiles(await picture(page));
    const shown = card(m.basics).locator('img');
    await shown.waitFor();
    await page.waitForFunction(() => /** @type {HTMLImageElement} */ (document.querySelector('.picture img')).naturalWidth === 400);
    await card(m.basics).locator('input[type=file]').setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('<svg/>') });
    await operator.shows(w.problems.NO_PICTURE);
    await operator.refused(400);

    await card(m.prices).getByLabel(m.priceOf('VIP', 8)).fill('free');
    await save(m.prices).click();
    await operator.shows(m.priceWrong('VIP'));
    await card(m.prices).getByLabel(m.priceOf('VIP', 8)).fill('55,000');
    await save(m.prices).click();
    await card(m.prices).getByText(m.saved, { exact: true }).waitFor();

    await card(m.dates).getByLabel(m.zone).fill('Asia/Seoul');
    await card(m.dates).getByLabel(m.start(1)).fill('2099-05-01T19:00');
    await card(m.dates).getByRole('button', { name: m.addDate }).click();
    await card(m.dates).getByLabel(m.start(2)).fill('2099-05-02T19:00');
    await save(m.dates).click();
    await card(m.dates).getByText(m.saved, { exact: true }).waitFor();

    await card(m.sale).getByLabel(m.capacity).fill('50');
    await card(m.sale).getByLabel(m.hold).fill('3');
    await card(m.sale).getByLabel(m.atOnce).check();
    await save(m.sale).click();
    await card(m.sale).getByText(m.saved, { exact: true }).waitFor();
    await operator.shows(m.ready);
    await operator.accessible('ready');
    await operator.fits('ready');

    // As fans will see it, before any of them does: the page and its seats, on a phone and on a desk.
    const own = WORDS[locale === 'ko-KR' ? 'ko' : 'en'];
    const atDraft = page.url();
    await page.getByRole('link', { name: m.preview }).click();
    const frame = page.frameLocator('.preview iframe');
    await frame.getByRole('heading', { level: 1, name: title }).waitFor();
    await frame.getByText('With an orchestra.').waitFor();
    assert.equal(await frame.locator('.day').count(), 2);
    assert.ok((await frame.locator('.day').first().innerText()).includes(own.few('7')));
    assert.equal(await page.locator('.preview iframe').getAttribute('width'), '360');
    assert.equal(await frame.locator('html').evaluate(() => innerWidth), 360);
    await operator.accessible('preview');
    await operator.fits('preview');
    await operator.screenshot(`preview-page-${size.width}-${locale}-${scheme}`);
    await page.getByLabel(m.previews.seats).check();
    await frame.locator('frontrow-seatmap').waitFor();
    const seen = await frame.locator('frontrow-seatmap').evaluate(async (map) => {
      const drawn = /** @type {any} */ (map);
      while (!drawn.venue) await new Promise((resolve) => requestAnimationFrame(resolve));
      return [drawn.stateOf(0), drawn.stateOf(4)];
    });
    assert.deepEqual(seen, ['available', 'notForSale']);
    assert.match(await frame.locator('.filters').innerText(), /VIP[^]*55,000/);
    await page.getByLabel(m.previews.desk).check();
    await frame.locator('frontrow-seatmap').waitFor();
    assert.equal(await frame.locator('html').evaluate(() => innerWidth), 1280);
    await operator.fits('preview on a desk');
    // All of it is seen, on a phone too: it is drawn smaller where there is less room.
    await page.waitForFunction(() => {
      const [room, window] = ['.preview', '.preview iframe'].map((of) => /** @type {Element} */ (document.querySelector(of)).getBoundingClientRect());
      return window.left >= room.left && window.right <= room.right && window.bottom <= room.bottom;
    });
    await operator.screenshot(`preview-seats-${size.width}-${locale}-${scheme}`);
    for (const path of ['/api/v1/concerts/2', '/api/v1/admin/drafts/1/page']) assert.ok((await fetch(server.url + path)).status >= 401, path);
    await page.goto(atDraft);
    await card(m.basics).getByLabel(m.age).waitFor();

    // Another operator changes it meanwhile: it is told, and nothing that was typed is lost.
    const { access_token: token } = await server.command('token', '--operator');
    const headers = { authorization: `Bearer ${token}` };
    const of = `${server.url}/api/v1/admin/drafts`;
    const [draft] = (await (await fetch(of, { headers })).json()).drafts;
    const theirs = await fetch(`${of}/${draft.draft_id}`, { method: 'PATCH', headers, body: JSON.stringify({ revision: draft.revision, rules: { capacity: 70 } }) });
    assert.equal(theirs.status, 200);
    await card(m.basics).getByLabel(m.age).fill('7+');
    await save(m.basics).click();
    await operator.shows(m.theirs);
    await operator.refused(409);
    assert.equal(await card(m.basics).getByLabel(m.age).inputValue(), '7+');
    await page.waitForFunction(() => /** @type {HTMLInputElement} */ (document.querySelector('input[name=capacity]')).value === '70');
    await save(m.basics).click();
    await card(m.basics).getByText(m.saved, { exact: true }).waitFor();

    // What is typed and not saved is not announced, so it is told, and saved first.
    await card(m.basics).getByLabel(m.address).fill('2 Main Street');
    await page.locator('.state .missing a', { hasText: m.basics }).waitFor();
    assert.ok(await page.getByRole('button', { name: m.announce, exact: true }).isDisabled());
    await operator.accessible('typed and not saved');
    await save(m.basics).click();
    await page.locator('.state .missing').waitFor({ state: 'detached' });

    // Announced after a second look, and open to fans.
    await page.getByRole('button', { name: m.announce, exact: true }).click();
    const dialog = page.locator('dialog[open]');
    assert.ok((await dialog.innerText()).includes(m.announceText(8, 2, m.willAtOnce)));
    await operator.accessible('announce');
    await dialog.getByRole('button', { name: m.announce, exact: true }).click();
    await operator.shows(m.done(title, 2));
    assert.equal(await page.getByRole('link', { name: m.toSale }).getAttribute('href'), '#/sale/2');
    await operator.accessible('announced');
    await page.getByRole('link', { name: w.nav.making }).click();
    await operator.shows(m.announcedAs(2));
    await operator.leave();

    // A server knows what was announced a moment later.
    while (!(await fetch(`${server.url}/api/v1/concerts/2`)).ok) await new Promise((resolve) => setTimeout(resolve, 50));
    const fan = await Fan.open(browser, server.url, { size, locale, scheme });
    await fan.page.goto(`${server.url}/concert/2`);
    await fan.page.getByRole('heading', { name: title }).waitFor();
    await fan.page.getByText('With an orchestra.').waitFor();
    assert.equal(await fan.page.locator('.day').count(), 2);
    assert.ok((await fan.page.locator('.day').first().innerText()).includes(own.few('7')));
    await fan.page.waitForFunction(() => /** @type {HTMLImageElement} */ (document.querySelector('.concert-page img')).naturalWidth > 0);
    await fan.accessible('the concert');
    await fan.fits('the concert');
    // What a thing is called stands beside it or above it, all of them below each other.
    const misplaced = await fan.page.locator('.particulars').evaluate((list) => {
      const names = [...list.querySelectorAll('dt')];
      return names.filter((name) => {
        const [of, it] = [name, /** @type {Element} */ (name.nextElementSibling)].map((element) => element.getBoundingClientRect());
        return of.left !== names[0].getBoundingClientRect().left || it.bottom < of.top || (it.left <= of.left && it.top < of.bottom);
      }).map((name) => name.textContent);
    });
    assert.deepEqual(misplaced, []);
    await fan.leave();
    await server.stop();
  });
}

test('what is saved while a picture is on its way is no other operator\'s', async () => {
  const m = en.making;
  const server = await Server.start('--demo');
  const made = await server.command('operator', 'add', 'Min', '--role', 'manager');
  const link = made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
  const operator = await Operator.signIn(browser, link, { size: DESKTOP, locale: 'en-GB' });
  const { page } = operator;
  const card = (/** @type {string} */ name) => page.getByRole('region', { name, exact: true });
  const save = (/** @type {string} */ name) => card(name).getByRole('button', { name: m.save, exact: true });
  await page.getByRole('link', { name: en.nav.making }).click();
  await page.getByRole('button', { name: m.begin }).click();

  // The picture stays on its way until it is let go.
  const sent = page.waitForRequest('**/images');
  let letGo = await hold(page, '**/images');
  await card(m.basics).locator('input[type=file]').setInputFiles(await picture(page));
  await sent;
  await card(m.basics).getByLabel(m.address).fill('1 Main Street');
  await save(m.basics).click();
  await card(m.basics).getByText(m.saved, { exact: true }).waitFor();
  letGo();
  await card(m.basics).locator('img').waitFor();
  assert.equal(await page.getByText(m.theirs).count(), 0);
  assert.equal(await card(m.basics).getByLabel(m.address).inputValue(), '1 Main Street');

  // Two cards, one behind the other, and the first of them is slow.
  letGo = await hold(page, '**/drafts/1', (request) => request.postData()?.includes('"zone"') ?? false);
  await card(m.dates).getByLabel(m.zone).fill('Asia/Seoul');
  await save(m.dates).click();
  await card(m.sale).getByLabel(m.capacity).fill('50');
  await save(m.sale).click();
  letGo();
  await card(m.dates).getByText(m.saved, { exact: true }).waitFor();
  await card(m.sale).getByText(m.saved, { exact: true }).waitFor();
  assert.equal(await page.getByText(m.theirs).count(), 0);
  await operator.leave();
  await server.stop();
});

test('what is typed while a save is on its way, or as soon as it is done, stays and is not taken for saved', async () => {
  const m = en.making;
  const server = await Server.start('--demo');
  const made = await server.command('operator', 'add', 'Min', '--role', 'manager');
  const link = made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
  const operator = await Operator.signIn(browser, link, { size: DESKTOP, locale: 'en-GB' });
  const { page } = operator;
  const basics = page.getByRole('region', { name: m.basics, exact: true });
  const save = basics.getByRole('button', { name: m.save, exact: true });
  const typed = page.locator('.state .missing a', { hasText: m.basics });
  await page.getByRole('link', { name: en.nav.making }).click();
  await page.getByRole('button', { name: m.begin }).click();

  const letGo = await hold(page, '**/drafts/1', (request) => request.method() === 'PATCH');
  const sent = page.waitForRequest((request) => request.method() === 'PATCH');
  await basics.getByLabel(m.address).fill('1 Main Street');
  await save.click();
  await sent;
  await basics.getByLabel(m.age).fill('7+');
  letGo();
  // The second save is behind the first one, whose answer is there by then.
  const card = page.getByRole('region', { name: m.sale, exact: true });
  await card.getByLabel(m.capacity).fill('50');
  await card.getByRole('button', { name: m.save, exact: true }).click();
  await card.getByText(m.saved, { exact: true }).waitFor();
  await basics.getByText(m.unsaved, { exact: true }).waitFor();
  await typed.waitFor();
  assert.equal(await basics.getByLabel(m.age).inputValue(), '7+');
  assert.equal(await basics.getByLabel(m.address).inputValue(), '1 Main Street');

  // Somebody fast types as soon as the page says that it is saved.
  await page.evaluate(([said]) => {
    new MutationObserver((_, observer) => {
      if (document.querySelector('#basics .save [role=status]')?.textContent !== said) return;
      observer.disconnect();
      const field = /** @type {HTMLInputElement} */ (document.querySelector('#basics input[name=age]'));
      field.value = '12+';
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  }, [m.saved]);
  const answered = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await save.click();
  await answered;
  await basics.getByText(m.unsaved, { exact: true }).waitFor();
  await typed.waitFor();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  assert.equal(await basics.getByLabel(m.age).inputValue(), '12+');
  await save.click();
  await basics.getByText(m.saved, { exact: true }).waitFor();
  await typed.waitFor({ state: 'detached' });
  await page.reload();
  await basics.getByLabel(m.age).waitFor();
  assert.equal(await basics.getByLabel(m.age).inputValue(), '12+');
  assert.equal(await basics.getByLabel(m.address).inputValue(), '1 Main Street');
  await operator.leave();
  await server.stop();
});
