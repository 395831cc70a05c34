/**
 * The service worker: shows the notification at admission on phones and brings the page to the front when it is touched.
 * It keeps no pages: what is shown is always the server's newest.
 */
const worker = /** @type {any} */ (self);

worker.addEventListener('notificationclick', (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(
    worker.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((/** @type {any[]} */ windows) => {
      const [open] = windows;
      return open ? open.focus() : worker.clients.openWindow('/');
    }),
  );
});
