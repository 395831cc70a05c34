/** Orders: `#/orders` and what was looked for behind it, and the one that is looked at: `#/orders/ID`, with its tickets
 * on paper: `#/orders/ID/tickets`. */
import { html } from '../../app/html.js';
import { path } from '../router.js';
import { Find } from './orders/find.js';
import { Order } from './orders/order.js';
import { Paper } from './orders/paper.js';

export const needs = ['owner', 'manager', 'box_office'];

const ONE = /^\/orders\/([0-9a-f-]{36})(\/tickets)?$/;

export function Orders() {
  const [, id, onPaper] = ONE.exec(path.value) ?? [];
  if (onPaper) return html`<${Paper} key=${path.value} id=${id} />`;
  return id ? html`<${Order} key=${id} id=${id} />` : html`<${Find} key=${path.value} query=${path.value.split('?')[1] ?? ''} />`;
}
