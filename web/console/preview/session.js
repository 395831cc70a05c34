/**
 * What stands in the place of the fans' session (`app/session.js`) when a draft is looked at: a house in which every seat that is for
 * sale is free, and in which nobody holds anything.
 *
 * Always: nothing is connected, and nothing of the reader's own session as a fan is read or written.
 */
import { signal } from '@preact/signals';
import { SeatModel } from '../../sdk/seats.js';
import { SeatState } from '../../sdk/wire.js';
import { layoutOf as drawn, pageOf } from './draft.js';

/** @typedef {import('../../sdk/wire.js').Schedule} Schedule */

export const status = signal('online');
export const session = signal(0);
export const now = signal(Date.now());
export const currency = signal('KRW');
export const tokenWanted = signal(false);
export const held = signal(/** @type {import('../../app/session.js').Reservation[]} */ ([]));
export const queue = signal(null);
export const concerts = signal(null);
export const places = signal({});
export const elsewhere = signal({});

export const heldElsewhere = () => false;
export const layoutOf = () => drawn();
export const join = () => refused();
export const refreshConcerts = async () => {};

/** Nothing is held in a preview. @returns {Promise<never>} */
const refused = () => Promise.reject(new Error('this is a preview'));

/** @returns {Promise<Schedule[]>} */
async function schedules() {
  const { concert, schedules: listed } = await pageOf();
  currency.value = concert.currency ?? currency.value;
  return listed.map(({ schedule_id: id, starts_at: start, sold_out: out, categories }) => {
    const left = Object.fromEntries(categories.map((of) => [of.name, of.left]));
    const available = categories.reduce((sum, of) => sum + of.left, 0);
    return {
      schedule_id: id,
      starts_at: start,
      time_zone: concert.time_zone,
      seats_per_reservation_max: concert.seats_per_reservation_max,
      seats_per_user_max: concert.seats_per_user_max,
      seats: available,
      available,
      restricted: 0,
      sold_out: out,
      prices: Object.fromEntries(categories.map((of) => [of.name, of.price])),
      left,
    };
  });
}

/** The seats of any of its performances: what the plan keeps is not for sale, the rest is free. @param {number} id */
async function watch(id) {
  const { seats, restricted } = await drawn();
  const model = new SeatModel(id);
  model.states = new Uint8Array(seats.x.length).fill(SeatState.AVAILABLE);
  for (const seat of restricted) model.states[seat] = SeatState.RESTRICTED;
  model.count = seats.x.length;
  model.available = seats.x.length - restricted.length;
  model.live = true;
  return model;
}

const client = Object.freeze({
  on: () => () => {},
  now: () => Date.now(),
  schedules,
  watch,
  unwatch: async () => {},
  tickets: async () => [],
  hold: refused,
  holdBest: refused,
  release: refused,
});

export const start = () => client;
