-- Seats of one schedule held together for one user.
CREATE TABLE reservation (
    concert_id     INTEGER NOT NULL,
    reservation_id BLOB    NOT NULL CHECK (length(reservation_id) = 16),
    schedule_id    INTEGER NOT NULL,
    user_id        INTEGER NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('TEMP_RESERVED', 'RESERVED', 'EXPIRED', 'CANCELLED')),
    seats          TEXT    NOT NULL, -- numbers, ascending, with commas; those it had last
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 9007199254740991),
    opened_at      INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL, -- sale time: UTC minus the sale's outages
    ended_at       INTEGER,
    -- JSON, the "n best seats" requests that it answers: [[request id, count, category or null], ...].
    best_requests  TEXT,
    PRIMARY KEY (concert_id, reservation_id), -- a batch's changes; one reservation that has ended
    CHECK (status IN ('TEMP_RESERVED', 'RESERVED') OR ended_at IS NOT NULL),
    CHECK (status <> 'TEMP_RESERVED' OR ended_at IS NULL)
) STRICT, WITHOUT ROWID;

-- A user's reservations, newest first.
CREATE INDEX reservation_user ON reservation (user_id, opened_at);

-- Holds that were over in some span of time, for the sweep. Ending does not touch it.
CREATE INDEX reservation_due ON reservation (concert_id, expires_at);
