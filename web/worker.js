/**
 * The service worker: shows the notification at admission on phones, brings the page to the front when it is touched, and
 * keeps one version of the page for when there is no network, because tickets are shown at a door.
 *
 * Always: with a network the page is the server's newest; what is kept belongs together, page and modules; files of
 * another version are asked of the server.
 */
const worker = /** @type {any} */ (self);
const SHELL = 'frontrow-shell';
/** A network that says nothing for so long is none. */
const PATIENCE_MS = 4_000;
/** Files of a version never change; a page asks for some sixty. */
const FILES_MAX = 200;
/** The addresses that are the page; others (documents, the API) are the server's business alone. */
const PAGES = /^\/$|^\/(?:concert|sale)\/\d+$/;

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener('message', (/** @type {any} */ event) => {
  if (event.data?.type !== 'keep') return;
  const kept = keep(event.data.files).then((done) => done && event.source?.postMessage({ type: 'kept' }));
  event.waitUntil(kept.catch(() => {})); // The page simply needs a network without it.
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate' && PAGES.test(pathname)) event.respondWith(page(request));
  else if (pathname.startsWith('/~')) event.respondWith(file(request));
});

/**
 * Keeps these files and the page that names them, instead of what was kept before.
 * @param {string[]} files
 * @returns {Promise<boolean>} False: the server has another version meanwhile; its page asks again.
 */
async function keep(files) {
  const [, version] = /^(\/~[^/]+\/)/.exec(files[0] ?? '') ?? [];
  if (!version || files.length > FILES_MAX || !files.every((path) => path.startsWith(version))) return false;
  const shell = await fetch('/', { cache: 'no-cache' });
  if (!shell.ok || !(await shell.clone().text()).includes(version)) return false;
  const cache = await caches.open(SHELL);
  await Promise.all(files.map(async (path) => (await cache.match(path)) ?? cache.add(path)));
  await cache.put('/', shell);
  const wanted = new Set(['/', ...files]);
  for (const { url } of await cache.keys()) if (!wanted.has(new URL(url).pathname)) await cache.delete(url);
  return true;
}

/** @param {Request} request */
async function page(request) {
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status < 500) return response;
    return (await caches.match('/')) ?? response;
  } catch (error) {
    const known = await caches.match('/');
    if (known) return known;
    throw error;
  }
}

/** @param {Request} request */
async function file(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

worker.addEventListener('notificationclick', (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(
    worker.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((/** @type {any[]} */ windows) => {
      const [open] = windows;
      return open ? open.focus() : worker.clients.openWindow('/');
    }),
  );
});
