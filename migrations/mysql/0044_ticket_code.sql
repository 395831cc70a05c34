-- Whoever stands at the door with a code that is refused is asked what it says: the ticket of a code.
ALTER TABLE ticket ADD KEY /*M! IF NOT EXISTS */ ticket_code (code), ALGORITHM = INPLACE, LOCK = NONE;
