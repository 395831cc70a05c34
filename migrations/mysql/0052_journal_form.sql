-- The rows of a sale follow its journal from now on, which an older server knows nothing of: it would load rows that are
-- behind, and write on top of what it did not see. So it must be unable to add a row here, and a row of before is told from
-- one of now by its form, which has no default. An address of a guest stands beside the events until the row of the hold has it.
ALTER TABLE journal
    ADD COLUMN /*M! IF NOT EXISTS */ form INT UNSIGNED NOT NULL COMMENT '0: its rows were written with it; 1: they follow',
    ADD COLUMN /*M! IF NOT EXISTS */ guests LONGTEXT COMMENT 'addresses of guests, until applied', ALGORITHM = INSTANT;
