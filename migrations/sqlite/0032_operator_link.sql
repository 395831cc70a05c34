-- What is spent once: a link that signs an operator in, and the ceremony of a passkey, which another server may finish. Of a
-- secret only its hash is kept.
CREATE TABLE operator_link (
    secret      BLOB    NOT NULL PRIMARY KEY CHECK (length(secret) = 32),
    kind        TEXT    NOT NULL CHECK (kind IN ('sign_in', 'add_passkey', 'use_passkey')),
    operator_id INTEGER,
    state       BLOB,
    expires_at  INTEGER NOT NULL,
    spent_at    INTEGER,
    spent_from  TEXT
) STRICT, WITHOUT ROWID;

-- Those that may be deleted.
CREATE INDEX operator_link_expiry ON operator_link (expires_at);

-- The links of an operator that a new one ends.
CREATE INDEX operator_link_operator ON operator_link (operator_id) WHERE spent_at IS NULL;
