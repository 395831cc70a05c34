-- Every seat of every schedule, and who has it. Label, category and price repeat the drawing for those who read with
-- SQL. In the REDUNDANT format a value of a fixed length takes its place while it is NULL too, so that a seat is held
-- and given back where it stands; otherwise its row would grow, and its page be made anew.
CREATE TABLE IF NOT EXISTS concert_seat (
    concert_id     INT UNSIGNED NOT NULL,
    schedule_id    BIGINT       NOT NULL,
    seat           INT          NOT NULL COMMENT '0, 1, 2, ... in the order of the plan',
    label          VARCHAR(200) NOT NULL,
    category       VARCHAR(200) NOT NULL,
    price          BIGINT       NOT NULL COMMENT 'minor unit',
    status         ENUM('AVAILABLE', 'TEMP_RESERVED', 'RESERVED') NOT NULL DEFAULT 'AVAILABLE',
    reservation_id BINARY(16) COMMENT 'who holds or bought it',
    -- A batch's changes; the seats of a sale at its start.
    PRIMARY KEY (concert_id, schedule_id, seat),
    CONSTRAINT concert_seat_number CHECK (seat >= 0),
    CONSTRAINT concert_seat_price CHECK (price BETWEEN 0 AND 9007199254740991),
    CONSTRAINT concert_seat_holder CHECK ((status = 'AVAILABLE') = (reservation_id IS NULL))
) ENGINE = InnoDB ROW_FORMAT = REDUNDANT DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Every seat of every schedule, and who has it';
