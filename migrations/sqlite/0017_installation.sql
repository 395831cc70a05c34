-- Which currency the wallets of this installation are in: a balance in no currency would buy seats in any. The first
-- concert that is stored says which; where older concerts differ, it is the first one's until the operator decides.
CREATE TABLE installation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    currency   TEXT NOT NULL CHECK (length(currency) = 3),
    -- When the operator chose among several; NULL while nobody had to.
    decided_at INTEGER
) STRICT;
