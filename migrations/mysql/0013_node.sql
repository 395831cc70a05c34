-- The processes that run or ran sales, each under the writer id that the sales name.
CREATE TABLE IF NOT EXISTS node (
    writer       BINARY(16)  NOT NULL,
    started_at   DATETIME(6) NOT NULL,
    heartbeat_at DATETIME(6) NOT NULL,
    stopped_at   DATETIME(6) COMMENT 'set when it stopped in good order',
    PRIMARY KEY (writer)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Processes that run or ran sales';
