-- A venue's drawing with its seats in columns, as gzip'd JSON, shared by the schedules of a concert. It is what
-- labels, neighbours and distances are computed from at every start.
CREATE TABLE venue_layout (
    concert_id INTEGER PRIMARY KEY,
    seats      INTEGER NOT NULL CHECK (seats >= 0),
    layout     BLOB    NOT NULL
) STRICT;
