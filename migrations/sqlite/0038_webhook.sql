-- Where alarms are sent to. While a secret is exchanged for another one, both sign.
CREATE TABLE webhook (
    webhook_id INTEGER PRIMARY KEY CHECK (webhook_id > 0),
    url        TEXT    NOT NULL,
    secret     BLOB    NOT NULL,
    old_secret BLOB,
    old_until  INTEGER,
    types      TEXT    NOT NULL CHECK (json_valid(types)),
    made_at    INTEGER NOT NULL,
    stopped_at INTEGER,
    CHECK ((old_secret IS NULL) = (old_until IS NULL))
) STRICT;
