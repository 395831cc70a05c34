/**
 * Real Chromium, driven like a fan would.
 *
 * Always: each fan has a profile of their own; a page that logs an error, breaks the content policy, asks another host or
 * sets a cookie fails the test that opened it.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ARTEFACTS = fileURLToPath(new URL('../../../artefacts/browser/', import.meta.url));
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const PHONE = Object.freeze({ width: 360, height: 740 });
/** A phone on its side. */
export const LANDSCAPE = Object.freeze({ width: 740, height: 360 });
export const DESKTOP = Object.freeze({ width: 1440, height: 900 });
/** A window of 1280 × 1024 at 400 %, as WCAG 1.4.10 has it. */
export const ZOOMED = Object.freeze({ width: 320, height: 256 });
export const WALL = Object.freeze({ width: 3840, height: 2160 });

/** @param {string[]} [flags] */
export function launch(flags = []) {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: [...FLAGS, ...flags] });
}

/**
 * @typedef {object} FanOptions
 * @property {{width: number, height: number}} [size]
 * @property {number} [density] Device pixels for one of CSS; 1 without.
 * @property {string} [locale]
 * @property {string} [zone] The zone of the fan's clocks; without one, this machine's.
 * @property {'light' | 'dark'} [scheme]
 * @property {boolean} [lossy] The network is broken on purpose: failed requests are no fault of the page.
 */

export class Fan {
  /** @type {string[]} What must not be. */
  faults = [];
  clicks = 0;

  /**
   * @param {import('playwright-core').BrowserContext} context
   * @param {import('playwright-core').Page} page
   * @param {string} url
   * @param {boolean} lossy
   */
  constructor(context, page, url, lossy) {
    this.context = context;
    this.page = page;
    this.url = url;
    this.#watch(page, lossy);
  }

