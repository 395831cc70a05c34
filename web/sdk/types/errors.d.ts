/**
 * Every "no" of the server as a class of its own, and the few that the client says itself.
 *
 * Always: `reason` is the contract and picks the class; `message` is for a person; a reason that this version does not
 * know becomes a plain `FrontrowError` that keeps it. Not here: what to do about an error, which the caller knows best.
 */
export type ErrorDetails = {
    /**
     * The JSON-RPC code or the HTTP status; null for the client's own errors.
     */
    code?: number | null;
    /**
     * Everything that came with the error.
     */
    data?: Record<string, unknown>;
    retryable?: boolean;
    cause?: unknown;
};
/**
 * @typedef {object} ErrorDetails
 * @property {number | null} [code] The JSON-RPC code or the HTTP status; null for the client's own errors.
 * @property {Record<string, unknown>} [data] Everything that came with the error.
 * @property {boolean} [retryable]
 * @property {unknown} [cause]
 */
export declare class FrontrowError extends Error {
    /** The contract: one of the reasons of the protocol, or `TIMEOUT`, `DISCONNECTED`, `CLOSED`. */
    reason: string;
    code: number | null;
    data: Record<string, unknown>;
    /** Whether the same request, unchanged, could succeed later. */
    retryable: boolean;
    /**
     * @param {string} reason
     * @param {string} [message]
     * @param {ErrorDetails} [details]
     */
    constructor(reason: string, message?: string, details?: ErrorDetails);
}
export declare class ParseError extends FrontrowError {
}
export declare class InvalidRequestError extends FrontrowError {
}
export declare class UnknownMethodError extends FrontrowError {
}
export declare class InvalidParamsError extends FrontrowError {
}
export declare class InternalError extends FrontrowError {
}
export declare class UnauthenticatedError extends FrontrowError {
}
export declare class UserNotFoundError extends FrontrowError {
}
export declare class ForbiddenError extends FrontrowError {
}
/** The queue token does not allow this; `status` says what it is. */
export declare class AdmissionError extends FrontrowError {
    /** @returns {import('./wire.js').QueueStatus | null} */
    get status(): import('./wire.js').QueueStatus | null;
}
export declare class NotInQueueError extends AdmissionError {
}
export declare class WaitingError extends AdmissionError {
}
export declare class TokenExpiredError extends AdmissionError {
}
export declare class TokenDoneError extends AdmissionError {
}
/** The sale does not take this now. */
export declare class SaleError extends FrontrowError {
    /** The time at which the sale opens, where the server said so. */
    get opensAt(): string | null;
}
export declare class SaleNotOpenError extends SaleError {
}
export declare class SalePausedError extends SaleError {
}
export declare class SaleClosedError extends SaleError {
}
export declare class ConcertNotFoundError extends FrontrowError {
}
export declare class ScheduleNotFoundError extends FrontrowError {
}
export declare class SeatNotFoundError extends FrontrowError {
    /** The seats that do not exist, where the server named them. */
    get seats(): number[];
}
export declare class ReservationNotFoundError extends FrontrowError {
}
export declare class SeatTakenError extends FrontrowError {
    /** The seats, of those that were asked for, that somebody else has. */
    get seats(): number[];
}
export declare class SeatRestrictedError extends FrontrowError {
    /** Which of the asked seats are not for sale. */
    get seats(): number[];
}
export declare class NoSeatsAvailableError extends FrontrowError {
}
export declare class NoSchedulesAvailableError extends FrontrowError {
}
export declare class HoldLimitError extends FrontrowError {
    /** The number of seats that one reservation may hold, or null. */
    get max(): number | null;
}
export declare class PurchaseLimitError extends FrontrowError {
    /** The number of seats of the sale that one user may have, held and bought together, or null. */
    get max(): number | null;
}
export declare class HoldAgainLaterError extends FrontrowError {
    /** The seats that the user let run out unpaid. */
    get seats(): number[];
    /** The time from which they may hold them again, in RFC 3339, or null. */
    get retryAt(): string | null;
}
export declare class ReservationInvalidError extends FrontrowError {
    /** @returns {import('./wire.js').ReservationStatus | null} */
    get status(): import('./wire.js').ReservationStatus | null;
}
export declare class InvalidAmountError extends FrontrowError {
}
export declare class InsufficientBalanceError extends FrontrowError {
    get balance(): number | null;
    get required(): number | null;
    /** The amount that has to be charged before, or null. */
    get missing(): number | null;
}
/** A refund does not fit the wallet. */
export declare class WalletFullError extends FrontrowError {
}
export declare class RequestIdReusedError extends FrontrowError {
}
/** The server cannot take it now; the client asks again by itself while the request's time lasts. */
export declare class BusyError extends FrontrowError {
    /** The time that the server asks to wait, in milliseconds, or null. */
    get retryAfterMs(): number | null;
}
export declare class RateLimitedError extends BusyError {
}
export declare class OverloadedError extends BusyError {
}
export declare class UnavailableError extends BusyError {
}
/**
 * The server cannot say whether it was done. Ask first (the balance, the reservations); then repeat it with the same ids,
 * which does it at most once.
 */
