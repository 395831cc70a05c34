/** The free seats to offer instead of one that was lost. */

/**
 * Free seats nearest to a lost one, those of the same price first.
 * @param {import('../seatmap/venue.js').Venue} venue
 * @param {Uint8Array} states
 * @param {number} lost
 * @param {number} limit
 * @returns {number[]}
 */
export function nearestFree(venue, states, lost, limit) {
  /** @type {{seat: number, far: number}[]} */
  const best = [];
  for (let seat = 0; seat < venue.count; seat++) {
    if (states[seat] !== 0 || seat === lost) continue;
    const apart = Math.hypot(venue.x[seat] - venue.x[lost], venue.y[seat] - venue.y[lost]);
    // Another price counts like being much further away.
    const far = venue.category[seat] === venue.category[lost] ? apart : apart * 4 + 1;
    if (best.length === limit && far >= best[limit - 1].far) continue;
    best.push({ seat, far });
    best.sort((a, b) => a.far - b.far);
    best.length = Math.min(best.length, limit);
  }
  return best.map(({ seat }) => seat);
}
