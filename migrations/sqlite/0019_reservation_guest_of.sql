-- How many unpaid seats the guests of an address hold has to be known after a restart, too. Kept only of what is held.
ALTER TABLE reservation ADD COLUMN guest_of BLOB CHECK (guest_of IS NULL OR length(guest_of) = 16);
