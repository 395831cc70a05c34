-- Tickets for sold seats. A refund voids them; they stay, with the time.
CREATE TABLE IF NOT EXISTS ticket (
    concert_id     INT UNSIGNED NOT NULL,
    ticket_id      BINARY(16)   NOT NULL COMMENT 'UUIDv7',
    payment_id     BINARY(16)   NOT NULL,
    reservation_id BINARY(16)   NOT NULL,
    schedule_id    BIGINT       NOT NULL,
    seat           INT          NOT NULL,
    user_id        BIGINT       NOT NULL,
    code           CHAR(16)     NOT NULL COMMENT 'what its QR code carries; whoever shows it is let in',
    issued_at      DATETIME(6)  NOT NULL,
    cancelled_at   DATETIME(6) COMMENT 'when it was voided',
    valid_seat     INT AS (CASE WHEN cancelled_at IS NULL THEN seat END) STORED COMMENT 'the seat while it is valid',
    -- A refund's changes.
    PRIMARY KEY (concert_id, ticket_id),
    -- Never two valid tickets for a seat.
    UNIQUE KEY ticket_valid (concert_id, schedule_id, valid_seat),
    -- The tickets of a reservation.
    KEY ticket_reservation (concert_id, reservation_id),
    -- A user's tickets, newest first.
    KEY ticket_user (user_id, ticket_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Tickets for sold seats';
