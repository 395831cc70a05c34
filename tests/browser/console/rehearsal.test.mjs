/**
 * Goal: a manager rehearses a sale from the console, watches it, and reads what it found, in both languages, on a phone and on a
 * desk, by keyboard too; the fans' page has nothing of it. Method: a real server that plays the buyers itself.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} name @param {string} role */
async function link(server, name, role) {
  const made = await server.command('operator', 'add', name, '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
])) {
  const { rehearsal: w, plots, ready } = locale === 'ko-KR' ? ko : en;
  test(`a sale is rehearsed, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId } = await club(60);
    const ada = await Operator.signIn(browser, await link(server, 'Ada', 'manager'), { size, locale, scheme });
    await ada.page.goto(`${server.url}/console/#/sale/${concertId}`);
    await ada.page.getByRole('link', { name: w.link }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('heading', { name: w.title(concertId) }).waitFor();
    await ada.accessible('before a rehearsal');
    await ada.fits('before a rehearsal');

    await ada.page.getByLabel(w.buyers).fill('20');
    await ada.page.getByLabel(w.arriveWithin).fill('1');
    await ada.page.getByLabel(w.think).fill('50');
    await ada.page.getByRole('button', { name: w.begin }).press('Enter');
    await ada.page.locator('[role=status] .tag', { hasText: w.states.over }).waitFor();
    assert.equal(await ada.page.locator('.tag.bad').count(), 0, await ada.page.locator('main').innerText());
    await ada.page.getByRole('heading', { name: w.operations }).waitFor();
    await ada.accessible('after a rehearsal');
    await ada.fits('after a rehearsal');
    const { concerts } = await (await fetch(`${server.url}/api/v1/concerts`)).json();
    assert.deepEqual(concerts.map((/** @type {{ concert_id: number }} */ concert) => concert.concert_id), [concertId]);

    // What it found is a file, and the list before the doors open knows of it.
    const [file] = await Promise.all([ada.page.waitForEvent('download'), ada.page.getByRole('button', { name: plots.report }).click()]);
    const saved = readFileSync(await file.path(), 'utf8');
    assert.match(saved, /<svg/);
    assert.match(saved, new RegExp(`<html lang="${locale.slice(0, 2)}"`));
    await ada.page.goto(`${server.url}/console/#/ready/${concertId}`);
    const row = ada.page.locator('.checks .row', { hasText: ready.checks.rehearsal.name });
    await row.locator('.tag.good').waitFor();
    await ada.accessible('ready, rehearsed');
    await ada.fits('ready, rehearsed');
    await ada.page.goto(`${server.url}/console/#/rehearsal/${concertId}`);
    await ada.page.getByRole('heading', { name: w.operations }).waitFor();

    // One that would last is ended, after a second look.
    await ada.page.getByLabel(w.think).fill('60000');
    await ada.page.getByRole('button', { name: w.begin }).click();
    await ada.page.getByRole('button', { name: w.end }).click();
    await ada.page.locator('dialog[open]', { hasText: w.endText }).waitFor();
    await ada.accessible('second look');
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.locator('[role=status] .tag', { hasText: w.states.over }).waitFor();
    await ada.leave();
    await server.stop();
  });
}
