/** Orders: `#/orders` and what was looked for behind it, and the one that is looked at: `#/orders/ID`. */
import { html } from '../../app/html.js';
import { path } from '../router.js';
import { Find } from './orders/find.js';
import { Order } from './orders/order.js';

export const needs = ['owner', 'manager', 'box_office'];

const ONE = /^\/orders\/([0-9a-f-]{36})$/;

export function Orders() {
  const id = ONE.exec(path.value)?.[1];
  return id ? html`<${Order} key=${id} id=${id} />` : html`<${Find} key=${path.value} query=${path.value.split('?')[1] ?? ''} />`;
}
