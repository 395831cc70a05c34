-- Seats of one schedule held together for one user. Which seats: `concert_seat` while they are held,
-- `reservation_seat` once it has ended or is paid.
CREATE TABLE reservation (
    concert_id     INTEGER NOT NULL,
    reservation_id BLOB    NOT NULL CHECK (length(reservation_id) = 16),
    schedule_id    INTEGER NOT NULL,
    user_id        INTEGER NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('TEMP_RESERVED', 'RESERVED', 'EXPIRED', 'CANCELLED')),
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

-- Holds that are over, for the sweep.
CREATE INDEX reservation_due ON reservation (concert_id, expires_at) WHERE status = 'TEMP_RESERVED';
