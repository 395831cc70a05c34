-- A user's reservations are found by an index in which each new row lies on a page of its own, anywhere among all that ever were.
-- In this one rows that are written together lie together.
ALTER TABLE reservation
    ADD COLUMN /*M! IF NOT EXISTS */ segment INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'of some 16,384 rows of the sale, in the order in which they were written',
    ADD KEY /*M! IF NOT EXISTS */ reservation_segment (concert_id, segment, user_id);
