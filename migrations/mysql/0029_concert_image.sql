-- Pictures of concerts, in the database, so that every server has them. Each is named by its content, so that it never changes.
CREATE TABLE IF NOT EXISTS concert_image (
    image_id BINARY(16)  NOT NULL COMMENT 'the first half of the SHA-256 of what was uploaded',
    width    INT         NOT NULL,
    mime     VARCHAR(32) NOT NULL,
    bytes    MEDIUMBLOB  NOT NULL COMMENT 'at most 1 MiB',
    made_at  DATETIME(6) NOT NULL,
    -- A picture in one size.
    PRIMARY KEY (image_id, width),
    CONSTRAINT concert_image_width CHECK (width > 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'Pictures of concerts, in each of their sizes';
