/** Goal: whoever signs out leaves nothing on the device that acts as them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fan, launch } from '../harness/browser.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start('--demo'), launch()]);
});
after(() => Promise.all([browser.close(), stopServers()]));

/** Everything that the page keeps, as one text. @param {Fan} fan */
const kept = (fan) => fan.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));

test('sign out forgets both tokens', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.page.click('.poster-card .primary');
  await fan.map();
  const [access, place] = await fan.page.evaluate(() => [localStorage.getItem('frontrow.access_token'), localStorage.getItem('frontrow.queue_token')]);
  assert.ok(access && place);
  await fan.page.click('header button');
  await fan.page.click('.signout button');
  await fan.page.waitForFunction(() => localStorage.getItem('frontrow.access_token') === null);
  const left = await kept(fan);
  assert.ok(!left.includes(access) && !left.includes(place), left);
  // Somebody else may join on this device, as somebody else.
  await fan.page.goto(`${server.url}/#/`);
  await fan.page.reload();
  await fan.page.click('.poster-card .primary');
  await fan.page.waitForFunction(() => localStorage.getItem('frontrow.access_token') !== null);
  assert.ok(!(await kept(fan)).includes(access));
});
