/**
 * One websocket at a time, kept up: connects, notices when it is dead, connects again.
 *
 * Always: at most one socket is listened to. A socket that was given up is never listened to again, even if the network
 * delivers its frames later. Close codes from 4500 and those that say "you broke the protocol" end the link; every other
 * end is followed by another attempt after a jittered pause. Not here: what the frames mean.
 */
export type LinkState = 'idle' | 'connecting' | 'open' | 'pausing' | 'ended';
export type WebSocketClass = {
    new (url: string, protocols?: string | string[]): WebSocketLike;
};
export type WebSocketLike = {
    readyState: number;
    send: (data: string) => void;
    close: (code?: number, reason?: string) => void;
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
};
export type LinkTimes = {
    /**
     * A socket that is not open by then is given up.
     */
    connect: number;
    /**
     * The time without a frame after which a ping is sent.
     */
    quiet: number;
    /**
     * The same while an answer is waited for.
     */
    quietWaiting: number;
    /**
     * The time after that ping when the connection counts as dead.
     */
    answer: number;
    /**
     * The first pause between attempts, before jitter.
     */
    backoffFirst: number;
    backoffMax: number;
};
/** @typedef {'idle' | 'connecting' | 'open' | 'pausing' | 'ended'} LinkState */
/**
 * The part of a WebSocket class that the client needs: the browser's, Node's own (from 22) and that of the `ws` package fit.
 * @typedef {{
 *   new (url: string, protocols?: string | string[]): WebSocketLike,
 * }} WebSocketClass
 * @typedef {object} WebSocketLike
 * @property {number} readyState
 * @property {(data: string) => void} send
 * @property {(code?: number, reason?: string) => void} close
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} onerror
 */
/**
 * @typedef {object} LinkTimes All in milliseconds.
 * @property {number} connect A socket that is not open by then is given up.
 * @property {number} quiet The time without a frame after which a ping is sent.
 * @property {number} quietWaiting The same while an answer is waited for.
 * @property {number} answer The time after that ping when the connection counts as dead.
 * @property {number} backoffFirst The first pause between attempts, before jitter.
 * @property {number} backoffMax
 */
/** @type {LinkTimes} */
export declare const LINK_TIMES: LinkTimes;
/**
 * The pause before an attempt: half of it fixed, half random, so that fans who lost the server together come back apart.
 * @param {number} failures Attempts that failed in a row, from 0.
 * @param {{backoffFirst: number, backoffMax: number}} times
 * @param {() => number} [random] Numbers in [0, 1).
 */
export declare function backoff(failures: number, { backoffFirst, backoffMax }: {
    backoffFirst: number;
    backoffMax: number;
}, random?: () => number): number;
export type LinkHandlers = {
    /**
     * The socket is open: say hello.
     */
    onOpen: () => void;
    /**
     * A parsed frame.
     */
    onFrame: (frame: any) => void;
    /**
     * The socket broke or never opened; the next attempt is in so long.
     */
    onLost: (retryInMs: number) => void;
    /**
     * The server ended it for good.
     */
    onEnded: (code: number, reason: string) => void;
    /**
     * Nothing came for a while: ask something, any frame will do as an answer.
     */
    onQuiet: () => void;
    /**
     * Whether an answer is waited for.
     */
    isWaiting: () => boolean;
};
/**
 * @typedef {object} LinkHandlers
 * @property {() => void} onOpen The socket is open: say hello.
 * @property {(frame: any) => void} onFrame A parsed frame.
 * @property {(retryInMs: number) => void} onLost The socket broke or never opened; the next attempt is in so long.
 * @property {(code: number, reason: string) => void} onEnded The server ended it for good.
 * @property {() => void} onQuiet Nothing came for a while: ask something, any frame will do as an answer.
 * @property {() => boolean} isWaiting Whether an answer is waited for.
 */
export declare class Link {
    #private;
    /** @type {LinkState} */
    state: LinkState;
    /**
     * @param {string} url
     * @param {WebSocketClass} WebSocketClass
     * @param {LinkTimes} times
     * @param {LinkHandlers} handlers
     */
    constructor(url: string, WebSocketClass: WebSocketClass, times: LinkTimes, handlers: LinkHandlers);
    /** Connects now, whatever pause was left. */
    connect(): void;
    /** @param {string} text */
    send(text: string): void;
    /** The server took our hello: the next failure is the first again. */
    succeeded(): void;
    /** Gives this connection up and takes another one after `pauseMs`; without it, after the usual pause. */
    restart(pauseMs?: number): void;
    /** A reason to doubt the connection (the device woke up, the network changed): ask now. */
    probe(): void;
    /** Goes on after the server ended it, because there is another way to say hello. */
    revive(): void;
    /** Ends it for good. */
    end(): void;
}
