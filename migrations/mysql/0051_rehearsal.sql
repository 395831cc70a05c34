-- What the last rehearsal of each concert found: whoever asks another server, or comes back after a restart, reads it all the
-- same. Nothing else of a rehearsal is left.
CREATE TABLE IF NOT EXISTS rehearsal (
    concert_id INT UNSIGNED NOT NULL,
    began_at   DATETIME(6)  NOT NULL,
    body       LONGTEXT     NOT NULL COMMENT 'JSON: how it was played, and what it found',
    PRIMARY KEY (concert_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'What the last rehearsal of each concert found';
