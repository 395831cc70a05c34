-- A claim names the one that it replaces, so that of two that race one wins: a writer alone may have claimed a sale twice.
ALTER TABLE concert
    ADD COLUMN /*M! IF NOT EXISTS */ epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'the row of the journal that its last claim added',
    ALGORITHM = INSTANT;
