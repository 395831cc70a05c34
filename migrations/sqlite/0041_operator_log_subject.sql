-- Whoever gives money of an order back a second time is told who did it before.

-- What was done to a performance, an order or a seat of a concert, newest first.
CREATE INDEX operator_log_subject ON operator_log (concert_id, subject, log_id) WHERE subject IS NOT NULL;
