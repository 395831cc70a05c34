/**
 * Every refusal in words that say what to do next.
 *
 * Always: each reason of the protocol has its own answer; one that is new gets the general one.
 */
import { clock, money, words } from './i18n.js';
import { currency, now } from './session.js';

/** @typedef {import('@frontrow/sdk').FrontrowError} FrontrowError */

/**
 * @param {unknown} cause
 * @param {{count?: number, holding?: boolean}} [context] `count`: seats asked for together; `holding`: seats are held.
 * @returns {string}
 */
export function explain(cause, { count = 1, holding = false } = {}) {
  const w = words().error;
  const error = /** @type {any} */ (cause);
  const reason = error.reason === 'CLOSED' ? (error.data?.reason ?? 'CLOSED') : error.reason;
  switch (reason) {
    case 'SEAT_TAKEN':
      return w.taken('');
    case 'SEAT_RESTRICTED':
      return w.restricted('');
    case 'NO_SEATS_AVAILABLE':
      return w.noSeats(count);
    case 'HOLD_LIMIT':
      return error.max === null ? w.holdLimitPlain : w.holdLimit(error.max);
    case 'PURCHASE_LIMIT':
      return error.max === null ? w.purchaseLimitPlain : w.purchaseLimit(error.max);
    case 'HOLD_AGAIN_LATER':
      return w.holdAgainLater(clock(Math.max(1000, Date.parse(error.retryAt) - now.peek())));
    case 'NOT_IN_QUEUE':
      return w.notInQueue;
    case 'WAITING':
      return w.waiting;
    case 'TOKEN_EXPIRED':
      return holding ? w.choosingOver : w.tokenExpired;
    case 'TOKEN_DONE':
      return w.tokenDone;
    case 'SALE_NOT_OPEN':
      return w.notOpen;
    case 'SALE_PAUSED':
      return w.paused;
    case 'SALE_CLOSED':
      return w.closed;
    case 'CONCERT_NOT_FOUND':
      return w.concertGone;
    case 'SCHEDULE_NOT_FOUND':
    case 'NO_SCHEDULES_AVAILABLE':
      return w.scheduleGone;
    case 'SEAT_NOT_FOUND':
      return w.seatGone;
    case 'RESERVATION_NOT_FOUND':
      return w.reservationGone;
    case 'RESERVATION_INVALID':
      return w.reservationInvalid;
    case 'INVALID_AMOUNT':
      return w.amount;
    case 'INSUFFICIENT_BALANCE':
      return error.required === null || error.balance === null
        ? w.balancePlain
        : w.balance(money(error.required - error.balance, currency.value));
    case 'REQUEST_ID_REUSED':
      return w.requestIdReused;
    case 'RATE_LIMITED':
    case 'OVERLOADED':
    case 'UNAVAILABLE':
      return w.busy;
    case 'PERFORMANCE_CALLED_OFF':
      return w.calledOff;
    case 'CANCEL_TOO_LATE':
      return w.cancelTooLate;
    case 'WALLET_FULL':
      return w.walletFull;
    case 'FORBIDDEN':
      // The limit is on how often, not on whether.
      return typeof error.data?.max === 'number' ? w.dailyLimit(error.data.max) : w.forbidden;
    case 'UNAUTHENTICATED':
    case 'USER_NOT_FOUND':
      return w.unauthenticated;
    case 'OUTCOME_UNKNOWN':
    case 'TIMEOUT':
      return w.timeout;
    case 'DISCONNECTED':
    case 'CLOSED':
      return w.disconnected;
    default:
      return w.other;
  }
}
