-- Admissions that are over are found by when they ended, as holds are (0008): ending a token does not touch this index.
ALTER TABLE queue ADD KEY /*M! IF NOT EXISTS */ queue_over (concert_id, expires_at), ALGORITHM = INPLACE, LOCK = NONE;
