-- What is sold, and with each concert its one sale: what its operator decided, the time it stood still, and which
-- process runs it. A rule that is NULL is the run's default.
CREATE TABLE IF NOT EXISTS concert (
    concert_id                INT UNSIGNED NOT NULL AUTO_INCREMENT,
    title                     VARCHAR(500) NOT NULL,
    venue                     VARCHAR(500) NOT NULL,
    currency                  CHAR(3)      NOT NULL COMMENT 'ISO 4217',
    state                     ENUM('SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED') NOT NULL,
    opens_at                  DATETIME(6),
    message                   TEXT COMMENT 'shown to every fan',
    capacity                  BIGINT COMMENT 'how many may be admitted at a time',
    hold_ttl_ms               BIGINT,
    admission_ttl_ms          BIGINT,
    idle_ttl_ms               BIGINT,
    away_ttl_ms               BIGINT,
    seats_per_reservation_max BIGINT,
    cancel_before_start_ms    BIGINT,
    outage_ms                 BIGINT       NOT NULL DEFAULT 0 COMMENT 'sale time is UTC minus this',
    heartbeat_at              DATETIME(6) COMMENT 'when the sale was last known to run; NULL before the first time',
    writer                    BINARY(16) COMMENT 'the process that runs it; NULL when it was given free',
    created_at                DATETIME(6)  NOT NULL,
    PRIMARY KEY (concert_id),
    -- A process's own sales, for its heartbeat.
    KEY concert_writer (writer),
    CONSTRAINT concert_capacity CHECK (capacity >= 0),
    CONSTRAINT concert_hold CHECK (hold_ttl_ms >= 0),
    CONSTRAINT concert_admission CHECK (admission_ttl_ms >= 0),
    CONSTRAINT concert_idle CHECK (idle_ttl_ms >= 0),
    CONSTRAINT concert_away CHECK (away_ttl_ms >= 0),
    CONSTRAINT concert_seats CHECK (seats_per_reservation_max >= 0),
    CONSTRAINT concert_cancel CHECK (cancel_before_start_ms >= 0),
    CONSTRAINT concert_outage CHECK (outage_ms >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'What is sold, each with its sale';
