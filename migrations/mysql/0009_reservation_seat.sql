-- The seats that a reservation had when it was paid, a row each, for those who read with SQL. Not written for one that is
-- held or was given back, so that those cost little: it names its seats itself.
CREATE TABLE IF NOT EXISTS reservation_seat (
    concert_id     INT UNSIGNED NOT NULL,
    reservation_id BINARY(16)   NOT NULL,
    seat           INT          NOT NULL,
    schedule_id    BIGINT       NOT NULL,
    -- The seats of a reservation.
    PRIMARY KEY (concert_id, reservation_id, seat),
    CONSTRAINT reservation_seat_number CHECK (seat >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Seats of reservations that were paid';
