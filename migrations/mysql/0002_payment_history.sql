-- The ledger of every wallet: what was charged (+), paid (-) and refunded (+). The sum of a user's changes is the
-- balance, and each entry says which balance it left. Entries are numbered per user in the order they were made,
-- which their times alone cannot tell. A request id is compared byte by byte, hence VARBINARY.
CREATE TABLE IF NOT EXISTS payment_history (
    user_id       BIGINT      NOT NULL,
    entry_no      BIGINT      NOT NULL COMMENT '1, 2, 3, ... of this user',
    history_id    BINARY(16)  NOT NULL COMMENT 'UUIDv7',
    type          ENUM('CHARGE', 'PAYMENT', 'REFUND') NOT NULL,
    amount_change BIGINT      NOT NULL COMMENT 'minor unit; negative for payments',
    balance       BIGINT      NOT NULL COMMENT 'after this entry',
    at            DATETIME(6) NOT NULL,
    payment_id    BINARY(16) COMMENT 'of a payment or a refund',
    request_id    VARBINARY(512) COMMENT 'UTF-8; makes a charge exactly-once',
    -- A page of a user's history.
    PRIMARY KEY (user_id, entry_no),
    -- Where a page of the history begins.
    UNIQUE KEY payment_history_id (user_id, history_id),
    -- The charge that a request made before: a user's request id adds money once.
    UNIQUE KEY payment_history_request (user_id, request_id),
    CONSTRAINT payment_history_number CHECK (entry_no > 0),
    CONSTRAINT payment_history_balance CHECK (balance BETWEEN 0 AND 9007199254740991),
    CONSTRAINT payment_history_sign CHECK (
        (type = 'CHARGE' AND amount_change > 0) OR (type = 'PAYMENT' AND amount_change <= 0)
        OR (type = 'REFUND' AND amount_change >= 0)),
    CONSTRAINT payment_history_payment CHECK ((type = 'CHARGE') = (payment_id IS NULL)),
    CONSTRAINT payment_history_charge CHECK (request_id IS NULL OR type = 'CHARGE')
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'The ledger of every wallet';
