/**
 * The shape of each category's seats, so that prices differ by more than colour; the same on the map and in a legend.
 */

/** Corners on the circle of radius 1, as [turns from the top, radius]; the first shape is the circle itself. */
const SHAPES = [
  null,
  polygon(4, 1 / 8, 1.18), // square
  polygon(4, 0, 1.16), // diamond
  polygon(6, 1 / 12, 1.08), // hexagon
  polygon(3, 0, 1.15, 0.12), // triangle
  polygon(5, 0, 1.12), // pentagon
  polygon(3, 1 / 6, 1.15, -0.12), // triangle, point down
  polygon(8, 1 / 16, 1.04), // octagon
];

/**
 * @param {number} corners
 * @param {number} turn
 * @param {number} radius
 * @param {number} [down] The distance that the shape moves down to look centred.
 * @returns {[number, number][]}
 */
function polygon(corners, turn, radius, down = 0) {
  return Array.from({ length: corners }, (_, corner) => {
    const angle = (corner / corners + turn) * 2 * Math.PI;
    return [Math.sin(angle) * radius, down - Math.cos(angle) * radius];
  });
}

/**
 * Adds the shape to the context's path.
 * @param {CanvasRenderingContext2D} context
 * @param {number} category
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function trace(context, category, x, y, radius) {
  const shape = SHAPES[category % SHAPES.length];
  if (!shape) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  shape.forEach(([dx, dy], corner) => {
    if (corner === 0) context.moveTo(x + dx * radius, y + dy * radius);
    else context.lineTo(x + dx * radius, y + dy * radius);
  });
  context.closePath();
}

/** The shape as SVG path data in the square from 0 to 20. @param {number} category */
export function glyphPath(category) {
  const shape = SHAPES[category % SHAPES.length];
  if (!shape) return 'M18 10a8 8 0 1 1-16 0a8 8 0 1 1 16 0z';
  return `M${shape.map(([x, y]) => `${round(10 + x * 8)} ${round(10 + y * 8)}`).join('L')}z`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
