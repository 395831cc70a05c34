-- How a sale went, a row every ten seconds, so that the night can be looked at tomorrow. Older rows are put together to longer
-- spans.
CREATE TABLE IF NOT EXISTS sale_figures (
    concert_id INT UNSIGNED NOT NULL,
    at         DATETIME(6)  NOT NULL COMMENT 'the end of the span',
    span_s     INT          NOT NULL,
    figures    TEXT         NOT NULL COMMENT 'JSON',
    -- A sale's night in its order.
    PRIMARY KEY (concert_id, at),
    CONSTRAINT sale_figures_span CHECK (span_s > 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'How sales went';
