-- The seats that a reservation had when it was paid, a row each, for those who read with SQL. Not written for one that is
-- held or was given back, so that those cost little: it names its seats itself.
CREATE TABLE reservation_seat (
    concert_id     INTEGER NOT NULL,
    reservation_id BLOB    NOT NULL CHECK (length(reservation_id) = 16),
    seat           INTEGER NOT NULL CHECK (seat >= 0),
    schedule_id    INTEGER NOT NULL,
    PRIMARY KEY (concert_id, reservation_id, seat) -- the seats of a reservation
) STRICT, WITHOUT ROWID;
