-- Nothing asks for it any more (0021), each end of a token changed it, and one engine cannot compare an ENUM that is in an
-- index with a text.
ALTER TABLE queue DROP KEY /*M! IF EXISTS */ queue_due, ALGORITHM = INPLACE, LOCK = NONE;
