/**
 * Goal: every page reads well: accessible by axe, nothing sticks out, in both languages and themes, small and large. The
 * screenshots are build artefacts, to be looked at.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DESKTOP, Fan, LANDSCAPE, PHONE, WALL, launch } from '../harness/browser.mjs';
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

for (const [size, viewport] of Object.entries({ phone: PHONE, landscape: LANDSCAPE, desktop: DESKTOP })) {
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
  assert.ok(asked.length <= 20, `${asked.length} requests`);
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
  assert.ok(transferred.length > 5);
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

test('something is to be seen before the code is there, in no language', async () => {
  const context = await browser.newContext({ locale: 'ko-KR', viewport: PHONE });
  const page = await context.newPage();
  await page.route(/joined\.js$/, () => {}); // It never comes.
  // The words and the concerts are asked for by the page itself, beside its code.
  const early = [/\/app\/i18n\/ko\.js$/, /\/api\/v1\/concerts$/].map((path) => page.waitForRequest(path));
  await page.goto(server.url, { waitUntil: 'commit' });
  await Promise.all(early);
  await page.locator('.shell .brand').waitFor();
  assert.equal((await page.locator('#app').innerText()).trim(), 'Frontrow');
  await page.screenshot({ path: fileURLToPath(new URL('../../../artefacts/browser/shell.png', import.meta.url)) });
  await context.close();
});

test('files come as brotli to those who read it', async () => {
  const asks = { headers: { 'accept-encoding': 'gzip, deflate, br' } };
  const page = await (await fetch(server.url, asks)).text();
  const [path] = /\/~[^"]+joined\.js/.exec(page) ?? [''];
  /** @type {Response} */
  let response;
  // The first who come are served with gzip, while it is made.
  do response = await fetch(server.url + path, asks);
  while (response.headers.get('content-encoding') !== 'br' && (await response.text()));
  assert.match(await response.text(), /^export \{/);
  const tag = response.headers.get('etag');
  const other = await fetch(server.url + path, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(other.headers.get('content-encoding'), 'gzip');
  assert.notEqual(other.headers.get('etag'), tag);
});

test('the modules run unjoined too, as they lie in the folder', async () => {
  // A page that a test answers for comes from nowhere, as far as Chromium knows, and may not speak to this machine.
  const unguarded = await launch(['--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets']);
  const context = await unguarded.newContext();
  const page = await context.newPage();
  const fan = new Fan(context, page, server.url, false);
  const folder = new URL('../../../web/', import.meta.url);
  /** @type {string[]} */
  const served = [];
  await page.route(/\/(?:$|(?:app|sdk|seatmap|vendor)\/)/, async (route) => {
    const { pathname } = new URL(route.request().url());
    served.push(pathname);
    const type = pathname.endsWith('.css') ? 'text/css' : pathname.endsWith('.svg') ? 'image/svg+xml' : pathname.endsWith('/') ? 'text/html' : 'text/javascript';
    await route.fulfill({ path: fileURLToPath(new URL(pathname === '/' ? 'index.html' : `.${pathname}`, folder)), contentType: type });
  });
  await page.goto(server.url);
  await page.waitForSelector('.poster-card');
  // Everything that is preloaded is used.
  const preloaded = await page.evaluate(() => [...document.querySelectorAll('link[rel=modulepreload]')].map((link) => new URL(/** @type {HTMLLinkElement} */ (link).href).pathname));
  const modules = served.filter((path) => /\.m?js$/.test(path) && !/\/(boot|main)\.js$/.test(path));
  assert.deepEqual(modules.filter((path) => !preloaded.includes(path)), [], 'add them to index.html');
  assert.deepEqual(preloaded.filter((path) => !modules.includes(path)), []);
  await fan.toSeats();
  await fan.leave();
  await unguarded.close();
});

test('a sale has an address to pass on, which opens it and says what it is about', async () => {
  const asked = await fetch(`${server.url}/sale/1`, { headers: { 'x-forwarded-proto': 'https' } });
  const head = await asked.text();
  assert.match(asked.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  const host = new URL(server.url).host;
  assert.match(head, /<meta property="og:title" content="Front Row Night">/);
  assert.ok(head.includes(`<meta property="og:url" content="https://${host}/sale/1">`));
  const [, picture] = /property="og:image" content="([^"]+)"/.exec(head) ?? [];
  assert.equal(picture, `https://${host}/app/share.png`);
  for (const path of ['/app/share.png', '/app/icon-180.png', '/app/icon-192.png', '/app/icon-512.png', '/app/icon-maskable.png']) {
    const image = await fetch(server.url + path);
    assert.equal(image.headers.get('content-type'), 'image/png', path);
  }
  const fan = await Fan.open(browser, server.url);
  await fan.page.goto(`${server.url}/sale/1`);
  await fan.page.waitForSelector('.message .primary');
  assert.equal(new URL(fan.page.url()).pathname + new URL(fan.page.url()).hash, '/#/sale/1');
  // Passed on by what the device has for it.
  await fan.page.evaluate(() => (navigator.share = async (what) => void (/** @type {any} */ (globalThis).given = what)));
  await fan.click('.share');
  assert.deepEqual(await fan.page.evaluate(() => /** @type {any} */ (globalThis).given), { title: 'Front Row Night', url: `${server.url}/concert/1` });
  await fan.page.goto(`${server.url}/sale/99`);
  await fan.page.waitForSelector('.message');
  await fan.leave();
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
  await fan.said(/Content Security Policy/);
  await fan.leave();
});
