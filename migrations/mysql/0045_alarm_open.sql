-- An alarm that goes on says so in a column of its own, so that in every database a key keeps two of them apart.
ALTER TABLE alarms ADD COLUMN /*M! IF NOT EXISTS */
    open_as VARCHAR(140) COMMENT 'kind and subject while it goes on, then NULL', ALGORITHM = INSTANT;
