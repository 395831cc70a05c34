/** Light, dark, or as the device is; boot.js puts the stored choice on the page before it is painted. */
import { signal } from '@preact/signals';
import { load, save } from './storage.js';

/** @typedef {'auto' | 'light' | 'dark'} Theme */

const stored = load('theme');
/** @type {import('@preact/signals').Signal<Theme>} */
export const theme = signal(stored === 'light' || stored === 'dark' ? stored : 'auto');

/** @param {Theme} wanted */
export function chooseTheme(wanted) {
  theme.value = wanted;
  save('theme', wanted === 'auto' ? null : wanted);
  if (wanted === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
}
