/**
 * Every "no" of the server as a class of its own, and the few that the client says itself.
 *
 * Always: `reason` is the contract and picks the class; `message` is for a person; a reason that this version does not
 * know becomes a plain `FrontrowError` that keeps it. Not here: what to do about an error, which the caller knows best.
 */

/**
 * @typedef {object} ErrorDetails
 * @property {number | null} [code] The JSON-RPC code or the HTTP status; null for the client's own errors.
 * @property {Record<string, unknown>} [data] Everything that came with the error.
 * @property {boolean} [retryable]
 * @property {unknown} [cause]
 */

export class FrontrowError extends Error {
  /**
   * @param {string} reason
   * @param {string} [message]
   * @param {ErrorDetails} [details]
   */
  constructor(reason, message, details = {}) {
    super(message || reason, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = new.target.name;
    /** The contract: one of the reasons of the protocol, or `TIMEOUT`, `DISCONNECTED`, `CLOSED`. */
    this.reason = reason;
    this.code = details.code ?? null;
    this.data = details.data ?? {};
    /** Whether the same request, unchanged, could succeed later. */
    this.retryable = details.retryable ?? false;
  }
}

// The request itself was wrong.
export class ParseError extends FrontrowError {}
export class InvalidRequestError extends FrontrowError {}
export class UnknownMethodError extends FrontrowError {}
export class InvalidParamsError extends FrontrowError {}
export class InternalError extends FrontrowError {}

// Errors of identity.
export class UnauthenticatedError extends FrontrowError {}
export class UserNotFoundError extends FrontrowError {}
export class ForbiddenError extends FrontrowError {}

/** The queue token does not allow this; `status` says what it is. */
export class AdmissionError extends FrontrowError {
  /** @returns {import('./wire.js').QueueStatus | null} */
  get status() {
    return /** @type {import('./wire.js').QueueStatus | null} */ (text(this.data.status));
  }
}
export class NotInQueueError extends AdmissionError {}
export class WaitingError extends AdmissionError {}
export class TokenExpiredError extends AdmissionError {}
export class TokenDoneError extends AdmissionError {}

/** The sale does not take this now. */
export class SaleError extends FrontrowError {
  /** The time at which the sale opens, where the server said so. */
  get opensAt() {
    return text(this.data.opens_at);
  }
}
export class SaleNotOpenError extends SaleError {}
export class SalePausedError extends SaleError {}
export class SaleClosedError extends SaleError {}

export class ConcertNotFoundError extends FrontrowError {}
export class ScheduleNotFoundError extends FrontrowError {}
export class SeatNotFoundError extends FrontrowError {
  /** The seats that do not exist, where the server named them. */
  get seats() {
    return numbers(this.data.seats);
  }
}
export class ReservationNotFoundError extends FrontrowError {}

export class SeatTakenError extends FrontrowError {
  /** The seats, of those that were asked for, that somebody else has. */
  get seats() {
    return numbers(this.data.seats);
  }
}
export class SeatRestrictedError extends FrontrowError {
  /** Which of the asked seats are not for sale. */
  get seats() {
    return numbers(this.data.seats);
  }
}
export class NoSeatsAvailableError extends FrontrowError {}
export class NoSchedulesAvailableError extends FrontrowError {}

export class HoldLimitError extends FrontrowError {
  /** The number of seats that one reservation may hold, or null. */
  get max() {
    return number(this.data.max);
  }
}

export class PurchaseLimitError extends FrontrowError {
  /** The number of seats of the sale that one user may have, held and bought together, or null. */
  get max() {
    return number(this.data.max);
  }
}

export class HoldAgainLaterError extends FrontrowError {
  /** The seats that the user let run out unpaid. */
  get seats() {
    return numbers(this.data.seats);
  }
  /** The time from which they may hold them again, in RFC 3339, or null. */
  get retryAt() {
    return text(this.data.retry_at);
  }
}

export class ReservationInvalidError extends FrontrowError {
  /** @returns {import('./wire.js').ReservationStatus | null} */
  get status() {
    return /** @type {import('./wire.js').ReservationStatus | null} */ (text(this.data.status));
  }
}

export class InvalidAmountError extends FrontrowError {}
export class InsufficientBalanceError extends FrontrowError {
  get balance() {
    return number(this.data.balance);
  }
  get required() {
    return number(this.data.required);
  }
  /** The amount that has to be charged before, or null. */
  get missing() {
    return number(this.data.missing);
  }
}
/** A refund does not fit the wallet. */
export class WalletFullError extends FrontrowError {}
export class RequestIdReusedError extends FrontrowError {}

/** The server cannot take it now; the client asks again by itself while the request's time lasts. */
export class BusyError extends FrontrowError {
  /** The time that the server asks to wait, in milliseconds, or null. */
  get retryAfterMs() {
    return number(this.data.retry_after_ms);
  }
}
export class RateLimitedError extends BusyError {}
export class OverloadedError extends BusyError {}
export class UnavailableError extends BusyError {}

/**
 * The server cannot say whether it was done. Ask first (the balance, the reservations); then repeat it with the same ids,
 * which does it at most once.
 */
export class OutcomeUnknownError extends FrontrowError {}

export class CancelTooLateError extends FrontrowError {}
/** The performance is not played: nothing of it is sold, and what was paid comes back by itself. */
export class PerformanceCalledOffError extends FrontrowError {}

// Operators' calls.
export class NotFoundError extends FrontrowError {}
export class LinkSpentError extends FrontrowError {}
export class LastOwnerError extends FrontrowError {}
export class ChangedMeanwhileError extends FrontrowError {
  /** What is there now of what was to be changed. */
  get was() {
    return this.data.was;
  }
}
export class PerformanceBegunError extends FrontrowError {}
export class AlreadyAnnouncedError extends FrontrowError {
  /** The concert that is there already. */
  get concertId() {
    return this.data.concert_id;
  }
}

/** Something of the concert is not over, as the message says. */
export class NotOverError extends FrontrowError {}
export class AlreadyRefundedError extends FrontrowError {
  /** When its money was given back, or that of `seats`. */
  get at() {
    return this.data.at;
  }
  /** The operator who did it, if it was one. */
  get by() {
    return this.data.by;
  }
  /** The seats that were given back before; absent if it was all of the order. */
  get seats() {
    return this.data.seats;
  }
}

/** No answer within the request's time. What was asked may have happened: repeating it is safe. */
export class TimeoutError extends FrontrowError {}
/** There is no connection, and the request was not to wait for one. */
export class DisconnectedError extends FrontrowError {}
/** The client was closed, or the server ended the session for good; `data.close_code` says which. */
export class ClosedError extends FrontrowError {}

/** Every reason and its class. */
export const ERRORS = Object.freeze({
  PARSE: ParseError,
  INVALID_REQUEST: InvalidRequestError,
  UNKNOWN_METHOD: UnknownMethodError,
  INVALID_PARAMS: InvalidParamsError,
  INTERNAL: InternalError,
  UNAUTHENTICATED: UnauthenticatedError,
  USER_NOT_FOUND: UserNotFoundError,
  NOT_IN_QUEUE: NotInQueueError,
  WAITING: WaitingError,
  TOKEN_EXPIRED: TokenExpiredError,
  TOKEN_DONE: TokenDoneError,
  SALE_NOT_OPEN: SaleNotOpenError,
  SALE_PAUSED: SalePausedError,
  SALE_CLOSED: SaleClosedError,
  CONCERT_NOT_FOUND: ConcertNotFoundError,
  SCHEDULE_NOT_FOUND: ScheduleNotFoundError,
  SEAT_NOT_FOUND: SeatNotFoundError,
  RESERVATION_NOT_FOUND: ReservationNotFoundError,
  SEAT_TAKEN: SeatTakenError,
  SEAT_RESTRICTED: SeatRestrictedError,
  NO_SEATS_AVAILABLE: NoSeatsAvailableError,
  NO_SCHEDULES_AVAILABLE: NoSchedulesAvailableError,
  HOLD_LIMIT: HoldLimitError,
  PURCHASE_LIMIT: PurchaseLimitError,
  HOLD_AGAIN_LATER: HoldAgainLaterError,
  RESERVATION_INVALID: ReservationInvalidError,
  INVALID_AMOUNT: InvalidAmountError,
  INSUFFICIENT_BALANCE: InsufficientBalanceError,
  REQUEST_ID_REUSED: RequestIdReusedError,
  RATE_LIMITED: RateLimitedError,
  OVERLOADED: OverloadedError,
  UNAVAILABLE: UnavailableError,
  OUTCOME_UNKNOWN: OutcomeUnknownError,
  CANCEL_TOO_LATE: CancelTooLateError,
  FORBIDDEN: ForbiddenError,
  WALLET_FULL: WalletFullError,
  NOT_FOUND: NotFoundError,
  LINK_SPENT: LinkSpentError,
  LAST_OWNER: LastOwnerError,
  CHANGED_MEANWHILE: ChangedMeanwhileError,
  PERFORMANCE_BEGUN: PerformanceBegunError,
  ALREADY_ANNOUNCED: AlreadyAnnouncedError,
  PERFORMANCE_CALLED_OFF: PerformanceCalledOffError,
  ALREADY_REFUNDED: AlreadyRefundedError,
  NOT_OVER: NotOverError,
  TIMEOUT: TimeoutError,
  DISCONNECTED: DisconnectedError,
  CLOSED: ClosedError,
});

/** @typedef {keyof typeof ERRORS} Reason */

/**
 * The error of a reason, known or not.
 * @param {string} reason
 * @param {string} [message]
 * @param {ErrorDetails} [details]
 * @returns {FrontrowError}
 */
export function errorOf(reason, message, details) {
  const Known = Object.hasOwn(ERRORS, reason) ? ERRORS[/** @type {Reason} */ (reason)] : FrontrowError;
  return new Known(reason, message, details);
}

/**
 * Makes an error from the `error` member of a JSON-RPC answer.
 * @param {unknown} error
 * @returns {FrontrowError}
 */
export function errorFromRpc(error) {
  const { code, message, data } = /** @type {any} */ (error ?? {});
  const details = typeof data === 'object' && data !== null ? data : {};
  return errorOf(typeof details.reason === 'string' ? details.reason : 'INTERNAL', message, {
    code: typeof code === 'number' ? code : null,
    data: details,
    retryable: details.retryable === true,
  });
}

/**
 * Makes an error from an HTTP answer that is not a success: a problem document, or whatever a proxy in between made of it.
 * @param {Response} response
 * @returns {Promise<FrontrowError>}
 */
export async function errorFromHttp(response) {
  /** @type {any} */
  const problem = await response.json().catch(() => null);
  const busy = response.status === 429 || response.status >= 502;
  const details = typeof problem === 'object' && problem !== null ? { ...problem } : {};
  // A problem document's `status` is the answer's number; what the websocket calls `status` has another name there.
  details.status = details.current_status;
  const reason = typeof details.reason === 'string' ? details.reason : busy ? 'UNAVAILABLE' : 'INTERNAL';
  const message = text(details.detail) ?? text(details.title) ?? `HTTP ${response.status}`;
  return errorOf(reason, message, {
    code: response.status,
    data: details,
    retryable: typeof details.retryable === 'boolean' ? details.retryable : busy,
  });
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : null;
}

/** @param {unknown} value */
function number(value) {
  return typeof value === 'number' ? value : null;
}

/**
 * @param {unknown} value
 * @returns {number[]}
 */
function numbers(value) {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [];
}
