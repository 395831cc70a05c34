-- Seats of one schedule held together for one user. REDUNDANT, so that its end finds its place in the row (0006).
CREATE TABLE IF NOT EXISTS reservation (
    concert_id     INT UNSIGNED NOT NULL,
    reservation_id BINARY(16)   NOT NULL COMMENT 'UUIDv8',
    schedule_id    BIGINT       NOT NULL,
    user_id        BIGINT       NOT NULL,
    status         ENUM('TEMP_RESERVED', 'RESERVED', 'EXPIRED', 'CANCELLED') NOT NULL,
    seats          TEXT         NOT NULL COMMENT 'numbers, ascending, with commas; those it had last',
    amount         BIGINT       NOT NULL COMMENT 'minor unit; the sum of the seats',
    opened_at      DATETIME(6)  NOT NULL,
    expires_at     DATETIME(6)  NOT NULL COMMENT 'sale time: UTC minus the outages of the sale',
    ended_at       DATETIME(6),
    best_requests  TEXT COMMENT 'JSON: the "n best seats" requests that it answers',
    -- A batch's changes; one reservation that has ended.
    PRIMARY KEY (concert_id, reservation_id),
    -- A user's reservations, newest first.
    KEY reservation_user (user_id, opened_at),
    -- Holds that were over in some span of time, for the sweep. Ending does not touch it.
    KEY reservation_due (concert_id, expires_at),
    CONSTRAINT reservation_amount CHECK (amount BETWEEN 0 AND 9007199254740991),
    CONSTRAINT reservation_over CHECK (status IN ('TEMP_RESERVED', 'RESERVED') OR ended_at IS NOT NULL),
    CONSTRAINT reservation_held CHECK (status <> 'TEMP_RESERVED' OR ended_at IS NULL)
) ENGINE = InnoDB ROW_FORMAT = REDUNDANT DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Seats held together for one user';
