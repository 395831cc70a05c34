-- The performances of a concert.
CREATE TABLE concert_schedule (
    schedule_id INTEGER PRIMARY KEY CHECK (schedule_id > 0),
    concert_id  INTEGER NOT NULL,
    starts_at   INTEGER NOT NULL
) STRICT;

-- A concert's schedules in their order, and whether one is still to come.
CREATE INDEX concert_schedule_start ON concert_schedule (concert_id, starts_at);
