/**
 * Makes a guest, where the server allows guests.
 * @param {string | URL | undefined} server
 * @param {string} name
 * @returns {Promise<{user_id: number, access_token: string}>}
 */
export declare function createGuest(server: string | URL | undefined, name: string): Promise<{
    user_id: number;
    access_token: string;
}>;
/**
 * The concerts on sale, without a session.
 * @param {string | URL | undefined} server
 * @param {string | null} [token] An access token or queue token, where the server wants one.
 * @returns {Promise<import('./wire.js').Concert[]>}
 */
export declare function fetchConcerts(server: string | URL | undefined, token?: string | null): Promise<import('./wire.js').Concert[]>;
/**
 * A concert's own page.
 * @param {string | URL | undefined} server
 * @param {number} concertId
 * @returns {Promise<import('./wire.js').ConcertPage>}
 */
export declare function fetchConcert(server: string | URL | undefined, concertId: number): Promise<import('./wire.js').ConcertPage>;
/**
 * @param {string | URL | undefined} server
 * @param {number} scheduleId
 * @returns {Promise<import('./wire.js').Layout>}
 */
export declare function fetchLayout(server: string | URL | undefined, scheduleId: number): Promise<import('./wire.js').Layout>;
/** The server's address; in a browser, the page's own by default. @param {string | URL | undefined} server */
export declare function serverUrl(server: string | URL | undefined): URL;
