/**
 * Goal: Korean and English as those who buy tickets write them. Method: the words, the dates and the money of the page's own
 * modules, as they are shown.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Fan, PHONE } from '../harness/browser.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';
import { words as en } from '../../../web/app/i18n/en.js';
import { forms, words as ko } from '../../../web/app/i18n/ko.js';

/**
 * A template takes numbers, texts, or a list of texts; zero, one and more may be written differently.
 * @param {(...given: any[]) => string} template
 */
function filled(template) {
  for (const kind of [[0, 1, 7], ['A', 'B'], [['A', 'B']]]) {
    try {
      return kind.map((given) => template(given, given, given));
    } catch {
      // It takes another kind.
    }
  }
  throw new Error(`nothing fits ${template}`);
}

/**
 * Every text of a dictionary, templates filled.
 * @param {any} value
 * @param {string} path
 * @returns {{path: string, text: string}[]}
 */
function texts(value, path = '') {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value === 'function') return filled(value).map((text) => ({ path, text }));
  return Object.entries(value).flatMap(([key, inner]) => texts(inner, `${path}.${key}`));
}

test('Korean has none of the words that no ticket shop uses', () => {
  const source = readFileSync(new URL('../../../web/app/i18n/ko.js', import.meta.url), 'utf8');
  for (const word of ['선점', '반납', '줄', '차례', '당신']) assert.ok(!source.includes(word), word);
});

test('Korean has the phrases that every buyer knows', () => {
  const date = /** @type {NonNullable<typeof forms.date>} */ (forms.date);
  const money = /** @type {NonNullable<typeof forms.money>} */ (forms.money);
  const monday = { year: 2026, month: 12, day: 28, weekday: 1, hour: 10, minute: 0 };
  /** @type {[string, unknown][]} */
  const phrases = [
    ['남은 선택 시간 9:46', ko.time.toChoose('9:46')],
    ['결제 마감까지 4:56', ko.time.toPay('4:56')],
    ['154,000원', money('154,000', 'KRW')],
    ['2026년 12월 28일 (월) 오전 10:00', date(monday, 'long')],
    ['12월 28일 (월) 오후 12:05', date({ ...monday, hour: 12, minute: 5 }, 'short')],
    ['오전 12:00', date({ ...monday, hour: 0 }, 'short').slice(-8)],
    ['연석 2매 추천', ko.seats.best(2)],
    ['이미 선택된 좌석입니다', ko.error.taken('').replace('.', '')],
    ['이미 선택된 좌석입니다: A-1', ko.error.taken('A-1')],
    ['예매하기', ko.concerts.join],
    ['미리 대기하기', ko.concerts.joinEarly],
    ['다시 대기하기', ko.lobby.again],
    ['분당 입장 인원 약 55명', `${ko.waiting.pace} ${ko.waiting.paceValue(55)}`],
    ['취소표가 나왔습니다: A-1', ko.seats.freed('A-1')],
    ['계속 예매하시겠어요?', ko.time.idleTitle],
    ['로그인이 만료되었습니다. 다시 로그인해 주세요.', ko.error.unauthenticated],
    ['선택 좌석', ko.cart.title],
  ];
  for (const [phrase, shown] of phrases) assert.equal(shown, phrase);
  const all = texts(ko).map(({ text }) => text).join('\n');
  for (const word of ['예매', '대기', '선택 좌석', '취소', '연석', '취소표']) assert.match(all, new RegExp(word));
});

test('every text is filled in both languages', () => {
  for (const [language, dictionary] of Object.entries({ en, ko })) {
    const all = texts(dictionary);
    for (const { path, text } of all) assert.ok(text && !/undefined|NaN|\[object|\{/.test(text), `${language}${path}: ${text}`);
    // A template that says "0" where a number was given says it as a number.
    assert.ok(all.length > 200);
  }
  const letters = texts(ko).filter(({ text }) => /[\u3131-\u318e]/.test(text));
  assert.deepEqual(letters, [], 'no half-written syllable');
});

test('names of made-up venues are Korean, however many blocks a tier has', () => {
  const zone = /** @type {NonNullable<typeof forms.zone>} */ (forms.zone);
  for (const [name, shown] of [
    ['Stalls', '1층'],
    ['Stalls A-12', '1층 A-12'],
    ['Stalls Centre A-12', '1층 중앙 A-12'],
    ['Balcony Left B-1', '2층 좌측 B-1'],
    ['Upper Balcony 4 C-7', '3층 4구역 C-7'],
    ['Section 104 12-5', '104구역 12-5'],
    ['Floor B 3-4', '플로어 B구역 3-4'],
    ['Somewhere else', 'Somewhere else'],
  ]) assert.equal(zone(name), shown);
});

test('English has none of the phrases that sound translated', () => {
  for (const { path, text } of texts(en)) {
    assert.doesNotMatch(text, /Go on|^Missing|\bCharge\b|given on|Call me|give back|Give (?:it|all|one)? ?back|take over/, path);
  }
  assert.equal(en.concerts.continue, 'Continue');
  assert.equal(en.checkout.chargeAndPay('₩308,000'), 'Top up ₩308,000 and pay');
});

test('a whole visit in Korean: dates, money and words on the pages themselves', async () => {
  const server = await Server.start('--demo');
  const fan = await Fan.open(browser, server.url, { size: PHONE, locale: 'ko-KR' });
  await fan.page.waitForSelector('.poster-card');
  assert.match(await fan.page.locator('.dates time').first().innerText(), /^20\d\d년 \d+월 \d+일 \([일월화수목금토]\) 오[전후] \d+:\d\d/);
  assert.equal(await fan.page.locator('.poster-card .primary').innerText(), '예매하기');
  await fan.toSeats();
  assert.match(await fan.page.locator('.timebar').innerText(), /남은 선택 시간 \d+:\d\d/);
  assert.equal(await fan.page.locator('.best .primary').innerText(), '연석 2매 추천');
  await fan.holdBest(2);
  assert.match(await fan.page.locator('.timebar .pay').innerText(), /^결제 마감까지 \d:\d\d$/);
  assert.match(await fan.page.locator('.cart .total').innerText(), /[\d,]+원$/);
  assert.equal(await fan.page.locator('#cart-title').innerText(), '선택 좌석');
  await fan.toCheckout();
  assert.match(await fan.page.locator('button.big').innerText(), /^[\d,]+원 충전하고 결제하기$/);
  await fan.pay();
  // The demo's concert and house are Korean too, on the ticket as on the map.
  const ticket = await fan.page.locator('.purchase').innerText();
  assert.match(ticket, /맨 앞자리의 밤[^]*프론트로 홀[^]*[123]층/);
  assert.doesNotMatch(ticket, /Stalls|Balcony|Frontrow|Front Row/);
  assert.doesNotMatch(await fan.page.locator('body').innerText(), /선점|반납|줄|차례|당신|₩|\b[AP]M\b/);
  await fan.leave();
  await server.stop();
});
