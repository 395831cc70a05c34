-- What is or was wrong, each from when until when. Of one kind and subject at most one goes on.
CREATE TABLE alarms (
    alarm_id  INTEGER PRIMARY KEY CHECK (alarm_id > 0),
    kind      TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    raised_at INTEGER NOT NULL,
    ended_at  INTEGER,
    facts     TEXT    NOT NULL CHECK (json_valid(facts)),
    seen_by   INTEGER
) STRICT;

-- Those that go on, and never two of the same.
CREATE UNIQUE INDEX alarms_open ON alarms (kind, subject) WHERE ended_at IS NULL;
