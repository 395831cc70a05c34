/**
 * A line over time, as SVG: readable without colour, by a screen reader too, which is told the least, the most and the last.
 *
 * Always: a gap in what was kept is a gap in the line. Nothing here is in a style: the page's policy allows none.
 */
import { html } from '../app/html.js';
import { clock } from './numbers.js';
import { words } from './words.js';

const WIDTH = 720;
const HEIGHT = 160;

/** The next round number that is not less. @param {number} value */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/**
 * The parts of a line that hang together, as paths.
 * @param {readonly number[]} at Milliseconds, ascending.
 * @param {readonly number[]} values
 * @param {{ from: number, to: number, most: number, gap: number }} scale `gap`: points further apart are not joined.
 */
export function paths(at, values, { from, to, most, gap }) {
  /** @type {string[]} */
  const found = [];
  at.forEach((time, index) => {
    const x = (((time - from) / (to - from)) * WIDTH).toFixed(1);
    const y = (HEIGHT - (values[index] / most) * HEIGHT).toFixed(1);
    if (index > 0 && time - at[index - 1] <= gap) found[found.length - 1] += `L${x} ${y}`;
    else found.push(`M${x} ${y}`);
  });
  // A point alone is a dot: a line of no length is drawn with its round ends.
  return found.map((path) => (path.includes('L') ? path : `${path}h0`));
}

/**
 * @param {{
 *   title: string, from: number, to: number, gap: number, at: readonly number[],
 *   lines: readonly { name: string, values: readonly number[] }[], shown: (value: number) => string,
 * }} props
 */
export function Plot({ title, from, to, gap, at, lines, shown }) {
  const { plots: w } = words();
  const most = roundUp(Math.max(0, ...lines.flatMap(({ values }) => values)));
  const told = lines.map(({ name, values }) => (values.length === 0 ? w.none(name) : w.told(name, shown(Math.min(...values)), shown(Math.max(...values)), shown(values[values.length - 1]))));
  return html`<figure class="plot">
    <figcaption>${title}
      ${lines.length > 1 && html`<span class="legend">${lines.map(({ name }, index) => html`<span key=${name} class=${`key line-${index}`}>${name}</span>`)}</span>`}
    </figcaption>
    <div class="plot-area">
      <span class="most">${shown(most)}</span>
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${title}: ${told.join('; ')}`}>
        <path class="grid" d=${`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
        ${lines.map(({ name, values }, index) => html`<path key=${name} class=${`line line-${index}`} d=${paths(at, values, { from, to, most, gap }).join('')} />`)}
      </svg>
      <span class="begin">${clock(new Date(from).toISOString())}</span><span class="end">${clock(new Date(to).toISOString())}</span>
    </div>
  </figure>`;
}
