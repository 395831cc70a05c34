/** An operator in a browser of their own: what a fan's browser is watched for, this one is, too. */
import assert from 'node:assert/strict';
import { Fan } from './browser.mjs';

export class Operator extends Fan {
  /**
   * Opens a link that signs in.
   * @param {import('playwright-core').Browser} browser
   * @param {string} link
   * @param {import('./browser.mjs').FanOptions} [options]
   */
  static async signIn(browser, link, { size, locale, scheme } = {}) {
    const touch = size !== undefined && Math.min(size.width, size.height) < 600;
    const context = await browser.newContext({ viewport: size, locale, colorScheme: scheme, hasTouch: touch, isMobile: touch, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const operator = new Operator(context, page, new URL(link).origin, false);
    await page.goto(link);
    await page.waitForSelector('main h1');
    return operator;
  }

  /** The name of what is shown. */
  async title() {
    return this.page.locator('main h1').innerText();
  }

  /** @param {string} text */
  async shows(text) {
    await this.page.locator('main', { hasText: text }).waitFor();
  }

  /** What the browser itself says of an answer that was to be a refusal. @param {number} status */
  refused(status) {
    const told = this.faults.findIndex((fault) => fault.includes(`status of ${status}`));
    assert.ok(told >= 0, `no ${status} among ${JSON.stringify(this.faults)}`);
    this.faults.splice(told, 1);
  }
}
