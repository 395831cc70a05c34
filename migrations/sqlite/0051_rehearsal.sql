-- What the last rehearsal of each concert found: whoever asks another server, or comes back after a restart, reads it all the
-- same. Nothing else of a rehearsal is left.
CREATE TABLE rehearsal (
    concert_id INTEGER NOT NULL PRIMARY KEY,
    began_at   INTEGER NOT NULL,
    body       TEXT    NOT NULL CHECK (json_valid(body))
) STRICT;
