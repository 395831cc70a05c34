/**
 * A seat's place, part by part, and in words: for the map, and for whoever names seats without one.
 *
 * Always: two seats of a house never have the same words, as their labels differ. Not here: coordinates.
 */

/**
 * @typedef {object} SeatPlace
 * @property {string} zone Empty in a house of one section.
 * @property {string} row Empty where the plan has none.
 * @property {string} number
 * @property {string} rowAgain The text that distinguishes the row from another one of its name, " (2)", or empty.
 * @property {string} seatAgain The text that distinguishes the seat from another one of its row and number, or empty.
 * @property {string} [rowLabel] The row in the plan's own words.
 * @property {string} [seatLabel] The plan's words for a seat, with `%s` for the number.
 */

/** @typedef {Pick<import('./words.js').SeatmapWords, 'row' | 'seat' | 'place'>} PlaceWords */

/**
 * @param {import('../sdk/wire.js').Layout} layout
 * @param {number} seat
 * @returns {SeatPlace}
 */
export function placeOf({ zones, rows, seats }, seat) {
  const { zone: of, label: row, row_label: rowLabel, seat_label: seatLabel } = rows[seats.row[seat]];
  const number = seats.number[seat];
  const label = seats.label?.[seat] ?? '';
  const within = label.startsWith(`${zones[of].name} `) ? label.slice(zones[of].name.length) : label;
  // The import distinguishes what the plan does not, by a number behind the row or behind the whole.
  const again = [...within.matchAll(/ \(\d+\)/g)].filter(([text]) => !row.includes(text) && !number.includes(text));
  const last = again.find(({ index, 0: text }) => index + text.length === within.length);
  return {
    zone: zones.length > 1 ? zones[of].name : '',
    row,
    number,
    rowAgain: again.find((found) => found !== last)?.[0] ?? '',
    seatAgain: last?.[0] ?? '',
    ...(rowLabel ? { rowLabel } : {}),
    ...(seatLabel ? { seatLabel } : {}),
  };
}

/**
 * Section, row and seat, each named as what it is; what is not known is left out.
 * @param {SeatPlace} place
 * @param {PlaceWords} words
 */
export function placeInWords(place, words) {
  return words.place([place.zone, rowInWords(place, words), seatInWords(place, words)].filter(Boolean));
}

/**
 * The same in two: what a seat shares with its neighbours, possibly nothing, and the seat itself.
 * @param {SeatPlace} place
 * @param {PlaceWords} words
 */
export function partsInWords(place, words) {
  return { row: words.place([place.zone, rowInWords(place, words)].filter(Boolean)), seat: seatInWords(place, words) };
}

/** @param {SeatPlace} place @param {PlaceWords} words */
function rowInWords({ row, rowLabel, rowAgain }, words) {
  const label = rowLabel ?? (row && words.row(row));
  return label && label + rowAgain;
}

/** @param {SeatPlace} place @param {PlaceWords} words */
function seatInWords({ number, seatLabel, seatAgain }, words) {
  return (seatLabel?.replaceAll('%s', number) ?? words.seat(number)) + seatAgain;
}
