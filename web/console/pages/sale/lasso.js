/** Which seats lie within an outline that somebody drew. */

/**
 * @param {{ seats: { x: number[], y: number[] } }} layout
 * @param {readonly { x: number, y: number }[]} outline In the plan's units; its end leads back to its beginning.
 */
export function within(layout, outline) {
  /** @type {number[]} */
  const found = [];
  const { x, y } = layout.seats;
  for (let seat = 0; seat < x.length; seat++) if (isInside(x[seat], y[seat], outline)) found.push(seat);
  return found;
}

/** A ray from there to the right meets the outline an odd number of times. @param {number} x @param {number} y @param {readonly { x: number, y: number }[]} outline */
function isInside(x, y, outline) {
  let inside = false;
  for (let i = 0, before = outline.length - 1; i < outline.length; before = i++) {
    const [a, b] = [outline[i], outline[before]];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}
