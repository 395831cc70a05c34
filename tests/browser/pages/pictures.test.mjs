/**
 * Goal: the map of a stadium costs a tab little memory, however one moves about in it. Method: 60,000 seats; every canvas
 * that was ever made is kept hold of, so that what is not given back counts, and their pixels are added up.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DESKTOP, Fan, PHONE } from '../harness/browser.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

/** A pixel takes four bytes. 51 and 28 MiB when this was written; before, 96 MiB of pictures were kept for one scale alone. */
const MOST_MIB = Object.freeze({ desktop: 64, phone: 40 });

test('a look around in a stadium leaves few pictures', async () => {
  const server = new Server(['--set', 'guests=true']);
  const plan = join(server.data, 'stadium.json');
  writeFileSync(plan, await Server.tool('venue', 'generate', '--seats', '60000', '--shape', 'stadium'));
  const prices = ['VIP', 'R', 'S', 'A', 'B', 'C'].flatMap((name) => ['--price', `${name}=33000`]);
  const starts = new Date(Date.now() + 60 * 24 * 3600_000).toISOString();
  await server.command('import', plan, '--title', 'Stadium Night', '--starts-at', starts, ...prices, '--open');
  await server.begin();
  for (const [name, size, density] of /** @type {const} */ ([['desktop', DESKTOP, 2], ['phone', PHONE, 3]])) {
    const fan = await Fan.open(browser, server.url, { size, density });
    await fan.page.evaluate(() => {
      /** @type {HTMLCanvasElement[]} */
      const made = ((/** @type {any} */ (globalThis)).made = []);
      const create = Document.prototype.createElement;
      /** @this {Document} @param {any[]} of */
      const keeping = function (...of) {
        const element = create.apply(this, /** @type {any} */ (of));
        if (element instanceof HTMLCanvasElement) made.push(element);
        return element;
      };
      Document.prototype.createElement = /** @type {any} */ (keeping);
    });
    await fan.toSeats();
    const map = await fan.map();
    await fan.page.waitForFunction(() => /** @type {any} */ (document.querySelector('frontrow-seatmap')).pictureBytes > 0);
    // Near and far, all over the house: each view is drawn sharp before the next.
    for (let step = 0; step < 12; step++) {
      await map.evaluate(async (element, step) => {
        const rested = new Promise((resolve) => element.addEventListener('seatmap-rested', resolve, { once: true }));
        const { count } = /** @type {any} */ (element).venue;
        const buttons = element.shadowRoot?.querySelectorAll('.controls button') ?? [];
        if (step % 4 === 0) /** @type {HTMLElement} */ (buttons[2]).click();
        /** @type {any} */ (element).show([Math.floor((count * ((step * 5) % 12)) / 12)]);
        /** @type {HTMLElement} */ (buttons[step % 2]).click();
        await rested;
      }, step);
    }
    const { pixels, own } = await fan.page.evaluate(() => {
      const element = /** @type {any} */ (document.querySelector('frontrow-seatmap'));
      const canvases = new Set([.../** @type {any} */ (globalThis).made, ...element.shadowRoot.querySelectorAll('canvas')]);
      return { pixels: [...canvases].reduce((sum, { width, height }) => sum + width * height, 0), own: element.pictureBytes };
    });
    const mib = (pixels * 4) / 2 ** 20;
    console.log(`# ${name}: ${mib.toFixed(1)} MiB in canvases, of which ${(own / 2 ** 20).toFixed(1)} in the venue's pictures`);
    assert.ok(mib > 4, 'what is counted is what is shown');
    assert.ok(mib <= MOST_MIB[name], `${name}: ${mib} MiB`);
    // A fan who leaves the map takes nothing of it along.
    await fan.page.evaluate(() => (location.hash = '#/'));
    await fan.page.waitForSelector('.poster-card');
    const left = await fan.page.evaluate(() => /** @type {any} */ (globalThis).made.reduce((/** @type {number} */ sum, /** @type {any} */ { width, height }) => sum + width * height * 4, 0) / 2 ** 20);
    assert.ok(left <= MOST_MIB[name] / 4, `${name}: ${left} MiB left behind`);
    await fan.leave();
  }
  await server.stop();
});
