/** Goal: what is known of places and reservations never goes back, in whatever order it is said. Method: words in an order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Known } from '../../../web/sdk/reconcile.js';

const place = (/** @type {number} */ concert_id, /** @type {string} */ status, { token = `t${concert_id}`, entered_at = '2027-01-01T00:00:00Z' } = {}) =>
  /** @type {any} */ ({ concert_id, status, token, entered_at });
const reservation = (/** @type {string} */ reservation_id, /** @type {string} */ status) => /** @type {any} */ ({ reservation_id, status });

test('a place goes on and never back', () => {
  const known = new Known();
  const said = (/** @type {any} */ update, asked = false) => {
    const { place: newest, news } = known.takeQueue(update, asked);
    return `${newest.token} ${newest.status} ${news}`;
  };
  assert.equal(said(place(1, 'WAITING'), true), 't1 WAITING queue');
  assert.equal(said(place(1, 'PROGRESS')), 't1 PROGRESS queue');
  assert.equal(said(place(1, 'WAITING')), 't1 PROGRESS null', 'an older push');
  assert.equal(said(place(1, 'WAITING'), true), 't1 PROGRESS null', 'an older answer');
  assert.equal(said(place(1, 'DONE')), 't1 DONE queue');
  const later = { token: 'new', entered_at: '2027-01-01T01:00:00Z' };
  assert.equal(said(place(1, 'WAITING', later), true), 'new WAITING queue', 'joined again');
  assert.equal(said(place(1, 'DONE')), 'new WAITING null', 'a push about the place before');
  assert.equal(known.queue?.token, 'new');
});

test('a place in another sale is kept apart until it is asked for', () => {
  const known = new Known();
  known.takeQueue(place(1, 'WAITING'), true);
  assert.equal(known.takeQueue(place(2, 'PROGRESS'), false).news, 'elsewhere');
  assert.deepEqual([known.queue?.concert_id, [...known.places.keys()]], [1, [1, 2]]);
  assert.equal(known.takeQueue(place(2, 'WAITING'), true).news, 'queue', 'turned to, and still what is known');
  assert.deepEqual([known.queue?.concert_id, known.queue?.status], [2, 'PROGRESS']);
  known.forgetQueue();
  assert.deepEqual([known.queue, known.places.size], [null, 2]);
});

test('a reservation that ended is not held again, and old ones are forgotten', () => {
  const known = new Known();
  assert.equal(known.takeReservation(reservation('a', 'TEMP_RESERVED')).isNews, true);
  assert.equal(known.takeReservation(reservation('a', 'RESERVED')).isNews, true);
  const late = known.takeReservation(reservation('a', 'TEMP_RESERVED'));
  assert.deepEqual([late.isNews, late.reservation.status], [false, 'RESERVED']);
  known.takeReservation(reservation('held', 'TEMP_RESERVED'));
  for (let index = 0; index < 200; index += 1) known.takeReservation(reservation(`e${index}`, 'EXPIRED'));
  assert.equal(known.reservations.size, 64);
  assert.ok(known.reservations.has('held') && !known.reservations.has('a'));
  assert.equal(known.hasLost([reservation('held', 'TEMP_RESERVED')]), false);
  assert.equal(known.hasLost([]), true);
});
