-- Who changed what, when, from where, what was before and after. What is of a sale follows from its journal, whose row is
-- named, and is written in the same transaction.
CREATE TABLE operator_log (
    log_id      INTEGER PRIMARY KEY CHECK (log_id > 0),
    concert_id  INTEGER,
    -- The row of the journal that says it, and its place there; NULL for what is of no sale.
    seq         INTEGER,
    nr          INTEGER,
    at          INTEGER NOT NULL,
    operator_id INTEGER,
    -- A token of an operator that is none of ours may name a user instead.
    user_id     INTEGER,
    came_from   TEXT,
    what        TEXT    NOT NULL,
    subject     TEXT,
    was         TEXT    CHECK (json_valid(was)),
    became      TEXT    CHECK (json_valid(became)),
    reason      TEXT,
    CHECK ((seq IS NULL) = (nr IS NULL))
) STRICT;

-- What was changed of a concert, newest first, and never twice for the same event.
CREATE UNIQUE INDEX operator_log_event ON operator_log (concert_id, seq, nr) WHERE seq IS NOT NULL;

-- What is of a concert, newest first.
CREATE INDEX operator_log_concert ON operator_log (concert_id, log_id) WHERE concert_id IS NOT NULL;

-- What an operator did, newest first.
CREATE INDEX operator_log_operator ON operator_log (operator_id, log_id) WHERE operator_id IS NOT NULL;
