-- What happened in each sale, one row a batch, without a hole. A writer adds a row only on top of one that it wrote
-- itself, so a process that was replaced can add nothing more.
CREATE TABLE IF NOT EXISTS journal (
    concert_id INT UNSIGNED NOT NULL,
    seq        BIGINT       NOT NULL COMMENT '0, 1, 2, ... of this sale',
    batch_id   BINARY(16)   NOT NULL,
    writer     BINARY(16)   NOT NULL COMMENT 'the process that wrote it',
    at         DATETIME(6)  NOT NULL,
    events     LONGTEXT     NOT NULL COMMENT 'JSON, a list of events',
    -- The row below a new one; a sale's journal in its order.
    PRIMARY KEY (concert_id, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'What happened in each sale, one row a batch';
