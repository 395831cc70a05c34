-- Where operators are signed in. Of the token only its hash is kept; a session ends when it is idle, old, ended by somebody, or
-- its operator is disabled.
CREATE TABLE operator_session (
    session_id  INTEGER PRIMARY KEY CHECK (session_id > 0),
    secret      BLOB    NOT NULL CHECK (length(secret) = 32),
    operator_id INTEGER NOT NULL,
    way         TEXT    NOT NULL CHECK (way IN ('link', 'passkey')),
    made_at     INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    made_from   TEXT,
    device      TEXT
) STRICT;

-- The session of a token.
CREATE UNIQUE INDEX operator_session_secret ON operator_session (secret);

-- An operator's sessions, newest first.
CREATE INDEX operator_session_operator ON operator_session (operator_id, session_id);
