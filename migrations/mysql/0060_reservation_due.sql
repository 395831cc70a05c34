-- Only the embedded database has indexes of a part of the rows.
SELECT 1;
