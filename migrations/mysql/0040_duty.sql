-- What one server does for all of them. A holder that is lost is followed by another one when its time is over; clocks may
-- differ, so whoever holds a duty still claims each single thing of it.
CREATE TABLE IF NOT EXISTS duty (
    name   VARCHAR(64) NOT NULL,
    holder BINARY(16) COMMENT 'the process',
    until  DATETIME(6) NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'What one server does for all of them';
