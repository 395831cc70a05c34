-- Tickets for sold seats. A refund voids them; they stay, with the time.
CREATE TABLE ticket (
    concert_id     INTEGER NOT NULL,
    ticket_id      BLOB    NOT NULL CHECK (length(ticket_id) = 16),
    payment_id     BLOB    NOT NULL CHECK (length(payment_id) = 16),
    reservation_id BLOB    NOT NULL CHECK (length(reservation_id) = 16),
    schedule_id    INTEGER NOT NULL,
    seat           INTEGER NOT NULL CHECK (seat >= 0),
    user_id        INTEGER NOT NULL,
    code           TEXT    NOT NULL CHECK (length(code) = 16),
    issued_at      INTEGER NOT NULL,
    cancelled_at   INTEGER,
    PRIMARY KEY (concert_id, ticket_id) -- a refund's changes
) STRICT, WITHOUT ROWID;

-- Never two valid tickets for a seat.
CREATE UNIQUE INDEX ticket_valid ON ticket (concert_id, schedule_id, seat) WHERE cancelled_at IS NULL;

-- The tickets of a reservation.
CREATE INDEX ticket_reservation ON ticket (concert_id, reservation_id);

-- A user's valid tickets, newest first.
CREATE INDEX ticket_user ON ticket (user_id, ticket_id) WHERE cancelled_at IS NULL;
