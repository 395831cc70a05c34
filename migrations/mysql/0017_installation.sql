-- Which currency the wallets of this installation are in: a balance in no currency would buy seats in any. The first
-- concert that is stored says which; where older concerts differ, it is the first one's until the operator decides.
CREATE TABLE IF NOT EXISTS installation (
    id         INT     NOT NULL,
    currency   CHAR(3) NOT NULL COMMENT 'ISO 4217, of every wallet',
    decided_at DATETIME(6) COMMENT 'when the operator chose among several; NULL while nobody had to',
    PRIMARY KEY (id),
    CONSTRAINT installation_one CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'One row: what holds for all concerts';
