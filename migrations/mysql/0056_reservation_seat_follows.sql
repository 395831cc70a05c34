-- Whoever reads this table by SQL sees it about a second late, and should find that where they look for what a table is.
ALTER TABLE /*M! IF EXISTS */ reservation_seat
    COMMENT = 'Seats of reservations that were paid; follows the journal, about a second late: see the table applied', ALGORITHM = INPLACE, LOCK = NONE;
