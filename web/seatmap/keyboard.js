/**
 * The meaning of a key: given where the keyboard is, where it goes or what it does.
 *
 * Always: nothing is touched here; the map carries out what comes back.
 */
import { isArrow, nextSeat, towards } from './steps.js';

/** @typedef {import('./index.js').FrontrowSeatmap} FrontrowSeatmap */
/** @typedef {import('./venue.js').Venue} Venue */
/** @typedef {{kind: 'zone', index: number} | {kind: 'seat', index: number}} Focus Where the keyboard is. */
/**
 * @typedef {{does: 'move', to: Focus} | {does: 'leave', to: Focus} | {does: 'pick', seat: number} | {does: 'zoom', factor: number}
 *   | {does: 'whole'} | {does: 'stay'}} Deed `leave`: back to the sections, with the whole venue in sight.
 */

const ZOOM = 1.8;

/**
 * The place where the keyboard begins: at a seat of one's own, else at the first section, else in the only one.
 * @param {FrontrowSeatmap} map
 * @returns {Focus | null}
 */
export function firstFocus(map) {
  const [own] = map.own;
  if (own !== undefined) return { kind: 'seat', index: own };
  const zones = map.venue?.zones.filter((zone) => zone.seats > 0) ?? [];
  if (zones.length === 0) return null;
  return zones.length > 1 ? { kind: 'zone', index: zones[0].index } : { kind: 'seat', index: entryTo(map, zones[0].index) };
}

/**
 * @param {FrontrowSeatmap} map
 * @param {Focus} focus
 * @param {string} key The key, as in `KeyboardEvent.key`.
 * @returns {Deed | null} Null: not a key of ours.
 */
export function deedOf(map, focus, key) {
  const venue = /** @type {Venue} */ (map.venue);
  if (isArrow(key)) {
    const others = () => venue.zones.filter((zone) => zone.seats > 0 && zone.index !== focus.index);
    const next = focus.kind === 'seat' ? nextSeat(venue, focus.index, key) : towards(venue.zones[focus.index], key, others());
    return next < 0 ? { does: 'stay' } : { does: 'move', to: { kind: focus.kind, index: next } };
  }
  switch (key) {
    case 'Enter':
    case ' ':
      return focus.kind === 'seat' ? { does: 'pick', seat: focus.index } : { does: 'move', to: { kind: 'seat', index: entryTo(map, focus.index) } };
    case 'Escape':
      return focus.kind === 'seat' ? { does: 'leave', to: { kind: 'zone', index: venue.zoneOf(focus.index) } } : null;
    case 'Home':
    case 'End': {
      if (focus.kind === 'zone') return null;
      const { seats } = venue.rows[venue.row[focus.index]];
      return { does: 'move', to: { kind: 'seat', index: key === 'Home' ? seats[0] : seats[seats.length - 1] } };
    }
    case 'n':
    case 'N': {
      const free = nextFree(map, focus);
      return free < 0 ? { does: 'stay' } : { does: 'move', to: { kind: 'seat', index: free } };
    }
    case '+':
    case '=':
      return { does: 'zoom', factor: ZOOM };
    case '-':
      return { does: 'zoom', factor: 1 / ZOOM };
    case '0':
      return { does: 'whole' };
    default:
      return null;
  }
}

/**
 * The place where the keyboard enters a section: its free seat nearest to the stage.
 * @param {FrontrowSeatmap} map
 * @param {number} index
 */
function entryTo(map, index) {
  const venue = /** @type {Venue} */ (map.venue);
  const zone = venue.zones[index];
  const stage = venue.layout.stage ?? { x: (venue.bounds.minX + venue.bounds.maxX) / 2, y: venue.bounds.minY };
  let [best, bestFar] = [zone.rows[0].seats[0], Infinity];
  for (const { seats } of zone.rows) {
    for (const seat of seats) {
      if (!isOffered(map, seat)) continue;
      const far = Math.hypot(venue.x[seat] - stage.x, venue.y[seat] - stage.y);
      if (far < bestFar) [best, bestFar] = [seat, far];
    }
  }
  return best;
}

/**
 * The next free seat in the order of numbers, round the house; -1 in a full one.
 * @param {FrontrowSeatmap} map
 * @param {Focus} focus
 */
function nextFree(map, focus) {
  const { count } = /** @type {Venue} */ (map.venue);
  const from = focus.kind === 'seat' ? focus.index : entryTo(map, focus.index) - 1;
  for (let step = 1; step <= count; step++) {
    const seat = (from + step + count) % count;
    if (isOffered(map, seat)) return seat;
  }
  return -1;
}

/** @param {FrontrowSeatmap} map @param {number} seat */
function isOffered(map, seat) {
  return map.stateOf(seat) === 'available' && map.shows(/** @type {Venue} */ (map.venue).category[seat]);
}
