/**
 * The server's time on a device whose own clock may be wrong.
 *
 * Always: the sample with the shortest round trip counts, because half of it bounds the error. A sample that no round
 * trip explains means that the device's clock was set; then everything before it is forgotten.
 */
export declare class ServerClock {
    #private;
    /** @param {() => number} [now] Milliseconds of the device's clock. */
    constructor(now?: () => number);
    /**
     * @param {number} sentAt Device time when the question left, in ms.
     * @param {number} receivedAt Device time when the answer came, in ms.
     * @param {string} serverTime The server's time in the answer.
     */
    sample(sentAt: number, receivedAt: number, serverTime: string): void;
    /** Server time minus device time, in ms. */
    get offset(): number;
    /** The server's time now, in ms since 1970. */
    now(): number;
}
