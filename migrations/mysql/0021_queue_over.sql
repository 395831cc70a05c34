-- Admissions that are over, for the sweep, by columns that say the same as the status: one engine cannot compare an ENUM that is
-- in an index with a text. Whoever waits has no `expires_at`, and whoever has ended has an `ended_at`.
ALTER TABLE queue ADD KEY /*M! IF NOT EXISTS */ queue_over (concert_id, ended_at, expires_at), ALGORITHM = INPLACE, LOCK = NONE;
