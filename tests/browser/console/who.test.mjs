/**
 * Goal: an owner brings others in, changes what they may and shuts them out, and reads who did what, on a phone and on a desk, in
 * both languages, by keyboard too. Method: the console of a real server, looked at by axe on every page.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { hold } from '../harness/late.mjs';
import { Operator } from '../harness/operator.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} name @param {string} role */
async function link(server, name, role) {
  const made = await server.command('operator', 'add', name, '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

/** Waits until a list of this name has this chosen. @param {import('playwright-core').Page} page @param {string} label @param {string} value */
async function shows(page, label, value) {
  await page.waitForFunction(([label, value]) => [...document.querySelectorAll('select')].some((select) => select.ariaLabel === label && select.value === value), [label, value]);
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'light'],
  [PHONE, 'en-GB', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
  [DESKTOP, 'ko-KR', 'dark'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  test(`operators come and go, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const server = await Server.start('--demo');
    const first = await link(server, 'Ada', 'owner');
    const owner = await Operator.signIn(browser, first, { size, locale, scheme });
    const secret = first.split('/').pop() ?? '';
    assert.equal(await owner.title(), w.tonight.title);
    // The secret is in no address and no history any more.
    assert.ok(!owner.page.url().includes(secret));
    await owner.page.goBack({ timeout: 1_000 }).catch(() => {});
    assert.ok(!owner.page.url().includes(secret));
    await owner.page.goto(`${server.url}/console/`);
    await owner.page.getByRole('link', { name: w.nav.operators }).click();
    await owner.shows('Ada');
    assert.equal(await owner.page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));

    // Somebody is made, without a mouse.
    await owner.page.locator('input[name=name]').focus();
    await owner.page.keyboard.type('Min <b>Seo</b>');
    await owner.page.keyboard.press('Tab');
    await owner.page.locator('select[name=role]').selectOption('viewer');
    await owner.page.keyboard.press('Tab');
    await owner.page.keyboard.press('Enter');
    await owner.shows(w.operators.made('Min <b>Seo</b>'));
    const theirs = await owner.page.locator('.made input').inputValue();
    assert.match(theirs, new RegExp(`^${server.url}/console/#/in/[-_A-Za-z0-9]{43}$`));
    await owner.accessible('operators');
    await owner.fits('operators');

    // They see what they may, and nothing else.
    const min = await Operator.signIn(browser, theirs, { size, locale, scheme });
    assert.equal(await min.title(), w.tonight.title);
    assert.deepEqual(await min.page.locator('nav a').allInnerTexts(), [w.nav.tonight, w.nav.alarms, w.nav.sessions]);
    await min.page.getByRole('link', { name: w.nav.sessions }).click();
    await min.shows(w.sessions.own);
    await min.accessible('sessions');
    await min.fits('sessions');

    // The link was good once.
    const late = await Operator.signIn(browser, theirs, { size, locale, scheme });
    assert.equal(await late.title(), w.signIn.title);
    await late.shows(w.problems.LINK_SPENT);
    await late.refused(401);
    await late.accessible('sign in');
    await late.fits('sign in');
    await late.leave();

    // Another role shows at their next look; the second of two who saw the same is told.
    const name = 'Min <b>Seo</b>';
    const other = await owner.page.context().newPage();
    await other.goto(`${server.url}/console/#/operators`);
    await other.getByLabel(w.operators.roleOf(name)).waitFor();
    await owner.page.getByLabel(w.operators.roleOf(name)).selectOption('manager');
    await shows(owner.page, w.operators.roleOf(name), 'manager');
    await other.getByLabel(w.operators.roleOf(name)).selectOption('door');
    await other.getByText(w.problems.CHANGED_MEANWHILE).waitFor();
    // What it is now.
    await shows(other, w.operators.roleOf(name), 'manager');
    await other.close();
    await min.page.reload();
    await min.page.getByRole('link', { name: w.nav.log }).waitFor();

    // Shut out after a second look, which can be left by Escape.
    const shutOut = owner.page.getByRole('button', { name: w.operators.disableName(name) });
    await shutOut.click();
    await owner.page.locator('dialog[open]').waitFor();
    await owner.accessible('second look');
    await owner.page.keyboard.press('Escape');
    await owner.page.locator('dialog').waitFor({ state: 'detached' });
    await shutOut.click();
    await owner.page.locator('dialog[open] .danger').click();
    await owner.page.locator('.row.off').waitFor();
    await min.page.getByRole('link', { name: w.nav.log }).click();
    await min.page.getByRole('heading', { name: w.signIn.title }).waitFor();
    await min.refused(401);
    await min.leave();

    // Everything is in the log, by whom, and as it was.
    await owner.page.getByRole('link', { name: w.nav.log }).click();
    await owner.shows(w.log.what['operator.set']);
    const changed = owner.page.locator('.line', { hasText: w.log.what['operator.set'] });
    assert.equal(await changed.count(), 2);
    assert.match(await changed.nth(1).innerText(), new RegExp(`${w.roles.viewer}.*${w.roles.manager}`, 's'));
    assert.match(await changed.nth(1).innerText(), /Ada/);
    assert.ok((await owner.page.locator('main').innerText()).includes(w.log.machine), 'Ada was made on the machine');
    // A sale's changes are told in the same words.
    await server.command('token', '--operator').then(async ({ access_token }) => {
      const headers = { authorization: `Bearer ${access_token}` };
      const patch = JSON.stringify({ state: 'PAUSED', hold_ttl: '90s', opens_at: null });
      const { sales } = await (await fetch(`${server.url}/api/v1/admin/sales`, { headers })).json();
      assert.equal((await fetch(`${server.url}/api/v1/admin/sales/${sales[0].concert_id}`, { method: 'PATCH', headers, body: patch })).status, 200);
    });
    await owner.page.reload();
    await owner.shows(w.log.what.set);
    const ofSale = owner.page.locator('.line', { hasText: w.log.what.set });
    assert.match(await ofSale.innerText(), new RegExp(`${w.log.fields.hold_ttl_ms}.*${w.log.unset}.*${w.log.seconds(90)}`, 's'));
    assert.match(await ofSale.innerText(), new RegExp(`${w.log.fields.state}.*${w.log.states.OPEN}.*${w.log.states.PAUSED}`, 's'));
    await owner.accessible('log');
    await owner.fits('log');

    await owner.page.getByRole('banner').getByRole('button', { name: w.signOut }).click();
    await owner.page.getByRole('heading', { name: w.signIn.title }).waitFor();
    assert.equal(await owner.page.evaluate(() => localStorage.getItem('frontrow.operator_token')), null);
    await owner.leave();
    await server.stop();
  });
}

test('a console that loses its server says so, and goes on when it is back', async () => {
  const server = await Server.start();
  const owner = await Operator.signIn(browser, await link(server, 'Ada', 'owner'), { size: DESKTOP, locale: 'en-GB' });
  await owner.page.getByRole('link', { name: en.nav.operators }).click();
  await owner.shows('Ada');
  await server.kill();
  await owner.page.getByRole('link', { name: en.nav.log }).click();
  await owner.shows(en.problems.NETWORK);
  await server.startAgain();
  await owner.page.getByRole('link', { name: en.nav.operators }).click();
  await owner.shows('Ada');
  owner.faults = owner.faults.filter((fault) => !/net::ERR|WebSocket connection/.test(fault));
  await owner.leave();
  await server.stop();
});

test('who is typed while the one before is on the way stays', async () => {
  const server = await Server.start();
  const owner = await Operator.signIn(browser, await link(server, 'Ada', 'owner'), { size: DESKTOP, locale: 'en-GB' });
  const { page } = owner;
  await page.getByRole('link', { name: en.nav.operators }).click();
  const letGo = await hold(page, '**/admin/operators', (request) => request.method() === 'POST');
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  const name = page.locator('input[name=name]');
  await name.fill('Min');
  await name.press('Enter');
  await sent;
  await name.fill('Seo');
  letGo();
  await owner.shows(en.operators.made('Min'));
  await page.locator('.row', { hasText: 'Min' }).waitFor();
  assert.equal(await name.inputValue(), 'Seo');
  await name.press('Enter');
  await owner.shows(en.operators.made('Seo'));
  await page.locator('.row', { hasText: 'Seo' }).waitFor();
  assert.equal(await name.inputValue(), '');
  await owner.leave();
  await server.stop();
});
