/**
 * The element's looks. Colours are custom properties that a page may set on the element: `--seatmap-paper`, `-ink`,
 * `-muted`, `-line`, `-own`, `-own-ink`, `-accent`, `-focus`.
 */

const css = `
:host { display: block; position: relative; overflow: hidden; min-block-size: 10rem; color: var(--seatmap-ink, CanvasText); background: var(--seatmap-paper, Canvas); font: inherit; }
[hidden] { display: none !important; }
button { font: inherit; color: inherit; }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
/* Forced, every colour of an element is the same one: this one is asked what they are. */
.probe { position: absolute; visibility: hidden; forced-color-adjust: none; }

.map { position: absolute; inset: 0; }
canvas.seats { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; touch-action: none; cursor: grab; outline: none; }
canvas.seats.over-seat { cursor: pointer; }
canvas.seats:active { cursor: grabbing; }
canvas.seats:focus-visible { outline: 3px solid var(--seatmap-focus, Highlight); outline-offset: -3px; }
.where { position: absolute; inset-block-start: 0.5rem; inset-inline-start: 0.5rem; max-inline-size: calc(100% - 4.5rem); padding: 0.15rem 0.6rem; border-radius: 999px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  background: var(--seatmap-raised, var(--seatmap-paper, Canvas)); border: 1px solid var(--seatmap-line, GrayText); font-size: 0.85rem; font-weight: 650; pointer-events: none; }
.where:empty { display: none; }
.card { position: absolute; inset-block-start: 0; left: 0; display: grid; gap: 0.1rem; max-inline-size: min(18rem, calc(100% - 12px)); padding: 0.5rem 0.75rem; border-radius: 0.6rem;
  background: var(--seatmap-raised, var(--seatmap-paper, Canvas)); border: 1px solid var(--seatmap-line, GrayText); box-shadow: 0 4px 18px rgb(0 0 0 / 22%); pointer-events: none; font-size: 0.9rem; }
.card.with-action { pointer-events: auto; }
.card .state { color: var(--seatmap-muted, GrayText); }
.card button { min-block-size: 2.75rem; margin-block-start: 0.35rem; padding-inline: 1rem; border: 0; border-radius: 999px; background: var(--seatmap-accent, LinkText); color: var(--seatmap-paper, Canvas); font-weight: 650; cursor: pointer; }
.controls { position: absolute; inset-block-start: 0.5rem; inset-inline-end: 0.5rem; display: grid; gap: 0.375rem; }
.controls button { inline-size: 2.75rem; block-size: 2.75rem; border: 1px solid var(--seatmap-line, GrayText); border-radius: 0.75rem; background: var(--seatmap-raised, var(--seatmap-paper, Canvas)); font-size: 1.25rem; font-weight: 600; line-height: 1; cursor: pointer; }
/* Fingers pinch and tap; what they need a button for is the way back. */
@media (pointer: coarse) {
  .controls button:first-child, .map.whole .controls { display: none; }
}
.minimap { position: absolute; inset-block-end: 0.5rem; inset-inline-end: 0.5rem; overflow: hidden; border: 1px solid var(--seatmap-line, GrayText); border-radius: 0.5rem; box-shadow: 0 2px 8px rgb(0 0 0 / 15%); cursor: pointer; touch-action: none; }
.minimap canvas { display: block; inline-size: 100%; block-size: 100%; }
.minimap .window { position: absolute; inset-block-start: 0; left: 0; border: 2px solid var(--seatmap-accent, LinkText); border-radius: 3px; box-sizing: border-box; }

.list { position: absolute; inset: 0; overflow: auto; padding: 0.25rem; }
h2, h3 { margin: 0; font-size: 1em; }
.fold { display: flex; justify-content: space-between; gap: 0.75rem; inline-size: 100%; min-block-size: 2.75rem; align-items: center;
  padding-inline: 0.75rem; border: 0; border-block-end: 1px solid var(--seatmap-line, GrayText); background: none; text-align: start; cursor: pointer; }
h2 .fold { font-weight: 650; }
h3 .fold { font-weight: 500; padding-inline-start: 1.5rem; }
.fold::before { content: '▸' / ''; inline-size: 1em; }
:host(:dir(rtl)) .fold::before { content: '◂' / ''; }
.fold[aria-expanded='true']::before { content: '▾' / ''; }
.fold .free { margin-inline-start: auto; color: var(--seatmap-muted, inherit); font-weight: 400; font-variant-numeric: tabular-nums; }
.seats-of-row { display: flex; flex-wrap: wrap; gap: 0.375rem; margin: 0; padding: 0.5rem 1.5rem 0.75rem; list-style: none; }
.seats-of-row:empty { display: none; }
.seat { min-inline-size: 2.75rem; min-block-size: 2.75rem; border: 2px solid var(--seatmap-accent, currentColor); border-radius: 0.6rem; background: none; cursor: pointer; }
.seat[data-state='own'] { background: var(--seatmap-own, #f5b53f); border-color: var(--seatmap-own-ink, #33240a); color: var(--seatmap-own-ink, #33240a); font-weight: 700; }
.seat[data-state='own']::after { content: ' ✓' / ''; }
.seat[data-state='held'], .seat[data-state='sold'], .seat[data-state='notForSale'] { border: 1px dashed var(--seatmap-line, GrayText); color: var(--seatmap-muted, inherit); cursor: default; }
.seat[data-state='sold'] { text-decoration: line-through; }
@media (forced-colors: active) {
  .seat[data-state='own'] { forced-color-adjust: none; background: Highlight; border-color: HighlightText; color: HighlightText; }
  .seat[data-state='held'], .seat[data-state='sold'], .seat[data-state='notForSale'] { color: GrayText; }
}
.list :focus-visible, .controls :focus-visible { outline: 3px solid var(--seatmap-focus, Highlight); outline-offset: -1px; }
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
