-- A user's reservations were found by an index in which each new row lay on a page of its own, anywhere among all that ever were:
-- the more there were, the more had to be written for each. Now rows that are written together lie together there.
ALTER TABLE reservation ADD COLUMN segment INTEGER NOT NULL DEFAULT 0 CHECK (segment BETWEEN 0 AND 999);
DROP INDEX reservation_user;
CREATE INDEX reservation_segment ON reservation (concert_id, segment, user_id);
