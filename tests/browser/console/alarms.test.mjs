/**
 * Goal: an operator sees what is wrong where they are, says that they saw it, has it sent to a webhook, and sees before the doors
 * open whether all is well; on a phone and on a desk, in both languages, by keyboard too. Method: the console of a real server
 * with an alarm of another one, and a receiver of the test's own.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { hold } from '../harness/late.mjs';
import { Operator } from '../harness/operator.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';

// Receivers are on this machine.
process.env.FRONTROW_WEBHOOKS_ALLOW = '127.0.0.0/8';

const INSERT = `
import json, sqlite3, sys
values = json.loads(sys.argv[2])
with sqlite3.connect(sys.argv[1], timeout=30) as link:
    link.execute("INSERT INTO duty (name, holder, until) VALUES (?, randomblob(16), ?)", (values[0], values[1] + 3600000))
    link.execute("INSERT INTO alarms (kind, subject, raised_at, facts, open_as) VALUES ('disk_low', ?, ?, ?, ?)", values)
`;

/** @type {string[]} */
const came = [];
const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  came.push(JSON.parse(body).type);
  response.writeHead(204).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
const hook = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (receiver.address()).port}/alarms`;
after(() => receiver.close());

/** @param {import('../harness/server.mjs').Server} server @param {string} role */
async function link(server, role) {
  const made = await server.command('operator', 'add', 'Ada', '--role', role);
  return made.link.url.replace(/^https?:\/\/[^/]+/, server.url);
}

/** Another server's alarm, which nobody here ends, as that server is there. @param {import('../harness/server.mjs').Server} server */
function raise(server) {
  const subject = 'server <i>other</i>:8080';
  const values = [subject, Date.now(), JSON.stringify({ free_bytes: 5e8, total_bytes: 1e11 }), `disk_low ${subject}`];
  execFileSync('python3', ['-c', INSERT, join(server.data, 'frontrow.db'), JSON.stringify(values)]);
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'light'],
  [PHONE, 'en-GB', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
  [DESKTOP, 'ko-KR', 'dark'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  test(`alarms, webhooks and readiness, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const { server, concertId } = await club(8);
    const ada = await Operator.signIn(browser, await link(server, 'manager'), { size, locale, scheme });
    assert.equal(await ada.title(), w.tonight.title);
    raise(server);
    // It comes by itself, and leads to the page.
    const strip = ada.page.getByRole('alert').filter({ hasText: w.alarms.kinds.disk_low.name });
    await strip.waitFor();
    await ada.accessible('tonight with an alarm');
    await ada.fits('tonight with an alarm');
    await strip.getByRole('link', { name: w.alarms.all }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('heading', { name: w.alarms.title, level: 1 }).waitFor();
    await ada.shows('server <i>other</i>:8080');
    await ada.shows(w.alarms.kinds.disk_low.text);
    await ada.page.getByRole('button', { name: w.alarms.seen }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.shows(w.alarms.seenBy('Ada'));

    // A webhook: its secret is shown once, a test arrives, and what was sent is listed.
    await ada.page.getByLabel(w.webhooks.url).fill('https://10.0.0.1/');
    await ada.page.getByRole('button', { name: w.webhooks.addButton, exact: true }).click();
    await ada.page.locator('.problem').waitFor();
    await ada.refused(400);
    // What is typed while it is on its way stays.
    const letGo = await hold(ada.page, '**/admin/webhooks', (request) => request.method() === 'POST');
    const asked = ada.page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/webhooks'));
    await ada.page.getByLabel(w.webhooks.url).fill(hook);
    await ada.page.getByRole('button', { name: w.webhooks.addButton, exact: true }).click();
    await asked;
    await ada.page.getByLabel(w.webhooks.url).fill('https://example.org/');
    letGo();
    const secret = ada.page.getByRole('textbox', { name: w.webhooks.of(w.webhooks.secret, hook) });
    assert.match(await secret.inputValue(), /^whsec_/);
    assert.equal(await ada.page.getByLabel(w.webhooks.url).inputValue(), 'https://example.org/');
    const before = came.length;
    await ada.page.getByRole('button', { name: w.webhooks.of(w.webhooks.test, hook) }).click();
    await ada.page.locator('summary', { hasText: w.webhooks.sent }).click();
    const sent = ada.page.locator('.sent li', { hasText: w.webhooks.types['webhook.test'] });
    await sent.waitFor();
    while (!(await sent.innerText()).includes('204')) {
      await ada.page.getByRole('button', { name: w.retry }).click();
      await ada.page.evaluate(() => new Promise(requestAnimationFrame));
    }
    assert.deepEqual(came.slice(before), ['webhook.test']);
    await ada.accessible('alarms');
    await ada.fits('alarms');
    await ada.page.getByRole('button', { name: w.webhooks.of(w.webhooks.rotate, hook) }).click();
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.locator('small', { hasText: locale === 'ko-KR' ? '이전 비밀 키' : 'The secret of before' }).waitFor();
    await ada.page.getByRole('button', { name: w.webhooks.of(w.webhooks.stop, hook) }).click();
    await ada.page.locator('dialog[open]', { hasText: w.webhooks.stopText }).waitFor();
    await ada.page.locator('dialog[open] .danger').click();
    await ada.page.locator('.tag', { hasText: w.webhooks.stopped }).waitFor();

    // Whether all is well: it is not, because there is an alarm.
    await ada.page.goto(`${server.url}/console/#/sale/${concertId}`);
    await ada.page.getByRole('link', { name: w.ready.link }).click();
    await ada.page.getByRole('heading', { name: w.ready.title }).waitFor();
    await ada.shows(w.ready.notReady);
    const alarms = ada.page.locator('.checks .row', { hasText: w.ready.checks.alarms.name });
    await alarms.locator('.tag.bad').waitFor();
    await ada.page.locator('.checks .row', { hasText: w.ready.checks.plan.name }).locator('.tag.good').first().waitFor();
    await ada.page.getByRole('button', { name: w.ready.again }).click();
    await ada.accessible('readiness');
    await ada.fits('readiness');

    // Its server is gone for good, so she ends it herself.
    await ada.page.goto(`${server.url}/console/#/alarms`);
    const end = w.alarms.endOf(w.alarms.kinds.disk_low.name, 'server <i>other</i>:8080');
    await ada.page.getByRole('button', { name: end }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.page.locator('dialog[open]', { hasText: w.alarms.endText }).waitFor();
    await ada.accessible('ending an alarm');
    await ada.fits('ending an alarm');
    await ada.page.locator('dialog[open] .danger').click();
    await ada.shows(w.alarms.none);
    assert.equal(await ada.page.getByRole('button', { name: end }).count(), 0);
    await ada.leave();
    await server.stop();
  });
}

test('whoever looks on sees alarms, and no webhooks', async () => {
  const { server } = await club(8);
  raise(server);
  const ada = await Operator.signIn(browser, await link(server, 'viewer'), { size: DESKTOP, locale: 'en-GB' });
  await ada.page.getByRole('link', { name: en.nav.alarms, exact: true }).click();
  await ada.shows(en.alarms.kinds.disk_low.name);
  assert.equal(await ada.page.getByRole('button', { name: en.alarms.seen }).count(), 0);
  assert.equal(await ada.page.getByRole('button', { name: en.alarms.end }).count(), 0);
  assert.equal(await ada.page.getByRole('heading', { name: en.webhooks.title }).count(), 0);
  await ada.leave();
  await server.stop();
});
