-- Nothing asks for it any more (0021).
ALTER TABLE queue DROP KEY /*M! IF EXISTS */ queue_due, ALGORITHM = INPLACE, LOCK = NONE;
