-- A user's reservations were found by an index in which each new row lay on a page of its own, anywhere among all that ever were.
-- Now rows that are written together lie together there.
ALTER TABLE reservation
    ADD COLUMN /*M! IF NOT EXISTS */ segment INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'of some 16,384 rows of the sale, in the order in which they were written',
    DROP KEY /*M! IF EXISTS */ reservation_user,
    ADD KEY /*M! IF NOT EXISTS */ reservation_segment (concert_id, segment, user_id);
