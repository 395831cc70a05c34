-- What was paid for it, where that is not what the seat cost when it was imported.
ALTER TABLE ticket ADD COLUMN price INTEGER CHECK (price BETWEEN 0 AND 9007199254740991);
