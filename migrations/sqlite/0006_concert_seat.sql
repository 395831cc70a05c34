-- Every seat of every schedule, and who has it. Label, category and price repeat the drawing for those who read with SQL.
CREATE TABLE concert_seat (
    concert_id     INTEGER NOT NULL,
    schedule_id    INTEGER NOT NULL,
    seat           INTEGER NOT NULL CHECK (seat >= 0),
    label          TEXT    NOT NULL,
    category       TEXT    NOT NULL,
    price          INTEGER NOT NULL CHECK (price BETWEEN 0 AND 9007199254740991),
    status         TEXT    NOT NULL DEFAULT 'AVAILABLE'
                   CHECK (status IN ('AVAILABLE', 'TEMP_RESERVED', 'RESERVED')),
    reservation_id BLOB CHECK (length(reservation_id) = 16),
    PRIMARY KEY (concert_id, schedule_id, seat), -- a batch's changes; the seats of a sale at its start
    CHECK ((status = 'AVAILABLE') = (reservation_id IS NULL))
) STRICT, WITHOUT ROWID;
