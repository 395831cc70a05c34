-- The paying of one reservation. There is no PROGRESS here: a payment is decided and stored in one transaction.
CREATE TABLE payment (
    concert_id     INTEGER NOT NULL,
    payment_id     BLOB    NOT NULL CHECK (length(payment_id) = 16),
    reservation_id BLOB    NOT NULL CHECK (length(reservation_id) = 16),
    user_id        INTEGER NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 9007199254740991),
    status         TEXT    NOT NULL CHECK (status IN ('DONE', 'CANCELLED')),
    at             INTEGER NOT NULL,
    cancelled_at   INTEGER,
    PRIMARY KEY (concert_id, payment_id), -- a refund's change
    CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- The payment of a reservation, and never two of them.
CREATE UNIQUE INDEX payment_reservation ON payment (concert_id, reservation_id);
