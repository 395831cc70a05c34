-- The passkeys by which operators sign in.
CREATE TABLE IF NOT EXISTS operator_passkey (
    passkey_id      BIGINT          NOT NULL AUTO_INCREMENT,
    operator_id     BIGINT          NOT NULL,
    credential      VARBINARY(1023) NOT NULL COMMENT 'the authenticator''s id of it',
    credential_hash BINARY(32)      NOT NULL COMMENT 'SHA-256, as an id may be too long for an index',
    key_state       VARBINARY(2048) NOT NULL COMMENT 'its public key, and what else a signature is checked by',
    sign_count      BIGINT          NOT NULL,
    name            VARCHAR(100)    NOT NULL,
    made_at         DATETIME(6)     NOT NULL,
    used_at         DATETIME(6),
    PRIMARY KEY (passkey_id),
    -- The passkey of a credential, and never two of them.
    UNIQUE KEY operator_passkey_credential (credential_hash),
    -- An operator's passkeys.
    KEY operator_passkey_operator (operator_id),
    CONSTRAINT operator_passkey_count CHECK (sign_count >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Passkeys of operators';
