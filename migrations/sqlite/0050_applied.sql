-- How far the rows of places in line, seats and reservations follow their sale's journal, for releases that write them
-- after it. A sale that has no row here is written together with its journal. Whoever claims a sale first brings its
-- rows up to date, and nobody but the writer that is named here may change them meanwhile.
CREATE TABLE applied (
    concert_id INTEGER PRIMARY KEY,
    seq        INTEGER NOT NULL CHECK (seq >= 0), -- the last row of the journal that they have
    writer     BLOB    NOT NULL CHECK (length(writer) = 16)
) STRICT;
