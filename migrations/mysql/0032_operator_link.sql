-- What is spent once: a link that signs an operator in, and the ceremony of a passkey, which another server may finish. Of a
-- secret only its hash is kept.
CREATE TABLE IF NOT EXISTS operator_link (
    secret      BINARY(32)  NOT NULL COMMENT 'SHA-256',
    kind        VARCHAR(16) NOT NULL COMMENT 'sign_in, add_passkey or use_passkey',
    operator_id BIGINT COMMENT 'NULL: whoever has the passkey',
    state       VARBINARY(2048) COMMENT 'of a ceremony',
    expires_at  DATETIME(6) NOT NULL,
    spent_at    DATETIME(6),
    spent_from  VARCHAR(64) COMMENT 'the address',
    PRIMARY KEY (secret),
    -- Those that may be deleted.
    KEY operator_link_expiry (expires_at),
    -- The links of an operator that a new one ends.
    KEY operator_link_operator (operator_id),
    CONSTRAINT operator_link_kind CHECK (kind IN ('sign_in', 'add_passkey', 'use_passkey'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Links that sign in once, and ceremonies of passkeys';
