/**
 * The smallest typed event interface that does: `on` gives back the function that ends the subscription.
 *
 * Always: a listener that throws does not keep the others from being called; its error surfaces as an unhandled one.
 */

/**
 * @template {Record<string, any>} Events Payload by event name.
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(payload: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {(payload: Events[K]) => void} listener
   * @returns {() => void} Ends the subscription.
   */
  on(type, listener) {
    let listeners = this.#listeners.get(type);
    if (!listeners) this.#listeners.set(type, (listeners = new Set()));
    // A wrapper, so that one function subscribed twice can be ended once.
    const entry = (/** @type {Events[K]} */ payload) => listener(payload);
    listeners.add(entry);
    return () => void this.#listeners.get(type)?.delete(entry);
  }

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {(payload: Events[K]) => void} listener
   * @returns {() => void}
   */
  once(type, listener) {
    const end = this.on(type, (payload) => {
      end();
      listener(payload);
    });
    return end;
  }

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {Events[K]} payload
   */
  emit(type, payload) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
