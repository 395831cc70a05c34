-- What each of its seats costs, where that is not what the seat cost when it was imported: whoever holds pays what they were
-- shown, whatever becomes of the price.
ALTER TABLE reservation ADD COLUMN /*M! IF NOT EXISTS */
    prices TEXT COMMENT 'numbers with commas, as `seats`; NULL: as concert_seat.price', ALGORITHM = INSTANT;
