-- Who changed what, when, from where, what was before and after. What is of a sale follows from its journal, whose row is
-- named, and is written in the same transaction.
CREATE TABLE IF NOT EXISTS operator_log (
    log_id      BIGINT      NOT NULL AUTO_INCREMENT,
    concert_id  INT UNSIGNED,
    seq         BIGINT COMMENT 'the row of the journal that says it; NULL for what is of no sale',
    nr          INT COMMENT 'its place there',
    at          DATETIME(6) NOT NULL,
    operator_id BIGINT,
    user_id     BIGINT COMMENT 'whom the token named, if that is no operator of ours',
    came_from   VARCHAR(64) COMMENT 'the address',
    what        VARCHAR(32) NOT NULL,
    subject     VARCHAR(100) COMMENT 'which performance, order or operator',
    was         LONGTEXT COMMENT 'JSON',
    became      LONGTEXT COMMENT 'JSON',
    reason      VARCHAR(500),
    PRIMARY KEY (log_id),
    -- Never twice for the same event.
    UNIQUE KEY operator_log_event (concert_id, seq, nr),
    -- What is of a concert, newest first.
    KEY operator_log_concert (concert_id, log_id),
    -- What an operator did, newest first.
    KEY operator_log_operator (operator_id, log_id),
    CONSTRAINT operator_log_place CHECK ((seq IS NULL) = (nr IS NULL))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Who changed what';
