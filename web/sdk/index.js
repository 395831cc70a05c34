/** The client SDK of Frontrow. Everything public is exported here; see README.md. */
export { FrontrowClient, newRequestId } from './client.js';
export { createGuest, fetchConcert, fetchConcerts, fetchLayout } from './http.js';
export { SeatModel, unpackStates } from './seats.js';
export { ServerClock } from './clock.js';
export { Emitter } from './emitter.js';
export { SeatState } from './wire.js';
export * from './errors.js';
