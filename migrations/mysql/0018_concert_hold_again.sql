-- A seat whose hold ran out unpaid is not held again by the same user for a while, which the operator of a sale may set.
ALTER TABLE concert ADD COLUMN /*M! IF NOT EXISTS */
    hold_again_after_ms BIGINT COMMENT 'NULL: as the run is configured', ALGORITHM = INSTANT;
