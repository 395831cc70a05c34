-- A performance may be called off or postponed, which fans are told with the reason, and have prices of its own.
ALTER TABLE concert_schedule
    ADD COLUMN /*M! IF NOT EXISTS */ state VARCHAR(16) NOT NULL DEFAULT 'PLANNED' COMMENT 'PLANNED, CALLED_OFF or ADDING',
    ADD COLUMN /*M! IF NOT EXISTS */ prices TEXT COMMENT 'JSON: by category, where they are not the layout''s',
    ADD COLUMN /*M! IF NOT EXISTS */ reason VARCHAR(500) COMMENT 'why it was called off or postponed',
    ALGORITHM = INSTANT;
