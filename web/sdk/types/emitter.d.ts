/**
 * The smallest typed event interface that does: `on` gives back the function that ends the subscription.
 *
 * Always: a listener that throws does not keep the others from being called; its error surfaces as an unhandled one.
 */
/**
 * @template {Record<string, any>} Events Payload by event name.
 */
export declare class Emitter<Events extends Record<string, any>> {
    #private;
    /**
     * @template {keyof Events} K
     * @param {K} type
     * @param {(payload: Events[K]) => void} listener
     * @returns {() => void} Ends the subscription.
     */
    on<K extends keyof Events>(type: K, listener: (payload: Events[K]) => void): () => void;
    /**
     * @template {keyof Events} K
     * @param {K} type
     * @param {(payload: Events[K]) => void} listener
     * @returns {() => void}
     */
    once<K extends keyof Events>(type: K, listener: (payload: Events[K]) => void): () => void;
    /**
     * @template {keyof Events} K
     * @param {K} type
     * @param {Events[K]} payload
     */
    emit<K extends keyof Events>(type: K, payload: Events[K]): void;
}
