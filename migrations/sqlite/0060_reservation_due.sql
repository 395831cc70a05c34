-- Whoever looks here asks for holds that are over, or should be. Those that were paid or given back, which are nearly all, need not
-- be found by their deadline: each cost a row here.
DROP INDEX reservation_due;
CREATE INDEX reservation_due ON reservation (concert_id, expires_at) WHERE status = 'TEMP_RESERVED' OR status = 'EXPIRED';
