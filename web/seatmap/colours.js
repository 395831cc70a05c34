/**
 * The map's colours: the page's own, and the plan's categories made visible on the page's paper.
 *
 * Always: a category's colour stands out from the paper by at least 3 : 1, in a light and in a dark page, whatever
 * colour the plan gave it.
 */

/** @typedef {[number, number, number]} Rgb Each 0 to 255. */

/**
 * @typedef {object} Theme
 * @property {string} paper
 * @property {string} ink
 * @property {string} muted
 * @property {string} line
 * @property {string} own
 * @property {string} ownInk
 * @property {string} accent
 * @property {string} focus
 * @property {string} font
 * @property {{fill: string, ink: string, faded: string, tint: string}[]} categories
 */

const TOKENS = Object.freeze({
  paper: ['--seatmap-paper', 'Canvas'],
  ink: ['--seatmap-ink', 'CanvasText'],
  muted: ['--seatmap-muted', 'GrayText'],
  line: ['--seatmap-line', 'GrayText'],
  own: ['--seatmap-own', '#f5b53f'],
  ownInk: ['--seatmap-own-ink', '#33240a'],
  accent: ['--seatmap-accent', 'LinkText'],
  focus: ['--seatmap-focus', 'Highlight'],
});

/** The meaning of the reader's own few colours, where the page's are not used: own seats are what is selected. */
const FORCED = Object.freeze({
  paper: 'Canvas',
  ink: 'CanvasText',
  muted: 'GrayText',
  line: 'GrayText',
  own: 'Highlight',
  ownInk: 'HighlightText',
  accent: 'LinkText',
  focus: 'CanvasText',
});

/** WCAG's least for what is not text, and for readers who chose their colours, that of text. */
const CONTRAST_LEAST = 3;
const CONTRAST_FORCED = 4.5;

/**
 * @param {HTMLElement} probe An invisible element within the map, to resolve the page's colours with.
 * @param {readonly {color: string}[]} categories
 * @returns {Theme}
 */
export function readTheme(probe, categories) {
  const pixel = pixelReader();
  const forced = matchMedia('(forced-colors: active)').matches;
  /** @type {any} */
  const theme = {};
  for (const [name, [property, fallback]] of Object.entries(TOKENS)) {
    // A custom property's own value may be a function of the page's scheme; as a colour of an element it is resolved.
    probe.style.color = forced ? FORCED[/** @type {keyof typeof FORCED} */ (name)] : `var(${property}, ${fallback})`;
    theme[name] = css(pixel(getComputedStyle(probe).color));
  }
  theme.font = getComputedStyle(probe).fontFamily;
  const paper = pixel(theme.paper);
  theme.categories = categories.map(({ color }) => {
    const fill = standOut(pixel(color), paper, forced ? CONTRAST_FORCED : CONTRAST_LEAST);
    return {
      fill: css(fill),
      ink: css(inkOn(fill)),
      faded: css(mix(paper, fill, 0.25)),
      tint: css(mix(paper, fill, 0.09)),
    };
  });
  return theme;
}

/** Any CSS colour to its red, green and blue; what cannot be read is grey. @returns {(colour: string) => Rgb} */
export function pixelReader() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  return (colour) => {
    context.fillStyle = '#808080';
    context.fillStyle = colour;
    context.clearRect(0, 0, 1, 1);
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return a === 0 ? [128, 128, 128] : [r, g, b];
  };
}

/**
 * @param {Rgb} colour
 * @param {Rgb} paper
 * @param {number} [least]
 * @returns {Rgb}
 */
export function standOut(colour, paper, least = CONTRAST_LEAST) {
  const towards = /** @type {Rgb} */ (luminance(paper) > 0.4 ? [0, 0, 0] : [255, 255, 255]);
  let best = colour;
  for (let share = 0; share <= 1 && contrast(best, paper) < least; share += 0.05) best = mix(colour, towards, share);
  return best;
}

/** Black or white, whichever reads better. @param {Rgb} colour @returns {Rgb} */
export function inkOn(colour) {
  return contrast(colour, [255, 255, 255]) >= contrast(colour, [16, 20, 20]) ? [255, 255, 255] : [16, 20, 20];
}

/** @param {Rgb} a @param {Rgb} b @param {number} share Of b. @returns {Rgb} */
export function mix(a, b, share) {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** @param {Rgb} a @param {Rgb} b */
export function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {Rgb} rgb */
function luminance([r, g, b]) {
  const [lr, lg, lb] = [r, g, b].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb;
}

/** @param {Rgb} rgb */
export function css([r, g, b]) {
  return `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;
}
