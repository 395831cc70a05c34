-- The rows of a sale follow its journal from now on, which an older server knows nothing of: it would load rows that are
-- behind. No other server runs beside one with this database; a row that an older program added (an import) is told by its form, and
-- all of that sale was written with it. An address of a guest stands beside the events until the row of the hold has it.
ALTER TABLE journal ADD COLUMN form INTEGER NOT NULL DEFAULT 0 CHECK (form >= 0); -- 0: its rows were written with it; 1: they follow
ALTER TABLE journal ADD COLUMN guests TEXT; -- JSON, addresses of guests, until applied
