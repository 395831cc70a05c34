/** The few pictures of the page, drawn in the colour of the text around them. */
import { html } from '../html.js';

const shapes = {
  ticket: 'M3 8a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v2a2 2 0 0 0 0 4v2a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-2a2 2 0 0 0 0-4zM14 6v3m0 2.5v1M14 15v3',
  wallet: 'M4 7.5h14a2 2 0 0 1 2 2V18a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 7.5 14.5 4v3.5M16 13.8h.01',
  settings: 'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 4.5v5m-7 5v5',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 21h4',
  phone: 'M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zM11 18h2',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2',
  alert: 'M12 4 2.8 20h18.4zM12 10v4.5m0 2.7h.01',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  next: 'M9 5l7 7-7 7',
  back: 'M15 5l-7 7 7 7',
  spark: 'M12 3l1.9 6.1L20 11l-6.1 1.9L12 19l-1.9-6.1L4 11l6.1-1.9z',
  map: 'M4 6.5 9 4l6 2.5L20 4v13.5L15 20l-6-2.5L4 20zM9 4v13.5M15 6.5V20',
  list: 'M8 6.5h12M8 12h12M8 17.5h12M4 6.5h.01M4 12h.01M4 17.5h.01',
  share: 'M12 15V4m0 0L8 8m4-4 4 4M5 13v5a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-5',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13',
};

/** @typedef {keyof typeof shapes} IconName */

/** @param {{name: IconName}} props */
export function Icon({ name }) {
  // Arrows along the line of reading turn round with it.
  const turns = name === 'next' || name === 'back';
  return html`<svg class=${turns ? 'icon turns' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${shapes[name]} />
  </svg>`;
}

/** The mark: a row of three seats, the middle one in the light. */
export function Mark() {
  return html`<svg class="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
    <path class="beam" d="M32 4 16 32h32z" />
    <rect class="seat" x="3" y="37" width="16" height="19" rx="5.5" />
    <rect class="seat" x="45" y="37" width="16" height="19" rx="5.5" />
    <rect class="lit" x="22.5" y="33" width="19" height="23" rx="6.5" />
  </svg>`;
}
