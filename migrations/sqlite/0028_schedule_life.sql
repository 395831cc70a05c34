-- A performance may be called off or postponed, which fans are told with the reason, and have prices of its own.
ALTER TABLE concert_schedule ADD COLUMN state TEXT NOT NULL DEFAULT 'PLANNED' CHECK (state IN ('PLANNED', 'CALLED_OFF', 'ADDING'));
ALTER TABLE concert_schedule ADD COLUMN prices TEXT CHECK (json_valid(prices));
ALTER TABLE concert_schedule ADD COLUMN reason TEXT;
