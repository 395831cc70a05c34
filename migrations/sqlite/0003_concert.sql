-- What is sold, and with each concert its one sale: what its operator decided, the time it stood still, and which
-- process runs it. A rule that is NULL is the run's default.
CREATE TABLE concert (
    concert_id                INTEGER PRIMARY KEY CHECK (concert_id BETWEEN 1 AND 4294967295),
    title                     TEXT    NOT NULL,
    venue                     TEXT    NOT NULL,
    currency                  TEXT    NOT NULL CHECK (length(currency) = 3),
    state                     TEXT    NOT NULL CHECK (state IN ('SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED')),
    opens_at                  INTEGER,
    message                   TEXT,
    capacity                  INTEGER CHECK (capacity >= 0),
    hold_ttl_ms               INTEGER CHECK (hold_ttl_ms >= 0),
    admission_ttl_ms          INTEGER CHECK (admission_ttl_ms >= 0),
    idle_ttl_ms               INTEGER CHECK (idle_ttl_ms >= 0),
    away_ttl_ms               INTEGER CHECK (away_ttl_ms >= 0),
    seats_per_reservation_max INTEGER CHECK (seats_per_reservation_max >= 0),
    cancel_before_start_ms    INTEGER CHECK (cancel_before_start_ms >= 0),
    outage_ms                 INTEGER NOT NULL DEFAULT 0 CHECK (outage_ms >= 0),
    -- When the sale was last known to run; NULL before the first time.
    heartbeat_at              INTEGER,
    -- The process that runs it; NULL when it was given free.
    writer                    BLOB CHECK (length(writer) = 16),
    created_at                INTEGER NOT NULL
) STRICT;

-- A process's own sales, for its heartbeat.
CREATE INDEX concert_writer ON concert (writer) WHERE writer IS NOT NULL;
