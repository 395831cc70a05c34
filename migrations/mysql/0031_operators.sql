-- People who run sales, each with a role. Those of an issuer of access tokens whose tokens name roles are here by their subject.
CREATE TABLE IF NOT EXISTS operators (
    operator_id BIGINT       NOT NULL AUTO_INCREMENT,
    name        VARCHAR(200) NOT NULL,
    role        VARCHAR(16)  NOT NULL COMMENT 'owner, manager, box_office, viewer or door',
    disabled_at DATETIME(6),
    made_at     DATETIME(6)  NOT NULL,
    issuer      VARBINARY(512) COMMENT 'UTF-8; of an external issuer of access tokens',
    subject     VARBINARY(512) COMMENT 'UTF-8; who the operator is to that issuer',
    PRIMARY KEY (operator_id),
    -- The operator of an issuer's subject, and never two of them.
    UNIQUE KEY operators_subject (issuer, subject),
    CONSTRAINT operators_role CHECK (role IN ('owner', 'manager', 'box_office', 'viewer', 'door')),
    CONSTRAINT operators_external CHECK ((issuer IS NULL) = (subject IS NULL))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'People who run sales';
