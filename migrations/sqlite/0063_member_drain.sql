-- Somebody who is no server may wish one to give its sales away, and wants to see which servers hear each other.
ALTER TABLE member ADD COLUMN is_to_drain INTEGER NOT NULL DEFAULT 0 CHECK (is_to_drain IN (0, 1));
ALTER TABLE member ADD COLUMN hears INTEGER NOT NULL DEFAULT 0 CHECK (hears >= 0);
