-- Admissions that are over are found by an index of those alone already.
SELECT 1;
