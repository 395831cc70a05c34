-- A concert that is still being made. No sale knows of it, so all of it may change, its plan included; a concert comes of it
-- when it is announced.
CREATE TABLE concert_draft (
    draft_id   INTEGER PRIMARY KEY CHECK (draft_id > 0),
    -- Of a change of its text: who changes it says which one they saw.
    revision   INTEGER NOT NULL CHECK (revision >= 0),
    body       TEXT    NOT NULL CHECK (json_valid(body)),
    plan       BLOB,
    made_at    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    -- What became of it.
    concert_id INTEGER
) STRICT;
