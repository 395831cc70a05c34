-- An alarm that goes on says so in a column of its own, so that in every database a key keeps two of them apart.
ALTER TABLE alarms ADD COLUMN open_as TEXT;
