/**
 * Goal: a small window, a phone on its side, the reader's own colours and paper lose nothing. Method: what is seen at a
 * place is asked of the browser, not of the style sheet.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Fan, LANDSCAPE, PHONE, ZOOMED, launch } from '../harness/browser.mjs';
import { leaveFans } from '../harness/fans.mjs';
import { Server, stopServers } from '../harness/server.mjs';
import { club } from '../harness/venue.mjs';

/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start('--demo'), launch()]);
});
afterEach(() => leaveFans());
after(() => Promise.all([browser.close(), stopServers()]));

/** The share of the window where the seat map is what one sees and touches. @param {Fan} fan */
function mapInSight(fan) {
  return fan.page.evaluate(() => {
    const [columns, rows] = [40, 40];
    let seen = 0;
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) {
        const at = document.elementFromPoint(((column + 0.5) * innerWidth) / columns, ((row + 0.5) * innerHeight) / rows);
        if (at?.localName === 'frontrow-seatmap') seen++;
      }
    }
    return seen / (columns * rows);
  });
}

test('a phone on its side shows the map, with and without seats in the cart', async () => {
  const fan = await Fan.open(browser, server.url, { size: LANDSCAPE, locale: 'ko-KR' });
  await fan.toSeats();
  assert.ok((await mapInSight(fan)) > 0.4, `${await mapInSight(fan)} of the window`);
  await fan.screenshot('landscape-seats');
  await fan.holdBest(4);
  assert.ok((await mapInSight(fan)) > 0.4, `${await mapInSight(fan)} of the window, with seats`);
  await fan.screenshot('landscape-held');
  // The way to pay is in sight as well.
  assert.ok(await fan.page.locator('.cart-foot a').evaluate((link) => link.getBoundingClientRect().bottom <= innerHeight));
  await fan.leave();
});

test('at 320 × 256 the map is reached by scrolling down alone, and nothing stays in front of it', async () => {
  const fan = await Fan.open(browser, server.url, { size: ZOOMED });
  await fan.toSeats();
  await fan.holdBest(2);
  await fan.fits('seats, zoomed');
  await fan.page.locator('frontrow-seatmap').evaluate((map) => map.scrollIntoView({ block: 'end' }));
  assert.ok((await mapInSight(fan)) > 0.5, `${await mapInSight(fan)} of the window`);
  await fan.screenshot('zoomed-seats');
  await fan.page.locator('.cart-foot a').scrollIntoViewIfNeeded();
  await fan.toCheckout();
  await fan.fits('checkout, zoomed');
  await fan.pay();
  await fan.fits('tickets, zoomed');
  await fan.leave();
});

test('the dates are read whole, amounts and words of a table stand in one line', async () => {
  for (const locale of ['ko-KR', 'en-GB']) {
    for (const size of [PHONE, LANDSCAPE, ZOOMED]) {
      const fan = await Fan.open(browser, server.url, { size, locale });
      await fan.toSeats();
      const [room, needed] = await fan.page.locator('.seats-head select').evaluate((element) => {
        const select = /** @type {HTMLSelectElement} */ (element);
        const style = getComputedStyle(select);
        const context = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
        context.font = style.font;
        const widths = [...select.options].map((option) => context.measureText(option.text).width);
        return [select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight), Math.max(...widths)];
      });
      assert.ok(room >= Math.floor(needed), `a date needs ${needed} px and has ${room}`);
      await fan.holdBest(1);
      await fan.toCheckout();
      await inOneLine(fan, /₩|원/, '.receipt');
      await fan.pay();
      await fan.page.goto(`${fan.url}/#/wallet`);
      await fan.page.waitForSelector('table');
      await inOneLine(fan, /₩|원$/, 'main');
      await inOneLine(fan, /^\S+$/, 'td');
      await columnsApart(fan);
      await fan.leave();
    }
  }
});

/**
 * No text that fits the pattern is broken into lines.
 * @param {Fan} fan @param {RegExp} pattern @param {string} within
 */
async function inOneLine(fan, pattern, within) {
  const texts = await fan.page.locator(within).evaluateAll((roots, source) => {
    const found = [];
    for (const root of roots) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!new RegExp(source, 'u').test(node.textContent?.trim() ?? '')) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        found.push({ text: node.textContent, lines: new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size });
      }
    }
    return found;
  }, pattern.source);
  assert.ok(texts.length > 0);
  assert.deepEqual(texts.filter(({ lines }) => lines > 1), []);
}

/** Columns that stand side by side in a table are distinct. @param {Fan} fan */
async function columnsApart(fan) {
  const gaps = await fan.page.locator('tr').evaluateAll((rows) =>
    rows.flatMap((row) => {
      const boxes = [...row.children].map((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return range.getBoundingClientRect();
      });
      return boxes.slice(1).map((box, index) => box.left - boxes[index].right);
    }),
  );
  assert.ok(gaps.length > 0 && Math.min(...gaps) >= 10, `${gaps.join(' ')} px`);
}

test('an upright phone with a full cart leaves the map a quarter of its height, and cuts no title', async () => {
  for (const locale of ['ko-KR', 'en-GB']) {
    const fan = await Fan.open(browser, server.url, { size: PHONE, locale });
    await fan.toSeats();
    await fan.holdBest(4);
    const free = await fan.page.evaluate(() => {
      const map = /** @type {Element} */ (document.querySelector('.seats-map')).getBoundingClientRect();
      const cart = /** @type {Element} */ (document.querySelector('.cart')).getBoundingClientRect();
      return (Math.min(map.bottom, cart.top) - map.top) / innerHeight;
    });
    assert.ok(free >= 0.25, `${free} of the height in ${locale}`);
    await fan.page.setViewportSize(LANDSCAPE);
    const [needed, has] = await fan.page.locator('#seats-title').evaluate((title) => {
      const range = document.createRange();
      range.setStartAfter(/** @type {Element} */ (title.querySelector('.visually-hidden')));
      range.setEndAfter(/** @type {Node} */ (title.lastChild));
      const lines = [...range.getClientRects()];
      return [Math.max(...lines.map((box) => box.right)), title.getBoundingClientRect().right];
    });
    assert.ok(needed <= has + 1, `the title ends at ${needed}, its place at ${has}`);
    await fan.leave();
  }
});

