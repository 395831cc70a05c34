/**
 * The time that a slow phone looks at nothing: a processor four times slower, 1.6 Mbit/s, 150 ms away.
 *
 *   node perf/first-view.mjs [--turns 7] [--locale ko-KR]
 *
 * Prints for each turn, in ms since the address was entered: the first thing painted, the concerts painted, the requests.
 */
import { parseArgs } from 'node:util';
import { PHONE, launch } from '../harness/browser.mjs';
import { Server, stopServers } from '../harness/server.mjs';

const { values } = parseArgs({ options: { turns: { type: 'string', default: '7' }, locale: { type: 'string', default: 'ko-KR' } } });
const MEGABIT = 1_000_000 / 8;

const server = await Server.start('--demo');
const browser = await launch();
/** @type {number[][]} */
const rows = [];
try {
  for (let turn = 0; turn < Number(values.turns); turn++) {
    const context = await browser.newContext({ locale: values.locale, viewport: PHONE, isMobile: true, hasTouch: true });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 150, downloadThroughput: 1.6 * MEGABIT, uploadThroughput: 0.75 * MEGABIT });
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    let requests = 0;
    page.on('request', () => requests++);
    await page.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector('.poster-card')) return;
        observer.disconnect();
        requestAnimationFrame(() => requestAnimationFrame((now) => (/** @type {any} */ (globalThis).listed = now)));
      }).observe(document, { childList: true, subtree: true });
    });
    await page.goto(server.url);
    await page.waitForFunction(() => /** @type {any} */ (globalThis).listed);
    const [painted, listed] = await page.evaluate(() => [performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN, /** @type {any} */ (globalThis).listed]);
    rows.push([painted, listed, requests]);
    console.log(`first paint ${painted.toFixed(0)} ms, concerts ${listed.toFixed(0)} ms, ${requests} requests`);
    await context.close();
  }
  const median = (/** @type {number} */ column) => rows.map((row) => row[column]).sort((a, b) => a - b)[rows.length >> 1];
  console.log(`median of ${rows.length}: first paint ${median(0).toFixed(0)} ms, concerts ${median(1).toFixed(0)} ms, ${median(2)} requests`);
} finally {
  await browser.close();
  await stopServers();
}
