-- How far the rows of places in line, seats and reservations follow their sale's journal, for releases that write them
-- after it. A sale that has no row here is written together with its journal. Whoever claims a sale first brings its
-- rows up to date, and nobody but the writer that is named here may change them meanwhile.
CREATE TABLE IF NOT EXISTS applied (
    concert_id INT UNSIGNED NOT NULL,
    seq        BIGINT       NOT NULL COMMENT 'the last row of the journal that they have',
    writer     BINARY(16)   NOT NULL COMMENT 'who may change them',
    PRIMARY KEY (concert_id),
    CONSTRAINT applied_seq CHECK (seq >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'How far rows follow their sale''s journal';
