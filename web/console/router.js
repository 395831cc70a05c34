/** The page that the address names, behind its `#`. */
import { signal } from '@preact/signals';

const IN = '#/in/';

const here = () => location.hash.replace(/^#/, '') || '/';

/** @type {import('@preact/signals').Signal<string>} */
export const path = signal(here());

addEventListener('hashchange', () => {
  if (!location.hash.startsWith(IN)) path.value = here();
});

/** @param {string} to Such as `/log`. */
export function go(to) {
  if (here() !== to) location.hash = to;
  path.value = to;
}

/** The secret of a link that signs in, which is gone from the address when this returns. */
export function secretOfLink() {
  if (!location.hash.startsWith(IN)) return null;
  const secret = location.hash.slice(IN.length);
  history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  path.value = '/';
  return secret;
}
