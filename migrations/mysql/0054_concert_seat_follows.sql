-- Whoever reads this table by SQL sees it about a second late, and should find that where they look for what a table is.
ALTER TABLE /*M! IF EXISTS */ concert_seat
    COMMENT = 'Every seat of every schedule, and who has it; follows the journal, about a second late: see the table applied', ALGORITHM = INPLACE, LOCK = NONE;
