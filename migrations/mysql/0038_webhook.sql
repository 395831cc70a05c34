-- Where alarms are sent to. While a secret is exchanged for another one, both sign.
CREATE TABLE IF NOT EXISTS webhook (
    webhook_id BIGINT        NOT NULL AUTO_INCREMENT,
    url        VARCHAR(2000) NOT NULL,
    secret     VARBINARY(64) NOT NULL,
    old_secret VARBINARY(64),
    old_until  DATETIME(6) COMMENT 'until then both sign',
    types      TEXT          NOT NULL COMMENT 'JSON: a list of what is sent',
    made_at    DATETIME(6)   NOT NULL,
    stopped_at DATETIME(6),
    PRIMARY KEY (webhook_id),
    CONSTRAINT webhook_exchange CHECK ((old_secret IS NULL) = (old_until IS NULL))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Where alarms are sent to';
