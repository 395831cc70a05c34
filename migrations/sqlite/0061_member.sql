-- Several servers of one database have to know of each other: who lives, and with which key and rules. Each life of a server has a
-- row. The embedded database has one server at a time, which counts its lives here, as its connections carry the number.
CREATE TABLE member (
    node_no     INTEGER PRIMARY KEY CHECK (node_no BETWEEN 1 AND 16777215),
    name        TEXT    NOT NULL,
    release_no  TEXT    NOT NULL,
    wire_min    INTEGER NOT NULL CHECK (wire_min >= 0),
    wire_max    INTEGER NOT NULL CHECK (wire_max >= 0),
    beat        INTEGER NOT NULL CHECK (beat >= 0),
    state       TEXT    NOT NULL CHECK (state IN ('UP', 'DRAINING', 'STOPPED')),
    key_print   TEXT    NOT NULL,
    rules_print TEXT    NOT NULL,
    sales       INTEGER NOT NULL CHECK (sales >= 0)
) STRICT;
