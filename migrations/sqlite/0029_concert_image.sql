-- Pictures of concerts, in the database, so that every server has them. Each is named by its content, so that it never changes.
CREATE TABLE concert_image (
    image_id BLOB    NOT NULL CHECK (length(image_id) = 16),
    width    INTEGER NOT NULL CHECK (width > 0),
    mime     TEXT    NOT NULL,
    bytes    BLOB    NOT NULL,
    made_at  INTEGER NOT NULL,
    PRIMARY KEY (image_id, width) -- a picture in one size
) STRICT;
