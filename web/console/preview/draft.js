/** The draft that the address names, as far as fans will see it: its page, and the drawing of its seats. Asked for once. */
import { call } from '../api.js';

/** @typedef {import('../../sdk/wire.js').ConcertPage} ConcertPage */
/** @typedef {import('../../sdk/wire.js').Layout & { restricted: number[] }} DraftLayout */

const id = Number(new URLSearchParams(location.search).get('draft'));

/** @type {Promise<ConcertPage> | undefined} */
let page;
/** @type {Promise<DraftLayout> | undefined} */
let layout;

/** @returns {Promise<ConcertPage>} */
export const pageOf = () => (page ??= call('GET', `/drafts/${id}/page`));

/** In the currency of the page: the draft may name none yet. @returns {Promise<DraftLayout>} */
export const layoutOf = () =>
  (layout ??= Promise.all([call('GET', `/drafts/${id}/layout`), pageOf()]).then(([drawn, { concert }]) => ({ ...drawn, currency: concert.currency })));
