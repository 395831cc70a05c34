-- Whoever bought a seat may be given another one, with another ticket in the place of the first.
ALTER TABLE ticket
    ADD COLUMN /*M! IF NOT EXISTS */ moved_from INT COMMENT 'the seat of the ticket in whose place it was given',
    ADD COLUMN /*M! IF NOT EXISTS */ moved_to INT COMMENT 'the seat of the ticket that was given in its place',
    ALGORITHM = INSTANT;
