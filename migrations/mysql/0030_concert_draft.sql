-- A concert that is still being made. No sale knows of it, so all of it may change, its plan included; a concert comes of it
-- when it is announced.
CREATE TABLE IF NOT EXISTS concert_draft (
    draft_id   BIGINT      NOT NULL AUTO_INCREMENT,
    revision   BIGINT      NOT NULL COMMENT 'counts its changes: who changes it says which one they saw',
    body       LONGTEXT    NOT NULL COMMENT 'JSON: all that was entered',
    plan       LONGBLOB COMMENT 'the file of the seating plan, gzip',
    made_at    DATETIME(6) NOT NULL,
    changed_at DATETIME(6) NOT NULL,
    concert_id INT UNSIGNED COMMENT 'what became of it',
    PRIMARY KEY (draft_id),
    CONSTRAINT concert_draft_revision CHECK (revision >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Concerts that are still being made';
