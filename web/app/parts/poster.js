/**
 * A poster for a concert that has none: beams of light over rows of seats, drawn from the title, so that each concert is
 * known again by its picture.
 */
import { html } from '../html.js';

/** @param {{text: string}} props */
export function Poster({ text }) {
  const random = seeded(text);
  const hue = Math.floor(random() * 360);
  const beams = Array.from({ length: 4 }, () => {
    const from = 40 + random() * 320;
    const to = from + (random() - 0.5) * 360;
    const width = 30 + random() * 70;
    return { points: `${from},-10 ${to - width},170 ${to + width},170`, hue: (hue + random() * 90) % 360 };
  });
  const rows = [0, 1, 2].map((row) => ({ y: 150 + row * 17, size: 11 + row * 3, gap: 16 + row * 4.4, lit: Math.floor(random() * 14) + 4 }));
  return html`<svg class="poster" viewBox="0 0 400 200" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
    <rect width="400" height="200" fill="hsl(${hue} 46% 15%)" />
    <circle cx=${200 + (random() - 0.5) * 160} cy="70" r=${46 + random() * 30} fill="hsl(${(hue + 40) % 360} 60% 62%)" opacity="0.28" />
    ${beams.map((beam) => html`<polygon points=${beam.points} fill="hsl(${beam.hue} 72% 68%)" opacity="0.24" />`)}
    ${rows.map((row) =>
      Array.from({ length: Math.ceil(400 / row.gap) + 1 }, (_, i) => {
        const lit = row.y === 150 && (i === row.lit || i === row.lit + 1);
        return html`<rect
          x=${i * row.gap - row.size / 2}
          y=${row.y}
          width=${row.size}
          height=${row.size + 8}
          rx=${row.size / 3}
          fill=${lit ? 'hsl(39 90% 62%)' : `hsl(${hue} 40% ${9 + row.y / 25}%)`}
        />`;
      }),
    )}
  </svg>`;
}

/**
 * A small generator with the text as its seed (FNV-1a, then xorshift).
 * @param {string} text
 */
function seeded(text) {
  let state = 0x811c9dc5;
  for (const char of text) state = Math.imul(state ^ /** @type {number} */ (char.codePointAt(0)), 0x01000193) >>> 0;
  state ||= 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
