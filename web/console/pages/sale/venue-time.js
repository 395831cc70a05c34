/** Times by the clocks of a venue, as `datetime-local` writes them, and the moments that they are. */

/** The clock's minutes at a moment, as if they were UTC. @param {number} at @param {string | null} zone */
function wall(at, zone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const parts = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone: zone ?? undefined };
  const named = Object.fromEntries(new Intl.DateTimeFormat('en-US', parts).formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(named.year, named.month - 1, named.day, named.hour, named.minute, named.second);
}

/** `2027-05-01T19:00` of a moment. @param {string} time RFC 3339. @param {string | null} zone Null: this browser's. */
export function clockOf(time, zone) {
  return new Date(wall(Date.parse(time), zone)).toISOString().slice(0, 16);
}

/**
 * The moment at which the venue's clocks show this. Of two, the first; of none, as clocks are turned, the one an hour on.
 * @param {string} local `2027-05-01T19:00`.
 * @param {string | null} zone Null: this browser's.
 */
export function atVenue(local, zone) {
  const wanted = Date.parse(`${local.slice(0, 16)}:00Z`);
  if (Number.isNaN(wanted)) return local;
  // The zone is as far ahead as it is a day before or a day after; an hour is skipped or repeated between the two.
  const ahead = (/** @type {number} */ at) => wall(at, zone) - at;
  const day = 86_400_000;
  const moments = [ahead(wanted - day), ahead(wanted + day)].map((offset) => wanted - offset);
  const right = moments.filter((at) => wall(at, zone) === wanted);
  return new Date(right.length > 0 ? Math.min(...right) : Math.max(...moments)).toISOString();
}
