-- A user's reservations are found by an index in which each new row lies on a page of its own, anywhere among all that ever were:
-- the more there are, the more has to be written for each. In this one rows that are written together lie together.
ALTER TABLE reservation ADD COLUMN segment INTEGER NOT NULL DEFAULT 0 CHECK (segment BETWEEN 0 AND 999);
CREATE INDEX reservation_segment ON reservation (concert_id, segment, user_id);
