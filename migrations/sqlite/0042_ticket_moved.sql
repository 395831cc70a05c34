-- Whoever bought a seat may be given another one, with another ticket in the place of the first: the seat of the ticket before
-- it, and that of the one after it.
ALTER TABLE ticket ADD COLUMN moved_from INTEGER CHECK (moved_from >= 0);
ALTER TABLE ticket ADD COLUMN moved_to INTEGER CHECK (moved_to >= 0);
