/**
 * Goal: nobody is charged a hundredfold because of a comma. Method: a table of what people type, then the wallet's own field
 * where money has decimals.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fan } from '../harness/browser.mjs';
import { browser } from '../harness/stage.mjs';
import { club } from '../harness/venue.mjs';
import { readAmount } from '../../../web/app/amount.js';

/** A number: what is read; a list: what is asked about. */
test('an amount is read as it is written, or asked about', () => {
  /** @type {[string, string, number, number | number[]][]} */
  const table = [
    // Euros, on an English page.
    ['19,99', 'en', 2, 1999],
    ['0,5', 'en', 2, 50],
    ['1.234,56', 'en', 2, 123456],
    ['1,234.56', 'en', 2, 123456],
    ['19.99', 'en', 2, 1999],
    ['19.9', 'en', 2, 1990],
    ['19', 'en', 2, 1900],
    ['.5', 'en', 2, 50],
    ['1,234', 'en', 2, 123400],
    ['1.234', 'en', 2, [123400]],
    ['1.234.567', 'en', 2, [123456700]],
    ['1 234,56', 'en', 2, 123456],
    ["1'234.56", 'en', 2, 123456],
    ['19 99', 'en', 2, []],
    ['0,500', 'en', 2, []],
    ['0.001', 'en', 2, []],
    ['€19,99', 'en', 2, 1999],
    ['19,99 €', 'en', 2, 1999],
    // A German device.
    ['1.234', 'de', 2, 123400],
    ['1,234', 'de', 2, [123400]],
    ['19.99', 'de', 2, 1999],
    // Won have no decimals.
    ['12,345', 'ko', 0, 12345],
    ['50,000원', 'ko', 0, 50000],
    ['₩50,000', 'ko', 0, 50000],
    ['５０，０００', 'ko', 0, 50000],
    ['12.345', 'ko', 0, [12345]],
    ['5,00', 'ko', 0, [5]],
    ['19,99', 'ko', 0, []],
    ['1.5', 'ko', 0, []],
    // Dinars have three, so that a comma may mean either.
    ['1,234', 'en', 3, [1234000, 1234]],
    ['1.5', 'en', 3, 1500],
    // Floating point would make 1998 or 1999 of it.
    ['1.15', 'en', 2, 115],
    ['90071992547409.91', 'en', 2, 9007199254740991],
    ['90071992547409.92', 'en', 2, []],
    ['', 'en', 2, []],
    ['0', 'en', 2, []],
    ['-5', 'en', 2, []],
    ['1e5', 'en', 2, []],
    ['0x10', 'en', 2, []],
    ['Infinity', 'en', 2, []],
    ['much', 'en', 2, []],
    ['1,,2', 'en', 2, []],
    ['9'.repeat(400), 'en', 2, []],
  ];
  for (const [text, language, digits, meant] of table) {
    const expected = Array.isArray(meant) ? { sure: null, unsure: meant } : { sure: meant, unsure: [] };
    assert.deepEqual({ ...readAmount(text, { language, digits }) }, expected, `${text} in ${language}`);
  }
});

test('the wallet reads a decimal comma, says what it read, and asks where two things may be meant', async () => {
  const { server } = await club(4, { currency: 'EUR' });
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  await fan.page.goto(`${fan.url}/#/wallet`);
  const balance = (/** @type {string} */ wanted) => fan.page.waitForFunction((wanted) => document.querySelector('[data-testid=balance]')?.textContent === wanted, wanted);
  await balance('€0.00');
  await fan.page.fill('.field input', '19,99');
  assert.equal(await fan.page.locator('#amount-read').innerText(), '€19.99');
  await fan.click('.field-row button');
  await balance('€19.99');
  await fan.page.fill('.field input', '0,5');
  await fan.click('.field-row button');
  await balance('€20.49');
  await fan.page.fill('.field input', '1.234,56');
  await fan.click('.field-row button');
  await balance('€1,255.05');
  await fan.page.fill('.field input', '1.234');
  assert.equal(await fan.page.locator('#amount-read').innerText(), '');
  await fan.click('.field-row button');
  await fan.page.waitForSelector('.meant button');
  assert.equal(await fan.page.locator('.meant button').innerText(), 'Top up: €1,234.00');
  await fan.screenshot('amount-asked');
  await balance('€1,255.05'); // Nothing before the answer.
  await fan.click('.meant button');
  await balance('€2,489.05');
  await fan.leave();
});

test('what is typed while a charge is on its way stays', async () => {
  const { server } = await club(4, { currency: 'EUR' });
  const fan = await Fan.open(browser, server.url);
  await fan.toSeats();
  // The answer of the first charge is late.
  let letGo = () => {};
  const way = new Promise((resolve) => (letGo = () => resolve(undefined)));
  await fan.page.routeWebSocket(/\/ws$/, (socket) => {
    const behind = socket.connectToServer();
    behind.onMessage(async (message) => {
      if (JSON.parse(String(message)).result?.balance === 1999) await way;
      socket.send(message);
    });
  });
  await fan.page.goto(`${fan.url}/#/wallet`);
  await fan.page.reload();
  const balance = (/** @type {string} */ wanted) => fan.page.waitForFunction((wanted) => document.querySelector('[data-testid=balance]')?.textContent === wanted, wanted);
  await balance('€0.00');
  await fan.page.fill('.field input', '19,99');
  await fan.click('.field-row button');
  await fan.page.waitForSelector('.field-row button[disabled]');
  await fan.page.fill('.field input', '0,5');
  letGo();
  await balance('€19.99');
  await fan.page.waitForSelector('.field-row button:not([disabled])');
  assert.equal(await fan.page.inputValue('.field input'), '0,5');
  await fan.click('.field-row button');
  await balance('€20.49');
  await fan.page.waitForFunction(() => /** @type {HTMLInputElement} */ (document.querySelector('.field input')).value === '');
  await fan.leave();
});
