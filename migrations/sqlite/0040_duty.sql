-- What one server does for all of them. A holder that is lost is followed by another one when its time is over; clocks may
-- differ, so whoever holds a duty still claims each single thing of it.
CREATE TABLE duty (
    name   TEXT    NOT NULL PRIMARY KEY,
    holder BLOB CHECK (length(holder) = 16),
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
