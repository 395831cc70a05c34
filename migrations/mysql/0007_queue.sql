-- Places in line. `entry_no` is dense in its sale and in the order of joining, so that a line is read in one sweep.
-- REDUNDANT, so that an admission and an end find their place in the row (0006).
CREATE TABLE IF NOT EXISTS queue (
    concert_id  INT UNSIGNED NOT NULL,
    entry_no    BIGINT       NOT NULL COMMENT '0, 1, 2, ... in the order of joining',
    token       BINARY(16)   NOT NULL COMMENT 'UUIDv8; whoever has it acts as its user',
    user_id     BIGINT       NOT NULL,
    status      ENUM('WAITING', 'PROGRESS', 'DONE', 'EXPIRED') NOT NULL,
    reason      ENUM('left', 'away', 'idle', 'time', 'closed') COMMENT 'why it is EXPIRED',
    entered_at  DATETIME(6)  NOT NULL,
    admitted_at DATETIME(6),
    expires_at  DATETIME(6) COMMENT 'sale time: UTC minus the outages of the sale',
    ended_at    DATETIME(6),
    live_user   BIGINT AS (CASE WHEN status IN ('WAITING', 'PROGRESS') THEN user_id END) STORED
                COMMENT 'the user while the token is live',
    ended_token BINARY(16) AS (CASE WHEN status IN ('DONE', 'EXPIRED') THEN token END) STORED
                COMMENT 'the token once it has ended',
    -- A batch's changes; the line of a sale at its start.
    PRIMARY KEY (concert_id, entry_no),
    -- Never two live tokens of a user in a sale. Also: has a sale a live token at all?
    UNIQUE KEY queue_live (concert_id, live_user),
    -- The token that a user had last in one sale, or in each.
    KEY queue_user (user_id, concert_id, entry_no),
    -- Admissions that are over, for the sweep.
    KEY queue_due (concert_id, status, expires_at),
    -- What became of a token that has ended; the live ones are in memory, so joining writes at the index's end.
    UNIQUE KEY queue_ended (concert_id, ended_token),
    CONSTRAINT queue_reason CHECK ((status = 'EXPIRED') = (reason IS NOT NULL)),
    CONSTRAINT queue_end CHECK ((status IN ('DONE', 'EXPIRED')) = (ended_at IS NOT NULL)),
    CONSTRAINT queue_admission CHECK ((admitted_at IS NULL) = (expires_at IS NULL)),
    CONSTRAINT queue_waiting CHECK (status <> 'WAITING' OR admitted_at IS NULL),
    CONSTRAINT queue_admitted CHECK (status NOT IN ('PROGRESS', 'DONE') OR admitted_at IS NOT NULL)
) ENGINE = InnoDB ROW_FORMAT = REDUNDANT DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Places in line';
