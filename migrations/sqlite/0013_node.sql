-- The processes that run or ran sales, each under the writer id that the sales name.
CREATE TABLE node (
    writer       BLOB    NOT NULL PRIMARY KEY CHECK (length(writer) = 16),
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    -- Set when it stopped in good order.
    stopped_at   INTEGER
) STRICT, WITHOUT ROWID;