  /**
   * @param {import('playwright-core').Browser} browser
   * @param {string} url
   * @param {FanOptions} [options]
   */
  static async open(browser, url, { size = DESKTOP, density = 1, locale = 'en-GB', zone, scheme = 'light', lossy = false } = {}) {
    const touch = size !== ZOOMED && Math.min(size.width, size.height) < 600;
    const context = await browser.newContext({ viewport: size, deviceScaleFactor: density, locale, timezoneId: zone, colorScheme: scheme, hasTouch: touch, isMobile: touch, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const fan = new Fan(context, page, url, lossy);
    await page.goto(url);
    return fan;
  }

  /**
   * @param {import('playwright-core').Page} page
   * @param {boolean} lossy
   */
  #watch(page, lossy) {
    page.on('pageerror', (error) => this.faults.push(`error: ${error.message}`));
    page.on('console', (message) => {
      const broken = lossy && /net::ERR|WebSocket connection/.test(message.text());
      if (message.type() === 'error' && !broken) this.faults.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (asked.protocol.startsWith('http') && asked.origin !== this.url) this.faults.push(`asked ${asked.origin}`);
      if (/[?&](?:access_)?token=|eyJ/.test(asked.href)) this.faults.push(`a token is in the address ${asked.pathname}`);
    });
  }

  /** Another window of the same fan. */
  async window(path = '/') {
    const page = await this.context.newPage();
    this.#watch(page, true);
    await page.goto(this.url + path);
    return page;
  }

  /** @param {string} selector */
  async click(selector) {
    this.clicks++;
    const target = this.page.locator(selector).first();
    if (await this.page.evaluate(() => navigator.maxTouchPoints > 0)) await target.tap();
    else await target.click();
  }

  /** Goes from the start page into the first sale. */
  async join() {
    await this.click('.poster-card .primary');
  }

  async toSeats() {
    await this.join();
    await this.map();
  }

  /** Connected, and nothing to say about it. */
  async linked() {
    await this.page.waitForSelector('.linkstate.empty[data-link=online]', { state: 'attached' });
  }

  /** The seat map, drawn. */
  async map() {
    await this.page.waitForSelector('frontrow-seatmap');
    return this.page.locator('frontrow-seatmap');
  }

  /** @param {number} [count] Seats together. */
  async holdBest(count = 2) {
    for (let more = 2; more < count; more++) await this.click('.stepper button:last-child');
    for (let less = 2; less > count; less--) await this.click('.stepper button:first-child');
    await this.click('.best .primary');
    await this.page.waitForSelector('.cart.full');
    return this.held();
  }

  async held() {
    return (await this.page.locator('.held strong').allInnerTexts()).map((label) => label.replace(/\s+/g, ' '));
  }

  async toCheckout() {
    await this.click('.cart-foot a');
    await this.page.waitForSelector('.receipt');
  }

  async pay() {
    await this.click('button.big:not([disabled])');
    await this.page.waitForSelector('.ticket');
  }

  /** @param {string} hash */
  async at(hash) {
    await this.page.waitForFunction((wanted) => location.hash.startsWith(wanted), hash);
  }

  async tickets() {
    return (await this.page.locator('.ticket-seat .seat-name').allInnerTexts()).map((label) => label.replace(/\s+/g, ' '));
  }

  /** The state of seats as the map knows it. @param {number[]} seats */
  statesOf(seats) {
    return this.page.locator('frontrow-seatmap').evaluate((map, wanted) => wanted.map((/** @type {number} */ seat) => /** @type {any} */ (map).stateOf(seat)), seats);
  }

  /** Waits until the map shows the seat so. @param {number} seat @param {string} state */
  async sees(seat, state) {
    await this.page.waitForFunction(([seat, state]) => /** @type {any} */ (document.querySelector('frontrow-seatmap'))?.stateOf(seat) === state, /** @type {[number, string]} */ ([seat, state]));
  }

  /**
   * A seat chosen on the map, whatever way a fan may choose.
   * @param {number} seat
   * @param {string} [seen] The text that the fan saw; else what the map shows now.
   */
  async pick(seat, seen) {
    await (await this.map()).evaluate(
      (map, [seat, seen]) => map.dispatchEvent(new CustomEvent('seat-pick', { detail: { seat, state: seen ?? /** @type {any} */ (map).stateOf(seat), by: 'pointer' } })),
      /** @type {[number, string | undefined]} */ ([seat, seen]),
    );
  }

  /** @param {string} name The name without ending; kept as a build artefact. */
  async screenshot(name) {
    mkdirSync(ARTEFACTS, { recursive: true });
    await this.page.screenshot({ path: `${ARTEFACTS}${name}.png` });
  }

  /** Accessibility, by axe, of what is shown now. @param {string} where */
  async accessible(where) {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() => /** @type {any} */ (globalThis).axe.run(document, { resultTypes: ['violations'] }));
    const told = violations.map((/** @type {any} */ v) => `${where}: ${v.id} (${v.help}): ${v.nodes.map((/** @type {any} */ n) => n.target.join(' ') + ' ' + n.failureSummary).join('; ')}`);
    assert.deepEqual(told, []);
  }

  /** Nothing sticks out sideways. @param {string} where */
  async fits(where) {
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${where} is ${wide} px too wide`);
  }

  /**
   * The browser said something that was to be said. It may say so later than the page shows why.
   * @param {RegExp} words
   */
  async said(words) {
    while (!this.faults.some((fault) => words.test(fault))) {
      await this.page.waitForEvent('console', (message) => words.test(message.text()));
    }
    this.faults.splice(this.faults.findIndex((fault) => words.test(fault)), 1);
  }

  /** Ends the fan's visit; fails on what must not have been. */
  async leave() {
    const cookies = await this.context.cookies();
    const address = this.page.url();
    // An answer that a test makes itself may be half made: nobody waits for it any more, and what it rests on ends here.
    await Promise.all([this.context, ...this.context.pages()].map((routed) => routed.unrouteAll({ behavior: 'ignoreErrors' })));
    await this.context.close();
    assert.deepEqual(this.faults, []);
    assert.deepEqual(cookies, []);
    assert.doesNotMatch(address, /eyJ/);
  }
}
