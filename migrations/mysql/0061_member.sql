-- Several servers of one database have to know of each other: who lives, and with which key and rules. Each life of a server has a
-- row, which it changes every second; nobody's clock is in it, so that clocks are never compared.
CREATE TABLE IF NOT EXISTS member (
    node_no     INT UNSIGNED    NOT NULL COMMENT 'one life of a server; less than 16777216',
    name        VARCHAR(128)    NOT NULL COMMENT 'cluster.name: the same in each of its lives',
    release_no  VARCHAR(64)     NOT NULL COMMENT 'of the program',
    wire_min    INT UNSIGNED    NOT NULL COMMENT 'what nodes say to each other: the versions that it understands; 0: none',
    wire_max    INT UNSIGNED    NOT NULL,
    beat        BIGINT UNSIGNED NOT NULL COMMENT 'counts on while it lives',
    state       VARCHAR(8)      NOT NULL COMMENT 'UP, DRAINING or STOPPED, which is its last word',
    key_print   VARCHAR(64)     NOT NULL COMMENT 'of the key that signs tokens',
    rules_print VARCHAR(64)     NOT NULL COMMENT 'of the rules that sales have by default',
    sales       INT UNSIGNED    NOT NULL COMMENT 'how many it runs',
    PRIMARY KEY (node_no),
    CONSTRAINT member_state CHECK (state IN ('UP', 'DRAINING', 'STOPPED'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Servers, each of their lives; the newest dead ones stay';
