-- The passkeys by which operators sign in.
CREATE TABLE operator_passkey (
    passkey_id      INTEGER PRIMARY KEY CHECK (passkey_id > 0),
    operator_id     INTEGER NOT NULL,
    credential      BLOB    NOT NULL CHECK (length(credential) BETWEEN 1 AND 1023),
    credential_hash BLOB    NOT NULL CHECK (length(credential_hash) = 32),
    key_state       BLOB    NOT NULL,
    sign_count      INTEGER NOT NULL CHECK (sign_count >= 0),
    name            TEXT    NOT NULL,
    made_at         INTEGER NOT NULL,
    used_at         INTEGER
) STRICT;

-- The passkey of a credential, and never two of them.
CREATE UNIQUE INDEX operator_passkey_credential ON operator_passkey (credential_hash);

-- An operator's passkeys.
CREATE INDEX operator_passkey_operator ON operator_passkey (operator_id);
