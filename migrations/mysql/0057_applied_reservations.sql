-- How many rows of reservations were written for each sale, which says in what segments they lie.
ALTER TABLE applied
    ADD COLUMN /*M! IF NOT EXISTS */ reservations BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'rows that were written of reservations',
    ALGORITHM = INSTANT;
