-- What is to be sent, in the transaction of what it tells of, so that a server that is killed has not forgotten it; and what
-- was answered.
CREATE TABLE IF NOT EXISTS webhook_delivery (
    delivery_id BINARY(16)  NOT NULL COMMENT 'UUIDv7',
    webhook_id  BIGINT      NOT NULL,
    event_id    BINARY(16)  NOT NULL COMMENT 'by which the receiver knows a repeated one',
    type        VARCHAR(64) NOT NULL,
    body        TEXT        NOT NULL COMMENT 'JSON',
    made_at     DATETIME(6) NOT NULL,
    tries       INT         NOT NULL DEFAULT 0,
    next_at     DATETIME(6) COMMENT 'NULL when it arrived, or was given up',
    done_at     DATETIME(6),
    answer      VARCHAR(200) COMMENT 'to the last try',
    PRIMARY KEY (delivery_id),
    -- What is due.
    KEY webhook_delivery_due (next_at),
    -- What was sent to a webhook, newest first.
    KEY webhook_delivery_of (webhook_id, delivery_id),
    CONSTRAINT webhook_delivery_tries CHECK (tries >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'What is sent to webhooks';
