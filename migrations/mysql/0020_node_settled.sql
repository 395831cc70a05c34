-- Whoever finds out what became of a commit writes here, so that the finding is durable only together with what was found:
-- a row may be seen while its own commit waits for the disk.
ALTER TABLE node ADD COLUMN /*M! IF NOT EXISTS */
    settled BIGINT NOT NULL DEFAULT 0 COMMENT 'how often an unknown outcome was found out', ALGORITHM = INSTANT;
