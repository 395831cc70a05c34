-- Here `queue_due` has those admissions alone that are not over, and stays.
SELECT 1;
