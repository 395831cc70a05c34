-- People who buy, and their wallets. The balance is kept beside the ledger that proves it, so that a batch reads
-- one row a user; `ledger_entries` counts that ledger, so that its entries can be numbered without a hole.
CREATE TABLE users (
    user_id        INTEGER PRIMARY KEY CHECK (user_id > 0),
    name           TEXT    NOT NULL,
    balance        INTEGER NOT NULL DEFAULT 0 CHECK (balance BETWEEN 0 AND 9007199254740991),
    ledger_entries INTEGER NOT NULL DEFAULT 0 CHECK (ledger_entries >= 0),
    -- Set for users of an external issuer of access tokens.
    issuer         TEXT,
    subject        TEXT,
    created_at     INTEGER NOT NULL, -- UTC, as every time here: milliseconds since 1970
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT;

-- The user of an external issuer's subject, and never two of them.
CREATE UNIQUE INDEX users_subject ON users (issuer, subject) WHERE issuer IS NOT NULL;
