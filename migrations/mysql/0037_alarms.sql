-- What is or was wrong, each from when until when. Of one kind and subject at most one goes on.
CREATE TABLE IF NOT EXISTS alarms (
    alarm_id  BIGINT       NOT NULL AUTO_INCREMENT,
    kind      VARCHAR(32)  NOT NULL,
    subject   VARCHAR(100) NOT NULL COMMENT 'which sale or part of the server',
    raised_at DATETIME(6)  NOT NULL,
    ended_at  DATETIME(6),
    facts     TEXT         NOT NULL COMMENT 'JSON: the figures that raised it',
    seen_by   BIGINT COMMENT 'the operator',
    PRIMARY KEY (alarm_id),
    -- Those that go on.
    KEY alarms_open (ended_at, alarm_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'What is or was wrong';
