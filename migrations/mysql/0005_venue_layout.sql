-- A venue's drawing with its seats in columns, as gzip'd JSON, shared by the schedules of a concert. It is what
-- labels, neighbours and distances are computed from at every start.
CREATE TABLE IF NOT EXISTS venue_layout (
    concert_id INT UNSIGNED NOT NULL,
    seats      INT          NOT NULL COMMENT 'how many the drawing has',
    layout     LONGBLOB     NOT NULL COMMENT 'JSON, gzip',
    PRIMARY KEY (concert_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Drawings of venues, one a concert';
