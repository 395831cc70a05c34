/**
 * One browser for the tests of a file. It ends after them, together with the servers and the fans that a failed test left
 * behind; importing it is all there is to do.
 */
import { after, before } from 'node:test';
import { launch } from './browser.mjs';
import { closeFans } from './fans.mjs';
import { stopServers } from './server.mjs';

/** @type {import('playwright-core').Browser} */
export let browser;

before(async () => {
  browser = await launch();
});
after(() => {
  closeFans();
  return Promise.all([browser.close(), stopServers()]);
});
