/**
 * The targets of the arrow keys: to the next section or seat in that direction, as one sees it.
 */

/** @typedef {'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'} ArrowKey */

/** @type {Record<ArrowKey, [number, number]>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {string} key @returns {key is ArrowKey} */
export function isArrow(key) {
  return key in DIRECTIONS;
}

/**
 * The nearest of the candidates in the direction; one straight ahead is preferred to one aside.
 * @param {{x: number, y: number}} from
 * @param {ArrowKey} key
 * @param {Iterable<{index: number, x: number, y: number}>} candidates
 * @returns {number} -1 when there is none.
 */
export function towards(from, key, candidates) {
  const [ux, uy] = DIRECTIONS[key];
  let [best, bestCost] = [-1, Infinity];
  for (const { index, x, y } of candidates) {
    const [dx, dy] = [x - from.x, y - from.y];
    const ahead = dx * ux + dy * uy;
    const aside = Math.abs(dx * uy) + Math.abs(dy * ux);
    if (ahead <= 0 || aside > ahead * 1.4) continue;
    const cost = ahead + aside * 1.8;
    if (cost < bestCost) [best, bestCost] = [index, cost];
  }
  return best;
}

/**
 * The next seat in the direction: nearby ones first, then further and further away.
 * @param {import('./venue.js').Venue} venue
 * @param {number} seat
 * @param {ArrowKey} key
 * @returns {number} -1 at the edge of the venue.
 */
export function nextSeat(venue, seat, key) {
  const from = { x: venue.x[seat], y: venue.y[seat] };
  for (let reach = venue.spacing * 3; reach < venue.extent * 2; reach *= 4) {
    /** @type {{index: number, x: number, y: number}[]} */
    const candidates = [];
    venue.grid.within(from.x - reach, from.y - reach, from.x + reach, from.y + reach, (index) => {
      if (index !== seat) candidates.push({ index, x: venue.x[index], y: venue.y[index] });
    });
    const found = towards(from, key, candidates);
    if (found >= 0) return found;
  }
  return -1;
}
