-- Codes are random, so each ticket wrote a page of this index by itself: a tenth of what a sold seat costs with SQLite.
ALTER TABLE ticket DROP KEY /*M! IF EXISTS */ ticket_code, ALGORITHM = INPLACE, LOCK = NONE;
