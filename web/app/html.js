/** Markup in template strings: preact through htm, the one import that every component needs. */
import { h } from 'preact';
import htm from 'htm';

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => import('preact').VNode} */
export const html = /** @type {any} */ (htm.bind(/** @type {any} */ (h)));
