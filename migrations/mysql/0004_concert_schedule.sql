-- The performances of a concert.
CREATE TABLE IF NOT EXISTS concert_schedule (
    schedule_id BIGINT       NOT NULL AUTO_INCREMENT,
    concert_id  INT UNSIGNED NOT NULL,
    starts_at   DATETIME(6)  NOT NULL,
    PRIMARY KEY (schedule_id),
    -- A concert's schedules in their order, and whether one is still to come.
    KEY concert_schedule_start (concert_id, starts_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'The performances of a concert';
