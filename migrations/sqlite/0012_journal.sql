-- What happened in each sale, one row a batch, without a hole. A writer adds a row only on top of one that it wrote
-- itself, so a process that was replaced can add nothing more. Rows may be large, so they are kept apart from
-- their key.
CREATE TABLE journal (
    concert_id INTEGER NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    batch_id   BLOB    NOT NULL CHECK (length(batch_id) = 16),
    writer     BLOB    NOT NULL CHECK (length(writer) = 16),
    at         INTEGER NOT NULL,
    events     TEXT    NOT NULL, -- JSON, a list of events
    PRIMARY KEY (concert_id, seq) -- the row below a new one; a sale's journal in its order
) STRICT;
