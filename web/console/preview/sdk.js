/** The SDK of the fans' page, but that a concert's page is the draft's. */
import { pageOf } from './draft.js';

export * from '../../sdk/index.js';

export const fetchConcert = () => pageOf();
