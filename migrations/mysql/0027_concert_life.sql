-- What the page of a concert says besides its title; from when on nobody runs its sale any more; and whether it is but a
-- rehearsal of another one.
ALTER TABLE concert
    ADD COLUMN /*M! IF NOT EXISTS */ about TEXT COMMENT 'JSON: what its page says',
    ADD COLUMN /*M! IF NOT EXISTS */ archived_at DATETIME(6) COMMENT 'from then on nobody runs it',
    ADD COLUMN /*M! IF NOT EXISTS */ rehearsal_of INT UNSIGNED COMMENT 'the concert that this is a hidden copy of',
    ALGORITHM = INSTANT;
