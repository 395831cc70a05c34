-- People who buy, and their wallets. The balance is kept beside the ledger that proves it, so that a batch reads
-- one row a user; `ledger_entries` counts that ledger, so that its entries can be numbered without a hole.
CREATE TABLE IF NOT EXISTS users (
    user_id        BIGINT       NOT NULL AUTO_INCREMENT,
    name           VARCHAR(512) NOT NULL,
    balance        BIGINT       NOT NULL DEFAULT 0 COMMENT 'minor unit; the sum of payment_history',
    ledger_entries BIGINT       NOT NULL DEFAULT 0 COMMENT 'how many rows payment_history has of this user',
    issuer         VARBINARY(512) COMMENT 'UTF-8; of an external issuer of access tokens',
    subject        VARBINARY(512) COMMENT 'UTF-8; who the user is to that issuer',
    created_at     DATETIME(6)  NOT NULL COMMENT 'UTC, as every time unless it says otherwise',
    PRIMARY KEY (user_id),
    -- The user of an external issuer's subject, and never two of them.
    UNIQUE KEY users_subject (issuer, subject),
    CONSTRAINT users_balance CHECK (balance BETWEEN 0 AND 9007199254740991),
    CONSTRAINT users_ledger CHECK (ledger_entries >= 0),
    CONSTRAINT users_external CHECK ((issuer IS NULL) = (subject IS NULL))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'People who buy, and their wallets';