export declare class OutcomeUnknownError extends FrontrowError {
}
export declare class CancelTooLateError extends FrontrowError {
}
/** The performance is not played: nothing of it is sold, and what was paid comes back by itself. */
export declare class PerformanceCalledOffError extends FrontrowError {
}
export declare class NotFoundError extends FrontrowError {
}
export declare class LinkSpentError extends FrontrowError {
}
export declare class LastOwnerError extends FrontrowError {
}
export declare class ChangedMeanwhileError extends FrontrowError {
    /** What is there now of what was to be changed. */
    get was(): unknown;
}
export declare class PerformanceBegunError extends FrontrowError {
}
export declare class AlreadyAnnouncedError extends FrontrowError {
    /** The concert that is there already. */
    get concertId(): unknown;
}
/** Something of the concert is not over, as the message says. */
export declare class NotOverError extends FrontrowError {
}
export declare class AlreadyRefundedError extends FrontrowError {
    /** When its money was given back, or that of `seats`. */
    get at(): unknown;
    /** The operator who did it, if it was one. */
    get by(): unknown;
    /** The seats that were given back before; absent if it was all of the order. */
    get seats(): unknown;
}
/** No answer within the request's time. What was asked may have happened: repeating it is safe. */
export declare class TimeoutError extends FrontrowError {
}
/** There is no connection, and the request was not to wait for one. */
export declare class DisconnectedError extends FrontrowError {
}
/** The client was closed, or the server ended the session for good; `data.close_code` says which. */
export declare class ClosedError extends FrontrowError {
}
/** Every reason and its class. */
export declare const ERRORS: Readonly<{
    PARSE: typeof ParseError;
    INVALID_REQUEST: typeof InvalidRequestError;
    UNKNOWN_METHOD: typeof UnknownMethodError;
    INVALID_PARAMS: typeof InvalidParamsError;
    INTERNAL: typeof InternalError;
    UNAUTHENTICATED: typeof UnauthenticatedError;
    USER_NOT_FOUND: typeof UserNotFoundError;
    NOT_IN_QUEUE: typeof NotInQueueError;
    WAITING: typeof WaitingError;
    TOKEN_EXPIRED: typeof TokenExpiredError;
    TOKEN_DONE: typeof TokenDoneError;
    SALE_NOT_OPEN: typeof SaleNotOpenError;
    SALE_PAUSED: typeof SalePausedError;
    SALE_CLOSED: typeof SaleClosedError;
    CONCERT_NOT_FOUND: typeof ConcertNotFoundError;
    SCHEDULE_NOT_FOUND: typeof ScheduleNotFoundError;
    SEAT_NOT_FOUND: typeof SeatNotFoundError;
    RESERVATION_NOT_FOUND: typeof ReservationNotFoundError;
    SEAT_TAKEN: typeof SeatTakenError;
    SEAT_RESTRICTED: typeof SeatRestrictedError;
    NO_SEATS_AVAILABLE: typeof NoSeatsAvailableError;
    NO_SCHEDULES_AVAILABLE: typeof NoSchedulesAvailableError;
    HOLD_LIMIT: typeof HoldLimitError;
    PURCHASE_LIMIT: typeof PurchaseLimitError;
    HOLD_AGAIN_LATER: typeof HoldAgainLaterError;
    RESERVATION_INVALID: typeof ReservationInvalidError;
    INVALID_AMOUNT: typeof InvalidAmountError;
    INSUFFICIENT_BALANCE: typeof InsufficientBalanceError;
    REQUEST_ID_REUSED: typeof RequestIdReusedError;
    RATE_LIMITED: typeof RateLimitedError;
    OVERLOADED: typeof OverloadedError;
    UNAVAILABLE: typeof UnavailableError;
    OUTCOME_UNKNOWN: typeof OutcomeUnknownError;
    CANCEL_TOO_LATE: typeof CancelTooLateError;
    FORBIDDEN: typeof ForbiddenError;
    WALLET_FULL: typeof WalletFullError;
    NOT_FOUND: typeof NotFoundError;
    LINK_SPENT: typeof LinkSpentError;
    LAST_OWNER: typeof LastOwnerError;
    CHANGED_MEANWHILE: typeof ChangedMeanwhileError;
    PERFORMANCE_BEGUN: typeof PerformanceBegunError;
    ALREADY_ANNOUNCED: typeof AlreadyAnnouncedError;
    PERFORMANCE_CALLED_OFF: typeof PerformanceCalledOffError;
    ALREADY_REFUNDED: typeof AlreadyRefundedError;
    NOT_OVER: typeof NotOverError;
    TIMEOUT: typeof TimeoutError;
    DISCONNECTED: typeof DisconnectedError;
    CLOSED: typeof ClosedError;
}>;
export type Reason = keyof typeof ERRORS;
/** @typedef {keyof typeof ERRORS} Reason */
/**
 * The error of a reason, known or not.
 * @param {string} reason
 * @param {string} [message]
 * @param {ErrorDetails} [details]
 * @returns {FrontrowError}
 */
export declare function errorOf(reason: string, message?: string, details?: ErrorDetails): FrontrowError;
/**
 * Makes an error from the `error` member of a JSON-RPC answer.
 * @param {unknown} error
 * @returns {FrontrowError}
 */
export declare function errorFromRpc(error: unknown): FrontrowError;
/**
 * Makes an error from an HTTP answer that is not a success: a problem document, or whatever a proxy in between made of it.
 * @param {Response} response
 * @returns {Promise<FrontrowError>}
 */
export declare function errorFromHttp(response: Response): Promise<FrontrowError>;
