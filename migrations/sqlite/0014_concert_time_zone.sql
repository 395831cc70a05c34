-- Where a venue's clocks stand: performances are shown in its time, also to those who look from elsewhere. NULL for venues
-- that were stored before this was asked for.
ALTER TABLE concert ADD COLUMN time_zone TEXT CHECK (length(time_zone) BETWEEN 1 AND 64);
