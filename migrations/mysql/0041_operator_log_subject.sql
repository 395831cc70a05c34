-- Whoever gives money of an order back a second time is told who did it before. The index serves: what was done to a
-- performance, an order or a seat of a concert, newest first.
ALTER TABLE operator_log
    ADD KEY /*M! IF NOT EXISTS */ operator_log_subject (concert_id, subject, log_id),
    ALGORITHM = INPLACE, LOCK = NONE;
