-- People who run sales, each with a role. Those of an issuer of access tokens whose tokens name roles are here by their subject.
CREATE TABLE operators (
    operator_id INTEGER PRIMARY KEY CHECK (operator_id > 0),
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL CHECK (role IN ('owner', 'manager', 'box_office', 'viewer', 'door')),
    disabled_at INTEGER,
    made_at     INTEGER NOT NULL,
    issuer      TEXT,
    subject     TEXT,
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT;

-- The operator of an issuer's subject, and never two of them.
CREATE UNIQUE INDEX operators_subject ON operators (issuer, subject) WHERE issuer IS NOT NULL;
