/** Goal: the seat map finds every seat a place of its own, and tells where it is in the reader's words. Method: its data alone, in Node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RADIUS_SHARE, SHAPE_REACH, Venue } from '../../../web/seatmap/venue.js';
import { WORDS } from '../../../web/seatmap/words.js';

/**
 * @param {[number, number][]} places
 * @param {Partial<import('../../../web/sdk/wire.js').Layout>} [more]
 * @returns {import('../../../web/sdk/wire.js').Layout}
 */
function layout(places, more = {}) {
  const column = (/** @type {(at: [number, number], index: number) => any} */ of) => places.map(of);
  return {
    schedule_id: 1,
    title: '',
    venue: '',
    time_zone: null,
    starts_at: '',
    currency: 'KRW',
    size: { width: 400, height: 400 },
    categories: [{ name: 'R', color: '#c33', price: 1 }],
    zones: [{ name: '104구역' }, { name: '105구역' }],
    rows: [{ zone: 0, label: '1' }],
    areas: [],
    seats: { x: column(([x]) => x), y: column(([, y]) => y), row: column(() => 0), number: column((_, index) => String(index + 1)), category: column(() => 0), label: [] },
    ...more,
  };
}

/** No shape reaches into another one. @param {Venue} venue */
function apart(venue) {
  const reach = (/** @type {number} */ seat) => venue.spacing * RADIUS_SHARE * SHAPE_REACH * venue.share[seat];
  for (let a = 0; a < venue.count; a++) {
    for (let b = 0; b < a; b++) {
      const distance = Math.hypot(venue.x[a] - venue.x[b], venue.y[a] - venue.y[b]);
      assert.ok(reach(a) + reach(b) <= distance + 1e-3, `seats ${b} and ${a}: ${reach(a)} + ${reach(b)} > ${distance}`);
      assert.ok(venue.share[a] > 0.05, `seat ${a} can be seen`);
    }
  }
}

const row = (/** @type {number} */ y, step = 20) => Array.from({ length: 10 }, (_, i) => /** @type {[number, number]} */ ([40 + i * step, y]));

test('seats in rows are drawn in full, wherever they are', () => {
  const venue = new Venue(layout([...row(40), ...row(60), ...row(80)]));
  assert.ok(venue.share.every((share) => share === 1));
  apart(venue);
});

test('seats that stand closer are drawn smaller, seats on top of each other beside each other', () => {
  apart(new Venue(layout([...row(40), ...row(60), ...row(72), [200, 300], [203, 300], [206, 302]])));
  for (const many of [2, 3, 7, 20, 40]) {
    const venue = new Venue(layout([...row(40), ...row(60), ...Array.from({ length: many }, () => /** @type {[number, number]} */ ([200, 300]))]));
    apart(venue);
    // A press finds each of them.
    for (let seat = 20; seat < venue.count; seat++) assert.equal(venue.grid.nearest(venue.x[seat], venue.y[seat], 5), seat);
  }
});

test('a seat is told part by part, in the plan’s words or the page’s', () => {
  const korean = { ...WORDS, row: (/** @type {string} */ label) => `${label}열`, seat: (/** @type {string} */ number) => `${number}번`, place: (/** @type {string[]} */ parts) => parts.join(' ') };
  const places = row(40);
  let venue = new Venue(layout(places));
  assert.equal(venue.inWords(6, korean), '104구역 1열 7번');
  assert.equal(venue.inWords(6, WORDS), '104구역, row 1, seat 7');
  venue = new Venue(layout(places, { rows: [{ zone: 1, label: 'A', row_label: 'Reihe A', seat_label: 'Platz %s' }] }));
  assert.equal(venue.inWords(6, korean), '105구역 Reihe A Platz 7');
  venue = new Venue(layout(places, { zones: [{ name: 'Hall' }], rows: [{ zone: 0, label: '' }] }));
  assert.equal(venue.inWords(6, WORDS), 'seat 7', 'what is not known is left out');
});

test('seats that share section, row and number have names of their own, as their labels do', () => {
  const seats = { ...layout([[0, 0]]).seats, x: [0, 1, 2, 3, 4], y: [0, 0, 0, 0, 0], row: [0, 1, 1, 2, 2], number: ['4', '4', '4', '4', '5 (2)'], category: [0, 0, 0, 0, 0] };
  const label = ['A (1) A-4', 'A (1) A (2)-4', 'A (1) A (2)-4 (2)', 'B B (2)-4', 'B B (2)-5 (2)'];
  const venue = new Venue(layout([], { zones: [{ name: 'A (1)' }, { name: 'B' }], rows: [{ zone: 0, label: 'A' }, { zone: 0, label: 'A' }, { zone: 1, label: 'B (2)' }], seats: { ...seats, label } }));
  assert.deepEqual(
    label.map((_, seat) => venue.inWords(seat, WORDS)),
    ['A (1), row A, seat 4', 'A (1), row A (2), seat 4', 'A (1), row A (2), seat 4 (2)', 'B, row B (2), seat 4', 'B, row B (2), seat 5 (2)'],
  );
});
