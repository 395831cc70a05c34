/**
 * Goal: every page reads well: accessible by axe, nothing sticks out, in both languages and themes, small and large. The
 * screenshots are build artefacts, to be looked at.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { DESKTOP, Fan, PHONE, WALL, launch } from '../harness/browser.mjs';
import { admitted, leaveFans } from '../harness/fans.mjs';
import { Server, stopServers } from '../harness/server.mjs';

/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start('--demo', '--set', 'sale.capacity=1'), launch()]);
});
// One that failed must not keep the only place from the next.
afterEach(() => leaveFans());
after(() => Promise.all([browser.close(), stopServers()]));

for (const [size, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  for (const scheme of /** @type {const} */ (['light', 'dark'])) {
    for (const locale of ['en-GB', 'ko-KR']) {
      const name = `${size}-${scheme}-${locale.slice(0, 2)}`;
      test(`every page: ${name}`, async () => {
        const { client: rival } = await admitted(server.url);
        const fan = await Fan.open(browser, server.url, { size: viewport, scheme, locale });
        let number = 0;
        /** @param {string} page */
        const look = async (page) => {
          await fan.fits(`${page} ${name}`);
          await fan.screenshot(`${name}-${String(++number).padStart(2, '0')}-${page}`);
          await fan.accessible(`${page} ${name}`);
        };
        await fan.page.waitForSelector('.poster-card');
        await look('concerts');
        await fan.click('.top nav button');
        await fan.page.waitForSelector('dialog[open]');
        await look('settings');
        await fan.page.keyboard.press('Escape');
        await fan.page.goto(`${fan.url}/#/wallet`);
        await fan.page.waitForSelector('.message');
        await look('no-wallet');
        await fan.page.goto(`${fan.url}/#/`);
        await fan.join();
        await fan.page.waitForSelector('.waiting');
        await look('waiting');
        await fan.click('.waiting > button');
        await fan.page.waitForSelector('dialog[open]');
        await look('leave');
        await fan.page.keyboard.press('Escape');
        await rival.leave();
        const map = await fan.map();
        await look('seats');
        await fan.holdBest(4);
        await look('held');
        await fan.click('.segment:last-child');
        await map.locator('h2 .fold').first().click();
        await map.locator('h3 .fold').first().click();
        await look('list');
        await fan.click('.best .primary');
        await fan.page.waitForSelector('.notice.bad');
        await look('refused');
        await fan.toCheckout();
        await look('checkout');
        await fan.pay();
        await look('bought');
        await fan.click('.purchase > button');
        await fan.page.waitForSelector('dialog[open]');
        await look('cancel');
        await fan.page.keyboard.press('Escape');
        await fan.page.goto(`${fan.url}/#/tickets`);
        await fan.page.waitForSelector('.ticket');
        await look('tickets');
        await fan.page.goto(`${fan.url}/#/wallet`);
        await fan.page.waitForSelector('table');
        await look('wallet');
        await fan.page.goto(`${fan.url}/#/sale/1`);
        await fan.page.waitForSelector('.message');
        await look('done');
        await fan.leave();
        rival.close();
      });
    }
  }
}

test('on a wall of pixels, and from right to left', async () => {
  for (const [name, size, dir] of /** @type {const} */ ([['wall', WALL, 'ltr'], ['rtl-phone', PHONE, 'rtl'], ['rtl-desktop', DESKTOP, 'rtl']])) {
    const fan = await Fan.open(browser, server.url, { size });
    await fan.page.evaluate((dir) => (document.documentElement.dir = dir), dir);
    await fan.page.waitForSelector('.poster-card');
    await fan.fits(`concerts ${name}`);
    await fan.screenshot(`${name}-concerts`);
    await fan.toSeats();
    await fan.holdBest(2);
    await fan.fits(`seats ${name}`);
    await fan.screenshot(`${name}-seats`);
    await fan.toCheckout();
    await fan.fits(`checkout ${name}`);
    await fan.pay();
    await fan.fits(`tickets ${name}`);
    await fan.screenshot(`${name}-tickets`);
    await fan.leave();
  }
});

