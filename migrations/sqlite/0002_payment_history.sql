-- The ledger of every wallet: what was charged (+), paid (-) and refunded (+). The sum of a user's changes is the
-- balance, and each entry says which balance it left. Entries are numbered per user in the order they were made,
-- which their times alone cannot tell.
CREATE TABLE payment_history (
    user_id       INTEGER NOT NULL,
    entry_no      INTEGER NOT NULL CHECK (entry_no > 0),
    history_id    BLOB    NOT NULL CHECK (length(history_id) = 16),
    type          TEXT    NOT NULL CHECK (type IN ('CHARGE', 'PAYMENT', 'REFUND')),
    amount_change INTEGER NOT NULL,
    balance       INTEGER NOT NULL CHECK (balance BETWEEN 0 AND 9007199254740991),
    at            INTEGER NOT NULL,
    payment_id    BLOB CHECK (length(payment_id) = 16),
    request_id    TEXT,
    PRIMARY KEY (user_id, entry_no), -- a page of a user's history
    CHECK (CASE type WHEN 'CHARGE' THEN amount_change > 0 WHEN 'PAYMENT' THEN amount_change <= 0
           ELSE amount_change >= 0 END),
    CHECK ((type = 'CHARGE') = (payment_id IS NULL)),
    CHECK (request_id IS NULL OR type = 'CHARGE')
) STRICT, WITHOUT ROWID;

-- Where a page of the history begins.
CREATE UNIQUE INDEX payment_history_id ON payment_history (user_id, history_id);

-- The charge that a request made before: a user's request id adds money once.
CREATE UNIQUE INDEX payment_history_request ON payment_history (user_id, request_id)
    WHERE request_id IS NOT NULL;
