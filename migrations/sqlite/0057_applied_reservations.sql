-- How many rows of reservations were written for each sale, which says in what segments they lie.
ALTER TABLE applied ADD COLUMN reservations INTEGER NOT NULL DEFAULT 0 CHECK (reservations >= 0);