for (const [locale, own, foreign] of /** @type {const} */ ([['ko-KR', /예매하기/, /Seats, live|One moment/], ['en-GB', /Seats, live/, /예매|잠시만/], ['fr-FR', /Seats, live/, /예매|잠시만/]])) {
  test(`no flash of another language: ${locale}`, async () => {
    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    // Everything that was ever written into the page.
    await page.addInitScript(() => {
      /** @type {string[]} */
      const written = (/** @type {any} */ (globalThis).written = []);
      new MutationObserver((records) => {
        for (const { addedNodes, target } of records) for (const node of [target, ...addedNodes]) written.push(document.documentElement.lang, node.textContent ?? '');
      }).observe(document, { childList: true, subtree: true, characterData: true });
    });
    await page.goto(server.url);
    await page.waitForSelector('.poster-card');
    const written = await page.evaluate(() => /** @type {any} */ (globalThis).written.join('\n'));
    // Words that stand in markup for those without JavaScript are in both languages, and never shown here.
    assert.match(written, own);
    assert.doesNotMatch(written.replace(/Frontrow[^]*?필요합니다\./g, ''), foreign);
    assert.equal(await page.evaluate(() => document.documentElement.lang), locale.startsWith('ko') ? 'ko' : 'en');
    await context.close();
  });
}

test('the language and the theme are chosen, at once and for good', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.page.waitForSelector('.poster-card');
  await fan.click('.top nav button');
  await fan.page.locator('input[value=ko]').check();
  await fan.page.waitForFunction(() => document.querySelector('h1')?.textContent === '실시간 좌석 예매');
  await fan.page.locator('input[value=dark]').check();
  const paper = () => fan.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await paper(), 'rgb(18, 21, 26)');
  await fan.page.reload();
  await fan.page.waitForSelector('.poster-card');
  assert.equal(await fan.page.locator('h1').innerText(), '실시간 좌석 예매');
  assert.equal(await paper(), 'rgb(18, 21, 26)');
  await fan.leave();
});

test('the first view is light, whole, and asks nothing twice', async () => {
  const context = await browser.newContext({ locale: 'ko-KR' });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', (event) => (bytes += event.encodedDataLength));
  /** @type {string[]} */
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(server.url);
  await page.waitForSelector('.poster-card');
  await page.waitForLoadState('networkidle');
  assert.ok(bytes > 10_000 && bytes <= 120 * 1024, `${bytes} bytes`);
  console.log(`# first view: ${(bytes / 1024).toFixed(1)} KiB in ${asked.length} requests`);
  assert.deepEqual(asked.filter((path, index) => asked.indexOf(path) !== index), []);
  // What is preloaded is what is used.
  const preloaded = await page.evaluate(() => [...document.querySelectorAll('link[rel=modulepreload]')].map((link) => new URL(/** @type {HTMLLinkElement} */ (link).href).pathname));
  const modules = asked.filter((path) => /\.m?js$/.test(path) && !/\/(boot|main)\.js$/.test(path));
  assert.deepEqual(modules.filter((path) => !preloaded.includes(path)), [], 'add them to index.html');
  assert.deepEqual(preloaded.filter((path) => !modules.includes(path)), []);
  await context.close();
});

test('a second visit asks for the page and what is on sale, nothing else', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  /** @type {string[]} */
  let transferred = [];
  const cached = new Set();
  session.on('Network.requestServedFromCache', ({ requestId }) => cached.add(requestId));
  session.on('Network.responseReceived', ({ requestId, response }) => {
    if (!cached.has(requestId) && !response.fromDiskCache) transferred.push(new URL(response.url).pathname);
  });
  await page.goto(server.url);
  await page.waitForSelector('.poster-card');
  await page.waitForLoadState('networkidle');
  assert.ok(transferred.length > 20);
  transferred = [];
  await page.goto('about:blank');
  await page.goto(server.url);
  await page.waitForSelector('.poster-card');
  await page.waitForLoadState('networkidle');
  const again = transferred.filter((path) => path.startsWith('/~'));
  assert.deepEqual(again, []);
  const [script] = await page.locator('script[type=module]').all();
  const { headers } = await fetch(new URL((await script.getAttribute('src')) ?? '', server.url));
  assert.match(headers.get('cache-control') ?? '', /immutable/);
  await context.close();
});

test('the policy lets nothing in but what is ours', async () => {
  const response = await fetch(server.url);
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self' 'sha256-[^']+'(;|$)/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const fan = await Fan.open(browser, server.url);
  const ran = await fan.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.slipped = true';
    document.head.append(script);
    return 'slipped' in globalThis;
  });
  assert.equal(ran, false);
  fan.faults = fan.faults.filter((fault) => !/Content Security Policy/.test(fault)); // This one was asked for.
  await fan.leave();
});
