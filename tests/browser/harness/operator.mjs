/** An operator in a browser of their own: what a fan's browser is watched for, this one is, too. */
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

  /** An answer was to be a refusal. @param {number} status */
  async refused(status) {
    await this.said(new RegExp(`status of ${status}`));
  }
}
