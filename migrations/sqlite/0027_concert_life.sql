-- What the page of a concert says besides its title; from when on nobody runs its sale any more; and whether it is but a
-- rehearsal of another one.
ALTER TABLE concert ADD COLUMN about TEXT CHECK (json_valid(about));
ALTER TABLE concert ADD COLUMN archived_at INTEGER;
ALTER TABLE concert ADD COLUMN rehearsal_of INTEGER;
