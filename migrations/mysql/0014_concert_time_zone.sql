-- Where a venue's clocks stand: performances are shown in its time, also to those who look from elsewhere. NULL for venues
-- that were stored before this was asked for.
ALTER TABLE concert ADD COLUMN /*M! IF NOT EXISTS */
    time_zone VARCHAR(64) COMMENT 'IANA, of the venue; NULL: not known', ALGORITHM = INSTANT;
