-- How a sale went, a row every ten seconds, so that the night can be looked at tomorrow. Older rows are put together to longer
-- spans.
CREATE TABLE sale_figures (
    concert_id INTEGER NOT NULL,
    at         INTEGER NOT NULL, -- the end of the span
    span_s     INTEGER NOT NULL CHECK (span_s > 0),
    figures    TEXT    NOT NULL CHECK (json_valid(figures)),
    PRIMARY KEY (concert_id, at) -- a sale's night in its order
) STRICT, WITHOUT ROWID;
