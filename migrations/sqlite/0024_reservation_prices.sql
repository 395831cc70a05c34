-- What each of its seats costs, where that is not what the seat cost when it was imported: whoever holds pays what they were
-- shown, whatever becomes of the price.
ALTER TABLE reservation ADD COLUMN prices TEXT;
