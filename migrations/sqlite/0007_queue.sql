-- Places in line. `entry_no` is dense in its sale and in the order of joining, so that a line is read in one sweep.
CREATE TABLE queue (
    concert_id  INTEGER NOT NULL,
    entry_no    INTEGER NOT NULL CHECK (entry_no >= 0),
    token       BLOB    NOT NULL CHECK (length(token) = 16),
    user_id     INTEGER NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('WAITING', 'PROGRESS', 'DONE', 'EXPIRED')),
    reason      TEXT CHECK (reason IN ('left', 'away', 'idle', 'time', 'closed')),
    entered_at  INTEGER NOT NULL,
    admitted_at INTEGER,
    expires_at  INTEGER, -- sale time: UTC minus the sale's outages
    ended_at    INTEGER,
    PRIMARY KEY (concert_id, entry_no), -- a batch's changes; the line of a sale at its start
    CHECK ((status = 'EXPIRED') = (reason IS NOT NULL)),
    CHECK ((status IN ('DONE', 'EXPIRED')) = (ended_at IS NOT NULL)),
    CHECK ((admitted_at IS NULL) = (expires_at IS NULL)),
    CHECK (status <> 'WAITING' OR admitted_at IS NULL),
    CHECK (status NOT IN ('PROGRESS', 'DONE') OR admitted_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- Never two live tokens of a user in a sale. Also: has a sale a live token at all?
CREATE UNIQUE INDEX queue_live ON queue (concert_id, user_id) WHERE status IN ('WAITING', 'PROGRESS');

-- Admissions that are over, for the sweep. Joining does not touch it.
CREATE INDEX queue_due ON queue (concert_id, expires_at) WHERE status = 'PROGRESS';

-- The token that a user had last in one sale, or in each.
CREATE INDEX queue_user ON queue (user_id, concert_id, entry_no);

-- What became of a token that has ended; the live ones are in memory, so joining need not write here.
CREATE UNIQUE INDEX queue_ended ON queue (concert_id, token) WHERE status IN ('DONE', 'EXPIRED');
