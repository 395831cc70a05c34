-- What is to be sent, in the transaction of what it tells of, so that a server that is killed has not forgotten it; and what
-- was answered.
CREATE TABLE webhook_delivery (
    delivery_id BLOB    NOT NULL PRIMARY KEY CHECK (length(delivery_id) = 16),
    webhook_id  INTEGER NOT NULL,
    event_id    BLOB    NOT NULL CHECK (length(event_id) = 16),
    type        TEXT    NOT NULL,
    body        TEXT    NOT NULL CHECK (json_valid(body)),
    made_at     INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- NULL when it arrived, or was given up.
    next_at     INTEGER,
    done_at     INTEGER,
    answer      TEXT
) STRICT, WITHOUT ROWID;

-- What is due.
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_at) WHERE next_at IS NOT NULL;

-- What was sent to a webhook, newest first.
CREATE INDEX webhook_delivery_of ON webhook_delivery (webhook_id, delivery_id);
