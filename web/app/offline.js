/**
 * The page without a network: the service worker keeps this version's files, so that a ticket can be shown at the door.
 *
 * Always: nothing is kept before there is a ticket to show, so that a first visit costs nothing more; what is kept is of
 * one version.
 */
import { signal } from '@preact/signals';

/** Whether this page would open without a network. */
export const kept = signal(false);

let asked = false;

/** Asks the worker to keep all that this page was made of. */
export async function keepPage() {
  if (asked || !('serviceWorker' in navigator)) return; // Outside of secure contexts there is none.
  asked = true;
  try {
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      if (data?.type === 'kept') kept.value = true;
    });
    await navigator.serviceWorker.register('/worker.js');
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage({ type: 'keep', files: ownFiles() }); // There are none without a version in the address.
  } catch {
    asked = false; // Another visit to the tickets tries again.
  }
}

/** The paths of this version's files that were loaded so far: they begin as this module's own does. */
function ownFiles() {
  const [version] = /^\/~[^/]+\//.exec(new URL(import.meta.url).pathname) ?? [];
  if (!version) return [];
  const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name));
  const paths = loaded.filter(({ origin, pathname }) => origin === location.origin && pathname.startsWith(version)).map(({ pathname }) => pathname);
  return [...new Set(paths)];
}
