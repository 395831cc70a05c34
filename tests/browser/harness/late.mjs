/**
 * Lateness on purpose, so that what usually comes first comes last: modules, frames of the websocket, and what the page
 * does after it was drawn.
 */

/**
 * Holds everything that waits for a drawing, from the frame that contains `word` on, until `effectsGo`.
 * @param {import('playwright-core').Page} page
 * @param {string} word
 */
export async function holdEffectsFrom(page, word) {
  await page.addInitScript((word) => {
    const now = globalThis.setTimeout.bind(globalThis);
    /** @type {(() => void)[] | null} */
    let waiting = null;
    const world = /** @type {any} */ (globalThis);
    world.effectsWait = () => waiting !== null;
    world.effectsGo = () => {
      const acts = waiting ?? [];
      waiting = null;
      for (const act of acts) now(act);
    };
    // The framework waits for the next frame or 35 ms, whichever is first.
    const frame = globalThis.requestAnimationFrame.bind(globalThis);
    world.requestAnimationFrame = (/** @type {FrameRequestCallback} */ act) => (waiting ? (waiting.push(() => act(performance.now())), -1) : frame(act));
    world.setTimeout = (/** @type {() => void} */ act, /** @type {number} */ ms, /** @type {unknown[]} */ ...rest) =>
      waiting && ms === 35 ? (waiting.push(act), -1) : now(act, ms, ...rest);
    world.WebSocket = class extends WebSocket {
      /** @param {string} url @param {string[]} protocols */
      constructor(url, protocols) {
        super(url, protocols);
        this.addEventListener('message', ({ data }) => {
          if (String(data).includes(word)) waiting ??= [];
        });
      }
    };
  }, word);
}

/** @param {import('playwright-core').Page} page */
export async function effectsGo(page) {
  await page.evaluate(() => /** @type {any} */ (globalThis).effectsGo());
}

/**
 * Holds the requests that `which` fits until they are let go.
 * @param {import('playwright-core').Page} page
 * @param {string | RegExp} where
 * @param {(request: import('playwright-core').Request) => boolean} [which]
 * @returns {Promise<() => void>}
 */
export async function hold(page, where, which = () => true) {
  let letGo = () => {};
  const way = new Promise((resolve) => (letGo = () => resolve(undefined)));
  await page.route(where, async (route) => {
    if (which(route.request())) await way;
    await route.fallback();
  });
  return letGo;
}

/**
 * Every module that is fetched on demand, every answer of HTTP, every frame, and everything that waits for a drawing is
 * late, by times that a seed decides; frames keep their order.
 * @param {import('playwright-core').Page} page
 * @param {number} seed
 */
export async function late(page, seed) {
  const random = randomOf(seed);
  const pause = (/** @type {number} */ most) => new Promise((resolve) => setTimeout(resolve, random() * most));
  await page.route(/\/(pages\/(seats|tickets)\.js|api\/v1\/.*)$/, async (route) => {
    await pause(300);
    await route.continue();
  });
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    let last = Promise.resolve();
    server.onMessage((message) => {
      last = last.then(() => pause(100)).then(() => socket.send(message));
    });
  });
  await page.addInitScript((ms) => {
    const now = globalThis.setTimeout.bind(globalThis);
    const world = /** @type {any} */ (globalThis);
    world.requestAnimationFrame = (/** @type {FrameRequestCallback} */ act) => now(() => act(performance.now()), ms);
    world.cancelAnimationFrame = clearTimeout;
    world.setTimeout = (/** @type {() => void} */ act, /** @type {number} */ delay, /** @type {unknown[]} */ ...rest) => now(act, delay === 35 ? ms : delay, ...rest);
  }, 20 + random() * 200);
}

/** @param {number} seed */
function randomOf(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
