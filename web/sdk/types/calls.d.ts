export type Call = {
    id: number;
    method: string;
    params: object;
    /**
     * Takes the answer at once; its value is the call's result.
     */
    take: (result: any) => any;
    resolve: (result: any) => void;
    reject: (error: Error) => void;
    deadline: ReturnType<typeof setTimeout> | undefined;
    /**
     * Set while a retry is waited for.
     */
    pause: ReturnType<typeof setTimeout> | undefined;
    /**
     * The number of times that the server said that it cannot now.
     */
    refusals: number;
    /**
     * Belongs to the present connection alone.
     */
    once: boolean;
};
/**
 * @typedef {object} Call
 * @property {number} id
 * @property {string} method
 * @property {object} params
 * @property {(result: any) => any} take Takes the answer at once; its value is the call's result.
 * @property {(result: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {ReturnType<typeof setTimeout> | undefined} deadline
 * @property {ReturnType<typeof setTimeout> | undefined} pause Set while a retry is waited for.
 * @property {number} refusals The number of times that the server said that it cannot now.
 * @property {boolean} once Belongs to the present connection alone.
 */
export declare class Calls {
    #private;
    /** @param {(text: string) => void} send Writes a frame to the present connection. */
    constructor(send: (text: string) => void);
    /** Whether somebody waits for an answer on the present connection. */
    get waiting(): boolean;
    /**
     * @param {string} method
     * @param {object} params
     * @param {{timeoutMs?: number, once?: boolean, take?: (result: any) => any}} [options] `timeoutMs` Infinity: until
     *   the client is closed. `once`: sent at once, even before hello is through, and failed with the connection.
     * @returns {Promise<any>}
     */
    call(method: string, params: object, { timeoutMs, once, take }?: {
        timeoutMs?: number;
        once?: boolean;
        take?: (result: any) => any;
    }): Promise<any>;
    /** The connection is greeted: what waits may go. */
    ready(): void;
    /** The connection is gone: what was sent on it waits for the next one, in its old order. */
    lost(): void;
    /** @param {Error} error Given to everyone who waits. */
    fail(error: Error): void;
    /** @param {{id?: unknown, result?: unknown, error?: unknown}} frame */
    answer(frame: {
        id?: unknown;
        result?: unknown;
        error?: unknown;
    }): void;
}
