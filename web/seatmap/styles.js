/**
 * The element's looks. Colours are custom properties that a page may set on the element.
 */

const css = `
:host { display: block; position: relative; color: inherit; font: inherit; }
button { font: inherit; color: inherit; }
.list { block-size: 100%; overflow: auto; padding: 0.25rem; }
h3, h4 { margin: 0; font-size: 1em; }
.fold { display: flex; justify-content: space-between; gap: 1rem; inline-size: 100%; min-block-size: 2.75rem; align-items: center;
  padding-inline: 0.75rem; border: 0; border-block-end: 1px solid var(--seatmap-line, #8886); background: none; text-align: start; cursor: pointer; }
h3 .fold { font-weight: 650; }
h4 .fold { font-weight: 500; padding-inline-start: 1.5rem; }
.fold::before { content: '▸'; inline-size: 1em; }
.fold[aria-expanded='true']::before { content: '▾'; }
.fold .free { margin-inline-start: auto; color: var(--seatmap-muted, inherit); font-weight: 400; }
.seats { display: flex; flex-wrap: wrap; gap: 0.375rem; margin: 0; padding: 0.5rem 1.5rem 0.75rem; list-style: none; }
.seats:empty { display: none; }
.seat { min-inline-size: 2.75rem; min-block-size: 2.75rem; border: 2px solid var(--seatmap-ink, currentColor); border-radius: 0.6rem; background: none; cursor: pointer; }
.seat[data-state='own'] { background: var(--seatmap-own, #f5b53f); border-color: var(--seatmap-own-ink, #3b2a05); color: var(--seatmap-own-ink, #3b2a05); font-weight: 700; }
.seat[data-state='own']::after { content: ' ✓'; }
.seat[data-state='held'], .seat[data-state='sold'] { border-style: dashed; border-color: var(--seatmap-line, #8886); color: var(--seatmap-muted, inherit); cursor: default; }
.seat[data-state='sold'] { text-decoration: line-through; }
:focus-visible { outline: 3px solid var(--seatmap-focus, #1e6ae0); outline-offset: 2px; }
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** One sheet for all elements of a page. */
export function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}
