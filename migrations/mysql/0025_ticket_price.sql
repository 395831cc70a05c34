-- What was paid for it, where that is not what the seat cost when it was imported.
ALTER TABLE ticket ADD COLUMN /*M! IF NOT EXISTS */
    price BIGINT COMMENT 'what was paid; NULL: as concert_seat.price', ALGORITHM = INSTANT;
