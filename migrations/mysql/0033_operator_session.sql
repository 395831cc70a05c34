-- Where operators are signed in. Of the token only its hash is kept; a session ends when it is idle, old, ended by somebody, or
-- its operator is disabled.
CREATE TABLE IF NOT EXISTS operator_session (
    session_id  BIGINT      NOT NULL AUTO_INCREMENT,
    secret      BINARY(32)  NOT NULL COMMENT 'SHA-256 of the token',
    operator_id BIGINT      NOT NULL,
    way         VARCHAR(16) NOT NULL COMMENT 'link or passkey',
    made_at     DATETIME(6) NOT NULL,
    seen_at     DATETIME(6) NOT NULL,
    expires_at  DATETIME(6) NOT NULL,
    ended_at    DATETIME(6),
    made_from   VARCHAR(64) COMMENT 'the address',
    device      VARCHAR(200) COMMENT 'what the browser calls itself',
    PRIMARY KEY (session_id),
    -- The session of a token.
    UNIQUE KEY operator_session_secret (secret),
    -- An operator's sessions, newest first.
    KEY operator_session_operator (operator_id, session_id),
    CONSTRAINT operator_session_way CHECK (way IN ('link', 'passkey'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Where operators are signed in';
