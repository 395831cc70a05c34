-- The paying of one reservation. There is no PROGRESS here: a payment is decided and stored in one transaction.
CREATE TABLE IF NOT EXISTS payment (
    concert_id     INT UNSIGNED NOT NULL,
    payment_id     BINARY(16)   NOT NULL COMMENT 'UUIDv7',
    reservation_id BINARY(16)   NOT NULL,
    user_id        BIGINT       NOT NULL,
    amount         BIGINT       NOT NULL COMMENT 'minor unit',
    status         ENUM('DONE', 'CANCELLED') NOT NULL,
    at             DATETIME(6)  NOT NULL,
    cancelled_at   DATETIME(6) COMMENT 'when it was refunded',
    -- A refund's change.
    PRIMARY KEY (concert_id, payment_id),
    -- The payment of a reservation, and never two of them.
    UNIQUE KEY payment_reservation (concert_id, reservation_id),
    CONSTRAINT payment_amount CHECK (amount BETWEEN 0 AND 9007199254740991),
    CONSTRAINT payment_refund CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'The paying of reservations';