test('a name in another language than the page says so', async () => {
  const { server: hall } = await club(2, { title: '한강 Night · Live' });
  const languages = () => fan.page.locator('h2').first().evaluate((title) => [...title.querySelectorAll('[lang]')].map((part) => [/** @type {HTMLElement} */ (part).lang, part.textContent?.trim()]));
  let fan = await Fan.open(browser, hall.url, { locale: 'en-GB' });
  await fan.page.waitForSelector('.poster-card');
  assert.deepEqual(await languages(), [['ko', '한강']]);
  await fan.leave();
  fan = await Fan.open(browser, hall.url, { locale: 'ko-KR' });
  await fan.page.waitForSelector('.poster-card');
  assert.deepEqual(await languages(), [['en', 'Night · Live']]);
  await fan.leave();
  await hall.stop();
});

test('the last warning leaves the time that it warns of in sight', async () => {
  const short = await Server.start('--demo', '--set', 'sale.hold_ttl=12s');
  for (const size of [PHONE, LANDSCAPE]) {
    const fan = await Fan.open(browser, short.url, { size });
    await fan.toSeats();
    await fan.holdBest(1);
    await fan.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    // Looked at in the moment in which the warning is drawn, however slow the machine.
    const covered = await fan.page.waitForFunction(() => {
      const [notice, timer] = [document.querySelector('.notice.warn'), document.querySelector('.timebar .pay')];
      if (!notice || !timer) return null;
      const box = timer.getBoundingClientRect();
      const seen = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return { by: seen === timer ? null : (seen?.outerHTML ?? 'nothing') };
    });
    assert.deepEqual(await covered.jsonValue(), { by: null });
    await fan.screenshot(`warned-${size.width}`);
    await fan.leave();
  }
  await short.stop();
});

for (const scheme of /** @type {const} */ (['light', 'dark'])) {
  test(`forced colours: own seats are seen, and what is chosen is told by more than a colour: ${scheme}`, async () => {
    const fan = await Fan.open(browser, server.url, { size: PHONE, scheme });
    await fan.page.emulateMedia({ forcedColors: 'active' });
    await fan.toSeats();
    const seats = await fan.page.locator('.chip[aria-pressed=true]').evaluate((chip) => {
      const paint = (/** @type {Element} */ element) => getComputedStyle(element).backgroundColor;
      return [paint(chip), paint(/** @type {Element} */ (document.querySelector('.chip[aria-pressed=false]')))];
    });
    assert.notEqual(seats[0], seats[1], 'the chosen price');
    await fan.holdBest(2);
    const { own, paper, ink, drawn } = await fan.page.locator('frontrow-seatmap').evaluate(async (element) => {
      const map = /** @type {any} */ (element);
      const [canvas, probe] = ['canvas.seats', '.probe'].map((selector) => map.shadowRoot.querySelector(selector));
      const path = [...document.querySelectorAll('script[type=importmap]')].map((script) => JSON.parse(script.textContent ?? '').imports['@frontrow/seatmap'])[0];
      const { readTheme } = await import(path.replace('index.js', 'colours.js'));
      const theme = readTheme(probe, map.venue.categories);
      const numbers = (/** @type {string} */ colour) => (colour.match(/\d+/g) ?? []).map(Number);
      const own = numbers(theme.own);
      const count = () => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let pixels = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i] === own[0] && data[i + 1] === own[1] && data[i + 2] === own[2]) pixels++;
        return pixels;
      };
      // It waits until the map has flown to the seats and drawn them.
      while (count() < 100) await new Promise((resolve) => requestAnimationFrame(resolve));
      return { own, paper: numbers(theme.paper), ink: numbers(theme.ownInk), drawn: count() };
    });
    assert.ok(contrast(own, paper) >= 3, `${own} on ${paper}`);
    assert.ok(contrast(own, ink) >= 4.5, `${ink} on ${own}`);
    assert.ok(drawn >= 100);
    await fan.accessible(`seats, forced colours, ${scheme}`);
    await fan.screenshot(`forced-${scheme}-held`);
    await fan.click('.segment:last-child');
    await fan.map();
    await fan.screenshot(`forced-${scheme}-list`);
    await fan.leave();
  });
}

/** WCAG's contrast. @param {number[]} a @param {number[]} b */
function contrast(a, b) {
  const [light, dark] = [a, b]
    .map((rgb) => {
      const [r, g, bl] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
    })
    .sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test('on paper there are the tickets, and nothing to press', async () => {
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.holdBest(2);
  await fan.toCheckout();
  await fan.pay();
  await fan.page.emulateMedia({ media: 'print' });
  for (const selector of ['.top', '.stuck', 'main button:not(.ticket-qr)']) {
    assert.equal(await fan.page.locator(selector).first().isVisible(), false, selector);
  }
  assert.equal(await fan.page.locator('.ticket').first().isVisible(), true);
  assert.equal(await fan.page.locator('.ticket .qr').first().isVisible(), true, 'what the door reads');
  await fan.fits('tickets on paper');
  await fan.screenshot('print-tickets');
  await fan.leave();
});
